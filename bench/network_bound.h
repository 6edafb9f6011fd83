// Network bound: cycles below which no schedule of a whole network goes, from its layers' shapes
// and the machine alone. Nothing here knows the compiler.
//
//   period   one more batch, back to back: what each resource has to do for one, at the least; the
//            longest
//              array       a product's rows in the cheapest packing (lower_bound.h); of grouped
//                          convolutions no more than rows x the tiles that hold all inputs or all
//                          outputs once
//              weights     each tile fetched once a batch
//              shift       R cycles a tile
//              activation  a row of results a cycle
//              ports       buffer rows, full of bytes: results and what the vector unit and the
//              link
//                          write; what the vector unit and the link read (passes have a port of
//                          their own)
//              link        inputs in, outputs out
//   latency  one batch, cold: tile k is whole at fetched[k] = max(fetched[k-1], started[k-D]) +
//   fetch
//            and in use from started[k] = max(started[k-1] + rows[k-1], fetched[k] + R) on, D =
//            FIFO + planes, in the order of the layers. The array is ahead of activation by the
//            accumulators' rows at most. Before it come the memory's latency, behind it the drain;
//            and it is no shorter than the period's resources but the array.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lower_bound.h"

namespace systole::bench {

// A product of `groups` parts, each of so many inputs and outputs a row; or work of the vector
// unit.
struct NetworkLayer {
  std::string name;
  std::int64_t rows = 0, inner = 0, outer = 0, groups = 1;  // no rows: the vector unit's
  std::int64_t read_bytes = 0, written_bytes = 0;           // of the vector unit
};

struct Network {
  std::vector<NetworkLayer> layers;
  std::int64_t input_bytes = 0, output_bytes = 0;
};

enum class Load : std::uint8_t {
  kArray,
  kWeights,
  kShift,
  kActivation,
  kReadPorts,
  kWritePorts,
  kLinkIn,
  kLinkOut
};
inline constexpr std::array<std::string_view, 8> kLoads = {
    "array", "weights", "shift", "activation", "read ports", "write ports", "link in", "link out"};
using Loads = std::array<std::int64_t, kLoads.size()>;

// Cycles of each resource for one layer of one batch; links and their ports are the network's.
[[nodiscard]] Loads loads_of(const NetworkLayer& layer, const isa::Machine& machine);
// Of all layers, with inputs and outputs.
[[nodiscard]] Loads loads_of(const Network& network, const isa::Machine& machine);

// The longest of them.
[[nodiscard]] Load binding(const Loads& loads);
[[nodiscard]] std::int64_t period_bound(const Network& network, const isa::Machine& machine);
[[nodiscard]] std::int64_t latency_bound(const Network& network, const isa::Machine& machine);
// Multiply-adds / (R C): the array, if nothing were ever padded.
[[nodiscard]] std::int64_t plain_floor(const Network& network, const isa::Machine& machine);

// Of tiles in order, by the rows that pass over each: when the last row is injected, if the first
// fetch is asked for in cycle 0.
[[nodiscard]] std::int64_t last_row(const std::vector<std::int64_t>& rows, std::int64_t fetch,
                                    std::int64_t depth, std::int64_t shift);

}  // namespace systole::bench
