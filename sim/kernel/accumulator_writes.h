// Accumulator writes: an observer of every write of the matrix unit to its accumulators, so that
// engines can be compared write by write and not only by what is left at the end.
//
// The register engine reports what its array does, in order of time. The cycle engine reports, when
// a pass starts, what T2 and T6 say about it: column c of the sub-row offered in cycle t is written
// in t + R + c. Between two passes on the way at once its order is therefore not that of time, but
// that of the writes to one accumulator always is.
#pragma once

#include <compare>
#include <cstdint>

#include "base/units.h"

namespace systole::sim {

// In cycle `at` the accumulator takes `value` (the sum it holds afterwards); it is readable one
// cycle later.
struct AccumulatorWrite {
  CyclePoint at;
  std::int64_t row = 0, column = 0;
  std::int32_t value = 0;

  auto operator<=>(const AccumulatorWrite&) const = default;
};

class AccumulatorObserver {
 public:
  virtual ~AccumulatorObserver() = default;
  virtual void write(const AccumulatorWrite& write) = 0;
};

}  // namespace systole::sim
