// Which format a trace file has: its ending says so.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "traces/sinks/filter.h"

namespace systole::traces {

// A sink that writes to `out` what belongs in a file called `path`, of what is selected. Throws
// InputError for an ending that no format has (lists those that there are), and where the format
// cannot show such a run.
[[nodiscard]] std::unique_ptr<Sink> open_sink(const std::string& path, std::ostream& out,
                                              const TraceInfo& info, Selection selection = {});
// Throws InputError if open_sink() would; the program need not be known.
void check_trace(const std::string& path, const TraceInfo& info);
// Throws InputError where the format cannot hold two runs (two_runs.h).
void check_two_runs(const std::string& path);
// The endings, each with what opens such a file, for help and errors.
[[nodiscard]] std::string format_list();
// The same of those that can hold two runs.
[[nodiscard]] std::string two_runs_format_list();

}  // namespace systole::traces
