// Activation unit: accumulators + bias through requantisation and function into the unified buffer
// (T7).
//
//   start t     when the instruction is at the head, its syncs are passed and the instruction
//               before has come to its last cycle of taking rows; the first chunk's write port is
//               asked for in that cycle (ub_ports.h)
//   cost        max(1, ceil((lane + n * e) / row_bytes)) cycles a row: the buffer rows it writes;
//               e = bytes of an element. Chunks of at most 32 buffer rows are taken from the
//               accumulators as their ports are granted: without others from t + 1 on
//   next        may start in the last cycle of the last chunk
//   complete    activation.depth cycles after the last chunk: t + 1 + rows * cost + depth without
//               others
//   busy        while it takes rows; `port` while it waits for one
//
// Identity and relu; the table function is not part of this version (the verifier refuses it).
#pragma once

#include <cstdint>
#include <vector>

#include "sim/unit/accumulators.h"
#include "sim/unit/inbox.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

class ActivationUnit {
 public:
  ActivationUnit(const Board& board, Completions& completions, Accumulators& accumulators,
                 ParamMemory& params, UnifiedBuffer& buffer);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  // Moves the values; returns the buffer rows that the instruction writes.
  [[nodiscard]] std::int64_t start_activate(const isa::Activate& insn);
  void compute(const isa::Activate& insn, RowSpan to);

  const Board& board_;
  UnitSheet sheet_;
  Inbox inbox_;
  Accumulators& accumulators_;
  ParamMemory& params_;
  UnifiedBuffer& buffer_;
  CyclePoint free_;  // the instruction before has taken its last row

  // One row's worth of each, C elements; empty without values.
  std::vector<std::int32_t> bias_, row_;
  std::vector<float> scale_;
};

}  // namespace systole::sim
