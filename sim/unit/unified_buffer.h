// Unified buffer: activations on chip, rows of `unified_buffer.row_bytes` bytes.
//
// A logical row of `bytes` bytes at byte lane `lane` fills ceil((lane + bytes) / row_bytes) rows,
// and the next logical row starts at the same lane of the row after. Values only: ports are not
// arbitrated in this version, every unit moves one row a cycle.
#pragma once

#include <cstdint>
#include <vector>

#include "isa/machine.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/probe.h"
#include "sim/unit/storage.h"

namespace systole::sim {

// Logical rows in some memory: where the first one starts, and bytes from one to the next.
struct RowSpan {
  std::uint8_t* first = nullptr;
  std::int64_t stride = 0;
  [[nodiscard]] std::uint8_t* row(std::int64_t i) const { return first + i * stride; }
};

// `rows` logical rows of `bytes` bytes, as an instruction's operands name them.
struct UbRange {
  std::int64_t ub, lane, rows, bytes;
};

class UnifiedBuffer {
 public:
  // Bytes past the end that may be read, so that a row can be read in whole vectors.
  static constexpr std::int64_t kSlack = 64;

  // Without `values` it holds none.
  UnifiedBuffer(const isa::Machine& machine, bool values);

  // The bytes of a range; the verifier has proved that it is inside.
  [[nodiscard]] RowSpan rows(const UbRange& range);

 private:
  const isa::Machine& machine_;
  Storage<std::uint8_t> bytes_;
};

}  // namespace systole::sim
