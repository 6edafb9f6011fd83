// Accesses: what each instruction reads and writes, as row or byte ranges of each address space.
//
// One answer for everybody who needs dependencies: the compiler's sync insertion, the race checker
// and the bounds verifier.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/insn.h"
#include "isa/machine.h"

namespace systole::isa {

// Half-open range [begin, end) in rows (ub, acc, param) or bytes (dram, host). Strided host ranges
// are given as their hull except that rows are listed one by one when `stride` leaves gaps. Lists
// of more than 65,536 rows are given as their hull.
struct Access {
  Space space = Space::kNone;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  bool write = false;
  // Two accesses of the same row meet only if their lanes [lane_begin, lane_end) do: byte lanes
  // within unified buffer rows, columns within accumulator and parameter rows, [0, 1) for bytes
  // elsewhere.
  std::int64_t lane_begin = 0;
  std::int64_t lane_end = 0;
  // Which of several memories of the space: accumulators belong to a matrix unit (T11).
  std::int64_t instance = 0;
};

// Appends the accesses of one instruction to `out` (cleared first). Weight FIFO order is no access:
// it interlocks by itself (T10).
void accesses(const Insn& insn, const Machine& machine, std::vector<Access>& out);
// The same without those to host memory, of which an instruction has at most one set of rows.
void device_accesses(const Insn& insn, const Machine& machine, std::vector<Access>& out);
struct HostRows {  // `rows` pieces of `bytes` bytes, `stride` bytes apart; rows 0: none
  std::int64_t address = 0, stride = 0, rows = 0, bytes = 0;
  bool write = false;
};
[[nodiscard]] HostRows host_rows(const Insn& insn, const Machine& machine);

// Whether elements are floats; whether activation makes them of integer sums by scale and zero
// point.
[[nodiscard]] bool is_float(std::int64_t type);
[[nodiscard]] bool is_requantised(std::int64_t type);
// Bytes of one element, and words (parameter memory's 32 bit) of its look-up table.
[[nodiscard]] std::int64_t element_bytes(std::int64_t type);
[[nodiscard]] std::int64_t table_words(std::int64_t type);
// Bytes of an element, of the operand or result whose elements are widest.
[[nodiscard]] std::int64_t widest_bytes(const Vector& insn);

}  // namespace systole::isa
