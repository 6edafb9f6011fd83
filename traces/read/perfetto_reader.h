// Perfetto trace reader: what PerfettoTrace writes. A "line" of an error is a packet, from 1.
#pragma once

#include "traces/read/byte_source.h"
#include "traces/read/checked_events.h"

namespace systole::traces {

// Tells the trace's slices. The sink holds work back (sinks/flows.h), so a unit's waits are held
// here until the work behind them has come. Memory does not grow with the file, but for the names
// in it, which are limited.
void read_perfetto_trace(ByteSource& in, CheckedEvents& to);

// Whether a file that begins so is such a trace.
[[nodiscard]] bool begins_perfetto_trace(std::string_view head);

}  // namespace systole::traces
