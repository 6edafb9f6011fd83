// Listing: every executed instruction with the cycles of its life and what it waited for.
#pragma once

#include <string>

#include "isa/program.h"

namespace systole::report {

// Two lines an instruction, in the order of dispatch, of a timing-only run of the program: what it
// is; when it was dispatched, started and was complete, and what the cycles that it waited in its
// queue mostly went to. At most kMostListed instructions, the rest counted.
inline constexpr std::size_t kMostListed = 10'000;
[[nodiscard]] std::string listing(const isa::Program& program, const isa::Machine& machine);

}  // namespace systole::report
