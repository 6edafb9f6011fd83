// SpaceMap: who last wrote each place of an address space, and who has read it since.
//
// Places are cells, rectangles of rows x lanes (one lane where lanes have no meaning). Rows are cut
// into segments at the borders of the accesses seen; a segment holds its cells by lanes. A write
// that covers whole cells melts the segments below it into one, so the map stays as small as what
// is live, and a program of n accesses takes O(n log n) time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <vector>

#include "isa/access.h"

namespace systole::isa {

// One executed instruction as others remember it: its index in the code and its place among its
// unit's counted instructions, from 1. ordinal 0: nobody.
struct Toucher {
  std::int32_t insn = -1;
  std::int32_t ordinal = 0;
};

struct Cell {
  std::int64_t lane_begin = 0;
  std::int64_t lane_end = 0;
  Unit writer_unit = Unit::kSequencer;
  Toucher writer;
  std::array<Toucher, kUnitCount> readers{};  // the latest of each unit since the write
};

class SpaceMap {
 public:
  // Shows `check(cell)` each cell that the access meets, as it was before, then books the access. A
  // place not touched before is shown as a cell without a writer.
  template <typename Check>
  void touch(const Access& access, Unit unit, Toucher who, Check&& check) {
    const auto first = cut(access.begin);
    const auto last = cut(access.end);
    bool covered = access.write;
    for (auto segment = first; segment != last; ++segment) {
      cut_lanes(segment->second, access.lane_begin, access.lane_end);
      for (Cell& cell : segment->second) {
        const bool inside =
            cell.lane_begin >= access.lane_begin && cell.lane_end <= access.lane_end;
        covered = covered && inside;
        if (!inside) continue;
        check(static_cast<const Cell&>(cell));
        book(cell, access.write, unit, who);
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
  // Makes the cells of a segment start and end at the given lanes and fill all between.
  static void cut_lanes(Cells& cells, std::int64_t begin, std::int64_t end);
  // The segment that starts at `row`, made if needed.
  Segments::iterator cut(std::int64_t row);

  Segments segments_;
};

}  // namespace systole::isa
