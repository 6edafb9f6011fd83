// SpaceMap: who last wrote each place of an address space, and who has read it since.
//
// Places are cells, rectangles of rows x lanes (one lane where lanes have no meaning). Rows are cut
// into segments at the borders of the accesses seen; a segment holds its cells by lanes. A write
// that covers whole cells melts the segments below it into one, so the map stays as small as what
// is live, and a program of n accesses takes O(n log n) time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "isa/access.h"

namespace systole::isa {

// One executed instruction as others remember it: its index in the code and its place among its
// unit's counted instructions, from 1. ordinal 0: nobody.
struct Toucher {
  std::int32_t insn = -1;
  std::int32_t ordinal = 0;
};

// kUnits: how many units there are numbers for.
template <std::size_t kUnits>
struct Cell {
  std::int64_t lane_begin = 0;
  std::int64_t lane_end = 0;
  Unit writer_unit = Unit::kSequencer;
  Toucher writer;
  std::array<Toucher, kUnits> readers{};  // the latest of each unit since the write
};

template <std::size_t kUnits>
class SpaceMap {
 public:
  using Cell = isa::Cell<kUnits>;

  // Whether each place was last touched by the same instructions as in `before`, numbered as there
  // or, by unit, `sent` higher.
  [[nodiscard]] bool repeats(const SpaceMap& before,
                             const std::array<std::int32_t, kUnits>& sent) const {
    const auto same = [&](const Toucher& now, const Toucher& then, std::size_t unit) {
      return now.insn == then.insn &&
             (now.ordinal == then.ordinal || now.ordinal == then.ordinal + sent.at(unit));
    };
    const auto same_cell = [&](const Cell& now, const Cell& then) {
      bool all = now.lane_begin == then.lane_begin && now.lane_end == then.lane_end &&
                 now.writer_unit == then.writer_unit &&
                 same(now.writer, then.writer, index(now.writer_unit));
      for (std::size_t u = 0; u < kUnits; ++u)
        all = all && same(now.readers[u], then.readers[u], u);
      return all;
    };
    return std::ranges::equal(segments_, before.segments_, [&](const auto& now, const auto& then) {
      return now.first == then.first && std::ranges::equal(now.second, then.second, same_cell);
    });
  }

  // Shows `check(cell)` each cell that the access meets, as it was before, then books the access. A
  // place not touched before is shown as a cell without a writer.
  template <typename Check>
  void touch(const Access& access, Unit unit, Toucher who, Check&& check) {
    const auto first = cut(access.begin);
    const auto last = cut(access.end);
    bool covered = access.write;
    for (auto segment = first; segment != last; ++segment) {
      Cells& cells = segment->second;
      const auto [inside, end] = cut_lanes(cells, access.lane_begin, access.lane_end);
      covered = covered && end - inside == cells.size();
      for (std::size_t i = inside; i < end; ++i) {
        check(static_cast<const Cell&>(cells[i]));
        book(cells[i], access.write, unit, who);
      }
    }
    if (!covered) return;
    segments_.erase(std::next(first), last);
    Cell cell{access.lane_begin, access.lane_end, unit, who, {}};
    first->second.assign(1, cell);
  }

 private:
  using Cells = std::vector<Cell>;                 // by lane, without overlap
  using Segments = std::map<std::int64_t, Cells>;  // by first row; each reaches up to the next

  static void book(Cell& cell, bool write, Unit unit, Toucher who);
  // Makes the cells of a segment start and end at the given lanes and fill all between; returns
  // which these are, [first, end). Those beside are not looked at.
  static std::pair<std::size_t, std::size_t> cut_lanes(Cells& cells, std::int64_t begin,
                                                       std::int64_t end);
  // Whether cells [first, last) are just [begin, end) already.
  static bool is_cut(typename Cells::const_iterator first, typename Cells::const_iterator last,
                     std::int64_t begin, std::int64_t end);
  // The cells [first, last) cut at `begin` and `end`, with cells in the gaps between.
  static Cells cut_pieces(typename Cells::const_iterator first, typename Cells::const_iterator last,
                          std::int64_t begin, std::int64_t end);
  // The segment that starts at `row`, made if needed.
  typename Segments::iterator cut(std::int64_t row);

  Segments segments_;
};

template <std::size_t kUnits>
void SpaceMap<kUnits>::book(Cell& cell, bool write, Unit unit, Toucher who) {
  if (!write) {
    cell.readers.at(index(unit)) = who;
    return;
  }
  cell.writer = who;
  cell.writer_unit = unit;
  cell.readers.fill({});
}

template <std::size_t kUnits>
typename SpaceMap<kUnits>::Segments::iterator SpaceMap<kUnits>::cut(std::int64_t row) {
  const auto next = segments_.lower_bound(row);
  if (next != segments_.end() && next->first == row) return next;
  if (next == segments_.begin()) return segments_.emplace_hint(next, row, Cells{});
  return segments_.emplace_hint(next, row, std::prev(next)->second);
}

template <std::size_t kUnits>
bool SpaceMap<kUnits>::is_cut(typename Cells::const_iterator first,
                              typename Cells::const_iterator last, std::int64_t begin,
                              std::int64_t end) {
  for (; first != last && first->lane_begin == begin; ++first) begin = first->lane_end;
  return first == last && begin == end;
}

template <std::size_t kUnits>
typename SpaceMap<kUnits>::Cells SpaceMap<kUnits>::cut_pieces(typename Cells::const_iterator first,
                                                              typename Cells::const_iterator last,
                                                              std::int64_t begin,
                                                              std::int64_t end) {
  Cells pieces;
  std::int64_t filled = begin;  // lanes of [begin, end) that have a cell, up to here
  const auto keep = [&](Cell cell, std::int64_t from, std::int64_t to) {
    cell.lane_begin = std::max(cell.lane_begin, from);
    cell.lane_end = std::min(cell.lane_end, to);
    if (cell.lane_begin < cell.lane_end) pieces.push_back(cell);
  };
  const auto fill_up_to = [&](std::int64_t lane) {
    Cell empty;
    empty.lane_begin = filled;
    empty.lane_end = lane;
    if (filled < lane) pieces.push_back(empty);
    filled = std::max(filled, lane);
  };
  for (; first != last; ++first) {
    keep(*first, 0, begin);
    fill_up_to(first->lane_begin);
    keep(*first, begin, end);
    filled = std::max(filled, std::min(first->lane_end, end));
    keep(*first, end, first->lane_end);
  }
  fill_up_to(end);
  return pieces;
}

template <std::size_t kUnits>
std::pair<std::size_t, std::size_t> SpaceMap<kUnits>::cut_lanes(Cells& cells, std::int64_t begin,
                                                                std::int64_t end) {
  const auto first =
      std::lower_bound(cells.begin(), cells.end(), begin,
                       [](const Cell& cell, std::int64_t lane) { return cell.lane_end <= lane; });
  const auto last =
      std::find_if(first, cells.end(), [end](const Cell& cell) { return cell.lane_begin >= end; });
  const auto at = static_cast<std::size_t>(first - cells.begin());
  const auto had = static_cast<std::size_t>(last - first);
  if (is_cut(first, last, begin, end)) return {at, at + had};
  const Cells pieces = cut_pieces(first, last, begin, end);
  const auto more = static_cast<std::ptrdiff_t>(pieces.size() - had);
  std::copy(pieces.begin(), pieces.end() - more, first);
  cells.insert(last, pieces.end() - more, pieces.end());
  const std::size_t before = pieces.front().lane_begin < begin ? 1 : 0;
  const std::size_t behind = pieces.back().lane_end > end ? 1 : 0;
  return {at + before, at + pieces.size() - behind};
}

}  // namespace systole::isa
