// What an instruction asks of its unit, in rows, cycles and bytes: a plain reading of its operands.
#pragma once

#include <cstdint>

#include "isa/insn.h"
#include "isa/machine.h"

namespace systole::compiler {

// A pass of the matrix unit: its cycles, and those before its first row is injected.
struct PassWork {
  std::int64_t cycles = 0, before_first = 0;
  bool switches = false;
  std::int64_t k = 0, n = 0;
};

// Rows through the unified buffer's ports in `steps` steps, over which reads, writes and cycles of
// the unit's own are spread. `paced`: a step takes a cycle at least; `lane_cycles`: what the
// lanes of the vector unit take.
struct RowWork {
  std::int64_t steps = 0, reads = 0, writes = 0, own = 0, depth = 0;
  bool paced = false;
  std::int64_t lane_cycles = 0;
};

// A transfer over the host link, cut into chunks of its rows.
struct TransferWork {
  std::int64_t rows = 0;  // buffer rows, or parameter rows
  std::int64_t bytes = 0;
  bool to_buffer = true;
};

[[nodiscard]] PassWork pass_work(const isa::Insn& insn);
[[nodiscard]] RowWork row_work(const isa::Insn& insn, const isa::Machine& machine);
[[nodiscard]] TransferWork transfer_work(const isa::Insn& insn, const isa::Machine& machine);

}  // namespace systole::compiler
