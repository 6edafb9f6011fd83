// Random graphs: float networks of every kind of layer, quantised as `systole quantize` does it,
// and machines that may or may not have room for them.
#pragma once

#include <cstdint>

#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::laws {

struct GraphCase {
  compiler::Graph graph;  // with pairs of quantisers where a product's neighbours can have them
  isa::Machine machine;
  std::int64_t batches = 1;
};

// The same graph without quantisers, and a machine that multiplies bfloat16, one kernel position a
// pass.
[[nodiscard]] GraphCase random_float_case(std::uint64_t seed);

// The same for the same seed everywhere. An image's input is at most `largest_side` pixels a side.
[[nodiscard]] GraphCase random_graph_case(std::uint64_t seed, std::int64_t largest_side = 9);

}  // namespace systole::laws
