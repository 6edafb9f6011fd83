// Inbox: syncs, completions and their bookings (story in inbox.h).
#include "sim/unit/inbox.h"

#include <algorithm>

namespace systole::sim {
namespace {

// "raw activation" and so on, for every pair of why and unit.
std::string_view sync_name(const isa::Sync& sync) {
  static const auto names = [] {
    std::array<std::array<std::string, isa::kMaxUnits>, 2> all;
    for (std::size_t u = 0; u < isa::kMaxUnits; ++u) {
      all[0][u] = "raw " + std::string(isa::unit_name(isa::unit_at(u)));
      all[1][u] = "war " + std::string(isa::unit_name(isa::unit_at(u)));
    }
    return all;
  }();
  return names[sync.why == isa::why::kRaw ? 0 : 1].at(isa::index(isa::awaited(sync)));
}

}  // namespace

Completions::Completions(Kernel& kernel, const isa::Machine& machine, Causes* causes)
    : done_(isa::unit_slots(machine)) {
  for (auto& done : done_) done = std::make_unique<Milestones>(kernel, causes);
}

Inbox::Inbox(const Board& board, isa::Unit unit, Completions& completions, SyncBook& book)
    : board_(board),
      unit_(unit),
      completions_(completions),
      book_(book),
      queue_(board.kernel, board.machine.sequencer_queue),
      trail_(board.kernel, board.causes),
      pops_(board.causes) {}

bool Inbox::blocked() {
  while (queue_.readable()) {
    see();
    if (const auto* set = std::get_if<isa::Set>(&head().insn)) {
      registers_.set(*set);
      pop();
      continue;
    }
    const auto* sync = std::get_if<isa::Sync>(&head().insn);
    if (sync == nullptr) return false;
    const isa::Unit unit = isa::awaited(*sync);
    if (!completions_.of(unit).reached(head().need)) return true;
    if (head().need > 0 && trail_.records()) {
      trail_.join(completions_.of(unit).steps().cause(head().need));
    }
    const CyclePoint now = board_.kernel.now();
    if (head_since() < now) {
      book_.sync_wait(head(), head_since(), now);
      awaited_unit_ = isa::unit_name(unit);
      awaited_ordinal_ = head().need;
    }
    pop();
  }
  return true;
}

void Inbox::resume_on_change(Kernel::Handle handle) {
  if (!queue_.readable()) {
    queue_.resume_when_readable(handle);
    return;
  }
  const auto& sync = head_as<isa::Sync>();
  completions_.of(isa::awaited(sync)).resume_when_reached(head().need, handle);
}

SliceLabel Inbox::label(std::int64_t rows, std::int64_t bytes) const {
  if (board_.probe == nullptr) return {};
  return {isa::mnemonic(head().insn),
          board_.ledger.layer_name(head().layer),
          head().index,
          rows,
          bytes,
          head().ordinal};
}

Inbox::Issued Inbox::issue() {
  if (board_.lives) {
    const Entry& e = head();
    started_.push_back({isa::unit_name(unit_), isa::mnemonic(e.insn),
                        board_.ledger.layer_name(e.layer), e.index, e.serial, e.ordinal,
                        e.dispatched, head_since(), board_.kernel.now(), CyclePoint(),
                        awaited_unit_, awaited_ordinal_});
    awaited_unit_ = {};
    awaited_ordinal_ = 0;
  }
  if (board_.occupancy != nullptr) board_.occupancy->starts(unit_, board_.kernel.now());
  if (trail_.records()) board_.causes->starts({head().serial, trail_.now().moment});
  const Issued issued(*this, head().layer, board_.kernel.now());
  pop();
  return issued;
}

void Inbox::Issued::complete(const Instant& completion) const {
  const Board& board = inbox_->board_;
  board.ledger.at_work(layer_, start_, completion);
  inbox_->completions_.of(inbox_->unit_).post({completion, Resource::kControl, CycleCount(1)});
  if (board.causes != nullptr) board.causes->completes(completion);
  if (board.occupancy != nullptr) {
    board.occupancy->completes(inbox_->unit_, board.kernel.now(), completion);
  }
  if (board.lives) {
    inbox_->started_.front().completed = completion;
    board.probe->instruction(inbox_->started_.front());
    inbox_->started_.pop_front();
  }
}

void Inbox::see() {
  if (seen_) return;
  seen_ = true;
  trail_.of_layer(head().layer);
  trail_.join({head().dispatched, Resource::kControl, CycleCount(1)});
}

void Inbox::pop() {
  pops_.push({trail_.now(), Resource::kControl, CycleCount(1)});
  seen_ = false;
  queue_.pop();
  last_pop_ = board_.kernel.now();
}

std::string Inbox::state() {
  const std::string name(isa::unit_name(unit_));
  if (!queue_.readable()) return name + " has an empty queue";
  const auto* sync = std::get_if<isa::Sync>(&head().insn);
  if (sync == nullptr) {
    return fmt::format("{} cannot start instruction {} ({})", name, head().index + 1,
                       isa::mnemonic(head().insn));
  }
  const isa::Unit unit = isa::awaited(*sync);
  return fmt::format("{} waits at instruction {} for {} completions of {}, which has {}", name,
                     head().index + 1, head().need, isa::unit_name(unit),
                     completions_.of(unit).count());
}

UnitSheet::UnitSheet(const Board& board, isa::Unit unit)
    : Timesheet(isa::unit_name(unit), board.probe), board_(board) {}

void UnitSheet::sync_wait(const Entry& sync, CyclePoint begin, CyclePoint end) {
  wait(begin, end, sync_name(std::get<isa::Sync>(sync.insn)),
       {"sync", board_.ledger.layer_name(sync.layer), sync.index, -1});
}

void UnitSheet::wait(CyclePoint begin, CyclePoint end, std::string_view cls,
                     const SliceLabel& label) {
  settle(board_.kernel.now());
  Timesheet::wait(begin, end, cls, label);
}

void UnitSheet::busy(CyclePoint begin, CyclePoint end, const SliceLabel& label) {
  settle(board_.kernel.now());
  Timesheet::busy(begin, end, label);
}

void UnitSheet::flow(CyclePoint begin, CyclePoint end, const SliceLabel& label) {
  flows_.push_back({board_.kernel.now(), begin, end, label});
}

void UnitSheet::settle(CyclePoint before) {
  for (; !flows_.empty() && flows_.front().told < before; flows_.pop_front()) {
    const Flow& flow = flows_.front();
    Timesheet::busy(flow.begin, flow.end, flow.label);
  }
}

}  // namespace systole::sim
