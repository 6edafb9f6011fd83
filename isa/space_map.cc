// SpaceMap: cutting segments and cells.
#include "isa/space_map.h"

#include <algorithm>

namespace systole::isa {

void SpaceMap::book(Cell& cell, bool write, Unit unit, Toucher who) {
  if (!write) {
    cell.readers.at(index(unit)) = who;
    return;
  }
  cell.writer = who;
  cell.writer_unit = unit;
  cell.readers.fill({});
}

SpaceMap::Segments::iterator SpaceMap::cut(std::int64_t row) {
  const auto next = segments_.lower_bound(row);
  if (next != segments_.end() && next->first == row) return next;
  if (next == segments_.begin()) return segments_.emplace_hint(next, row, Cells{});
  return segments_.emplace_hint(next, row, std::prev(next)->second);
}

void SpaceMap::cut_lanes(Cells& cells, std::int64_t begin, std::int64_t end) {
  const bool exact = cells.size() == 1 && cells[0].lane_begin == begin && cells[0].lane_end == end;
  if (exact) return;
  Cells cut;
  std::int64_t filled = begin;  // lanes of [begin, end) that have a cell, up to here
  const auto keep = [&cut](Cell cell, std::int64_t from, std::int64_t to) {
    cell.lane_begin = std::max(cell.lane_begin, from);
    cell.lane_end = std::min(cell.lane_end, to);
    if (cell.lane_begin < cell.lane_end) cut.push_back(cell);
  };
  const auto fill_up_to = [&](std::int64_t lane) {
    Cell empty;
    empty.lane_begin = filled;
    empty.lane_end = lane;
    if (filled < lane) cut.push_back(empty);
    filled = std::max(filled, lane);
  };
  for (const Cell& cell : cells) {
    if (cell.lane_begin >= begin) fill_up_to(std::min(cell.lane_begin, end));
    keep(cell, 0, begin);
    keep(cell, begin, end);
    filled = std::clamp(cell.lane_end, filled, std::max(filled, end));
    keep(cell, end, cell.lane_end);
  }
  fill_up_to(end);
  std::sort(cut.begin(), cut.end(),
            [](const Cell& a, const Cell& b) { return a.lane_begin < b.lane_begin; });
  cells = std::move(cut);
}

}  // namespace systole::isa
