// Unified buffer: addressing (story in unified_buffer.h).
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

UnifiedBuffer::UnifiedBuffer(Kernel& kernel, const isa::Machine& machine,
                             const std::optional<isa::Footprint>& values)
    : machine_(machine),
      ports_(kernel, machine),
      rows_(values ? values->ub_rows : machine.ub_rows()) {
  if (values) bytes_ = {rows_ * machine.unified_buffer_row_bytes + kSlack, "unified buffer"};
}

RowSpan UnifiedBuffer::rows(const UbRange& range) {
  const std::int64_t each = machine_.ub_rows_of(range.bytes, range.lane);
  SYSTOLE_CHECK(range.ub >= 0 && range.ub + range.rows * each <= rows_, "rows [{}, {}) of {}",
                range.ub, range.ub + range.rows * each, rows_);
  const std::int64_t row_bytes = machine_.unified_buffer_row_bytes;
  return {bytes_.data() + range.ub * row_bytes + range.lane, each * row_bytes};
}

}  // namespace systole::sim
