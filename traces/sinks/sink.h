// Sink: a probe that writes what it hears to a stream; one class per format, chosen by open_sink().
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "sim/kernel/probe.h"

namespace systole::traces {

// What a trace is about; every format writes it where it has room for it.
struct TraceInfo {
  std::string model;
  std::string machine;
  std::int64_t clock_hertz = 1;  // positive; turns cycles into simulated time
};

// Memory use does not grow with the length of the run. The stream, whose owner looks after its
// errors, outlives the sink and holds a whole trace when finish() returns.
class Sink : public sim::Probe {
 public:
  // Ends the trace of a run of `total` cycles.
  virtual void finish(CycleCount total) = 0;
};

}  // namespace systole::traces
