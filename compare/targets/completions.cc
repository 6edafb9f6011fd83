// See completions.h.
#include "compare/targets/completions.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/diag.h"
#include "isa/expand.h"

namespace systole::compare {
namespace {

Period period_of(const BatchCompletions& completions, std::int64_t batches) {
  Period period;
  period.batches = batches;
  const std::int64_t half = batches / 2;
  period.cycles = cycles_between(completions, half, batches);
  if (half < 2 || period.cycles <= 0.0) return period;
  const double first = cycles_between(completions, half, half + half / 2);
  period.unsettled = std::abs(first / period.cycles - 1.0);
  return period;
}

}  // namespace

CompletionProbe::CompletionProbe(const isa::Program& program, const isa::Machine& machine)
    : program_(program), machine_(machine) {
  for (const isa::HostTensor& tensor : program.tensors) {
    batch_bytes_[tensor.address] = std::max<std::int64_t>(1, tensor.bytes() / program.batches);
  }
  std::size_t segment = 0;
  isa::for_each_executed(program.code, [&](std::size_t, const isa::Insn& insn) {
    const auto* write = std::get_if<isa::WriteHost>(&insn);
    const bool counts = isa::counts(insn) && isa::queue_of(insn) == isa::Unit::kDmaOut;
    if (counts) writes_.push_back({segment, write != nullptr ? batch_of(write->host) : -1});
    if (std::holds_alternative<isa::Interrupt>(insn)) ++segment;
    return true;
  });
  completions_.assign(segment + 1,
                      std::vector<std::int64_t>(static_cast<std::size_t>(program.batches), 0));
}

std::int64_t CompletionProbe::batch_of(std::int64_t address) const {
  const auto behind = batch_bytes_.upper_bound(address);
  if (behind == batch_bytes_.begin()) return -1;
  const auto& [begin, bytes] = *std::prev(behind);
  return (address - begin) / bytes;
}

void CompletionProbe::slice(const sim::Slice& slice) {
  if (slice.ordinal < 1 || slice.cls != "busy") return;
  if (slice.track != isa::unit_name(isa::Unit::kDmaOut)) return;
  const auto [segment, batch] = writes_.at(static_cast<std::size_t>(slice.ordinal - 1));
  if (batch < 0 || batch >= program_.batches) return;  // no tensor's
  std::int64_t& done = completions_.at(segment).at(static_cast<std::size_t>(batch));
  done = std::max(done, slice.end.value + machine_.link_latency);
}

BatchCompletions CompletionProbe::completions() const {
  BatchCompletions writing;
  for (const std::vector<std::int64_t>& segment : completions_) {
    if (std::ranges::any_of(segment, [](std::int64_t cycle) { return cycle > 0; })) {
      writing.push_back(segment);
    }
  }
  return writing;
}

double cycles_between(const BatchCompletions& completions, std::int64_t from, std::int64_t to) {
  double cycles = 0.0;
  for (const std::vector<std::int64_t>& segment : completions) {
    cycles += static_cast<double>(segment.at(static_cast<std::size_t>(to - 1)) -
                                  segment.at(static_cast<std::size_t>(from - 1)));
  }
  return cycles / static_cast<double>(to - from);
}

Period find_period(const RunBatches& run) {
  Period period;
  for (std::int64_t batches = kBatches; period.batches == 0; batches /= 2) {
    try {
      period = period_of(run(batches), batches);
    } catch (const InputError&) {  // a program of that length is refused
      if (batches == 2) throw;
    }
  }
  if (period.unsettled <= kSettled || period.batches < kBatches) return period;
  try {
    return period_of(run(2 * kBatches), 2 * kBatches);
  } catch (const InputError&) {
    return period;
  }
}

}  // namespace systole::compare
