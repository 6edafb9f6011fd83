// Occupancy: one sweep for what follows each block, then block by block (story in occupancy.h).
#include "sim/unit/occupancy.h"

#include <algorithm>
#include <cmath>

#include "base/diag.h"

namespace systole::sim {

Occupancy::Occupancy(const isa::Program& program, const isa::Machine& machine, Probe& probe,
                     std::int64_t block)
    : program_(program),
      machine_(machine),
      probe_(probe),
      block_(block),
      executed_(program.code),
      rows_(static_cast<std::size_t>(machine.ub_rows())),
      units_(isa::unit_slots(machine)) {
  // Two bits a row and block, against the changes of a block.
  const double bytes_each = static_cast<double>(machine.ub_rows()) / 4 / sizeof(Change);
  const auto even = std::sqrt(static_cast<double>(isa::Executed::count(program.code)) * bytes_each);
  block_ = std::max(block_, static_cast<std::int64_t>(even));
  note_blocks();
}

template <typename Visit>
void Occupancy::for_each_row(const isa::Insn& insn, Visit&& visit) {
  if (!isa::counts(insn)) return;
  isa::accesses(insn, machine_, accesses_);
  for (const isa::Access& access : accesses_) {
    if (access.space != isa::Space::kUb) continue;
    for (std::int64_t r = access.begin; r < access.end; ++r) visit(r, access.write);
  }
}

void Occupancy::note_blocks() {
  isa::Executed executed(program_.code);
  std::int64_t number = 0;
  while (const isa::Insn* insn = executed.next()) {
    if (number++ % block_ == 0) next_.emplace_back(machine_.ub_rows());
    for_each_row(*insn, [&](std::int64_t row, bool write) {
      next_.back().add(row, write ? NextAccesses::Next::kWrite : NextAccesses::Next::kRead);
    });
  }
  // From what happens first in each block to what happens first behind it.
  NextAccesses behind(machine_.ub_rows());
  for (auto block = next_.rbegin(); block != next_.rend(); ++block) {
    NextAccesses with_it = behind;
    with_it.put_before(*block);
    *block = std::exchange(behind, std::move(with_it));
  }
}

void Occupancy::next_block() {
  SYSTOLE_CHECK(!next_.empty(), "an instruction starts behind the program's end");
  for (std::int64_t i = 0; i < block_; ++i) {
    const isa::Insn* insn = executed_.next();
    if (insn == nullptr) break;
    if (!isa::counts(*insn)) continue;
    Change& change = units_[isa::index(isa::queue_of(*insn))].changes.emplace_back();
    for_each_row(*insn, [&](std::int64_t row, bool write) {
      touch(rows_.at(static_cast<std::size_t>(row)), write, change);
    });
  }
  settle_block();
  next_.pop_front();
}

// Data that was read gives way to new data; lanes added before anybody read belong to the same
// data.
void Occupancy::touch(Row& row, bool write, Change& by) {
  if (!write) {
    if (!row.in_use) return;
    row.read = true;
    row.last = &by;
    return;
  }
  if (row.in_use && row.read) {
    ++row.last->released;
    row.in_use = false;
  }
  if (!row.in_use) ++by.taken;
  row = {true, false, &by};
}

// Who touched a row last in this block is the last of all where nothing follows, or new data. Of
// others the next touch is the later one.
void Occupancy::settle_block() {
  const NextAccesses& next = next_.front();
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    Row& row = rows_[r];
    if (!row.in_use || row.last == nullptr) continue;
    const NextAccesses::Next follows = next.of(static_cast<std::int64_t>(r));
    const bool new_data = follows == NextAccesses::Next::kWrite && row.read;
    if (follows == NextAccesses::Next::kNone || new_data) {
      ++row.last->released;
      row.in_use = false;
    }
    row.last = nullptr;
  }
}

void Occupancy::starts(isa::Unit unit, CyclePoint now) {
  Unit& of = units_[isa::index(unit)];
  while (of.started == of.changes.size()) next_block();
  const Change& change = of.changes[of.started++];
  if (change.taken != 0) events_.emplace(now, change.taken);
  tell(now);
}

void Occupancy::completes(isa::Unit unit, CyclePoint now, CyclePoint at) {
  Unit& of = units_[isa::index(unit)];
  SYSTOLE_CHECK(of.started > 0, "{} completes what has not started", isa::unit_name(unit));
  const Change change = of.changes.front();
  of.changes.pop_front();
  --of.started;
  if (change.released != 0) events_.emplace(at, -change.released);
  tell(now);
}

void Occupancy::tell(CyclePoint before) {
  while (!events_.empty() && events_.top().first < before) {
    const CyclePoint at = events_.top().first;
    SYSTOLE_CHECK(at >= told_, "rows change in cycle {}, told up to {}", at.value, told_.value);
    for (; !events_.empty() && events_.top().first == at; events_.pop()) {
      in_use_ += events_.top().second;
    }
    probe_.counter("unified_buffer.rows_in_use", at, in_use_);
  }
  told_ = std::max(told_, before);
}

}  // namespace systole::sim
