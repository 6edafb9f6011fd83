// Stall table: booking of gaps and passes (rules in stall_table.h).
#include "sim/unit/stall_table.h"

#include <algorithm>

namespace systole::sim {
namespace {

Stall stall_of(const isa::Sync& sync) {
  switch (isa::kind_of(isa::awaited(sync))) {
    case isa::Unit::kActivation:
    case isa::Unit::kVector:
      return sync.why == isa::why::kRaw ? Stall::kRaw : Stall::kWar;
    case isa::Unit::kDmaIn:
      return Stall::kInput;
    case isa::Unit::kDmaOut:
      return Stall::kOutput;
    default:
      return Stall::kPort;
  }
}

}  // namespace

StallTable::StallTable(const Board& board, isa::Unit unit)
    : board_(board),
      first_(isa::instance_of(unit) == 0),
      sheet_(isa::unit_name(unit), board.probe) {
  for (std::size_t i = 0; i < kStallCount; ++i) {
    if (static_cast<Stall>(i) != Stall::kActive) sheet_.expect(stall_name(static_cast<Stall>(i)));
  }
}

void StallTable::sync_wait(const Entry& sync, CyclePoint begin, CyclePoint end) {
  waits_.push_back({begin, end, stall_of(std::get<isa::Sync>(sync.insn))});
}

void StallTable::pass(std::int64_t layer, const PassTimes& times, const SliceLabel& label) {
  layer_ = layer;
  until_ = times.begin.moment;
  for (const HeadWait& wait : waits_) {
    const CyclePoint begin = std::max(wait.begin, booked_until_);
    if (begin >= wait.end) continue;
    count_any(wait);
    // Between two syncs the head was empty, or H itself.
    book_piece(std::min(begin, times.visible), Stall::kSequencer, times);
    book_piece(begin, Stall::kPort, times);
    book_piece(wait.end, wait.stall, times);
  }
  waits_.clear();
  book_piece(std::min<CyclePoint>(times.begin, times.visible), Stall::kSequencer, times);
  book_piece(times.begin, Stall::kPort, times);
  book(times.end, Stall::kActive, label);
}

void StallTable::finish(CyclePoint end) {
  for (HeadWait wait : waits_) {
    wait.end = std::min(wait.end, end);
    count_any(wait);
  }
  waits_.clear();
  if (board_.causes != nullptr) until_ = board_.causes->end();
  book(end, Stall::kDrain, {});
}

void StallTable::count_any(const HeadWait& wait) {
  const CyclePoint begin = std::max(wait.begin, booked_until_);
  if (begin >= wait.end) return;
  Counters& counters = board_.ledger.layer(layer_);
  if (wait.stall == Stall::kRaw) counters.raw_any += wait.end - begin;
  if (wait.stall == Stall::kInput) counters.input_any += wait.end - begin;
}

void StallTable::book_piece(CyclePoint end, Stall base, const PassTimes& h) {
  book(std::min(end, h.visible), base, {});
  book(std::min(end, h.whole), Stall::kWeightStall, {});
  book(std::min(end, h.usable), Stall::kWeightShift, {});
  book(end, base, {});
}

void StallTable::book(CyclePoint end, Stall stall, const SliceLabel& label) {
  if (end <= booked_until_) return;
  Counters& counters = board_.ledger.layer(layer_);
  counters.matrix.at(static_cast<std::size_t>(stall)) += end - booked_until_;
  if (first_) counters.cycles += end - booked_until_;
  if (stall == Stall::kActive) {
    SliceLabel of_layer = label;
    of_layer.layer = board_.ledger.layer_name(layer_);
    sheet_.busy(booked_until_, end, of_layer);
  } else {
    if (board_.causes != nullptr) board_.causes->gap({booked_until_, end, until_, stall});
    sheet_.wait(booked_until_, end, stall_name(stall),
                {label.name, board_.ledger.layer_name(layer_), label.insn});
  }
  booked_until_ = end;
}

}  // namespace systole::sim
