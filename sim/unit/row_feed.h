// Row feed: what a pass offers to the array's left edge, cycle by cycle (T1, T6), and where the
// rows come from.
//
// A pass walks over a feature map, one output line after the other. A matmul is the walk of one
// line over a map of one line. Pixels come through a delay line of L = (taps - 1) * dilation_x + 1
// pixels, which takes one pixel a cycle and whose every dilation_x-th pixel is a tap; L = 1 is no
// delay line. An output line of W rows is
//
//   | L - 1 cycles: the line fills | c cycles: row 0 | c cycles: row 1 | ... | row W - 1 |
//
// with c = max(p, min(stride_x, L)): in its c cycles a row's new pixels come in, and in the last p
// of them it is offered to the array: whole in one cycle with int8 (p = 1), as two sub-rows with
// 16-bit activations (p = 2): x - zero point = low + 256 * high, low unsigned and high signed, so
// that every lane has 9 bits; low goes first, and the sums of high are added << 8; with
// int8x16_high both are shifted by 8 more. The delay line starts anew for the next output line. So
// the last sub-row is offered in the pass's last cycle. Lane r of a sub-row then waits r cycles
// before it enters PE(r, 0), which is the array's affair.
//
// Pixels outside the map are not read; their lanes are 0 once the zero point is subtracted, of bf16
// masked (float_pe.h).
#pragma once

#include <cstdint>
#include <optional>
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
  // `insn` is a matmul or a convolve; `buffer` outlives the feed.
  RowFeed(const isa::Insn& insn, UnifiedBuffer& buffer);

  // The pass as a walk: a matmul's rows are the pixels of one line.
  [[nodiscard]] const isa::Convolve& insn() const { return walk_; }
  [[nodiscard]] std::int64_t rows() const { return walk_.out_height * walk_.out_width; }
  [[nodiscard]] std::int64_t bytes_per_lane() const { return lane_bytes_; }
  [[nodiscard]] std::int64_t row_bytes() const { return walk_.k * lane_bytes_; }

  // --- time ---
  // Cycles for which the pass holds the edge.
  [[nodiscard]] CycleCount length() const { return line_length() * walk_.out_height; }
  // The cycle, counted from the pass's start, in which a row's first sub-row is offered.
  [[nodiscard]] CycleCount offered(std::int64_t row) const;
  // What is offered `cycle` cycles after the pass started, 0 <= cycle < length(); nothing while the
  // delay line takes pixels.
  [[nodiscard]] std::optional<SubRow> at(std::int64_t cycle) const;

  // --- values ---
  [[nodiscard]] bool floats() const { return floats_; }
  // The k lanes of a sub-row, zero point subtracted; of bf16 their bits.
  void lanes(const SubRow& sub, std::span<std::int16_t> to) const;
  // The rows where they lie in the buffer, if they are evenly spaced pixels inside the map.
  [[nodiscard]] std::optional<RowSpan> in_place() const;
  // Of integers: writes all rows, row_bytes() each, as the buffer has them, the zero point outside
  // the map; and anything to the UnifiedBuffer::kSlack bytes behind them.
  void gather(std::uint8_t* to) const;
  // Bytes read from the buffer: each pixel inside the map once per stay in the delay line.
  [[nodiscard]] Bytes read() const;

 private:
  [[nodiscard]] std::int64_t pixel_bytes() const { return walk_.k / walk_.taps * lane_bytes_; }
  [[nodiscard]] CycleCount line_length() const {
    return CycleCount(span_ - 1 + row_cycles_ * walk_.out_width);
  }
  // The map's pixel that feeds a tap of a row; none if it is outside.
  [[nodiscard]] std::optional<std::int64_t> pixel(std::int64_t row, std::int64_t tap) const;
  [[nodiscard]] RowSpan map() const;
  // The lanes of one pixel in a row's first or second sub-row.
  void pixel_lanes(const std::uint8_t* from, bool first, std::span<std::int16_t> to) const;
  [[nodiscard]] bool all_inside() const;
  void put_zero_points(std::uint8_t* to) const;
  // The rows of one output line from a line of the map, null if that is outside.
  void gather_line(const RowSpan& from, std::uint8_t* to) const;

  isa::Convolve walk_;
  UnifiedBuffer* buffer_;
  std::int64_t lane_bytes_;
  bool floats_;
  std::int64_t sub_rows_;    // T6's p
  std::int64_t span_;        // L
  std::int64_t row_cycles_;  // c
  std::int64_t y0_, x0_;     // input position of output (0, 0), tap 0
};

}  // namespace systole::sim
