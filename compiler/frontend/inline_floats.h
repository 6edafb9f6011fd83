// Inline shapes as float models, for machines that multiply no integers.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The float32 model whose quantised form an inline shape's graph is: weights and biases by their
// scales, a relu where a result's zero point is 0, inputs and results in float32.
[[nodiscard]] Graph inline_floats(Graph graph);

}  // namespace systole::compiler
