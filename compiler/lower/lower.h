// Lowering: from a graph of the closed op set to a program: layers, host tensors, host steps, code.
#pragma once

#include "compiler/ir/graph.h"
#include "compiler/lower/schedule.h"
#include "isa/machine.h"

namespace systole::compiler {

// `graph` has been through the passes. Throws InputError as compile() does.
[[nodiscard]] Compiled lower(const Graph& graph, const isa::Machine& machine,
                             const CompileOptions& options, Schedule schedule);

// Whether a job of the least size fits the unified buffer without spilling.
[[nodiscard]] bool fits_buffer(const Graph& graph, const isa::Machine& machine);

}  // namespace systole::compiler
