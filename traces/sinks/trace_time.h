// Trace time: the nanoseconds that a trace shows for a cycle.
//
// The viewers' finest unit is the nanosecond. One a cycle keeps every cycle in its place; real
// time, for a trace that is to be laid beside a measured one, is that of the machine's clock,
// rounded down: slices that follow each other still do, though a cycle of a clock above 1 GHz may
// take no time.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace systole::traces {

class TraceTime {
 public:
  TraceTime(bool is_real, std::int64_t clock_hertz)
      : is_real_(is_real), clock_hertz_(clock_hertz) {}

  [[nodiscard]] bool is_real() const { return is_real_; }
  [[nodiscard]] std::int64_t nanoseconds(CyclePoint at) const {
    __extension__ using Wide = __int128;
    constexpr Wide kPerSecond = 1'000'000'000;
    return is_real_ ? static_cast<std::int64_t>(at.value * kPerSecond / clock_hertz_) : at.value;
  }

 private:
  bool is_real_;
  std::int64_t clock_hertz_;
};

}  // namespace systole::traces
