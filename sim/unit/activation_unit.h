// Activation unit: accumulators + bias through requantisation and function into the unified buffer
// (T7).
//
//   start t     when the instruction is at the head, its syncs are passed and the instruction
//   before
//               has taken its last row
//   cost        max(1, ceil((lane + n * e) / row_bytes)) cycles a row: the buffer rows it writes;
//               e = bytes of an element
//   next        may start at t + rows * cost
//   complete    t + rows * cost + activation.depth
//   busy        while it takes rows
//
// Identity and relu; the table function is not part of this version (the verifier refuses it).
// Unified buffer ports are not arbitrated.
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
  void start_activate(const isa::Activate& insn);
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
