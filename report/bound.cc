// See bound.h.
#include "report/bound.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace systole::report {

Bound device_bound(const sim::Counters& counters) {
  using sim::Stall;
  const auto in = [&](Stall stall) {
    return counters.matrix.at(static_cast<std::size_t>(stall)).value;
  };
  const std::int64_t compute = in(Stall::kActive);
  const std::int64_t weights = in(Stall::kWeightShift) + in(Stall::kWeightStall);
  const std::int64_t link = in(Stall::kInput) + in(Stall::kOutput);
  const std::int64_t cycles =  // of all matrix units
      std::accumulate(counters.matrix.begin(), counters.matrix.end(), CycleCount(0)).value;
  const auto share = [&](std::int64_t part) {
    return cycles > 0 ? static_cast<double>(part) / static_cast<double>(cycles) : 0.0;
  };
  const auto bounds = std::to_array<Bound>({
      {"compute", "the array is busy", share(compute)},
      {"weights", "the array waits for weight tiles", share(weights)},
      {"link", "the array waits for the host link", share(link)},
      {"latency", "units wait for each other, start up or drain",
       share(cycles - compute - weights - link)},
  });
  return *std::ranges::max_element(bounds, {}, &Bound::share);
}

sim::Counters added_cycles(const sim::Counters& more, const sim::Counters& less) {
  sim::Counters added;
  added.cycles = more.cycles - less.cycles;
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    added.matrix.at(i) = more.matrix.at(i) - less.matrix.at(i);
  }
  return added;
}

}  // namespace systole::report
