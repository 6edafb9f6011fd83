// Roots of waits: what the awaited unit did meanwhile and, where it mostly waited itself, what that
// was for, down to work.
//
// A trace says what each unit does in every cycle, not which instruction a wait needed. So a root
// is a statement of shares: of the wait's cycles, the unit that was waited for spent most in this
// class. The graph of causes behind it is what `systole explain` has (docs/why.md).
#pragma once

#include <string>
#include <vector>

#include "traces/read/summary.h"

namespace systole::traces {

// A unit that was waited for, and what most of the wait's cycles went to there, idleness aside.
struct RootLink {
  std::string unit;
  std::string state;  // "busy" or a class of waits; "idle" if it was nothing else
  CycleCount cycles;
  CycleCount idle;  // cycles of the wait in which it was idle
};

// Of each wait the links from the unit that it waited for to the last that is known: one that
// mostly worked, was idle, waits for no unit (a port, the link), or waits for a unit that is in the
// chain already. Empty for a wait for no unit. Reads the trace once more.
[[nodiscard]] std::vector<std::vector<RootLink>> roots_of(const std::string& path,
                                                          const std::vector<TraceWait>& waits);

}  // namespace systole::traces
