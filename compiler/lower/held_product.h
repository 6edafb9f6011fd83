// Held product: C = A B whose operands come through the unified buffer, on machines that hold
// operands there (unified_buffer.operand_bytes).
//
// A and C lie in blocks of R and C columns that are dense, in memory or in the buffer; B is tiles
// of R x C, dense, in memory. Which operands are held, brought in whole before any is multiplied:
//   both     if they take no more than unified_buffer.operand_bytes together, and A has more than
//            a row: what is used once is not worth waiting for
//   one      else the one that takes no more, A before B; the other streams past it
//   neither  else; a panel of A at a time of R rows for each unit, past each of which B streams
// Rows are multiplied in blocks that half the accumulators hold; a column block of a block of rows
// is a unit's job, and jobs are dealt to the units in turn. Tiles are read from the buffer, results
// leave from one of two places of each unit.
#pragma once

#include <cstdint>
#include <optional>

#include "compiler/lower/memory_waits.h"
#include "isa/machine.h"

namespace systole::compiler {

struct HeldProduct {
  std::int64_t m = 0, k = 0, n = 0;
  std::int64_t groups = 1;           // so many B of n columns each, their results side by side
  std::int64_t a = 0, b = 0, c = 0;  // addresses in memory
  std::optional<std::int64_t> a_row = {}, c_row = {};  // or where in the buffer
  std::int64_t pitch = 0;                  // rows of A and C in memory, 0: m; these begin with
  std::int64_t row = 0;                    // the row-th of them
  std::optional<std::int64_t> b_row = {};  // tiles that are in the buffer already
  bool stream = false;                     // B is not held: it comes again for other rows
  const HeldProduct* next = nullptr;       // a product whose tiles come in beside this one's passes
  std::int64_t first_row = 0;              // of the buffer that is free
};

// The product's instructions. Throws InputError if the buffer lacks room.
void held_product(const isa::Machine& machine, const HeldProduct& product, Waits& waits);

}  // namespace systole::compiler
