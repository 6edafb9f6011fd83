// Accumulators: rows of C sums. Row order inside one matrix unit holds by T2, so passes may hit
// the same rows back to back; everybody else synchronises.
#pragma once

#include <cstdint>

#include "base/diag.h"
#include "base/storage.h"
#include "isa/footprint.h"
#include "isa/precisions.h"

namespace systole::sim {

class Accumulators {
 public:
  // Without `values` it holds none, else the rows of the footprint.
  Accumulators(const isa::Machine& machine, const std::optional<isa::Footprint>& values)
      : machine_(machine), rows_(values ? values->accumulator_rows : machine.accumulators_rows) {
    if (values) sums_ = {rows_ * machine.c(), "accumulators"};
  }

  // The first element of rows [row, row + rows); C elements from one row to the next.
  [[nodiscard]] isa::Sum* rows(std::int64_t row, std::int64_t rows) {
    SYSTOLE_CHECK(row >= 0 && row + rows <= rows_, "rows [{}, {}) of {}", row, row + rows, rows_);
    return sums_.data() + row * machine_.c();
  }
  // Row 0; C elements from one row to the next.
  [[nodiscard]] isa::Sum* all() { return sums_.data(); }

 private:
  const isa::Machine& machine_;
  std::int64_t rows_;
  Storage<isa::Sum> sums_;
};

}  // namespace systole::sim
