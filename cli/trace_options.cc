// See trace_options.h.
#include "cli/trace_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "base/diag.h"
#include "cli/choices.h"
#include "cli/numbers.h"
#include "isa/suggest.h"
#include "isa/unit.h"
#include "traces/sinks/open.h"

namespace systole::cli {
namespace {

constexpr const char* kCycle = "cycle";
constexpr const char* kReal = "real";

std::vector<std::string> unit_names(const isa::Machine& machine) {
  std::vector<std::string> names;
  for (const isa::Unit unit : isa::units_of(machine)) names.emplace_back(isa::unit_name(unit));
  return names;
}

std::vector<std::string> layer_names(const isa::Program& program) {
  std::vector<std::string> names;
  for (const isa::Layer& layer : program.layers) names.push_back(layer.name);
  return names;
}

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// The names that were written; a text that is a known name as a whole is that name, commas or not.
std::set<std::string, std::less<>> chosen(const std::string& option,
                                          const std::vector<std::string>& written,
                                          const std::vector<std::string>& known) {
  std::set<std::string, std::less<>> names;
  const auto is_known = [&](const std::string& name) {
    return std::ranges::find(known, name) != known.end();
  };
  for (const std::string& text : written) {
    for (const std::string& name : is_known(text) ? std::vector{text} : parts_of(text)) {
      if (!is_known(name)) {
        const bool units = option == "--trace-units";
        throw InputError(
            option,
            fmt::format("there is no {} '{}'{}", units ? "unit" : "layer", name,
                        isa::did_you_mean(name, known)),
            units ? fmt::format("one of {}", fmt::join(known, ", ")) : "a layer of the program");
      }
      names.insert(name);
    }
  }
  return names;
}

// An option that says something about a trace that is not asked for.
std::string pointless(const TraceOptions& o) {
  if (!o.time.empty()) return "--trace-time";
  if (o.from) return "--trace-from";
  if (o.to) return "--trace-to";
  if (!o.units.empty()) return "--trace-units";
  return o.layers.empty() ? "" : "--trace-layers";
}

}  // namespace

void add_trace_option(Command app, std::string& file, const std::string& text) {
  app.add_option("--trace", file, text + traces::format_list()).type_name("FILE");
}

void add_trace_time_option(Command app, std::string& time) {
  app.add_option("--trace-time", time,
                 "default cycle: a nanosecond of the trace is a cycle; real: nanoseconds of the "
                 "machine's clock, as measured traces have them")
      .check(one_of({kCycle, kReal}))
      .type_name("cycle|real");
}

bool is_real_time(const std::string& time) { return time == kReal; }

void add_trace_options(Command app, TraceOptions& o) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  add_trace_option(app, o.file, "writes a timeline: ");
  app.add_option("--trace-from", o.from, "leaves out what ended by this cycle")
      .check(whole_within(0, kMost))
      .type_name("CYCLE");
  app.add_option("--trace-to", o.to, "leaves out what begins in this cycle or later")
      .check(whole_within(0, kMost))
      .type_name("CYCLE");
  app.add_option("--trace-units", o.units,
                 fmt::format("only these units, of: {} (a second of a kind is matrix.1)",
                             fmt::join(isa::kUnitKindNames, ", ")))
      .type_name("UNIT[,UNIT...]");
  app.add_option("--trace-layers", o.layers, "only these layers").type_name("LAYER[,LAYER...]");
  add_trace_time_option(app, o.time);
}

void check_trace_options(const TraceOptions& o, traces::TraceInfo info) {
  if (o.file.empty()) {
    const std::string option = pointless(o);
    if (!option.empty()) throw InputError(option, "there is no trace", "--trace FILE");
    return;
  }
  info.real_time = is_real_time(o.time);
  traces::check_trace(o.file, info);
  if (o.to && *o.to <= o.from.value_or(0)) {
    throw InputError("--trace-to", fmt::format("{} is not after {}", *o.to, o.from.value_or(0)),
                     "a later cycle than --trace-from");
  }
  static_cast<void>(chosen("--trace-units", o.units, unit_names(*info.parameters)));
}

void check_trace_begins(const TraceOptions& o, CycleCount cycles) {
  if (o.from.value_or(0) < cycles.value) return;
  throw InputError("--trace-from", fmt::format("{}, and the run ends at {}", *o.from, cycles.value),
                   "an earlier cycle");
}

std::unique_ptr<traces::Sink> open_trace(const TraceOptions& o, AtomicFile& file,
                                         traces::TraceInfo info) {
  info.real_time = is_real_time(o.time);
  traces::Selection selection;
  selection.from = CyclePoint(o.from.value_or(0));
  if (o.to) selection.to = CyclePoint(*o.to);
  selection.units = chosen("--trace-units", o.units, unit_names(*info.parameters));
  selection.layers = chosen("--trace-layers", o.layers, layer_names(*info.program));
  return traces::open_sink(o.file, file.stream(), info, std::move(selection));
}

}  // namespace systole::cli
