// Inbox: a unit's in-order instruction queue, and the completions that syncs wait for (T10).
//
// A sync at the head is passed at no cost in the first cycle in which the unit it names has
// completed enough; several may be passed in one cycle, and the next instruction may start in that
// same cycle. A completion is visible to others one cycle later. A `set` at the head is passed in
// the same way, at once.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "isa/insn.h"
#include "isa/program.h"
#include "isa/registers.h"
#include "sim/kernel/channel.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/milestones.h"
#include "sim/kernel/timesheet.h"
#include "sim/kernel/trail.h"
#include "sim/unit/ledger.h"
#include "sim/unit/occupancy.h"

namespace systole::sim {

// What every unit stands on. All of it outlives the units.
struct Board {
  Kernel& kernel;
  const isa::Machine& machine;
  const isa::Program& program;
  Ledger& ledger;
  Probe* probe;          // may be null
  Causes* causes;        // may be null
  Occupancy* occupancy;  // null without a probe
  bool lives;            // the probe wants to hear of instructions
  bool values;           // false: timing only

  // Cycles of a pace that the machine may ask to be faster (what_if).
  [[nodiscard]] CycleCount paced(Resource resource, CycleCount cycles) const {
    return sim::paced(machine, resource, cycles);
  }
};

// One dispatched instruction.
struct Entry {
  isa::Insn insn;
  std::int64_t index = 0;  // in program.code
  std::int64_t layer = 0;
  std::int64_t need = 0;  // of a sync: how many completions it waits for
  // For the probe: how many that count (isa::counts) were dispatched before it, to all units and
  // (with it) to its own.
  std::int64_t serial = 0, ordinal = 0;
  Instant dispatched;
};

// done[U] of all units: step n is visible one cycle after the n-th instruction completed.
class Completions {
 public:
  // `causes` may be null.
  Completions(Kernel& kernel, const isa::Machine& machine, Causes* causes);
  [[nodiscard]] Milestones& of(isa::Unit unit) { return *done_[isa::index(unit)]; }

 private:
  std::vector<std::unique_ptr<Milestones>> done_;  // by unit
};

// Told of every sync that kept the head of a queue waiting.
class SyncBook {
 public:
  virtual ~SyncBook() = default;
  // The sync was unmet at the head from `begin` to `end` (exclusive, begin < end).
  virtual void sync_wait(const Entry& sync, CyclePoint begin, CyclePoint end) = 0;
};

class Inbox {
 public:
  Inbox(const Board& board, isa::Unit unit, Completions& completions, SyncBook& book);

  // The sequencer's end.
  [[nodiscard]] Channel<Entry>& queue() { return queue_; }

  // The unit's loop starts with
  //   while (inbox.blocked()) co_await inbox.change();
  // blocked() passes every sync that is met now and says whether no instruction is at the head yet.
  // The unit goes on waiting through the inbox's trail.
  [[nodiscard]] bool blocked();
  [[nodiscard]] auto change() { return Change{*this}; }
  [[nodiscard]] Trail& trail() { return trail_; }
  // Why there is room for the n-th entry, which has been found.
  void join_room(Trail& sequencer, std::int64_t n) const {
    sequencer.join_room(pops_, n, board_.machine.sequencer_queue, Resource::kQueue);
  }

  // The head; the reference is good until the next co_await, since the queue may grow meanwhile.
  [[nodiscard]] const Entry& head() const { return queue_.front(); }
  template <typename Insn>
  [[nodiscard]] const Insn& head_as() const {
    const auto* insn = std::get_if<Insn>(&head().insn);
    SYSTOLE_CHECK(insn != nullptr, "{} in the queue of {}", isa::mnemonic(head().insn),
                  isa::unit_name(unit_));
    return *insn;
  }
  // What the unit's registers hold for the head.
  [[nodiscard]] const isa::Registers& registers() const { return registers_; }
  // The first cycle in which the head could be read from the queue, wherever it stood.
  [[nodiscard]] CyclePoint head_visible() const { return queue_.front_since(); }
  // The first cycle in which the head stood at the head.
  [[nodiscard]] CyclePoint head_since() const { return std::max(queue_.front_since(), last_pop_); }
  [[nodiscard]] SliceLabel label(std::int64_t rows, std::int64_t bytes = -1) const;

  // An instruction that has started and left the queue.
  class Issued {
   public:
    Issued() = default;  // of nothing
    [[nodiscard]] std::int64_t layer() const { return layer_; }
    // It completes at `completion`, which must not be before that of the one issued before it.
    void complete(const Instant& completion) const;

   private:
    friend class Inbox;
    Issued(Inbox& inbox, std::int64_t layer, CyclePoint start)
        : inbox_(&inbox), layer_(layer), start_(start) {}
    Inbox* inbox_ = nullptr;
    std::int64_t layer_ = 0;
    CyclePoint start_;
  };
  // The head starts now and leaves the queue.
  [[nodiscard]] Issued issue();
  // The same where the completion is known at once.
  void start(const Instant& completion) { issue().complete(completion); }

  // What the queue waits for, for a deadlock report.
  [[nodiscard]] std::string state();

 private:
  struct Change {
    Inbox& inbox;
    [[nodiscard]] static bool await_ready() { return false; }
    void await_suspend(Kernel::Handle handle) const { inbox.resume_on_change(handle); }
    void await_resume() const {}
  };
  void resume_on_change(Kernel::Handle handle);
  // Notes that the head can be seen, and for whom the unit works.
  void see();
  void pop();

  const Board& board_;
  isa::Unit unit_;
  Completions& completions_;
  SyncBook& book_;
  Channel<Entry> queue_;
  isa::Registers registers_;
  CyclePoint last_pop_;
  Trail trail_;
  Steps pops_;
  bool seen_ = false;  // the head, by the trail
  // For a probe that wants lives: the one whose completion the head's last unmet sync needed, and
  // those that have started, in order, which is that of their completions, too.
  std::string_view awaited_unit_;
  std::int64_t awaited_ordinal_ = 0;
  std::deque<Life> started_;
};

// The timesheet of a unit other than the matrix unit: its syncs are named by why and unit.
//
// What is booked in a cycle ends then or later, but for data whose flow is told after it began
// (memory.h): flow() books those behind all that is booked in the same cycle, whoever comes first.
class UnitSheet : public Timesheet, public SyncBook {
 public:
  UnitSheet(const Board& board, isa::Unit unit);
  void sync_wait(const Entry& sync, CyclePoint begin, CyclePoint end) override;
  void wait(CyclePoint begin, CyclePoint end, std::string_view cls, const SliceLabel& label);
  void busy(CyclePoint begin, CyclePoint end, const SliceLabel& label);
  // Was told now that data flow in [begin, end).
  void flow(CyclePoint begin, CyclePoint end, const SliceLabel& label);
  // Books all flows told before a cycle; at the end of a run, all.
  void settle(CyclePoint before = kNever);

 private:
  struct Flow {
    CyclePoint told, begin, end;
    SliceLabel label;
  };
  const Board& board_;
  std::deque<Flow> flows_;  // that are not booked
};

}  // namespace systole::sim
