// Matrix unit (data sheet in matrix_unit.h).
#include "sim/unit/matrix_unit.h"

#include <utility>

namespace systole::sim {

MatrixUnit::MatrixUnit(const Board& board, isa::Unit unit, Completions& completions,
                       UnifiedBuffer& buffer, WeightPlanes& planes, ArrayModel& array)
    : board_(board),
      stalls_(board, unit),
      inbox_(board, unit, completions, stalls_),
      buffer_(buffer),
      planes_(planes),
      array_(array) {}

Process MatrixUnit::run() {
  for (;;) {
    while (inbox_.blocked()) co_await inbox_.change();
    if (RowFeed(inbox_.head().insn, buffer_).insn().switch_tile != 0) {
      array_.expect_switch(inbox_.trail());
      co_await inbox_.trail().reach(planes_.shifted(), ++switches_);
    }
    co_await inbox_.trail().at({injected_});
    start_pass(RowFeed(inbox_.head().insn, buffer_));
  }
}

void MatrixUnit::start_pass(const RowFeed& feed) {
  const CycleCount held(
      board_.machine.held_cycles(feed.length().value, feed.insn().k, feed.insn().n));
  const CycleCount length = board_.paced(Resource::kArray, held);
  injected_ = inbox_.trail().after({inbox_.trail().now(), Resource::kArray, length});
  PassTimes times{inbox_.head_visible(), {}, {}, inbox_.trail().now(), injected_};
  if (feed.insn().switch_tile != 0) switch_tile(times);
  count(feed);
  stalls_.pass(inbox_.head().layer, times, inbox_.label(feed.rows()));
  Trail& trail = inbox_.trail();
  array_.start(feed, inbox_.issue(), {trail, trail.now(), injected_});
}

void MatrixUnit::switch_tile(PassTimes& times) {
  Tile tile = planes_.take();
  times.whole = tile.whole;
  times.usable = tile.usable;
  array_.switch_tile(std::move(tile));
}

void MatrixUnit::count(const RowFeed& feed) {
  Counters& counters = board_.ledger.layer(inbox_.head().layer);
  const std::int64_t useful = feed.rows() * feed.insn().k * feed.insn().n;
  ++counters.passes;
  counters.macs_useful += useful;
  counters.macs_padded += feed.rows() * board_.machine.pe_count() - useful;
  counters.ub_read += feed.read();
}

}  // namespace systole::sim
