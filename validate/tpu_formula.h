// A plain formula with seven fitted numbers for the operations of tpu_rows.h: what the simulated
// machine, which has as many, is to be better than.
#pragma once

#include <array>
#include <span>

#include "isa/machine.h"
#include "validate/tpu_rows.h"

namespace systole::validate {

// Seconds: start + larger + overlap * smaller + elements * each + heads * head, of the times that
// multiply-adds take at `array` of the peak rate and bytes at `memory` of the peak bandwidth; bytes
// are those of operands and result and `written` for each element between two products.
struct TpuFormula {
  // start, array, memory, overlap, each, head, written
  std::array<double, 7> number{};

  [[nodiscard]] double seconds(const isa::Machine& machine, const TpuRow& row) const;
};

// From fixed numbers on, each times or divided by 1.05 as long as the mean error becomes less.
[[nodiscard]] TpuFormula fitted_formula(const isa::Machine& machine, std::span<const TpuRow> rows);

}  // namespace systole::validate
