// What the host runs: a graph node as an operation of isa/host_ops.def.
#pragma once

#include <optional>

#include "compiler/ir/graph.h"
#include "isa/program.h"

namespace systole::compiler {

// The operation with its attributes (operands, stage and names are left to the caller), or nothing
// if the host has none for the node. `is_float`: its result is.
[[nodiscard]] std::optional<isa::HostStep> host_step(const Node& node, bool is_float);

}  // namespace systole::compiler
