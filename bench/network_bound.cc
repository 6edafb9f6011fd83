// Network bound: sums by resource, and the recurrence over tiles.
#include "bench/network_bound.h"

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace systole::bench {
namespace {

std::int64_t& at(Loads& loads, Load load) { return loads[static_cast<std::size_t>(load)]; }
std::int64_t at(const Loads& loads, Load load) { return loads[static_cast<std::size_t>(load)]; }

// Tiles over which each row passes when g rows' inputs lie side by side.
std::int64_t tiles_of(const NetworkLayer& layer, std::int64_t g, const isa::Machine& machine) {
  const std::int64_t slices = ceil_div(g * layer.groups * layer.inner, machine.r());
  const std::int64_t columns = ceil_div(g * layer.groups * layer.outer, machine.c());
  return layer.groups == 1 ? slices * columns : std::max(slices, columns);
}

// The least of what g rows in one cost, over all g.
template <typename Cost>
std::int64_t least(const isa::Machine& machine, const Cost& cost) {
  std::int64_t best = cost(1);
  for (std::int64_t g = 2; g <= machine.r(); ++g) best = std::min(best, cost(g));
  return best;
}

// Buffer rows full of bytes, over the ports; 0 ports are no limit.
std::int64_t port_cycles(std::int64_t bytes, std::int64_t ports, const isa::Machine& machine) {
  return ports == 0 ? 0 : ceil_div(ceil_div(bytes, machine.unified_buffer_row_bytes), ports);
}

std::int64_t link_cycles(std::int64_t bytes, std::int64_t rate, const isa::Machine& machine) {
  return static_cast<std::int64_t>(static_cast<double>(bytes) *
                                   static_cast<double>(machine.clock_hertz) /
                                   static_cast<double>(rate));
}

Loads product_loads(const NetworkLayer& layer, const isa::Machine& machine) {
  const std::int64_t rows = layer.rows, outputs = layer.groups * layer.outer;
  const std::int64_t tiles = tiles_of(layer, 1, machine);
  Loads loads{};
  at(loads, Load::kArray) = least(
      machine, [&](std::int64_t g) { return ceil_div(rows, g) * tiles_of(layer, g, machine); });
  at(loads, Load::kWeights) = fetch_cycles(tiles, machine);
  at(loads, Load::kShift) = tiles * machine.r();
  at(loads, Load::kActivation) = least(machine, [&](std::int64_t g) {
    return ceil_div(rows, g) * ceil_div(g * outputs, machine.c());
  });
  at(loads, Load::kWritePorts) =
      port_cycles(rows * outputs, machine.unified_buffer_write_ports, machine);
  return loads;
}

// By layer, in order: as many tiles as it has at the least, which share its rows.
std::vector<std::int64_t> tiles_in_order(const Network& network, const isa::Machine& machine) {
  std::vector<std::int64_t> tiles;
  for (const NetworkLayer& layer : network.layers) {
    if (layer.rows == 0) continue;
    const Loads loads = product_loads(layer, machine);
    const std::int64_t ahead = machine.accumulators_rows;
    const std::int64_t rows =
        std::max(at(loads, Load::kArray), at(loads, Load::kActivation) - ahead);
    const std::int64_t count = tiles_of(layer, 1, machine);
    for (std::int64_t t = 0; t < count; ++t) {
      tiles.push_back(rows * (t + 1) / count - rows * t / count);
    }
  }
  return tiles;
}

}  // namespace

Loads loads_of(const NetworkLayer& layer, const isa::Machine& machine) {
  if (layer.rows > 0) return product_loads(layer, machine);
  Loads loads{};
  at(loads, Load::kReadPorts) =
      port_cycles(layer.read_bytes, machine.unified_buffer_read_ports, machine);
  at(loads, Load::kWritePorts) =
      port_cycles(layer.written_bytes, machine.unified_buffer_write_ports, machine);
  return loads;
}

Loads loads_of(const Network& network, const isa::Machine& machine) {
  Loads sum{};
  for (const NetworkLayer& layer : network.layers) {
    const Loads loads = loads_of(layer, machine);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += loads[i];
  }
  at(sum, Load::kReadPorts) +=
      port_cycles(network.output_bytes, machine.unified_buffer_read_ports, machine);
  at(sum, Load::kWritePorts) +=
      port_cycles(network.input_bytes, machine.unified_buffer_write_ports, machine);
  at(sum, Load::kLinkIn) =
      link_cycles(network.input_bytes, machine.link_in_bytes_per_second, machine);
  at(sum, Load::kLinkOut) =
      link_cycles(network.output_bytes, machine.link_out_bytes_per_second, machine);
  return sum;
}

Load binding(const Loads& loads) {
  return static_cast<Load>(std::max_element(loads.begin(), loads.end()) - loads.begin());
}

std::int64_t period_bound(const Network& network, const isa::Machine& machine) {
  return std::ranges::max(loads_of(network, machine));
}

std::int64_t last_row(const std::vector<std::int64_t>& rows, std::int64_t fetch, std::int64_t depth,
                      std::int64_t shift) {
  std::vector<std::int64_t> started(rows.size());
  std::int64_t fetched = 0, end = 0;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::size_t d = static_cast<std::size_t>(depth);
    fetched = std::max(fetched, k >= d ? started[k - d] : 0) + fetch;
    started[k] = std::max(end, fetched + shift);
    end = started[k] + rows[k];
  }
  return end;
}

std::int64_t latency_bound(const Network& network, const isa::Machine& machine) {
  constexpr std::int64_t kPlanes = 2;  // shadow and active
  const std::int64_t injected =
      machine.dram_latency + last_row(tiles_in_order(network, machine), fetch_cycles(1, machine),
                                      machine.weight_fifo_tiles + kPlanes, machine.r());
  Loads others = loads_of(network, machine);
  at(others, Load::kArray) = 0;
  return std::max(injected + machine.r() + machine.c(), std::ranges::max(others));
}

std::int64_t plain_floor(const Network& network, const isa::Machine& machine) {
  std::int64_t macs = 0;
  for (const NetworkLayer& layer : network.layers) {
    if (layer.rows == 0) continue;
    macs += layer.groups * layer.rows * layer.inner * layer.outer;
  }
  return ceil_div(macs, machine.r() * machine.c());
}

}  // namespace systole::bench
