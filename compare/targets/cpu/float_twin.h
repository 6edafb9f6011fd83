// The float twin of a quantised graph: the same layers in float32 with dequantised weights, for
// devices and precisions that have no 8-bit form. Its results differ from the integers' by their
// rounding.
#pragma once

#include <optional>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compare {

struct FloatTwin {
  compiler::Graph graph;
  // By input: how its integers become floats; nothing where the input is float already.
  std::vector<std::optional<compiler::Quant>> inputs;
};

// `graph` as loaded: between quantise and dequantise, or with integer ops. Throws InputError naming
// the node without a float form (a look-up table, int32 sums that leave the graph).
[[nodiscard]] FloatTwin float_twin(const compiler::Graph& graph);

// Integers of the twin's input as float32: (x - zero) * scale.
[[nodiscard]] Tensor dequantise_input(const Tensor& x, const compiler::Quant& quant);

}  // namespace systole::compare
