// Matrix unit: the systolic array's control: passes, tile switches, time (T1 to T4, T6).
//
//   start s     when the instruction is at the head, its syncs are passed, the pass before it has
//               injected its rows (s_prev + B_prev * p_prev), and, if it switches tiles, the tile
//               has been shifted in
//   active      s <= t < s + B * p; p = 1, or 2 with 16-bit activations
//   complete    s + (B-1) * p + R + C, when the last row's last column is readable
//
// The verifier refuses programs with races, so nobody looks at the accumulators between s and the
// completion, and the values of a pass are computed at once at s.
#pragma once

#include <cstdint>

#include "sim/unit/accumulators.h"
#include "sim/unit/inbox.h"
#include "sim/unit/stall_table.h"
#include "sim/unit/unified_buffer.h"
#include "sim/unit/weight_planes.h"

namespace systole::sim {

class MatrixUnit {
 public:
  MatrixUnit(const Board& board, Completions& completions, UnifiedBuffer& buffer,
             WeightPlanes& planes, Accumulators& accumulators);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] StallTable& stalls() { return stalls_; }

 private:
  void start_pass(const isa::Matmul& insn);
  void switch_tile(PassTimes& times);
  void count(const isa::Matmul& insn);
  void compute(const isa::Matmul& insn);

  const Board& board_;
  StallTable stalls_;
  Inbox inbox_;
  UnifiedBuffer& buffer_;
  WeightPlanes& planes_;
  Accumulators& accumulators_;

  Tile tile_;  // the active plane
  std::int64_t switches_ = 0;
  CyclePoint injected_;  // the pass before has injected its rows
  CyclePoint left_;      // ... and its last sum is in its last register
};

}  // namespace systole::sim
