// The formula and its fit (story in tpu_formula.h).
#include "validate/tpu_formula.h"

#include <algorithm>
#include <cmath>

namespace systole::validate {
namespace {

constexpr double kStep = 1.05;

double error_of(const TpuFormula& formula, const isa::Machine& machine,
                std::span<const TpuRow> rows) {
  double sum = 0.0;
  for (const TpuRow& row : rows) {
    sum += std::abs(formula.seconds(machine, row) / row.seconds - 1.0);
  }
  return sum;
}

}  // namespace

double TpuFormula::seconds(const isa::Machine& machine, const TpuRow& row) const {
  const auto [start, array, memory, overlap, each, head, written] = number;
  const double compute = row.macs() / (array * machine.peak_macs_per_second());
  const double bytes = row.bytes() + written * row.between();
  const double move = bytes / (memory * static_cast<double>(machine.dram_bytes_per_second));
  return start + std::max(compute, move) + overlap * std::min(compute, move) +
         each * row.between() + head * row.heads();
}

TpuFormula fitted_formula(const isa::Machine& machine, std::span<const TpuRow> rows) {
  TpuFormula best{{1.5e-6, 0.9, 0.9, 0.3, 1e-12, 1e-8, 0.5}};
  double least = error_of(best, machine, rows);
  for (bool better = true; better;) {
    better = false;
    for (double& number : best.number) {
      for (const double factor : {kStep, 1.0 / kStep}) {
        for (;;) {
          const double before = number;
          number *= factor;
          const double error = error_of(best, machine, rows);
          if (error < least - 1e-9) {
            least = error;
            better = true;
          } else {
            number = before;
            break;
          }
        }
      }
    }
  }
  return best;
}

}  // namespace systole::validate
