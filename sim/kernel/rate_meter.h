// RateMeter: a data channel of so many bytes a second, in exact fractions of a cycle.
//
// A byte takes clock / rate cycles. The moment at which the channel gets free is kept as a whole
// cycle and a remainder, so back-to-back transfers average the rate exactly; only what others see
// is rounded up to whole cycles.
#pragma once

#include <cstdint>

#include "base/units.h"

namespace systole::sim {

class RateMeter {
 public:
  // Both per second and positive.
  RateMeter(std::int64_t clock_hertz, std::int64_t bytes_per_second);

  // The cycle within which the channel gets free: the next transfer may start in it.
  [[nodiscard]] CyclePoint free_in() const { return cycle_; }
  // Sends bytes from cycle `start` on, or from when the channel is free if that is later; returns
  // the first cycle at whose start all of them have been sent.
  CyclePoint send(CyclePoint start, Bytes bytes);

 private:
  std::int64_t cycles_per_;  // clock / rate in lowest terms: cycles_per_ cycles for ...
  std::int64_t bytes_per_;   // ... bytes_per_ bytes
  CyclePoint cycle_;         // free at cycle_ + part_ / bytes_per_
  std::int64_t part_ = 0;
};

}  // namespace systole::sim
