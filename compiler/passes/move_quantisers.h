// Pass: dequantise nodes move down and quantise nodes up through moves and max pools, so that these
// work on integers and the nodes meet what they can be fused with. No value changes.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

[[nodiscard]] Graph move_quantisers(Graph graph);

}  // namespace systole::compiler
