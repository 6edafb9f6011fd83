// Pass: unsigned bytes become signed ones, since a GPU's matrix units multiply signed by signed.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compare::gpu {

// Each uint8 value v becomes the int8 value v - 128, whose bits are v's with the first one flipped,
// and every zero point, limit and table follows, so real values stay what they were. Inputs and
// outputs keep their types: a table op flips the bit behind an input and before an output.
[[nodiscard]] compiler::Graph signed_graph(compiler::Graph graph);

}  // namespace systole::compare::gpu
