// Sink: a probe that writes what it hears to a stream; one class per format, chosen by open_sink().
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "isa/program.h"
#include "sim/kernel/probe.h"

namespace systole::traces {

// Of two runs in one file (two_runs.h), which; each is a process of its own.
enum class RunOf : std::uint8_t { kAlone, kA, kB };

// What a trace is about; every format writes it where it has room for it.
struct TraceInfo {
  std::string model{};
  std::string machine{};
  std::string part{};            // what of the run is kept, in words; empty: all of it
  std::int64_t clock_hertz = 1;  // positive; turns cycles into simulated time
  bool real_time = false;        // times in nanoseconds of the clock, not one a cycle
  bool shows_array = false;      // the run tells the array's registers
  RunOf run = RunOf::kAlone;
  // Of a simulated run, else null; they outlive the sink. The program may still be unknown where a
  // trace is only asked about.
  const isa::Machine* parameters = nullptr;
  const isa::Program* program = nullptr;
};

// What a viewer calls the run: "systole: MODEL on MACHINE", of two "A: MODEL on MACHINE".
[[nodiscard]] inline std::string title_of(const TraceInfo& info) {
  const char* const head = info.run == RunOf::kAlone ? "systole"
                           : info.run == RunOf::kA   ? "A"
                                                     : "B";
  return std::string(head) + ": " + info.model + " on " + info.machine;
}

// A sink hears of instructions in the order of their dispatch (Life::serial): filter.h, which
// stands before every sink, sees to that.
//
// Memory use does not grow with the length of the run. The stream, whose owner looks after its
// errors, outlives the sink and holds a whole trace when finish() returns.
class Sink : public sim::Probe {
 public:
  // Ends the trace of a run of `total` cycles.
  virtual void finish(CycleCount total) = 0;
};

}  // namespace systole::traces
