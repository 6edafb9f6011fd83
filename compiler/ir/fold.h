// Constant folding by the reference evaluator: one node, and what it costs.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Operations that folding one node may take.
inline constexpr double kMostFoldedWork = 0x1p33;

// The result of a node whose inputs are constants of `graph`; `result` is its type and shape.
[[nodiscard]] Tensor evaluate_node(const Graph& graph, const Node& node, Value result);
// About how many operations that takes for a result of this shape.
[[nodiscard]] double work_of(const Graph& graph, const Node& node, const Shape& result);

}  // namespace systole::compiler
