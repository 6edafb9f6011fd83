// Weight planes: the weight FIFO's tiles on their way into the array (T4).
//
// A tile takes R cycles to shift in. Its shift starts by itself in the first cycle in which the
// shadow plane is free and the tile, the FIFO's head, is whole; when it ends the tile's FIFO slot
// is free and the tile may become active. The shadow plane is free from
//   through   s, the cycle of the injection that takes the previous tile (fresh tiles cost
//             max(B*p, R) each)
//   chain     s + R - 1: the switch has to leave the column first (max(B*p, 2R - 1) each)
//   single    the last row of the previous tile's last pass has left the array:
//             s_last + (B-1)p + R + C - 1, known when the next switching pass is at the head of
//             the matrix unit's queue
// and, for the first tile, from cycle 0.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sim/kernel/milestones.h"
#include "sim/kernel/ring.h"
#include "sim/unit/array_values.h"
#include "sim/unit/inbox.h"

namespace systole::sim {

// One tile from its fetch to its switch.
struct Tile {
  std::shared_ptr<const PackedTile> weights;  // null without values
  std::vector<std::int32_t> zero;             // per column; empty: all 0
  CyclePoint whole;                           // first cycle in which the planes see it whole
  CyclePoint usable;                          // first cycle in which a pass may switch to it
};

class WeightPlanes {
 public:
  explicit WeightPlanes(const Board& board);

  Process run();
  // Reports the FIFO's level to the probe: one process for arrivals (+1), one for shifts (-1).
  Process watch(Milestones& steps, std::int64_t change);
  [[nodiscard]] Milestones& arrived() { return arrived_; }

  // --- the weight fetch unit's side ---
  // The next tile, whole from tile.whole on.
  void deliver(Tile tile);
  // Step n: the n-th tile has been shifted in: its FIFO slot is free and it may become active.
  [[nodiscard]] Milestones& shifted() { return shifted_; }

  // --- the matrix unit's side ---
  // The oldest tile not yet active, once it has been shifted in.
  [[nodiscard]] Tile take();
  // The shadow plane is free for one more tile from `when` on.
  void free_shadow(CyclePoint when) { shadow_free_.post(when); }

 private:
  const Board& board_;
  Milestones arrived_, shadow_free_, shifted_;
  Ring<Tile> tiles_;  // fetched and not taken
  std::int64_t taken_ = 0;
  std::int64_t level_ = 0;
};

}  // namespace systole::sim
