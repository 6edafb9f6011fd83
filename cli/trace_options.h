// Trace options: the timeline that a command writes, and how much of it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/outputs.h"
#include "cli/command_line.h"
#include "isa/program.h"
#include "traces/sinks/sink.h"

namespace systole::cli {

struct TraceOptions {
  std::string file;
  std::string time;  // "cycle" or "real"
  std::optional<std::int64_t> from, to;
  std::vector<std::string> units, layers;  // as written, each perhaps several with commas
};
// --trace and what goes with it.
void add_trace_options(Command app, TraceOptions& options);
// --trace alone; the endings follow `text` in its help.
void add_trace_option(Command app, std::string& file, const std::string& text);
// --trace-time alone, and what it says.
void add_trace_time_option(Command app, std::string& time);
[[nodiscard]] bool is_real_time(const std::string& time);

// Throws InputError where options contradict each other, a unit is none of the machine's, or the
// format cannot show such a run. `info` need not have the program.
void check_trace_options(const TraceOptions& options, traces::TraceInfo info);
// Throws InputError if the run was over before what is to be traced begins.
void check_trace_begins(const TraceOptions& options, CycleCount cycles);
// The sink, of a run of info.program, to write to `file`. Throws InputError for a layer that the
// program does not have.
[[nodiscard]] std::unique_ptr<traces::Sink> open_trace(const TraceOptions& options,
                                                       AtomicFile& file, traces::TraceInfo info);

}  // namespace systole::cli
