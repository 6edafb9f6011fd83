// Which reader a trace file is for: its first bytes tell, else its ending.
#pragma once

#include <string>

#include "traces/read/listener.h"

namespace systole::traces {

// Tells the listener the whole trace; memory does not grow with the file, which may be read again.
// Throws InputError: no trace, no whole one, or one that no run can have, with the line (of
// packets, the packet).
void read_trace(const std::string& path, TraceListener& listener);

// "Perfetto (.pftrace), Chrome JSON (.json) or ...": what is read.
[[nodiscard]] std::string readable_traces();

}  // namespace systole::traces
