// Which format a trace file has: its ending says so.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "traces/sinks/sink.h"

namespace systole::traces {

// A sink that writes to `out` what belongs in a file called `path`: Chrome JSON for .json, CSV for
// .csv. Throws InputError for any other ending (lists the known ones).
[[nodiscard]] std::unique_ptr<Sink> open_sink(const std::string& path, std::ostream& out,
                                              const TraceInfo& info);
// Throws InputError if open_sink() would.
void require_trace_name(const std::string& path);

}  // namespace systole::traces
