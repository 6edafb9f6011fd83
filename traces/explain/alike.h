// Alike: layers that do the same, each alone on the machine, and what they have in common.
//
// A topology's layers run one after the other: before the next one's first instruction all units
// are done (`interrupt`). Where two of them execute the same instructions, addresses apart, what
// differs in their times is no matter of the layers but of their places in the run: the first finds
// an empty machine, a refresh of the memory falls into one, an instruction into another packet, the
// last one's end is the run's. So what all of them have of a resource is the time of each, and the
// rest is told in a row of its own (docs/why.md).
#pragma once

#include <cstdint>
#include <vector>

#include "isa/program.h"
#include "traces/explain/critical_path.h"

namespace systole::traces {

// What the row of the rest is called.
inline constexpr const char* kPlaceRow = "(start, drain)";

// Groups of two layers or more that are alike, by their numbers.
[[nodiscard]] std::vector<std::vector<std::size_t>> alike_layers(const isa::Program& program);

// Leaves each layer of a group what all of it have in common, by resource; the rest becomes layer
// 0's. Sums stay the run's.
void set_apart(CriticalPath& path, const std::vector<std::vector<std::size_t>>& groups);

}  // namespace systole::traces
