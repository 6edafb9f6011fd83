// One pass over the trace; kept are the sums of each column.
#include "traces/read/window.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/diag.h"
#include "traces/read/interner.h"
#include "traces/read/open.h"

namespace systole::traces {
namespace {

constexpr std::size_t kMostStates = 4'096;

class Grid : public TraceListener {
 public:
  Grid(const std::string& path, TraceWindow& window, const std::string& unit)
      : path_(path), window_(window), unit_(unit) {}

  void slice(const sim::Slice& slice) override;
  // Brings units and states into their orders.
  void finish();

 private:
  std::size_t state_of(const TraceState& state);
  void add(WindowCell& cell, std::size_t state, CycleCount cycles) const;

  const std::string& path_;
  TraceWindow& window_;
  const std::string& unit_;
  Interner tracks_;
  std::map<TraceState, std::size_t> states_;
  std::vector<std::vector<WindowCell>> cells_;  // by track
};

std::size_t Grid::state_of(const TraceState& state) {
  const auto [at, is_new] = states_.emplace(state, states_.size());
  if (is_new && states_.size() > kMostStates) {
    throw InputError(path_, "has too many kinds of work", "the instructions of one machine");
  }
  return at->second;
}

void Grid::add(WindowCell& cell, std::size_t state, CycleCount cycles) const {
  const auto found =
      std::ranges::find(cell.states, state, &std::pair<std::size_t, CycleCount>::first);
  if (found != cell.states.end()) {
    found->second += cycles;
  } else {
    cell.states.emplace_back(state, cycles);
  }
}

void Grid::slice(const sim::Slice& slice) {
  if (!unit_.empty() && slice.track != unit_) return;
  const std::size_t track = tracks_.id(slice.track);
  if (cells_.size() <= track) cells_.resize(track + 1);
  std::vector<WindowCell>& cells = cells_[track];
  cells.resize(window_.columns());
  const CyclePoint end = std::min(slice.end, window_.end);
  CyclePoint begin = std::max(slice.begin, window_.begin);
  if (begin >= end) return;
  const bool works = slice.cls == kBusy;
  const std::size_t state = state_of({works, std::string(works ? slice.name : slice.cls)});
  while (begin < end) {
    const std::int64_t column = (begin - window_.begin).value / window_.column.value;
    const CyclePoint next = window_.begin + window_.column * (column + 1);
    const CyclePoint until = std::min(end, next);
    add(cells[static_cast<std::size_t>(column)], state, until - begin);
    begin = until;
  }
}

void Grid::finish() {
  for (const std::size_t track : order_of_units(tracks_.names())) {
    window_.units.push_back(tracks_.name(track));
    window_.cells.push_back(std::move(cells_[track]));
  }
  std::vector<const TraceState*> states;
  for (const auto& [state, id] : states_) states.push_back(&state);
  std::ranges::stable_sort(states, {}, [](const TraceState* s) { return !s->works; });
  std::vector<std::size_t> place(states.size());
  for (std::size_t i = 0; i < states.size(); ++i) {
    place[states_.at(*states[i])] = i;
    window_.states.push_back(*states[i]);
  }
  for (auto& cells : window_.cells) {
    for (WindowCell& cell : cells) {
      for (auto& [state, cycles] : cell.states) state = place[state];
      std::ranges::sort(cell.states);
    }
  }
}

}  // namespace

CycleCount TraceWindow::cycles_of(std::size_t column_index) const {
  const CyclePoint from = begin + column * static_cast<std::int64_t>(column_index);
  return std::min(column, end - from);
}

CycleCount column_width(CycleCount window, std::int64_t columns) {
  const std::int64_t least = ceil_div(window.value, columns);
  for (std::int64_t power = 1;; power *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) {
      if (factor * power >= least) return CycleCount(factor * power);
    }
  }
}

TraceWindow read_window(const std::string& path, CyclePoint begin, CyclePoint end,
                        std::int64_t columns, const std::string& unit) {
  TraceWindow window;
  window.begin = begin;
  window.end = end;
  window.column = column_width(end - begin, columns);
  Grid grid(path, window, unit);
  read_trace(path, grid);
  grid.finish();
  return window;
}

}  // namespace systole::traces
