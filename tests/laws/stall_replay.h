// Stall replay: the matrix unit's stall table, worked out anew, cycle by cycle.
//
// From a run it takes only when the sequencer dispatched each instruction, when each instruction of
// the other units completed, and how long each pass injects; nothing of what the stall table says.
// Queue, syncs, FIFO and planes are replayed in every cycle by the rules of docs/machine.md (T3 to
// T5, T10), and the cycle is put in the first class of sim/kernel/stalls.def that holds.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "isa/program.h"
#include "sim/run.h"
#include "tests/laws/law_support.h"

namespace systole::laws {

// The same program with every repeat expanded and a layer of its own for each instruction that a
// unit executes, so that a run's layers tell when each was at work.
[[nodiscard]] isa::Program one_layer_each(const isa::Program& program);

// A run of a program that one_layer_each made.
struct ObservedRun {
  const isa::Program& program;
  const isa::Machine& machine;
  const sim::Report& report;
  const std::vector<RecordedSlice>& slices;
};

struct ReplayedStalls {
  sim::Counters total;                                   // classes and overlapping counters only
  std::map<std::int64_t, sim::Counters> layers;          // the same by layer
  std::map<std::int64_t, std::int64_t> starts;           // of each pass: layer -> cycle
  std::map<std::int64_t, std::int64_t> observed_starts;  // the run's
};
[[nodiscard]] ReplayedStalls replay_stalls(const ObservedRun& run);

}  // namespace systole::laws
