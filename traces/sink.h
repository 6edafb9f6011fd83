// Sink: a probe that writes what it hears to a file; one class per format, chosen by open_sink().
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

// Memory use does not grow with the length of the run. The file appears under its name, whole, when
// finish() returns; a sink destroyed before that leaves nothing behind.
class Sink : public sim::Probe {
 public:
  // Ends the trace of a run of `total` cycles. Throws InputError if the file cannot be completed.
  virtual void finish(CycleCount total) = 0;
};

}  // namespace systole::traces
