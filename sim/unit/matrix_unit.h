// Matrix unit: the systolic array's control: passes, tile switches, stalls, counters (T3).
//
//   start s     when the instruction is at the head, its syncs are passed, the pass before it has
//               injected its rows (s_prev + length_prev), and, if it switches tiles, the tile has
//               been shifted in
//   active      s <= t < s + length; the row feed (row_feed.h) says which row is offered when: B *
//   p
//               cycles without a delay line; p = 1, or 2 with 16-bit activations
//               where array.split deals them to parts of the array, each takes its share at a
//               time; with array.efficiency of less than 1,000 the pass holds the left edge for
//               that many more cycles. Length below is what comes of both
//   complete    when the array says so (array_model.h), by T2 at s + length - 1 + R + C
#pragma once

#include <cstdint>

#include "sim/unit/array_model.h"
#include "sim/unit/inbox.h"
#include "sim/unit/stall_table.h"
#include "sim/unit/unified_buffer.h"
#include "sim/unit/weight_planes.h"

namespace systole::sim {

class MatrixUnit {
 public:
  MatrixUnit(const Board& board, isa::Unit unit, Completions& completions, UnifiedBuffer& buffer,
             WeightPlanes& planes, ArrayModel& array);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] StallTable& stalls() { return stalls_; }
  [[nodiscard]] const Timesheet& sheet() const { return stalls_.sheet(); }

 private:
  void start_pass(const RowFeed& feed);
  void switch_tile(PassTimes& times);
  void count(const RowFeed& feed);

  const Board& board_;
  StallTable stalls_;
  Inbox inbox_;
  UnifiedBuffer& buffer_;
  WeightPlanes& planes_;
  ArrayModel& array_;

  std::int64_t switches_ = 0;
  Instant injected_;  // the pass before has injected its rows
};

}  // namespace systole::sim
