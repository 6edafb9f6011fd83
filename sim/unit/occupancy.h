// Occupancy: how many unified buffer rows hold data that somebody will still read, over time.
//
// A row is in use from the start of the instruction that writes it to the completion of the last
// instruction that reads what was written. Which reader is the last follows from program order
// alone (a program without races cannot disagree), so it is found before the run; the run then only
// says when each instruction started and completed. Only built when somebody listens.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "isa/machine.h"
#include "isa/program.h"
#include "sim/kernel/probe.h"

namespace systole::sim {

class Occupancy {
 public:
  Occupancy(const isa::Program& program, const isa::Machine& machine);

  // The unit's next instruction works from `start` to `complete`.
  void at_work(isa::Unit unit, CyclePoint start, CyclePoint complete);
  // Tells the probe's counter "unified_buffer.rows_in_use", in order of time.
  void emit(Probe& probe);

 private:
  // Rows that come into use when an instruction starts and go out of use when it completes.
  struct Change {
    std::int64_t taken = 0, released = 0;
  };
  // Which instruction last touched a row's present data: a position in changes_ of a unit.
  struct Touch {
    isa::Unit unit{};
    std::size_t number = 0;
  };
  struct Row {
    bool in_use = false, read = false;
    Touch last;
  };

  void write(Row& row, const Touch& by);
  Change& change(const Touch& touch) { return changes_[isa::index(touch.unit)][touch.number]; }

  std::vector<std::vector<Change>> changes_;  // by unit
  std::vector<std::size_t> next_;
  std::vector<std::pair<CyclePoint, std::int64_t>> events_;  // when, by how many rows
};

}  // namespace systole::sim
