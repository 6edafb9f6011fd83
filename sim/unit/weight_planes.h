// Weight planes: the weight FIFO's tiles on their way into the array (T4).
//
// Tiles are delivered in order, each with the cycle from which it is whole. The array shifts the
// FIFO's head in by rules of its own (array_model.h); when that ends the tile's FIFO slot is free
// and the tile may become active.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/kernel/milestones.h"
#include "sim/kernel/ring.h"
#include "sim/unit/array_values.h"
#include "sim/unit/inbox.h"

namespace systole::sim {

// One tile from its fetch to its switch. Without values it has no weights.
struct Tile {
  std::shared_ptr<const PackedTile> weights;
  // As stored: weight (r, c) is the c-th from byte r * stride on.
  const std::uint8_t* bytes = nullptr;
  std::int64_t stride = 0;
  bool floats = false;  // bfloat16
  // What `bytes` points to, of a memory that others write.
  std::shared_ptr<const std::vector<std::uint8_t>> copy;
  std::vector<std::int32_t> zero;  // per column; empty: all 0
  CyclePoint whole;                // first cycle in which the planes see it whole
  std::int64_t layer = 0;          // that reads it
  CyclePoint usable;               // first cycle in which a pass may switch to it

  // What PE(r, c) multiplies by: the weight less its column's zero point, 0 outside the valid part;
  // of bfloat16 its bits, masked outside (float_pe.h).
  [[nodiscard]] std::int16_t operand(std::int64_t r, std::int64_t c) const;
  // The same for all columns of row r.
  void operands(std::int64_t r, std::span<std::int16_t> to) const;
};

class WeightPlanes {
 public:
  // Of matrix unit `instance`.
  WeightPlanes(const Board& board, std::int64_t instance);

  // Reports the FIFO's level to the probe: one process for arrivals (+1), one for shifts (-1).
  Process watch(Milestones& steps, std::int64_t change);

  // --- the weight fetch unit's side ---
  // The next tile, whose last byte arrives in cycle `arrived`; it is seen a cycle later.
  void deliver(Tile tile, const Instant& arrived);
  // Step n: the n-th tile has been shifted in: its FIFO slot is free and it may become active.
  [[nodiscard]] Milestones& shifted() { return shifted_; }

  // --- the array's side ---
  // Step n: the n-th tile is whole and seen.
  [[nodiscard]] Milestones& arrived() { return arrived_; }
  // The layer of the FIFO's head, which is whole.
  [[nodiscard]] std::int64_t head_layer() const {
    return tiles_[static_cast<std::size_t>(in_array_)].layer;
  }
  // The FIFO's head, null if it is not whole in cycle `when`.
  [[nodiscard]] const Tile* head(CyclePoint when) const;
  // The head's shift ends: from `end` on it may become active and its slot is free.
  void end_shift(const Instant& end);

  // --- the matrix unit's side ---
  // The oldest tile not yet active, once it has been shifted in.
  [[nodiscard]] Tile take();

 private:
  const Board& board_;
  std::string level_name_;  // for the probe
  Milestones arrived_, shifted_;
  Ring<Tile> tiles_;           // fetched and not taken
  std::int64_t in_array_ = 0;  // of these, the first that have left the FIFO
  std::int64_t level_ = 0;
};

}  // namespace systole::sim
