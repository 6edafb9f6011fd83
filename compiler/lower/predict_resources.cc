// Shared resources: link, weight memory and ports, each as the time from which it is free.
#include "compiler/lower/predict_resources.h"

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

constexpr double kPicosecondsInSecond = 1e12;

std::int64_t up(double cycles) { return static_cast<std::int64_t>(std::ceil(cycles)); }

}  // namespace

Granted LinkClock::send(std::int64_t at, std::int64_t bytes) {
  const double begin = std::max(free_, static_cast<double>(at));
  free_ = begin + static_cast<double>(bytes) * cycles_per_byte_;
  return {static_cast<std::int64_t>(begin), up(free_)};
}

MemoryClock::MemoryClock(const isa::Machine& machine)
    : cycle_(kPicosecondsInSecond / static_cast<double>(machine.clock_hertz)),
      bytes_per_second_(static_cast<double>(machine.dram_bytes_per_second)) {
  if (machine.dram_kind == isa::DramKind::kSimple)
    bytes_per_second_ = static_cast<double>(machine.delivered_bytes_per_second());
  if (machine.dram_kind != isa::DramKind::kBanked) return;
  burst_ = static_cast<double>(machine.dram_burst_picoseconds());
  burst_bytes_ = machine.dram_burst_bytes * machine.dram_channels;
  refresh_every_ = static_cast<double>(machine.dram_trefi);
  refresh_ = static_cast<double>(machine.dram_trp + machine.dram_trfc);
  opening_ = static_cast<double>(machine.dram_trcd);
  closing_ = static_cast<double>(machine.dram_trp);
  open_ = static_cast<double>(machine.dram_tras);
}

Granted MemoryClock::tile(std::int64_t at, std::int64_t bytes) {
  const double asked = static_cast<double>(at) * cycle_;
  if (refresh_every_ == 0.0) {
    const double begin = std::max(free_, asked);
    free_ = begin + static_cast<double>(bytes) * kPicosecondsInSecond / bytes_per_second_;
    return {static_cast<std::int64_t>(begin / cycle_), up(free_ / cycle_)};
  }
  free_ = std::max(free_, opened(asked));
  const double begin = free_;
  for (std::int64_t left = ceil_div(bytes, burst_bytes_); left > 0;) {
    const double next = (std::floor(free_ / refresh_every_) + 1.0) * refresh_every_;
    const auto fit = static_cast<std::int64_t>((next - free_) / burst_);
    free_ += static_cast<double>(std::min(left, fit)) * burst_;
    left -= std::min(left, fit);
    if (left > 0) free_ = next + refresh_ + opening_;
  }
  return {static_cast<std::int64_t>(begin / cycle_), up(free_ / cycle_)};
}

// When the first burst can flow of what is asked for at `asked`, if the memory is free.
double MemoryClock::opened(double asked) const {
  const double before = std::floor(asked / refresh_every_) * refresh_every_;
  const double next = before + refresh_every_;
  const bool closed = free_ <= before;  // by a refresh since, or never open
  const double at = asked + (closed ? 0.0 : closing_);
  if (before > 0.0 && at < before + refresh_) return before + refresh_ + opening_;
  return (at + open_ > next ? next + refresh_ : at) + opening_;
}

PortClock::PortClock(const isa::Machine& machine)
    : reads_(static_cast<std::size_t>(machine.unified_buffer_read_ports)),
      writes_(static_cast<std::size_t>(machine.unified_buffer_write_ports)) {}

std::int64_t PortClock::chunk(const Bank& bank, std::int64_t left) {
  return bank.empty() ? left : std::min(left, kChunkRows);
}

Granted PortClock::take(std::int64_t at, const Use& use) {
  const std::int64_t reads = std::min(use.reads, std::ssize(reads_));
  const std::int64_t writes = std::min(use.writes, std::ssize(writes_));
  if (reads == 0 && writes == 0) return {at, at};
  Granted granted{at + 1, 0};
  std::int64_t cycles = 0;
  const auto wait = [&](const Bank& bank, std::int64_t ports, std::int64_t moves) {
    if (ports == 0) return;
    granted.begin = std::max(granted.begin, bank[static_cast<std::size_t>(ports - 1)]);
    cycles = std::max(cycles, ceil_div(use.rows * moves, ports));
  };
  wait(reads_, reads, use.reads);
  wait(writes_, writes, use.writes);
  granted.end = granted.begin + cycles;
  const auto hold = [&](Bank& bank, std::int64_t ports) {
    std::fill_n(bank.begin(), ports, granted.end);
    std::ranges::sort(bank);
  };
  hold(reads_, reads);
  hold(writes_, writes);
  return granted;
}

}  // namespace systole::compiler
