// Window: what each unit does in a range of cycles, in columns of so many cycles each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traces/read/summary.h"

namespace systole::traces {

// What a unit is at: an instruction, or a wait by its class.
struct TraceState {
  bool works = false;
  std::string name;
  auto operator<=>(const TraceState&) const = default;
};

// One column of one unit. Cycles of no state are idle.
struct WindowCell {
  std::vector<std::pair<std::size_t, CycleCount>> states;  // index into TraceWindow::states
};

struct TraceWindow {
  CyclePoint begin, end;
  CycleCount column;                           // cycles of each, the last may have fewer
  std::vector<TraceState> states;              // work before waits, each in the order of names
  std::vector<std::string> units;              // all of the trace, in the order of units.def
  std::vector<std::vector<WindowCell>> cells;  // by unit and column

  [[nodiscard]] std::size_t columns() const {
    return static_cast<std::size_t>(ceil_div((end - begin).value, column.value));
  }
  // Cycles of a column: `column`, or what is left.
  [[nodiscard]] CycleCount cycles_of(std::size_t column_index) const;
};

// The cycles of a column, so that there are at most `columns`: 1, 2 or 5 times a power of ten.
[[nodiscard]] CycleCount column_width(CycleCount window, std::int64_t columns);

// Reads [begin, end) of a trace in at most `columns` columns; of one unit, or of all if `unit` is
// empty. Throws InputError as read_trace() does.
[[nodiscard]] TraceWindow read_window(const std::string& path, CyclePoint begin, CyclePoint end,
                                      std::int64_t columns, const std::string& unit);

}  // namespace systole::traces
