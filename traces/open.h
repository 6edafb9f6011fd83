// Which format a trace file has: its ending says so.
#pragma once

#include <memory>
#include <string>

#include "traces/sink.h"

namespace systole::traces {

// A sink that writes to `path`: Chrome JSON for .json, CSV for .csv. Throws InputError for any
// other ending (lists the known ones) and if the file cannot be written.
[[nodiscard]] std::unique_ptr<Sink> open_sink(const std::string& path, const TraceInfo& info);

}  // namespace systole::traces
