// Syncs for random programs: quadratic, and plain enough to trust.
#include "tests/support/random_sync.h"

#include <algorithm>

namespace systole {
namespace {

using isa::Access;
using isa::Unit;

bool overlap(const Access& a, const Access& b) {
  return a.space == b.space && a.instance == b.instance && a.begin < b.end && b.begin < a.end &&
         a.lane_begin < b.lane_end && b.lane_begin < a.lane_end;
}

isa::Sync sync_of(Unit unit, Unit wait_for, std::int64_t distance, std::int64_t why) {
  return {static_cast<std::int64_t>(isa::kind_of(unit)),
          static_cast<std::int64_t>(isa::kind_of(wait_for)),
          distance,
          why,
          isa::instance_of(unit),
          isa::instance_of(wait_for)};
}

}  // namespace

std::array<RandomSync::Need, isa::kMaxUnits> RandomSync::needs(const isa::Insn& insn) const {
  std::array<Need, isa::kMaxUnits> result{};
  std::vector<Access> mine;
  isa::accesses(insn, machine_, mine);
  const Unit unit = isa::queue_of(insn);
  for (const Past& past : past_) {
    if (past.unit == unit && isa::kind_of(unit) == Unit::kMatrix) continue;  // ordered by T2
    for (const Access& a : past.accesses) {
      for (const Access& b : mine) {
        if (!overlap(a, b) || !(a.write || b.write)) continue;
        Need& need = result.at(isa::index(past.unit));
        need.number = std::max(need.number, past.number);
        need.raw = need.raw || (a.write && !b.write);
      }
    }
  }
  return result;
}

void RandomSync::sync(Unit unit, Unit wait_for, Need need) {
  const std::int64_t sent = sent_.at(isa::index(wait_for));
  std::int64_t& waited = waited_.at(isa::index(unit)).at(isa::index(wait_for));
  if (waited >= need.number && random_.chance(80)) return;
  const std::int64_t exact = sent - need.number;
  const std::int64_t distance = random_.chance(50) ? exact : random_.pick(0, exact);
  code_.emplace_back(sync_of(unit, wait_for, distance, need.raw ? isa::why::kRaw : isa::why::kWar));
  waited = std::max(waited, sent - distance);
}

void RandomSync::emit(const isa::Insn& insn) {
  const auto needed = needs(insn);
  for (std::size_t v = 0; v < needed.size(); ++v) {
    if (needed.at(v).number > 0) sync(isa::queue_of(insn), static_cast<Unit>(v), needed.at(v));
  }
  code_.push_back(insn);
  note(insn);
}

void RandomSync::note(const isa::Insn& insn) {
  if (!isa::counts(insn)) return;
  const Unit unit = isa::queue_of(insn);
  Past past{unit, ++sent_.at(isa::index(unit)), {}};
  isa::accesses(insn, machine_, past.accesses);
  past_.push_back(std::move(past));
}

void RandomSync::wait_for_all(Unit unit) {
  for (const Unit other : isa::units_of(machine_)) {
    if (other == Unit::kSequencer) continue;
    if (other == unit && isa::kind_of(unit) == Unit::kMatrix) continue;
    code_.emplace_back(sync_of(unit, other, 0, isa::why::kWar));
  }
}

}  // namespace systole
