// Row feed: what a pass offers to the array's left edge, cycle by cycle (T1, T6).
//
// Row b of the pass is offered from cycle s + b * p on: whole in one cycle with int8 (p = 1), as
// two sub-rows with 16-bit activations (p = 2): x - zero point = low + 256 * high, low unsigned and
// high signed, so that every lane has 9 bits; low goes first, and the sums of high are added << 8.
// Lane r of a sub-row then waits r cycles before it enters PE(r, 0), which is the array's affair.
#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "isa/insn.h"
#include "sim/unit/unified_buffer.h"

namespace systole::sim {

// What enters in one cycle.
struct SubRow {
  std::int64_t row;    // of the pass, from 0
  std::int64_t shift;  // its sums are added << shift to the accumulators
  bool first, last;    // of its row
};

class RowFeed {
 public:
  // `buffer` outlives the feed.
  RowFeed(const isa::Matmul& insn, UnifiedBuffer& buffer) : insn_(insn), buffer_(&buffer) {}

  [[nodiscard]] const isa::Matmul& insn() const { return insn_; }
  [[nodiscard]] std::int64_t bytes_per_lane() const;
  // Cycles for which the pass holds the edge: B * p.
  [[nodiscard]] CycleCount length() const;
  // What is offered `cycle` cycles after the pass started, 0 <= cycle < length().
  [[nodiscard]] SubRow at(std::int64_t cycle) const;

  // The activations in the buffer, a row each.
  [[nodiscard]] RowSpan operand() const;
  // The first k lanes of a sub-row, zero point subtracted.
  void lanes(const SubRow& sub, std::span<std::int16_t> to) const;

 private:
  isa::Matmul insn_;
  UnifiedBuffer* buffer_;
};

}  // namespace systole::sim
