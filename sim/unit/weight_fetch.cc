// Weight fetch (data sheet in weight_fetch.h).
#include "sim/unit/weight_fetch.h"

#include <algorithm>
#include <utility>

#include "base/numerics.h"
#include "isa/visit.h"
#include "sim/kernel/waits.h"

namespace systole::sim {

WeightFetch::WeightFetch(const Board& board, Completions& completions, ParamMemory& params,
                         WeightPlanes& planes)
    : board_(board),
      sheet_(board, isa::Unit::kWeights),
      inbox_(board, isa::Unit::kWeights, completions, sheet_),
      params_(params),
      planes_(planes),
      dram_(make_dram(board.machine)) {}

Process WeightFetch::run() {
  const Bytes tile_bytes(board_.machine.tile_bytes());
  Kernel& kernel = board_.kernel;
  for (std::int64_t n = 1;; ++n) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await kernel.at(next_address_);
    const CyclePoint ready = kernel.now();
    co_await planes_.shifted().reach(n - board_.machine.weight_fifo_tiles);
    const CyclePoint start = kernel.now();
    sheet_.wait(ready, start, wait::kFifoFull, inbox_.label(-1));

    const auto& insn = isa::visit_work<const isa::ReadWeights&, isa::Unit::kWeights>(
        inbox_.head().insn, [](const isa::ReadWeights& i) -> const isa::ReadWeights& { return i; });
    Tile tile = read(insn);
    Counters& counters = board_.ledger.layer(inbox_.head().layer);
    counters.weights_read += tile_bytes;
    ++counters.tiles;
    const DramRead data = dram_->read(start, insn.dram, tile_bytes);
    const CyclePoint whole = data.sent + CycleCount(board_.machine.dram_latency);
    tile.whole = whole + CycleCount(1);
    planes_.deliver(std::move(tile));
    sheet_.busy(data.begin, data.sent, inbox_.label(-1, tile_bytes.value));
    inbox_.start(whole);
    next_address_ = start + CycleCount(1);
  }
}

Tile WeightFetch::read(const isa::ReadWeights& insn) {
  Tile tile;
  if (!board_.values) return tile;
  tile.weights = packed(insn);
  tile.bytes = board_.program.weights.data() + insn.dram;
  tile.stride = board_.machine.c();
  if (insn.use_zero != 0) {
    tile.zero.resize(static_cast<std::size_t>(insn.n));
    params_.read<std::int32_t>(insn.zero, tile.zero);
    std::ranges::transform(tile.zero, tile.zero.begin(), weight_zero_point);
  }
  return tile;
}

std::shared_ptr<const PackedTile> WeightFetch::packed(const isa::ReadWeights& insn) {
  const auto& image = board_.program.weights;
  const std::int64_t end = insn.dram + board_.machine.tile_bytes();
  SYSTOLE_CHECK(insn.dram >= 0 && end <= static_cast<std::int64_t>(image.size()),
                "bytes [{}, {}) of {}", insn.dram, end, image.size());
  auto& place = cache_[{insn.dram, insn.k, insn.n, insn.is_signed != 0}];
  if (place == nullptr) {
    place = std::make_shared<const PackedTile>(pack_tile(
        image.data() + insn.dram, board_.machine.c(), insn.k, insn.n, insn.is_signed != 0));
    cached_bytes_ += place->bytes();
  }
  const std::shared_ptr<const PackedTile> tile = place;
  if (cached_bytes_ > 4 * static_cast<std::int64_t>(image.size())) {
    cache_.clear();
    cached_bytes_ = 0;
  }
  return tile;
}

}  // namespace systole::sim
