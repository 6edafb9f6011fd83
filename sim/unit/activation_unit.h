// Activation unit: accumulators + bias through requantisation and function into the unified buffer
// (T7).
//
//   start t     when the instruction is at the head, its syncs are passed and the instruction
//               before has come to its last cycle of taking rows; the first chunk's write port is
//               asked for in that cycle (ub_ports.h)
//   rows        W = buffer rows it writes, max(1, ceil((lane + n * e) / row_bytes)) for each
//               logical row, e = bytes of an element; A = accumulator rows it reads: as many as
//               logical rows, or with fused pooling every pixel within the map, once for each
//               window that takes it
//   cost        max(A, W) cycles, in chunks of at most 32 buffer rows: a chunk's share of the A - W
//               accumulator rows beyond one for each buffer row is read first, in a cycle each,
//               then its rows are read and written as their port is granted
//   next        may start in the last cycle of the last chunk
//   complete    activation.depth cycles after the last chunk: t + 1 + W + depth without others, or
//               t + A + depth where the first chunk reads ahead
//   busy        while it takes rows; `port` while it waits for one
//
// The table function looks up the requantised value; its time is part of the depth. `set` costs
// nothing: an instruction takes the registers along when it starts.
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
  ActivationUnit(const Board& board, isa::Unit unit, Completions& completions,
                 Accumulators& accumulators, ParamMemory& params, UnifiedBuffer& buffer);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  // Rows that an instruction moves: of the accumulators and of the unified buffer.
  struct Moves {
    std::int64_t reads, writes;
  };
  // Computes the values of the head, counts its bytes and says what it moves.
  [[nodiscard]] Moves start();
  [[nodiscard]] Moves start(const isa::Activate& insn);
  [[nodiscard]] Moves start(const isa::ActivatePool& insn);

  [[nodiscard]] CycleCount paced(std::int64_t rows) const {
    return board_.paced(Resource::kActivation, CycleCount(rows));
  }
  // Fetches what the instruction has in parameter memory, for the rows that follow.
  template <typename Insn>
  void load_parameters(const Insn& insn);
  // One accumulator row, bias to function, as elements of the instruction's type.
  template <typename Insn>
  void activate_row(const Insn& insn, const std::int32_t* acc, std::uint8_t* to);

  const Board& board_;
  isa::Unit unit_;
  UnitSheet sheet_;
  Inbox inbox_;
  Accumulators& accumulators_;
  ParamMemory& params_;
  UnifiedBuffer& buffer_;
  Instant free_;  // the instruction before has taken its last row

  // One row's worth of each, C elements; empty without values.
  std::vector<std::int32_t> bias_, row_;
  std::vector<float> scale_;
  std::vector<std::int32_t> table_;   // words of the present instruction's table
  std::vector<std::uint8_t> pixels_;  // activated rows that are still to be pooled
};

}  // namespace systole::sim
