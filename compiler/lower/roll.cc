// Roll: the period of a row of jobs, and that of its code.
#include "compiler/lower/roll.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "isa/expand.h"
#include "isa/operand.h"

namespace systole::compiler {
namespace {

using isa::Insn;

constexpr std::size_t kMostPeriod = 4'096;  // jobs

// Whether `later` does what `job` does `items` units further on.
bool moved(const Job& job, const Job& later, std::int64_t items) {
  const bool same = job.phase == later.phase && job.items == later.items &&
                    job.copy == later.copy && job.band == later.band &&
                    later.first_item == job.first_item + items;
  return same && std::ranges::equal(job.starts, later.starts,
                                    [&](std::int64_t a, std::int64_t b) { return a + items == b; });
}

// Jobs from the front of which each is the one `period` before it, moved on.
std::size_t periodic(const std::vector<Job>& jobs, std::size_t period) {
  const std::int64_t items = jobs[period].first_item - jobs[0].first_item;
  std::size_t at = period;
  while (at < jobs.size() && moved(jobs[at - period], jobs[at], items)) ++at;
  return at;
}

// An instruction's operands, with the space that each addresses.
struct Operands {
  std::array<std::int64_t, 32> value{};
  std::array<isa::Space, 32> space{};
  std::size_t count = 0;
};

Operands operands_of(const Insn& insn) {
  Operands list;
  const auto add = [&](std::string_view, isa::Operand kind, std::int64_t value) {
    list.value.at(list.count) = value;
    list.space.at(list.count++) = isa::info(kind).space;
  };
  std::visit([&](const auto& one) { one.for_each(add); }, insn);
  return list;
}

// The one host address that an instruction has, if it has any.
std::optional<std::int64_t> host_address(const Insn& insn) {
  const Operands list = operands_of(insn);
  const auto* const end = list.space.begin() + list.count;
  const auto* const at = std::find(list.space.begin(), end, isa::Space::kHost);
  if (at == end) return std::nullopt;
  return list.value.at(static_cast<std::size_t>(at - list.space.begin()));
}

bool fits(isa::Operand kind, std::int64_t value) {
  return value >= isa::operand_range(kind).low && value <= isa::operand_range(kind).high;
}

// What host addresses move by from one instruction to another that is alike but for them.
std::optional<std::int64_t> moved_by(const Insn& from, const Insn& to) {
  if (from == to) return 0;
  if (from.index() != to.index()) return std::nullopt;
  const Operands a = operands_of(from), b = operands_of(to);
  std::optional<std::int64_t> step;
  for (std::size_t i = 0; i < a.count; ++i) {
    const bool host = a.space[i] == isa::Space::kHost;
    const std::int64_t by = b.value[i] - a.value[i];
    if (!host && by != 0) return std::nullopt;
    if (host && step.value_or(by) != by) return std::nullopt;
    if (host) step = by;
  }
  return step;
}

// How far the host addresses within each tensor move from one period to the next.
class TensorSteps {
 public:
  explicit TensorSteps(const isa::Program& program) {
    for (const isa::HostTensor& tensor : program.tensors) {
      add(tensor.address, tensor.address + tensor.bytes());
    }
  }

  // False if others of the tensor move differently.
  bool note(const Insn& insn, std::int64_t step) {
    const std::optional<std::int64_t> address = host_address(insn);
    Range* range = address ? find(*address) : nullptr;
    if (range == nullptr) return step == 0;
    const bool same = range->step.value_or(step) == step;
    range->step = step;
    return same;
  }

  // The instruction as so many periods later.
  [[nodiscard]] Insn later(const Insn& insn, std::int64_t periods) {
    const std::optional<std::int64_t> address = host_address(insn);
    const Range* range = address ? find(*address) : nullptr;
    if (range == nullptr || range->step.value_or(0) == 0) return insn;
    return isa::stepped(insn, isa::step_of_host(*range->step), periods);
  }

 private:
  struct Range {
    std::int64_t begin = 0;
    std::optional<std::int64_t> step;
  };

  // Tensors that share bytes are one range.
  void add(std::int64_t begin, std::int64_t end) {
    if (begin >= end) return;
    auto at = ranges_.upper_bound(begin);
    while (at != ranges_.end() && at->second.begin < end) {
      begin = std::min(begin, at->second.begin);
      end = std::max(end, at->first);
      at = ranges_.erase(at);
    }
    ranges_[end] = {begin, std::nullopt};
  }
  Range* find(std::int64_t address) {
    const auto at = ranges_.upper_bound(address);
    return at == ranges_.end() || at->second.begin > address ? nullptr : &at->second;
  }

  std::map<std::int64_t, Range> ranges_;  // by end
};

// The body of a repeat whose first three repetitions are the code's three parts of equal length.
std::optional<std::vector<Insn>> body_of(std::span<const Insn> three, TensorSteps& steps) {
  const std::size_t length = three.size() / 3;
  std::vector<Insn> body;
  for (std::size_t i = 0; i < length; ++i) {
    const std::optional<std::int64_t> step = moved_by(three[i], three[length + i]);
    if (!step || moved_by(three[length + i], three[2 * length + i]) != step) return std::nullopt;
    if (!fits(isa::Operand::FarStep, *step / isa::kFarStep)) return std::nullopt;
    if (!steps.note(three[i], *step)) return std::nullopt;
    if (*step != 0) body.emplace_back(isa::step_of_host(*step));
    body.push_back(three[i]);
  }
  if (!fits(isa::Operand::Count, static_cast<std::int64_t>(body.size()))) return std::nullopt;
  return body;
}

}  // namespace

std::size_t period_of(const std::vector<Job>& jobs) {
  for (std::size_t period = 1; period < jobs.size() / 2 && period <= kMostPeriod; ++period) {
    if (periodic(jobs, period) * 4 >= jobs.size() * 3) return period;
  }
  return 0;
}

ShortRow shorten(std::vector<Job> jobs, std::size_t periods, std::int64_t together) {
  std::size_t period = period_of(jobs);
  if (period == 0) return {std::move(jobs), 0, 0};
  const std::size_t least = periodic(jobs, period) / period;
  period *= std::clamp<std::size_t>(least / (periods + 2), 1, static_cast<std::size_t>(together));
  const std::size_t alike = periodic(jobs, period) / period;
  if (alike < periods + 2) return {std::move(jobs), 0, 0};
  // Of those alike the last one stays, too: what follows it begins with a whole period.
  const std::size_t left_out = alike - periods - 1;
  const std::int64_t items =
      (jobs[period].first_item - jobs[0].first_item) * static_cast<std::int64_t>(left_out);
  const auto from = jobs.begin() + static_cast<std::ptrdiff_t>(periods * period);
  jobs.erase(from, from + static_cast<std::ptrdiff_t>(left_out * period));
  for (auto job = from; job != jobs.end(); ++job) {
    job->first_item -= items;
    for (std::int64_t& start : job->starts) start -= items;
  }
  for (std::size_t i = 0; i <= periods * period; i += period) jobs[i].begins_period = true;
  return {std::move(jobs), period, static_cast<std::int64_t>(left_out)};
}

bool roll(isa::Program& program, const RowCode& row) {
  std::vector<Insn>& code = program.code;
  const auto mark = [&](std::size_t period) { return row.marks.at(period * row.period); };
  for (std::size_t k = 1; (k + 4) * row.period < row.marks.size(); ++k) {
    const std::size_t begin = mark(k), length = mark(k + 1) - begin, end = mark(k + 3);
    if (length == 0 || mark(k + 2) != begin + 2 * length || end != begin + 3 * length) continue;
    TensorSteps steps(program);
    const auto body = body_of(std::span(code).subspan(begin, 3 * length), steps);
    if (!body || !fits(isa::Operand::Count, row.left_out + 3)) continue;
    const std::vector<Insn> behind(code.begin() + static_cast<std::ptrdiff_t>(end), code.end());
    code.resize(begin);
    code.emplace_back(isa::Repeat{.count = row.left_out + 3, .length = std::ssize(*body)});
    code.insert(code.end(), body->begin(), body->end());
    for (const Insn& insn : behind) code.push_back(steps.later(insn, row.left_out));
    return true;
  }
  return false;
}

}  // namespace systole::compiler
