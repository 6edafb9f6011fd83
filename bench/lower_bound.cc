// Lower bound: each resource's busy time, and the fill around it.
#include "bench/lower_bound.h"

#include <algorithm>

#include "base/units.h"
#include "isa/precisions.h"

namespace systole::bench {
namespace {

constexpr std::int64_t kPicosecondsInSecond = 1'000'000'000'000;

// In any stretch of time that holds n whole refresh intervals, n refreshes fall, each of which
// costs tRP + tRFC and the opening of the row after it.
std::int64_t banked_picoseconds(std::int64_t bytes, const isa::Machine& machine) {
  const std::int64_t bursts = ceil_div(bytes, machine.dram_burst_bytes * machine.dram_channels);
  const std::int64_t busy = bursts * machine.dram_burst_picoseconds();
  const std::int64_t lost = machine.dram_trfc + machine.dram_trp + machine.dram_trcd;
  return busy + busy / std::max<std::int64_t>(1, machine.dram_trefi - lost) * lost;
}

// The least of what g pixels in a row cost, over all g.
template <typename Cost>
std::int64_t least(const isa::Machine& machine, const Cost& cost) {
  std::int64_t best = cost(1);
  for (std::int64_t g = 2; g <= machine.r(); ++g) best = std::min(best, cost(g));
  return best;
}

}  // namespace

Resource LowerBound::binding() const {
  return static_cast<Resource>(std::max_element(cycles.begin(), cycles.end()) - cycles.begin());
}

std::int64_t fetch_cycles(std::int64_t tiles, const isa::Machine& machine) {
  const std::int64_t bytes = tiles * isa::tile_bytes(machine);
  const double hertz = static_cast<double>(machine.clock_hertz);
  if (machine.dram_kind == isa::DramKind::kSimple) {
    return static_cast<std::int64_t>(static_cast<double>(bytes) * hertz /
                                     static_cast<double>(machine.dram_bytes_per_second));
  }
  return static_cast<std::int64_t>(static_cast<double>(banked_picoseconds(bytes, machine)) * hertz /
                                   static_cast<double>(kPicosecondsInSecond));
}

LowerBound lower_bound(const ProductShape& shape, const isa::Machine& machine) {
  const std::int64_t r = machine.r(), c = machine.c();
  const std::int64_t rows = shape.rows();
  const std::int64_t tiles = ceil_div(shape.inner(), r) * ceil_div(shape.filters, c);
  const std::int64_t passes = least(machine, [&](std::int64_t g) {
    return ceil_div(rows, g) * ceil_div(g * shape.inner(), r) * ceil_div(g * shape.filters, c);
  });
  const std::int64_t fetch = fetch_cycles(1, machine);
  const std::int64_t ahead = machine.dram_latency + r;  // beside the fetch itself
  const std::int64_t drain = r + c;
  const std::int64_t last_pass = std::min(rows, fetch);  // or the last tile is fetched once more
  const std::int64_t results = least(
      machine, [&](std::int64_t g) { return ceil_div(rows, g) * ceil_div(g * shape.filters, c); });
  const std::int64_t written =
      ceil_div(results * machine.ub_rows_of(std::min(shape.filters, c)),
               std::max<std::int64_t>(1, machine.unified_buffer_write_ports));
  LowerBound bound;
  const auto set = [&](Resource resource, std::int64_t busy) {
    bound.cycles[static_cast<std::size_t>(resource)] = ahead + busy + drain;
  };
  set(Resource::kMatrix, fetch + passes);
  set(Resource::kWeights, fetch_cycles(tiles, machine) + last_pass);
  set(Resource::kShift, fetch + (tiles - 1) * r + last_pass);
  set(Resource::kActivation, fetch + std::max(results, written));
  return bound;
}

std::int64_t buffer_rows(const ProductShape& shape, const isa::Machine& machine) {
  const std::int64_t row_bytes = machine.unified_buffer_row_bytes;
  return shape.images * shape.height * shape.width * ceil_div(shape.channels, row_bytes) +
         shape.rows() * ceil_div(shape.filters, row_bytes);
}

}  // namespace systole::bench
