// Ledger: sums and report (story in ledger.h).
#include "sim/unit/ledger.h"

namespace systole::sim {
namespace {

void add(Counters& to, const Counters& from) {
  for (std::size_t i = 0; i < kStallCount; ++i) to.matrix[i] += from.matrix[i];
#define SYSTOLE_COUNTER(Type, member, group, unit, meaning) to.member += from.member;
#include "sim/kernel/counters.def"
}

}  // namespace

Counters Ledger::total() const {
  Counters sum;
  for (const Row& row : rows_) add(sum, row.counters);
  return sum;
}

std::vector<LayerReport> Ledger::report() const {
  std::vector<LayerReport> reports;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const Row& row = rows_[i];
    const bool worked = row.first != kNever;
    reports.push_back({layers_[i].name, layers_[i].kind, row.counters,
                       worked ? row.first : CyclePoint(0),
                       worked ? row.end - CycleCount(1) : CyclePoint(0)});
  }
  return reports;
}

}  // namespace systole::sim
