// Unified buffer: activations on chip, rows of `unified_buffer.row_bytes` bytes.
//
// A logical row of `bytes` bytes at byte lane `lane` fills ceil((lane + bytes) / row_bytes) rows,
// and the next logical row starts at the same lane of the row after. Values only; ub_ports.h shares
// its ports.
#pragma once

#include <cstdint>
#include <vector>

#include "base/storage.h"
#include "isa/footprint.h"
#include "sim/kernel/kernel.h"
#include "sim/unit/ub_ports.h"

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

  // Without `values` it holds none, else the rows of the footprint.
  UnifiedBuffer(Kernel& kernel, const isa::Machine& machine,
                const std::optional<isa::Footprint>& values);

  // The bytes of a range; the verifier has proved that it is inside.
  [[nodiscard]] RowSpan rows(const UbRange& range);
  // What every unit but the matrix unit asks before it moves rows.
  [[nodiscard]] UbPorts& ports() { return ports_; }
  [[nodiscard]] const UbPorts& ports() const { return ports_; }

 private:
  const isa::Machine& machine_;
  UbPorts ports_;
  std::int64_t rows_;
  Storage<std::uint8_t> bytes_;
};

}  // namespace systole::sim
