// Program checks: whether a program's tables agree with each other, whoever made it.
//
// Both readers (.tpu container and text form) pass every program through here, so no later stage
// meets an index or an address outside its table. What the instructions do is verify.h's matter.
#pragma once

#include <string>

#include "isa/program.h"

namespace systole::isa {

// Throws InputError naming `where` and the table entry: counts, sizes, indices, addresses,
// attribute counts of host steps.
void check_program(const Program& program, const std::string& where);

// Whether a host operation takes that many inputs.
[[nodiscard]] bool takes_inputs(HostOp op, std::size_t count);

}  // namespace systole::isa
