// Stall table: every cycle of the matrix unit in exactly one class (sim/kernel/stalls.def).
//
// A cycle is active while a pass injects rows. The gap before a pass is booked when that pass, H,
// injects and all is known, to H's layer, by the first of these that holds in a cycle t:
//   H is in the queue (looking past syncs) and switches tiles:
//     t before the planes see its tile whole in the FIFO: weight stall
//     t before the tile has been shifted in:              weight shift
//   an unmet sync is at the queue's head: raw or war if it waits for the activation or vector unit,
//     input for dma_in, output for dma_out, port for any other
//   H is in the queue: port (it waits to start)
//   sequencer (the queue is empty and H is still to come)
// After the last pass comes drain, booked to the last pass's layer. raw_any and input_any count the
// cycles, active ones excepted, in which a raw or input sync is unmet at the head, whatever their
// class.
#pragma once

#include <vector>

#include "sim/unit/inbox.h"

namespace systole::sim {

// A pass as the table sees it.
struct PassTimes {
  CyclePoint visible;        // from when it could be read from the queue
  CyclePoint whole, usable;  // of the tile it switches to; cycle 0 if it switches to none
  Instant begin;             // rows are injected in [begin, end)
  CyclePoint end;
};

class StallTable : public SyncBook {
 public:
  // Of matrix unit `unit`.
  StallTable(const Board& board, isa::Unit unit);

  void sync_wait(const Entry& sync, CyclePoint begin, CyclePoint end) override;
  // Books the gap before a pass, and the pass. `label` is the pass's.
  void pass(std::int64_t layer, const PassTimes& times, const SliceLabel& label);
  // Books the end of the run: nothing more comes until `end`.
  void finish(CyclePoint end);

  [[nodiscard]] const Timesheet& sheet() const { return sheet_; }

 private:
  struct HeadWait {
    CyclePoint begin, end;
    Stall stall;
  };
  // Adds what is left of a wait to the overlapping counters.
  void count_any(const HeadWait& wait);
  // Books [booked_until_, end) as one class; nothing if that is empty.
  void book(CyclePoint end, Stall stall, const SliceLabel& label);
  // Books a piece of a gap in which the queue's head allows only `base`, weight classes first.
  void book_piece(CyclePoint end, Stall base, const PassTimes& h);

  const Board& board_;
  bool first_;  // of several matrix units: layers count its cycles
  Timesheet sheet_;
  std::vector<HeadWait> waits_;  // since the last pass
  CyclePoint booked_until_;
  std::int64_t layer_ = 0;  // of what is being booked
  Moment until_ = kStart;   // why the gap that is being booked ends
};

}  // namespace systole::sim
