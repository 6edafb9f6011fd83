// Random loads and stores of the device's memory (T12), but for where they meet the unified buffer.
#pragma once

#include <algorithm>
#include <cstdint>

#include "isa/insn.h"
#include "isa/machine.h"
#include "tests/support/random_choice.h"

namespace systole {

// Up to 40 rows from the first `all` bytes, which hold something.
inline isa::Load random_load(const isa::Machine& machine, std::int64_t all, RandomChoice& random) {
  isa::Load insn;
  insn.rows = random.pick(1, 40);
  insn.bytes = random.pick(1, std::min<std::int64_t>(2 * machine.unified_buffer_row_bytes, 40));
  insn.bytes = std::min(insn.bytes, all);
  insn.rows = std::min({insn.rows, all / insn.bytes, machine.ub_rows() / 4});
  const std::int64_t widest = insn.rows > 1 ? (all - insn.bytes) / (insn.rows - 1) : insn.bytes;
  insn.stride = random.chance(50) ? insn.bytes : random.pick(0, widest);
  insn.dram = random.pick(0, all - (insn.rows - 1) * insn.stride - insn.bytes);
  return insn;
}

// Up to `rows` rows of up to `lanes` bytes into the first `all` bytes, on each other's heels or
// apart.
inline isa::Store random_store(std::int64_t rows, std::int64_t lanes, std::int64_t all,
                               RandomChoice& random) {
  isa::Store insn;
  insn.rows = random.pick(1, std::min(rows, std::int64_t{40}));
  insn.bytes = random.pick(1, lanes);
  insn.rows = std::max<std::int64_t>(1, std::min(insn.rows, all / insn.bytes));
  insn.stride = random.chance(70) ? insn.bytes : insn.bytes + random.pick(0, 3);
  if ((insn.rows - 1) * insn.stride + insn.bytes > all) insn.stride = insn.bytes;
  insn.dram = random.pick(0, all - (insn.rows - 1) * insn.stride - insn.bytes);
  return insn;
}

}  // namespace systole
