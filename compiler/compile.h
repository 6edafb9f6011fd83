// Compile: Graph -> verified IR -> passes -> lowering -> schedule -> Program.
#pragma once

#include "compiler/ir/graph.h"
#include "compiler/lower/schedule.h"
#include "isa/machine.h"

namespace systole::compiler {

// Throws InputError naming node, operator and reason: not lowered, float on an int8 machine (shows
// the quantize command), larger than the machine.
[[nodiscard]] isa::Program compile(const Graph& graph, const isa::Machine& machine,
                                   const CompileOptions& options);

// The same, and why the program is as it is.
[[nodiscard]] Compiled compile_explained(const Graph& graph, const isa::Machine& machine,
                                         const CompileOptions& options);

}  // namespace systole::compiler
