// Weight planes (data sheet in weight_planes.h).
#include "sim/unit/weight_planes.h"

#include <utility>

namespace systole::sim {

WeightPlanes::WeightPlanes(const Board& board)
    : board_(board), arrived_(board.kernel), shadow_free_(board.kernel), shifted_(board.kernel) {
  shadow_free_.post(CyclePoint(0));
}

Process WeightPlanes::run() {
  for (std::int64_t n = 1;; ++n) {
    co_await shadow_free_.reach(n);
    co_await arrived_.reach(n);
    const CyclePoint end = board_.kernel.now() + CycleCount(board_.machine.r());
    tiles_[static_cast<std::size_t>(n - 1 - taken_)].usable = end;
    shifted_.post(end);
  }
}

Process WeightPlanes::watch(Milestones& steps, std::int64_t change) {
  for (std::int64_t n = 1;; ++n) {
    co_await steps.reach(n);
    level_ += change;
    board_.probe->counter("weight_fifo.tiles", board_.kernel.now(), level_);
  }
}

void WeightPlanes::deliver(Tile tile) {
  arrived_.post(tile.whole);
  tiles_.push(std::move(tile));
}

Tile WeightPlanes::take() {
  SYSTOLE_CHECK(!tiles_.empty() && tiles_.front().usable <= board_.kernel.now(),
                "switch to a tile that is not there");
  Tile tile = std::move(tiles_.front());
  tiles_.pop();
  ++taken_;
  return tile;
}

}  // namespace systole::sim
