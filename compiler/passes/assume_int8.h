// Pass: puts quantise/dequantise pairs with unit scales around float matmuls, for timing only.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Timing does not depend on scales, so a float model can be timed on an int8 machine as if it had
// been quantised. The values that such a graph computes mean nothing.
[[nodiscard]] Graph assume_int8(Graph graph);

}  // namespace systole::compiler
