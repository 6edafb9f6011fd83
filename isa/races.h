// Races and never-written reads of a program whose structure and ranges are sound (rule T10).
#pragma once

#include "isa/findings.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace systole::isa {

void check_races(const Program& program, const Machine& machine, Findings& findings);

}  // namespace systole::isa
