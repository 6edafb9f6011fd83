// What bounds a simulated run: the coarse classes that its cycles fall into.
#pragma once

#include <string>

#include "sim/run.h"

namespace systole::report {

struct Bound {
  std::string name;  // compute, weights, link, host or latency
  std::string text;  // what that means
  double share = 0;
};

// The largest of compute (active), weights (weight stall and shift), link (input and output) and
// latency (every other class: units waiting for each other, starts, drain); `share` is of the
// cycles.
[[nodiscard]] Bound device_bound(const sim::Counters& counters);

// What `more` has beyond `less`, by class and in all: the cycles that further batches add.
[[nodiscard]] sim::Counters added_cycles(const sim::Counters& more, const sim::Counters& less);

}  // namespace systole::report
