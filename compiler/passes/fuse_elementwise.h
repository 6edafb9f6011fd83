// Pass: what lies between dequantise and quantise, matrix products aside, becomes one integer op.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// dequantise [-> maps] -> quantise of 8 bits becomes a table, of 16 bits a quantised map; two
// dequantised tensors -> zip [-> relu | clip] -> quantise a quantised zip; dequantise -> average
// pool -> quantise a quantised pool. All quantisations have one scale.
[[nodiscard]] Graph fuse_elementwise(Graph graph);

}  // namespace systole::compiler
