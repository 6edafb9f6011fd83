// Shared resources: link, weight memory and ports, each as the time from which it is free.
#include "compiler/lower/predict_resources.h"

#include <algorithm>
#include <cmath>

#include "base/units.h"

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

MemoryClock::MemoryClock(const isa::Machine& machine) {
  const auto hertz = static_cast<double>(machine.clock_hertz);
  const auto bytes = static_cast<double>(machine.tile_bytes());
  cycles_ = bytes * hertz / static_cast<double>(machine.dram_bytes_per_second);
  if (machine.dram_kind != isa::DramKind::kBanked) return;
  const double cycles_per_picosecond = hertz / kPicosecondsInSecond;
  const std::int64_t bursts =
      ceil_div(machine.tile_bytes(), machine.dram_burst_bytes * machine.dram_channels);
  cycles_ = static_cast<double>(bursts * machine.dram_burst_picoseconds()) * cycles_per_picosecond;
  refresh_every_ = static_cast<double>(machine.dram_trefi) * cycles_per_picosecond;
  refresh_ = static_cast<double>(machine.dram_trp + machine.dram_trfc) * cycles_per_picosecond;
  opening_ = static_cast<double>(machine.dram_trcd) * cycles_per_picosecond;
}

Granted MemoryClock::tile(std::int64_t at) {
  double now = std::max(free_, static_cast<double>(at));
  if (now > free_) now += opening_;
  const double begin = now;
  now += cycles_;
  if (refresh_every_ > 0.0) {
    // The refresh under way at the beginning, if any, and those that the bursts run into.
    const double first = std::floor(begin / refresh_every_);
    if (first > 0.0) now += std::max(0.0, first * refresh_every_ + refresh_ + opening_ - begin);
    for (double next = (first + 1.0) * refresh_every_; next < now; next += refresh_every_)
      now += refresh_ + opening_;
  }
  free_ = now;
  return {static_cast<std::int64_t>(begin), up(now)};
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
