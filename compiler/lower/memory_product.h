// Memory product: C = A B whose operands and result lie in the device's memory (T12), as a program
// of its own, for timing.
//
// A is [m, k] and C [m, n], both bfloat16 in blocks of R and C columns that are dense in memory, B
// is weight tiles. Rows are taken in blocks that half the accumulators and the unified buffer hold:
//   load        a block of A, slice of R columns by slice, while the block before is multiplied
//   multiply    a column block of B at a time in each matrix unit (T11): N is dealt to them in
//   turn;
//               K is summed in the accumulators, whose halves take turns
//   store       each column block of C from one of two places in the buffer
// B is read once for each block of rows. Everything overlaps as far as places are free.
#pragma once

#include <cstdint>

#include "isa/machine.h"
#include "isa/program.h"

namespace systole::compiler {

struct MemoryProduct {
  std::int64_t m = 0, k = 0, n = 0;
};

// Throws InputError if the machine has no bf16, writes no memory, or lacks room.
[[nodiscard]] isa::Program memory_product(const isa::Machine& machine, const MemoryProduct& shape);

}  // namespace systole::compiler
