// Accumulators: rows of C x int32. Row order inside one matrix unit holds by T2, so passes may hit
// the same rows back to back; everybody else synchronises.
#pragma once

#include <cstdint>

#include "base/diag.h"
#include "isa/machine.h"
#include "sim/unit/storage.h"

namespace systole::sim {

class Accumulators {
 public:
  // Without `values` it holds none.
  Accumulators(const isa::Machine& machine, bool values) : machine_(machine) {
    if (values) sums_ = Storage<std::int32_t>(machine.accumulators_rows * machine.c());
  }

  // The first element of rows [row, row + rows); C elements from one row to the next.
  [[nodiscard]] std::int32_t* rows(std::int64_t row, std::int64_t rows) {
    SYSTOLE_CHECK(row >= 0 && row + rows <= machine_.accumulators_rows, "rows [{}, {}) of {}", row,
                  row + rows, machine_.accumulators_rows);
    return sums_.data() + row * machine_.c();
  }

 private:
  const isa::Machine& machine_;
  Storage<std::int32_t> sums_;
};

}  // namespace systole::sim
