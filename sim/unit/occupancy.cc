// Occupancy: one sweep over the program for the last readers, one sort of the run's events.
#include "sim/unit/occupancy.h"

#include <algorithm>

#include "isa/access.h"
#include "isa/expand.h"

namespace systole::sim {

Occupancy::Occupancy(const isa::Program& program, const isa::Machine& machine)
    : changes_(isa::unit_slots(machine)), next_(changes_.size()) {
  std::vector<Row> rows(static_cast<std::size_t>(machine.ub_rows()));
  std::vector<isa::Access> accesses;
  isa::for_each_executed(program.code, [&](std::size_t, const isa::Insn& insn) {
    if (!isa::counts(insn)) return true;
    auto& of_unit = changes_[isa::index(isa::queue_of(insn))];
    const Touch touch{isa::queue_of(insn), of_unit.size()};
    of_unit.emplace_back();
    isa::accesses(insn, machine, accesses);
    for (const isa::Access& access : accesses) {
      if (access.space != isa::Space::kUb) continue;
      for (std::int64_t r = access.begin; r < access.end; ++r) {
        Row& row = rows.at(static_cast<std::size_t>(r));
        if (access.write) {
          write(row, touch);
        } else if (row.in_use) {
          row.read = true;
          row.last = touch;
        }
      }
    }
    return true;
  });
  for (const Row& row : rows) {
    if (row.in_use) ++change(row.last).released;
  }
}

// Data that was read gives way to new data; lanes added before anybody read belong to the same
// data.
void Occupancy::write(Row& row, const Touch& by) {
  if (row.in_use && row.read) {
    ++change(row.last).released;
    row.in_use = false;
  }
  if (!row.in_use) ++change(by).taken;
  row = {true, false, by};
}

void Occupancy::at_work(isa::Unit unit, CyclePoint start, CyclePoint complete) {
  const Change& change = changes_[isa::index(unit)].at(next_[isa::index(unit)]++);
  if (change.taken != 0) events_.emplace_back(start, change.taken);
  if (change.released != 0) events_.emplace_back(complete, -change.released);
}

void Occupancy::emit(Probe& probe) {
  std::sort(events_.begin(), events_.end());
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    rows += events_[i].second;
    const bool last_of_cycle = i + 1 == events_.size() || events_[i + 1].first != events_[i].first;
    if (last_of_cycle) probe.counter("unified_buffer.rows_in_use", events_[i].first, rows);
  }
}

}  // namespace systole::sim
