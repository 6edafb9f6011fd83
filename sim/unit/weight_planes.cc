// Weight planes (data sheet in weight_planes.h).
#include "sim/unit/weight_planes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sim/unit/float_pe.h"

namespace systole::sim {

std::int16_t Tile::operand(std::int64_t r, std::int64_t c) const {
  if (r >= weights->k || c >= weights->n) return floats ? kMasked : std::int16_t{0};
  if (floats) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes + r * stride + 2 * c, sizeof bits);
    return entering(bits);
  }
  const std::uint8_t byte = bytes[r * stride + c];
  const std::int32_t value = weights->is_signed ? static_cast<std::int8_t>(byte) : byte;
  const std::int32_t column_zero = zero.empty() ? 0 : zero[static_cast<std::size_t>(c)];
  return static_cast<std::int16_t>(value - column_zero);
}

void Tile::operands(std::int64_t r, std::span<std::int16_t> to) const {
  if (floats) {
    for (std::size_t c = 0; c < to.size(); ++c) to[c] = operand(r, static_cast<std::int64_t>(c));
    return;
  }
  std::ranges::fill(to, std::int16_t{0});
  if (r >= weights->k) return;
  const std::uint8_t* row = bytes + r * stride;
  const std::uint8_t sign = weights->is_signed ? 0x80 : 0;
  const auto n = static_cast<std::size_t>(weights->n);
  for (std::size_t c = 0; c < n; ++c) to[c] = static_cast<std::int16_t>((row[c] ^ sign) - sign);
  for (std::size_t c = 0; c < zero.size(); ++c) to[c] = static_cast<std::int16_t>(to[c] - zero[c]);
}

WeightPlanes::WeightPlanes(const Board& board, std::int64_t instance)
    : board_(board),
      level_name_(instance == 0 ? "weight_fifo.tiles"
                                : fmt::format("weight_fifo.{}.tiles", instance)),
      arrived_(board.kernel, board.causes),
      shifted_(board.kernel, board.causes) {}

Process WeightPlanes::watch(Milestones& steps, std::int64_t change) {
  for (std::int64_t n = 1;; ++n) {
    co_await steps.reach(n);
    level_ += change;
    board_.probe->counter(level_name_, board_.kernel.now(), level_);
  }
}

void WeightPlanes::deliver(Tile tile, const Instant& arrived) {
  const Cause seen{arrived, Resource::kControl, CycleCount(1)};
  tile.whole = seen.at();
  arrived_.post(seen);
  tiles_.push(std::move(tile));
}

const Tile* WeightPlanes::head(CyclePoint when) const {
  const auto head = static_cast<std::size_t>(in_array_);
  if (head >= tiles_.size() || tiles_[head].whole > when) return nullptr;
  return &tiles_[head];
}

void WeightPlanes::end_shift(const Instant& end) {
  SYSTOLE_CHECK(head(board_.kernel.now()) != nullptr, "the end of a shift of nothing");
  tiles_[static_cast<std::size_t>(in_array_++)].usable = end;
  shifted_.post({end});
}

Tile WeightPlanes::take() {
  SYSTOLE_CHECK(in_array_ > 0 && tiles_.front().usable <= board_.kernel.now(),
                "switch to a tile that is not there");
  Tile tile = std::move(tiles_.front());
  tiles_.pop();
  --in_array_;
  return tile;
}

}  // namespace systole::sim
