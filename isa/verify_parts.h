// The verifier's parts, in the order in which they run; each relies on those before it.
#pragma once

#include <cstdint>

#include "isa/findings.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace systole::isa {

// Instructions that a part looks at: it remembers what each did. Repeats that come to the same
// state again after three repetitions cost five, the first three and the last two.
inline constexpr std::int64_t kMostVisited = std::int64_t{1} << 26;
// That there are more.
void add_too_long(Findings& findings);

// The machine against the one compiled for.
void check_requirements(const Program& program, const Machine& machine, Findings& findings);
// halt, repeat, step, layers, stages.
void check_structure(const Program& program, Findings& findings);
// Every operand and every row or byte touched, as executed.
void check_ranges(const Program& program, const Machine& machine, Findings& findings);
// The k-th switch follows the k-th read; tiles read ahead have room.
void check_tiles(const Program& program, const Machine& machine, Findings& findings);
// Never-written reads and races (races.h).

}  // namespace systole::isa
