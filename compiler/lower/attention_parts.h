// Parts of attention that comes from memory: blocks of queries against blocks of keys, as passes,
// vector operations and moves with their waits; memory_attention.cc and ragged_attention.cc put
// them in order.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/units.h"
#include "compiler/lower/memory_waits.h"
#include "isa/machine.h"
#include "isa/operand.h"
#include "isa/precisions.h"

namespace systole::compiler::attention {

inline constexpr std::int64_t kElement = 2;  // bytes of a bfloat16
inline constexpr std::int64_t kScore = 4;    // of a binary32
// A row in memory and in the vector unit is whole lines of so many numbers: arrays lie in memory in
// tiles of 8 x 128 (XLA's documentation, "Tiled layout").
inline constexpr std::int64_t kLine = 128;
inline constexpr std::int64_t kTurns = 16;  // most sums in the accumulators at a time

inline std::int64_t padded(std::int64_t numbers) { return ceil_div(numbers, kLine) * kLine; }

inline isa::Unit matrix(std::int64_t unit) { return isa::unit_at(isa::Unit::kMatrix, unit); }
inline isa::Unit weights(std::int64_t unit) { return isa::unit_at(isa::Unit::kWeights, unit); }
inline isa::Unit activation(std::int64_t unit) {
  return isa::unit_at(isa::Unit::kActivation, unit);
}

// A block of queries against a block of keys on one matrix unit: buffer rows of its parts, and what
// it waits for.
struct Block {
  std::int64_t unit = 0;
  std::int64_t rows = 0, keys = 0, width = 0;
  std::int64_t q = 0, k = 0, v = 0, scores = 0, weights = 0, o = 0;
  std::int64_t lane = 0;                // of a row of q, which heads share
  std::int64_t v_lane = 0, o_lane = 0;  // and of v and o
  std::int64_t loaded = 0;              // number of the last load of what it reads
  std::int64_t stored = 0;              // of the store that frees `scores` or `o`
  std::int64_t prepared = 0,
               taken = 0;  // of vector operations: that made tiles, that free `scores`
};

// Writes parts of blocks; buffer rows lie column block by column block.
class Parts {
 public:
  Parts(const isa::Machine& machine, Waits& waits) : m_(machine), waits_(waits) {}

  [[nodiscard]] std::int64_t blocks(std::int64_t keys) const {
    return ceil_div(padded(keys), m_.c());
  }
  // Buffer rows of a row of a column block of scores, and of their softmax.
  [[nodiscard]] std::int64_t score_rows(std::int64_t keys) const {
    return m_.ub_rows_of(columns(keys, 0) * kScore);
  }
  [[nodiscard]] std::int64_t weight_rows(std::int64_t keys) const {
    return m_.ub_rows_of(columns(keys, 0) * kElement);
  }
  [[nodiscard]] std::int64_t row_rows(std::int64_t width) const {
    return m_.ub_rows_of(width * kElement);
  }
  [[nodiscard]] std::int64_t columns(std::int64_t keys, std::int64_t column) const {
    return std::min(m_.c(), padded(keys) - column * m_.c());
  }

  std::int64_t load(std::int64_t dram, std::int64_t ub, std::int64_t rows, std::int64_t bytes) {
    return waits_.push(
        isa::Load{.dram = dram, .stride = bytes, .ub = ub, .rows = rows, .bytes = bytes});
  }

  // A column block of Q K^T into `scores`: K^T is tiles of `width` rows. Its activation's number.
  std::int64_t score(const Block& b, std::int64_t column, std::int64_t type = isa::type::kF32) {
    const std::int64_t n = columns(b.keys, column);
    pass(b, {.ub = b.k + column * b.width * weight_rows(b.keys), .k = b.width, .n = n},
         {.ub = b.q, .lane = b.lane}, 0);
    return finish(b, {.ub = b.scores + column * b.rows * score_rows(b.keys)}, n, type);
  }
  // Its softmax, as bfloat16, once that is done.
  std::int64_t soften(const Block& b, std::int64_t column, std::int64_t scored,
                      std::int64_t type = isa::type::kF32) {
    waits_.need(isa::Unit::kVector, activation(b.unit), scored, isa::why::kRaw);
    waits_.need(isa::Unit::kVector, isa::Unit::kLoad, b.loaded, isa::why::kRaw);
    return waits_.push(isa::Vector{.op = isa::vector_op::kConvert,
                                   .a = b.scores + column * b.rows * score_rows(b.keys),
                                   .a_type = type,
                                   .b_type = isa::type::kBf16,
                                   .to = b.weights + column * b.rows * weight_rows(b.keys),
                                   .to_type = isa::type::kBf16,
                                   .rows = b.rows,
                                   .n = columns(b.keys, column)});
  }
  // A slice of that times V, once it is done; the last one's sums into `o`.
  void weigh(const Block& b, std::int64_t slice, std::int64_t softened) {
    waits_.need(matrix(b.unit), isa::Unit::kVector, softened, isa::why::kRaw);
    const std::int64_t k = std::min(m_.r(), b.keys - slice * m_.r());
    pass(b,
         {.ub = b.v + slice * m_.r() * row_rows(b.width), .lane = b.v_lane, .k = k, .n = b.width},
         {.ub = b.weights + slice * b.rows * weight_rows(b.keys)}, slice == 0 ? 0 : 1);
    if (slice + 1 < slices(b.keys)) return;
    finish(b, {.ub = b.o, .lane = b.o_lane}, b.width, isa::type::kBf16);
  }
  [[nodiscard]] std::int64_t slices(std::int64_t keys) const { return ceil_div(keys, m_.r()); }
  std::int64_t store(const Block& b, std::int64_t dram, std::int64_t ub, std::int64_t bytes) {
    waits_.need(isa::Unit::kStore, activation(b.unit), waits_.sent(activation(b.unit)),
                isa::why::kRaw);
    return waits_.push(
        isa::Store{.dram = dram, .stride = bytes, .ub = ub, .rows = b.rows, .bytes = bytes});
  }

 private:
  struct TilePlace {
    std::int64_t ub = 0, lane = 0, k = 0, n = 0;
  };
  struct Rows {
    std::int64_t ub = 0, lane = 0;
  };
  // One after the other in a unit's accumulators; the halves take turns.
  void pass(const Block& b, const TilePlace& tile, const Rows& from, std::int64_t accumulate) {
    State& s = state(b.unit);
    waits_.need(weights(b.unit), isa::Unit::kLoad, b.loaded, isa::why::kRaw);
    waits_.need(weights(b.unit), isa::Unit::kVector, b.prepared, isa::why::kRaw);
    waits_.push(isa::ReadTile{
        .ub = tile.ub, .lane = tile.lane, .k = tile.k, .n = tile.n, .instance = b.unit});
    waits_.need(matrix(b.unit), isa::Unit::kLoad, b.loaded, isa::why::kRaw);
    if (accumulate == 0) {
      s.turn = (s.turn + 1) % turns(b.rows);
      waits_.need(matrix(b.unit), activation(b.unit), s.activated[s.turn], isa::why::kWar);
    }
    s.pass = waits_.push(isa::Matmul{.ub = from.ub,
                                     .lane = from.lane,
                                     .acc = static_cast<std::int64_t>(s.turn) * b.rows,
                                     .rows = b.rows,
                                     .k = tile.k,
                                     .n = tile.n,
                                     .accumulate = accumulate,
                                     .switch_tile = 1,
                                     .precision = isa::precision::kBf16,
                                     .instance = b.unit});
  }
  std::int64_t finish(const Block& b, const Rows& to, std::int64_t n, std::int64_t type) {
    State& s = state(b.unit);
    const isa::OperandRange& none = isa::operand_range(isa::Operand::Limit);
    waits_.need(activation(b.unit), matrix(b.unit), s.pass, isa::why::kRaw);
    waits_.need(activation(b.unit), isa::Unit::kStore, b.stored, isa::why::kWar);
    waits_.need(activation(b.unit), isa::Unit::kVector, b.taken, isa::why::kWar);
    s.activated[s.turn] =
        waits_.push(isa::Activate{.acc = static_cast<std::int64_t>(s.turn) * b.rows,
                                  .ub = to.ub,
                                  .lane = to.lane,
                                  .rows = b.rows,
                                  .n = n,
                                  .type = type,
                                  .lo = none.low,
                                  .hi = none.high,
                                  .instance = b.unit});
    return s.activated[s.turn];
  }
  struct State {
    std::size_t turn = 0;
    std::int64_t pass = 0;
    std::array<std::int64_t, kTurns> activated{};
  };
  [[nodiscard]] State& state(std::int64_t unit) { return states_[static_cast<std::size_t>(unit)]; }
  // Places for sums of so many rows, which take turns.
  [[nodiscard]] std::size_t turns(std::int64_t rows) const {
    return static_cast<std::size_t>(std::min(m_.accumulators_rows / rows, kTurns));
  }

  const isa::Machine& m_;
  Waits& waits_;
  std::array<State, 8> states_{};
};

}  // namespace systole::compiler::attention
