// Pass round_to_bf16: bfloat16 where a machine that multiplies it runs a float model.
#pragma once

#include "compiler/ir/graph.h"
#include "isa/machine.h"

namespace systole::compiler {

// Whether a float graph runs in bfloat16 on the machine, if there is one.
[[nodiscard]] bool rounds_to_bf16(const Graph& graph, const isa::Machine* machine);

// Rounds what products read and make, and what goes along with it (quantise_graph.h), as pairs of
// quantise and dequantise nodes of type bfloat16, which then fuse as those of integers do.
[[nodiscard]] Graph round_to_bf16(Graph graph, const isa::Machine& machine);

}  // namespace systole::compiler
