// Vector unit: element-wise operations, pooling and copies inside the unified buffer (T7, T8).
//
//   start t     when the instruction is at the head, its syncs are passed and the instruction
//               before has come to its last cycle of moving rows; the first chunk's ports are asked
//               for in that cycle (ub_ports.h)
//   moves       vector   the buffer rows of a, of b (once if it is broadcast) and of the result
//               pool     the rows of every pixel within the map, once for each window that takes
//               it,
//                        and of the results
//               copy     the rows it reads and the rows it writes
//               in chunks: at most 32 rows of whichever direction has more, and of the other its
//               share in proportion. A chunk costs max(reads / read_ports, writes / write_ports)
//               cycles, each rounded up; so R reads and W writes with one port each cost max(R, W).
//               Where there is no limit (0 ports) a row takes a cycle and nobody is asked
//   next        may start in the last cycle of the last chunk
//   complete    vector.depth cycles after the last chunk: t + 1 + max(R, W) + depth without others
//   busy        while rows move; `port` while it waits for one
//
// `set` costs nothing: an instruction takes the registers along when it starts.
#pragma once

#include <cstdint>

#include "sim/unit/inbox.h"
#include "sim/unit/param_memory.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

class VectorUnit {
 public:
  VectorUnit(const Board& board, Completions& completions, ParamMemory& params,
             UnifiedBuffer& buffer);
  Process run();

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  // Buffer rows that an instruction moves, and the cycles that its elements take.
  struct Moves {
    std::int64_t reads, writes;
    std::int64_t cycles = 0;
  };
  // Computes the values of the head, counts its bytes and says what it moves.
  [[nodiscard]] Moves start();
  [[nodiscard]] Moves start(const isa::Vector& insn);
  [[nodiscard]] Moves start(const isa::Pool& insn);
  [[nodiscard]] Moves start(const isa::Copy& insn);
  void compute(const isa::Vector& insn);
  void look_up(const isa::Vector& insn);
  void count(Bytes read, Bytes written);
  // What a chunk costs at least, whatever its ports: a row a cycle where their number has no limit,
  // and the cycles of its lanes.
  [[nodiscard]] CycleCount own_cycles(std::int64_t read, std::int64_t written,
                                      std::int64_t lanes) const;
  // Buffer rows of so many logical rows.
  [[nodiscard]] std::int64_t rows_of(const UbRange& range) const;

  const Board& board_;
  UnitSheet sheet_;
  Inbox inbox_;
  ParamMemory& params_;
  UnifiedBuffer& buffer_;
  Instant free_;  // the instruction before has moved its last row
};

}  // namespace systole::sim
