// Sequencer: decodes one instruction every `sequencer.decode_cycles`, in order, from cycle
// `sequencer.start_cycles` on, as soon as it is in the instruction buffer (instruction_buffer.h);
// waiting for that is its wait `instructions`.
//
//   instruction       dispatched in its decode cycle into its unit's queue; while that queue is
//                     full the sequencer stands still; the next decode is decode_cycles later
//   sync U,V,d        into U's queue, with need = sent[V] - d
//   tag               names the layer of what follows
//   repeat, step      expanded here; each instruction of each repetition is decoded
//   interrupt         waits until all units have completed everything, runs the host stage in no
//                     time (host time is reported apart); the next decode is one cycle later
//   halt              waits until all units have completed everything
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "isa/program.h"
#include "sim/unit/inbox.h"
#include "sim/unit/instruction_buffer.h"

namespace systole::sim {

// What a run asks of the outside: run_stage(n) is the host's stage n; progress(fraction done),
// called now and then, may be empty.
struct RunHooks {
  std::function<void(std::int64_t)> run_stage;
  std::function<void(double)> progress;
};

class Sequencer {
 public:
  // inboxes[U] is null for units without a queue or that the machine has not.
  using Inboxes = std::vector<Inbox*>;
  Sequencer(const Board& board, InstructionBuffer& buffer, Completions& completions,
            Inboxes inboxes, RunHooks hooks);

  Process run();

  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }
  [[nodiscard]] bool halted() const { return halted_; }
  [[nodiscard]] std::int64_t current() const { return static_cast<std::int64_t>(pc_); }

 private:
  // The instruction at pc_ as this repetition sees it.
  [[nodiscard]] isa::Insn fetch();
  void advance();
  void enter_repeat(const isa::Repeat& repeat);
  // The instruction at pc_ as the host sends it, and the first one that is still needed.
  [[nodiscard]] InstructionBuffer::Place sent_place() const;
  [[nodiscard]] InstructionBuffer::Place kept_place() const;
  [[nodiscard]] std::int64_t needed(const isa::Insn& insn) const;
  void note(const isa::Insn& insn);
  void book(CyclePoint begin, const isa::Insn& insn);
  [[nodiscard]] CycleCount decode_cycles(const isa::Insn& insn) const;

  const Board& board_;
  InstructionBuffer& buffer_;
  Completions& completions_;
  Inboxes inboxes_;
  RunHooks hooks_;
  UnitSheet sheet_;
  Trail trail_;

  std::size_t pc_ = 0;
  std::int64_t layer_ = 0;
  bool halted_ = false;
  std::int64_t decoded_ = 0;
  std::vector<std::int64_t> sent_;                 // by unit
  std::vector<std::int64_t> queued_;               // the same with syncs and sets
  std::int64_t dispatched_ = 0;                    // that count
  isa::StepBy step_;                               // of the next instruction
  std::size_t body_begin_ = 0, body_end_ = 0;      // of the repeat being expanded
  std::int64_t repetition_ = 0, repetitions_ = 0;  // 0 of 0 outside repeats
  bool sent_again_ = false;                        // each repetition of its body crosses the link
};

}  // namespace systole::sim
