// Listener: what a trace file says, told event by event as the run told it to the file's sink.
#pragma once

#include "sim/kernel/probe.h"
#include "traces/sinks/sink.h"

namespace systole::traces {

// No run has a later cycle, nor moves more bytes.
inline constexpr std::int64_t kMostInTrace = std::int64_t{1} << 60;

class TraceListener {
 public:
  virtual ~TraceListener() = default;
  // What the trace is about, before end(), if the format says it; what is not known is empty, a
  // clock 0.
  virtual void about([[maybe_unused]] const TraceInfo& info) {}
  // Slices of one track come in order of time. Strings live as long as the call.
  virtual void slice([[maybe_unused]] const sim::Slice& slice) {}
  // The last call: the run's cycles.
  virtual void end([[maybe_unused]] CycleCount total) {}
};

}  // namespace systole::traces
