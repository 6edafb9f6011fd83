// Host operations: what one host step computes, a function for each row of isa/host_ops.def.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "isa/program.h"

namespace systole::sim {

[[nodiscard]] std::string_view host_op_name(isa::HostOp op);

// Computes one step on the tensors in `memory` (the whole of a program's host memory; the tensors
// lie within it). Throws InputError naming the step if its operands do not fit the operation.
void run_host_step(const isa::HostStep& step, const std::vector<isa::HostTensor>& tensors,
                   std::span<std::uint8_t> memory);

}  // namespace systole::sim
