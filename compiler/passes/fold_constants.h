// Constant folding: nodes whose inputs are all constants become constants.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Run behind the fusion of quantised layers, so that a layer of a constant is computed as the
// machine would compute it. What costs too much or lacks its values stays.
[[nodiscard]] Graph fold_constants(Graph graph);

}  // namespace systole::compiler
