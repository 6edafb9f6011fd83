// Planned: the part of a machine that the compiler reads. Machines that agree in it get the same
// program, so that runs which differ elsewhere alone need one compilation.
#pragma once

#include "isa/machine.h"

namespace systole::compiler {

// The machine with tpu_v1's values of whatever the compiler does not read.
[[nodiscard]] isa::Machine planned(isa::Machine machine);

}  // namespace systole::compiler
