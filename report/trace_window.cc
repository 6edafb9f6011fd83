// See trace_window.h.
#include "report/trace_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/clean.h"
#include "base/page.h"
#include "report/pieces.h"
#include "report/summary.h"

namespace systole::report {
namespace {

using traces::TraceState;
using traces::TraceWindow;
using traces::WindowCell;

constexpr std::size_t kUnitWidth = 13;  // of a name and a blank
constexpr std::size_t kLeft = 2 + kUnitWidth;
constexpr char kIdle = '.';
constexpr char kNoLetter = '?';    // more states than letters
constexpr std::size_t kTick = 10;  // columns between two labels of the axis

// What most of a cell's cycles went to: a state, or nothing (idle).
struct Most {
  std::optional<std::size_t> state;
  CycleCount cycles;
  bool operator==(const Most&) const = default;
};

Most most_of(const WindowCell& cell, CycleCount cycles) {
  Most most{std::nullopt, cycles};
  for (const auto& [state, count] : cell.states) most.cycles -= count;
  for (const auto& [state, count] : cell.states) {
    if (count >= most.cycles) {
      // Work is told before a wait of as many cycles, and either before idleness.
      const bool tie = count == most.cycles && most.state;
      if (!tie) most = {state, count};
    }
  }
  return most;
}

// A letter of the name's own that is free, else the alphabet's first free one.
char letter_for(const TraceState& state, const std::string& taken) {
  std::string wishes = state.name + "abcdefghijklmnopqrstuvwxyz";
  for (const char c : wishes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || std::isalpha(byte) == 0) continue;
    const auto letter = static_cast<char>(state.works ? std::toupper(byte) : std::tolower(byte));
    if (taken.find(letter) == std::string::npos) return letter;
  }
  return kNoLetter;
}

// What each unit mostly does, column by column.
std::vector<std::vector<Most>> picture_of(const TraceWindow& window) {
  std::vector<std::vector<Most>> picture;
  for (const std::vector<WindowCell>& cells : window.cells) {
    picture.emplace_back();
    for (std::size_t column = 0; column < cells.size(); ++column) {
      picture.back().push_back(most_of(cells[column], window.cycles_of(column)));
    }
  }
  return picture;
}

// By state, kIdle for those that the picture does not show; no letter stands for two.
std::string letters_of(const TraceWindow& window, const std::vector<std::vector<Most>>& picture) {
  std::vector<bool> shown(window.states.size());
  for (const std::vector<Most>& line : picture) {
    for (const Most& most : line) {
      if (most.state) shown[*most.state] = true;
    }
  }
  std::string letters;
  for (std::size_t i = 0; i < window.states.size(); ++i) {
    letters += shown[i] ? letter_for(window.states[i], letters) : kIdle;
  }
  return letters;
}

// The first cycles of every tenth column, and below them where those are; every twentieth where
// the numbers are long.
std::string axis(const TraceWindow& window) {
  const std::size_t longest = grouped(window.end.value).size();
  const std::size_t step = longest < kTick ? kTick : 2 * kTick;
  std::string labels(kLeft, ' '), marks(kLeft, ' ');
  for (std::size_t column = 0; column < window.columns(); column += step) {
    const CyclePoint at = window.begin + window.column * static_cast<std::int64_t>(column);
    labels.resize(kLeft + column, ' ');
    marks.resize(kLeft + column, ' ');
    if (kLeft + column + grouped(at.value).size() > kPageWidth) break;
    labels += grouped(at.value);
    marks += '|';
  }
  labels.erase(labels.find_last_not_of(' ') + 1);
  marks.erase(marks.find_last_not_of(' ') + 1);
  return labels + "\n" + marks + "\n";
}

std::string legend(const TraceWindow& window, const std::string& letters) {
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < window.states.size(); ++i) {
    if (letters[i] == kNoLetter || letters[i] == kIdle) continue;
    pieces.push_back(fmt::format("{} {},", letters[i], clean(window.states[i].name, 40)));
  }
  if (letters.find(kNoLetter) != std::string::npos) pieces.emplace_back("? others,");
  pieces.emplace_back(". idle");
  return "  " + wrapped_pieces(pieces, 2, 2) + "\n";
}

// The units of a part of the table as cells of one row; which units and how wide.
constexpr std::size_t kUnitsAbreast = 3;
constexpr std::size_t kCellWidth = 22;

// What a unit does in a row of the table, and in how many of its cycles.
struct RowCell {
  std::optional<std::size_t> state;
  CycleCount cycles, all;
};

std::string cell_text(const TraceWindow& window, const RowCell& cell) {
  if (!cell.state) return "-";
  const std::string name = clean(window.states[*cell.state].name, 16);
  if (cell.cycles == cell.all) return name;
  return fmt::format("{} {} %", name, 100 * cell.cycles.value / cell.all.value);
}

// What the units mostly do in a column.
std::vector<RowCell> cells_at(const TraceWindow& window, const std::vector<std::size_t>& units,
                              std::size_t column) {
  const CycleCount all = window.cycles_of(column);
  std::vector<RowCell> cells;
  for (const std::size_t u : units) {
    const Most most = most_of(window.cells[u][column], all);
    cells.push_back({most.state, most.cycles, all});
  }
  return cells;
}

std::string row_text(const TraceWindow& window, CyclePoint at, const std::vector<RowCell>& cells) {
  std::string row = fmt::format("  {:>10}", grouped(at.value));
  for (const RowCell& cell : cells) {
    row += fmt::format("  {:<{}}", cell_text(window, cell), kCellWidth - 2);
  }
  row.erase(row.find_last_not_of(' ') + 1);
  return row + "\n";
}

// The part of the table for some units. Columns in which all of them mostly do the same are a row.
std::string table_part(const TraceWindow& window, const std::vector<std::size_t>& units) {
  std::string text = fmt::format("  {:>10}", "from cycle");
  for (const std::size_t u : units) {
    text += fmt::format("  {:<{}}", clean(window.units[u], kCellWidth - 2), kCellWidth - 2);
  }
  text.erase(text.find_last_not_of(' ') + 1);
  text += "\n";
  std::size_t first = 0;
  std::vector<RowCell> row = cells_at(window, units, 0);
  for (std::size_t column = 1; column <= window.columns(); ++column) {
    std::vector<RowCell> next;
    if (column < window.columns()) next = cells_at(window, units, column);
    if (std::ranges::equal(row, next, {}, &RowCell::state, &RowCell::state)) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        row[i].cycles += next[i].cycles;
        row[i].all += next[i].all;
      }
      continue;
    }
    text += row_text(window, window.begin + window.column * static_cast<std::int64_t>(first), row);
    row = std::move(next);
    first = column;
  }
  return text;
}

std::vector<std::size_t> units_at_something(const TraceWindow& window) {
  std::vector<std::size_t> units;
  for (std::size_t u = 0; u < window.units.size(); ++u) {
    const bool any = std::ranges::any_of(
        window.cells[u], [](const WindowCell& cell) { return !cell.states.empty(); });
    if (any) units.push_back(u);
  }
  return units;
}

}  // namespace

std::string window_drawing(const TraceWindow& window) {
  std::string text = wrapped(fmt::format("Cycles {} to {}, {} a column, which shows what most of "
                                         "them went to; capitals are work, small letters waits:",
                                         grouped(window.begin.value), grouped(window.end.value),
                                         grouped(window.column.value)),
                             0, 0) +
                     "\n" + axis(window);
  const std::vector<std::vector<Most>> picture = picture_of(window);
  const std::string letters = letters_of(window, picture);
  for (std::size_t u = 0; u < window.units.size(); ++u) {
    text += fmt::format("  {:<{}}", clean(window.units[u], kUnitWidth - 1), kUnitWidth);
    for (const Most& most : picture[u]) text += most.state ? letters[*most.state] : kIdle;
    text += "\n";
  }
  return text + legend(window, letters);
}

std::string window_table(const TraceWindow& window) {
  const std::vector<std::size_t> units = units_at_something(window);
  if (units.empty()) return "Every unit is idle.\n";
  std::string text =
      wrapped(fmt::format("What each unit mostly does, a row where that changes, in steps of {} "
                          "cycle{} (-: idle):",
                          grouped(window.column.value), window.column == CycleCount(1) ? "" : "s"),
              0, 0) +
      "\n";
  for (std::size_t first = 0; first < units.size(); first += kUnitsAbreast) {
    const std::size_t last = std::min(units.size(), first + kUnitsAbreast);
    if (first > 0) text += "\n";
    text += table_part(window, {units.begin() + static_cast<std::ptrdiff_t>(first),
                                units.begin() + static_cast<std::ptrdiff_t>(last)});
  }
  return text;
}

}  // namespace systole::report
