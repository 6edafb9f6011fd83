// Pass array: the systolic array of the cycle engine, in closed forms (T2 to T4, T6).
//
//   a pass that starts in s, whose first sub-row is offered in the cycle f (s without a delay line)
//   and its last in e = s + length - 1
//     writes its last accumulator in e + R + C - 1 and is complete at e + R + C
//   a tile shifts for ceil(R / array.shift_rows) cycles. Its shift starts by itself in the first
//   cycle in which the shadow plane is free and the tile, the FIFO's head, is whole. For the first
//   tile the plane is free from cycle 0, then from
//     through   f, the cycle of the injection that takes the previous tile (fresh tiles cost
//               max(B*p, R) each)
//     chain     f + R - 1: the switch has to leave the column first (max(B*p, 2R - 1) each)
//     single    e + R + C - 1 of the previous tile's last pass: the last sub-row has left the
//               array; known when the next switching pass is at the head of the matrix unit's queue
//
// The verifier refuses programs with races, so nobody looks at the accumulators between s and the
// completion, and the values of a pass are computed at once at s.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/kernel/accumulator_writes.h"
#include "sim/kernel/milestones.h"
#include "sim/unit/accumulators.h"
#include "sim/unit/array_model.h"
#include "sim/unit/float_values.h"

namespace systole::sim {

class PassArray : public ArrayModel {
 public:
  // `observer` may be null.
  PassArray(const Board& board, WeightPlanes& planes, Accumulators& accumulators,
            AccumulatorObserver* observer);

  void spawn() override { board_.kernel.spawn(shift_tiles()); }
  void expect_switch(Trail& control) override;
  void switch_tile(Tile tile) override;
  void start(const RowFeed& feed, const Inbox::Issued& issued, const Injection& injection) override;

 private:
  Process shift_tiles();
  // The shadow plane's tile becomes active with the row offered so long after the pass's start.
  void free_shadow(const Injection& injection, CycleCount first_row);
  void compute(const RowFeed& feed, std::int64_t layer);
  // Returns how many accumulators wrapped.
  std::int64_t compute_integers(const RowFeed& feed);
  [[nodiscard]] FloatPass float_pass(const RowFeed& feed);
  [[nodiscard]] std::int32_t added(const RowFeed& feed, const SubRow& sub, std::int64_t c,
                                   std::optional<std::int32_t> sum) const;
  // The rows of a pass, evenly spaced: where they lie, or gathered.
  [[nodiscard]] RowSpan rows(const RowFeed& feed);
  // Tells the observer of a pass whose accumulators held `before`.
  void tell_writes(const RowFeed& feed, const std::vector<std::int32_t>& before);

  const Board& board_;
  WeightPlanes& planes_;
  Accumulators& accumulators_;
  AccumulatorObserver* observer_;
  Milestones shadow_free_;  // step n: for the n-th tile
  Tile tile_;               // the active plane
  bool any_active_ = false;
  std::vector<std::uint8_t> gathered_;
  std::vector<std::int16_t> lanes_;  // of a sub-row, or of all rows of a pass
  Trail shifts_;
  Instant
      complete_;  // the last pass so far: the cycle before, its last sum is in its last register
};

}  // namespace systole::sim
