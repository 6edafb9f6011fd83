// A window of a trace as a drawing in text and as a table.
#pragma once

#include <cstdint>
#include <string>

#include "traces/read/window.h"

namespace systole::report {

// How many columns of the window fit beside the units' names.
inline constexpr std::int64_t kWindowColumns = 64;

// A line a unit, a character a column: capitals are work, small letters waits, '.' is idle; each
// column shows what most of its cycles went to. Below it the letters' meanings.
[[nodiscard]] std::string window_drawing(const traces::TraceWindow& window);
// A row for each column of the drawing at which something changes: what each unit mostly does from
// there on, with its share of the cycles where that is not all.
[[nodiscard]] std::string window_table(const traces::TraceWindow& window);

}  // namespace systole::report
