// Register array: the systolic array of the register engine, every register in every cycle.
//
// What the array's edges do follows from registers alone:
//   row feed      a pass that has started offers its sub-rows one a cycle, the first with the
//                 switch flag if it takes a tile
//   weight feed   in a cycle in which column 0 has room for a tile (array_registers.h) and the
//                 FIFO's head is whole its first row enters, then a row a cycle; when the last one
//                 has entered the tile may be switched to and its FIFO slot is free
//   accumulators  a column's sum is added when its tag says so; a pass is complete one cycle after
//                 the tag of its last sub-row has passed the last column
//
// Cycle t is simulated in the kernel's cycle t + 1, when everything that happens in t is known, and
// what it finds is announced for t + 1 at the earliest; so the order of processes does not matter.
// Cycles in which no register can change are skipped.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "sim/kernel/accumulator_writes.h"
#include "sim/unit/accumulators.h"
#include "sim/unit/array_model.h"
#include "sim/unit/array_registers.h"

namespace systole::sim {

class RegisterArray : public ArrayModel {
 public:
  // `observer` may be null.
  RegisterArray(const Board& board, WeightPlanes& planes, Accumulators& accumulators,
                AccumulatorObserver* observer);

  void spawn() override;
  void expect_switch(Trail& control) override;
  void switch_tile(Tile tile) override;
  void start(const RowFeed& feed, const Inbox::Issued& issued, const Injection& injection) override;

 private:
  // A pass on its way through the array.
  struct Flight {
    RowFeed feed;
    Inbox::Issued issued;
    CyclePoint begin;
    bool switches;
  };
  struct Sleep;

  Process run();
  Process watch_fifo();
  // Something changes in this cycle.
  void wake();
  // Whether the next cycle, `next`, may leave every register as it is.
  [[nodiscard]] bool idle(CyclePoint next) const;

  // The cycle t.
  void clock(CyclePoint t);
  void feed_row(CyclePoint t);
  void write_accumulators(CyclePoint t);
  void feed_weights(CyclePoint t);
  // Whether the head of the FIFO is there and may start to shift in cycle t.
  [[nodiscard]] bool may_shift(CyclePoint t) const;
  // Adds a partial sum; `excess` is what wrapping has taken from the accumulator's row so far.
  void add(const SubRowTag& tag, std::int64_t psum, std::int32_t& accumulator,
           std::int64_t& excess);

  const Board& board_;
  WeightPlanes& planes_;
  Accumulators& accumulators_;
  AccumulatorObserver* observer_;
  ArrayRegisters registers_;
  bool watched_;

  std::deque<Flight> flights_;          // started and not complete
  std::size_t fed_ = 0;                 // of these, the first whose rows have all entered
  bool next_switches_ = false;          // the pass that starts next takes a tile
  std::int64_t rows_shifted_ = 0;       // of the tile that is shifting in; 0: none is
  std::int64_t tiles_begun_ = 0;        // tiles whose shift has begun
  std::int64_t switches_expected_ = 0;  // told of so far ...
  CyclePoint last_expected_;            // ... the last one then
  std::vector<std::int16_t> lanes_, weights_;
  std::vector<std::int64_t> excess_;  // per column
  Kernel::Handle sleeper_{};
};

}  // namespace systole::sim
