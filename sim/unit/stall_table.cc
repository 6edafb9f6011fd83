// Stall table: booking of gaps and passes (rules in stall_table.h).
#include "sim/unit/stall_table.h"

#include <algorithm>

namespace systole::sim {
namespace {

Stall stall_of(const isa::Sync& sync) {
  switch (static_cast<isa::Unit>(sync.wait_for)) {
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

void StallTable::sync_wait(const Entry& sync, CyclePoint begin, CyclePoint end) {
  waits_.push_back({begin, end, stall_of(std::get<isa::Sync>(sync.insn))});
}

void StallTable::pass(std::int64_t layer, const PassTimes& times, const SliceLabel& label) {
  layer_ = layer;
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
  book_piece(std::min(times.begin, times.visible), Stall::kSequencer, times);
  book_piece(times.begin, Stall::kPort, times);
  book(times.end, Stall::kActive, label);
}

void StallTable::finish(CyclePoint end) {
  for (HeadWait wait : waits_) {
    wait.end = std::min(wait.end, end);
    count_any(wait);
  }
  waits_.clear();
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
  counters.cycles += end - booked_until_;
  if (board_.probe != nullptr) {
    const bool active = stall == Stall::kActive;
    const std::string_view cls = active ? "busy" : stall_name(stall);
    board_.probe->slice({isa::unit_name(isa::Unit::kMatrix), active ? label.name : cls, cls,
                         board_.ledger.layer_name(layer_), booked_until_, end, label.insn,
                         label.rows, label.bytes});
  }
  booked_until_ = end;
}

}  // namespace systole::sim
