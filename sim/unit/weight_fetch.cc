// Weight fetch (data sheet in weight_fetch.h).
#include "sim/unit/weight_fetch.h"

#include <algorithm>
#include <utility>

#include "base/numerics.h"
#include "isa/access.h"
#include "isa/precisions.h"
#include "isa/visit.h"
#include "sim/kernel/waits.h"
#include "sim/unit/float_values.h"

namespace systole::sim {

WeightFetch::WeightFetch(const Board& board, isa::Unit unit, Completions& completions,
                         Memory& memory, ParamMemory& params, UnifiedBuffer& buffer,
                         WeightPlanes& planes)
    : board_(board),
      sheet_(board, unit),
      inbox_(board, unit, completions, sheet_),
      params_(params),
      planes_(planes),
      memory_(memory),
      requester_(memory.connect(*this)),
      buffer_(buffer),
      told_(board.kernel, board.causes) {}

Process WeightFetch::run() {
  Kernel& kernel = board_.kernel;
  Trail& trail = inbox_.trail();
  for (std::int64_t n = 1;; ++n) {
    while (inbox_.blocked()) co_await inbox_.change();
    co_await trail.at({next_address_});
    const CyclePoint ready = kernel.now();
    co_await trail.room(planes_.shifted(), n, board_.machine.weight_fifo_tiles, Resource::kFifo);
    const CyclePoint start = kernel.now();
    sheet_.wait(ready, start, wait::kFifoFull, inbox_.label(-1));

    if (std::holds_alternative<isa::ReadTile>(inbox_.head().insn)) {
      co_await trail.reach(told_, asked_);
    }
    const isa::Insn head = inbox_.head().insn;
    isa::visit_work<void, isa::Unit::kWeights>(
        head, [this](const auto& insn) { fetch(insn, board_.kernel.now()); });
  }
}

void WeightFetch::fetch(const isa::ReadWeights& insn, CyclePoint start) {
  Trail& trail = inbox_.trail();
  const Bytes tile_bytes(isa::tile_bytes(board_.machine, insn.weights));
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.weights_read += tile_bytes;
  ++counters.tiles;
  Tile tile = read(insn);
  const SliceLabel label = inbox_.label(-1, tile_bytes.value);
  fetches_.push({std::move(tile), inbox_.issue(), start, label});
  ++asked_;
  next_address_ = trail.after({trail.now(), Resource::kControl, CycleCount(1)});
  memory_.ask(trail, requester_, insn.dram, tile_bytes);
}

void WeightFetch::fetch(const isa::ReadTile& insn, CyclePoint start) {
  Trail& trail = inbox_.trail();
  const isa::Machine& m = board_.machine;
  const std::int64_t bytes = insn.n * isa::element_bytes(isa::type::kBf16);
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  counters.ub_read += Bytes(insn.k * bytes);
  ++counters.tiles;
  Tile tile = read(insn);
  const SliceLabel label = inbox_.label(insn.k);
  const Inbox::Issued work = inbox_.issue();
  const CycleCount rows(ceil_div(insn.k * m.ub_rows_of(bytes, insn.lane), m.array_shift_rows));
  next_address_ =
      trail.after({trail.now(), Resource::kShift, board_.paced(Resource::kShift, rows)});
  sheet_.busy(start, next_address_, label);
  deliver(std::move(tile), work, trail.latest({next_address_}, {whole_}));
}

void WeightFetch::flows(CyclePoint begin, const Instant& sent) {
  Fetch fetch = std::move(fetches_.front());
  fetches_.pop();
  if (board_.kernel.now() == fetch.start) {
    sheet_.busy(begin, sent, fetch.label);
  } else {
    sheet_.flow(begin, sent, fetch.label);
  }
  const Instant whole =
      memory_.after({sent, Resource::kMemoryLatency, CycleCount(board_.machine.dram_latency)},
                    fetch.work.layer());
  deliver(std::move(fetch.tile), fetch.work, whole);
  told_.post({Instant(board_.kernel.now())});
}

void WeightFetch::deliver(Tile tile, const Inbox::Issued& work, const Instant& whole) {
  whole_ = whole;
  tile.layer = work.layer();
  planes_.deliver(std::move(tile), whole);
  work.complete(whole);
}

Tile WeightFetch::read(const isa::ReadTile& insn) {
  Tile tile;
  if (!board_.values) return tile;
  const std::int64_t bytes = insn.n * isa::element_bytes(isa::type::kBf16);
  const RowSpan rows = buffer_.rows({insn.ub, insn.lane, insn.k, bytes});
  auto copy = std::make_shared<std::vector<std::uint8_t>>();
  for (std::int64_t r = 0; r < insn.k; ++r) {
    copy->insert(copy->end(), rows.row(r), rows.row(r) + bytes);
  }
  tile.bytes = copy->data();
  tile.stride = bytes;
  tile.floats = true;
  tile.copy = std::move(copy);
  PackedTile packed{insn.k, insn.n, false, {}, {}};
  packed.floats = pack_floats(tile.bytes, tile.stride, insn.k, insn.n);
  tile.weights = std::make_shared<const PackedTile>(std::move(packed));
  return tile;
}

Tile WeightFetch::read(const isa::ReadWeights& insn) {
  Tile tile;
  if (!board_.values) return tile;
  const std::int64_t bytes = isa::tile_bytes(board_.machine, insn.weights);
  const auto stored = memory_.read(insn.dram, bytes);
  tile.stride = bytes / board_.machine.r();
  tile.floats = insn.weights == isa::weight_type::kBf16;
  if (memory_.is_writable()) {
    tile.copy = std::make_shared<const std::vector<std::uint8_t>>(stored.begin(), stored.end());
    tile.bytes = tile.copy->data();
    tile.weights = std::make_shared<const PackedTile>(pack(insn, tile));
  } else {
    tile.bytes = stored.data();
    tile.weights = packed(insn, tile);
  }
  if (insn.use_zero != 0) {
    tile.zero.resize(static_cast<std::size_t>(insn.n));
    params_.read<std::int32_t>(insn.zero, tile.zero);
    std::ranges::transform(tile.zero, tile.zero.begin(), weight_zero_point);
  }
  return tile;
}

PackedTile WeightFetch::pack(const isa::ReadWeights& insn, const Tile& tile) {
  if (!tile.floats) {
    return pack_tile(tile.bytes, tile.stride, insn.k, insn.n, insn.is_signed != 0);
  }
  PackedTile packed{insn.k, insn.n, false, {}, {}};
  packed.floats = pack_floats(tile.bytes, tile.stride, insn.k, insn.n);
  return packed;
}

std::shared_ptr<const PackedTile> WeightFetch::packed(const isa::ReadWeights& insn,
                                                      const Tile& tile) {
  auto& place = cache_[{insn.dram, insn.k, insn.n, insn.is_signed != 0, insn.weights}];
  if (place == nullptr) {
    place = std::make_shared<const PackedTile>(pack(insn, tile));
    cached_bytes_ += place->bytes();
  }
  const std::shared_ptr<const PackedTile> kept = place;
  if (cached_bytes_ > 4 * std::ssize(board_.program.weights)) {
    cache_.clear();
    cached_bytes_ = 0;
  }
  return kept;
}

}  // namespace systole::sim
