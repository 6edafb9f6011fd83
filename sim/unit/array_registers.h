// Array registers: the register file of an R x C systolic array, one clock at a time (T1 to T4).
//
// PE(r, c) holds an activation, a partial sum, a travelling, a shadow and an active weight, and the
// flags that move with the activation and the travelling weight. In each cycle it computes
//   psum(r, c)       = psum(r-1, c) + activation(r, c-1) * weight
//   activation(r, c) = activation(r, c-1)
// of its neighbours' registers, where weight is the shadow weight if the activation's switch flag
// is set, which then becomes the active one and leaves the shadow empty, else the active weight.
// Row r of the left edge has r registers before PE(r, 0), column c of the top edge c registers
// before PE(0, c), so that waves run along diagonals. Weights:
//   through   a weight travels down one PE a cycle with the number of hops it has to go; the PE
//   that
//             it then stands in takes it into its shadow register
//   chain     shadow registers hand their weight down while a weight row enters their column
//   single    as chain, with the active registers
//
// A PE is a few lines of a loop over planes. What only moves is not copied: activations, weights
// and flags lie in delay lines. Every flag of row r's activations is in the r-fold delay of row
// 0's, so one line of R + C tags stands for all; the last C of its stages, past PE(R-1, 0), are the
// tags that run below the columns to the accumulators. Outside valid waves all partial sums are 0.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "isa/machine.h"
#include "sim/kernel/probe.h"
#include "sim/unit/delay_line.h"

namespace systole::sim {

// What travels with a sub-row of activations; a bubble is all zeros. Small, as R + C of them are on
// their way.
struct SubRowTag {
  std::int32_t row = 0;  // of the accumulators
  std::int16_t columns = 0;
  std::uint16_t layer = 0;
  std::uint8_t shift = 0;  // its sums are added << shift
  bool floats = false;     // bf16: PEs take the step of float_pe.h
  bool valid = false;
  bool switches = false;     // the shadow weights become active with it
  bool accumulates = false;  // reads its accumulators before it adds
  bool ends_row = false, ends_pass = false;
};

class ArrayRegisters : public ArrayView {
 public:
  // Without `values` all data stay 0 and only flags move.
  ArrayRegisters(const isa::Machine& machine, bool values);

  // --- one cycle: each of these once, in this order ---
  // The left edge takes a sub-row: lanes 0, 1 ... of it, the rest 0.
  void take_row(const SubRowTag& tag, std::span<const std::int16_t> lanes);
  // PEs with a switch flag take their shadow weight.
  void switch_weights();
  // All PEs compute their partial sums.
  void multiply();
  // Weights move, and the top edge takes a row of C weights, the first of a tile or another, or
  // none.
  enum class TopEdge : std::uint8_t { kNone, kFirstRow, kRow };
  void take_weights(TopEdge edge, std::span<const std::int16_t> weights);

  // --- what the edges show ---
  // Between take_row and multiply: what has fallen out of each of the C columns, and its tag.
  [[nodiscard]] const SubRowTag* arriving_tags() const { return &tags_[rows_]; }
  [[nodiscard]] const std::int32_t* arriving() const { return &psums_[place(rows_, 0)]; }
  // After switch_weights: whether the top edge may take the first row of another tile. Where there
  // is no shadow, once no PE has an activation to work on; else once column 0 has room.
  [[nodiscard]] bool room_for_tile() const;
  // Nothing valid is in any register that the next cycle would use.
  [[nodiscard]] bool empty() const;

  // --- registers of PE(r, c) at the end of the cycle ---
  [[nodiscard]] std::int64_t rows() const override { return rows_; }
  [[nodiscard]] std::int64_t columns() const override { return columns_; }
  [[nodiscard]] std::int32_t value(Plane plane, std::int64_t r, std::int64_t c) const override;

 private:
  // A shadow register: no weight of 9 bits, and no bfloat16 that enters (float_pe.h).
  static constexpr std::int16_t kEmpty = 0x7FFE;

  [[nodiscard]] std::size_t place(std::int64_t r, std::int64_t c) const {
    return static_cast<std::size_t>(r * columns_ + c);
  }
  [[nodiscard]] bool shadow_full(std::int64_t r, std::int64_t c) const {
    return shadow_[place(r, c)] != kEmpty;
  }
  // Of the row of weights that the top edge took `stage` cycles ago.
  [[nodiscard]] std::int16_t moving_weight(std::int64_t stage, std::int64_t c) const;
  void capture();
  void hand_down(std::vector<std::int16_t>& plane);

  std::int64_t rows_, columns_;
  isa::WeightLoad load_;
  bool values_;

  DelayLines<std::int16_t> lanes_;     // R lines; PE(r, c) is stage r + c of line r
  DelayLine<SubRowTag> tags_;          // PE(r, c) is stage r + c
  DelayLine<char> valid_, switch_;     // the tags' flags, to be searched
  DelayLine<char> moving_;             // whether a row of weights is at stage r + c
  DelayLine<char> capture_;            // PE(r, c) is stage 2r + c
  std::vector<std::int16_t> weights_;  // the rows: a ring of rows of C
  std::int64_t newest_weights_ = 0;    // row of weights_ that is stage 0
  std::vector<std::int32_t> psums_;    // R + 1 rows: the top edge's zeros, then the PEs'
  std::vector<std::int16_t> shadow_, active_;
};

}  // namespace systole::sim
