// Ledger: sums and report (story in ledger.h).
#include "sim/unit/ledger.h"

namespace systole::sim {
namespace {

void add(Counters& to, const Counters& from) {
  to.cycles += from.cycles;
  for (std::size_t i = 0; i < kStallCount; ++i) to.matrix[i] += from.matrix[i];
  to.raw_any += from.raw_any;
  to.input_any += from.input_any;
  to.instructions += from.instructions;
  to.macs_useful += from.macs_useful;
  to.macs_padded += from.macs_padded;
  to.passes += from.passes;
  to.tiles += from.tiles;
  to.accumulator_wraps += from.accumulator_wraps;
  to.host_in += from.host_in;
  to.host_out += from.host_out;
  to.weights_read += from.weights_read;
  to.ub_read += from.ub_read;
  to.ub_written += from.ub_written;
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
