// systole trace: what a trace that `systole run --trace` wrote says, in the terminal.
#include <fmt/core.h>

#include <memory>

#include "base/diag.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/numbers.h"
#include "report/trace_summary.h"
#include "report/trace_window.h"
#include "traces/read/open.h"

namespace systole::cli {
namespace {

struct Options {
  std::string file, unit;
  std::optional<std::int64_t> longest, from, to;
  bool layers = false, json = false;
  [[nodiscard]] bool window() const { return from.has_value() || to.has_value(); }
};

constexpr std::int64_t kLongest = 10;
constexpr std::int64_t kMostLongest = 1'000;

// A window and the summary answer different questions.
void check_options(const Options& o) {
  if (!o.window()) return;
  const char* option = o.from ? "--from" : "--to";
  if (o.json) throw InputError(option, "--json is of the summary", "one of the two");
  if (o.layers) throw InputError(option, "--layers is of the summary", "one of the two");
  if (o.longest) throw InputError(option, "--longest is of the summary", "one of the two");
}

void show_window(const Options& o, const traces::TraceSummary& summary) {
  const std::int64_t end = summary.cycles.value;
  const std::int64_t from = o.from.value_or(0), to = std::min(o.to.value_or(end), end);
  if (from >= end) {
    throw InputError("--from", fmt::format("{}", from),
                     fmt::format("less than the {} cycles of {}", end, o.file));
  }
  if (from >= to) {
    throw InputError("--to", fmt::format("{}", to), fmt::format("more than --from, {}", from));
  }
  const traces::TraceWindow window =
      traces::read_window(o.file, CyclePoint(from), CyclePoint(to), report::kWindowColumns, o.unit);
  fmt::print("{}\n{}", report::window_drawing(window), report::window_table(window));
}

void show(const Options& o) {
  check_options(o);
  const Progress progress("reading the trace");
  const auto longest = static_cast<std::size_t>(o.longest.value_or(o.window() ? 0 : kLongest));
  const traces::TraceSummary summary = traces::summarize_trace(
      o.file, {.longest = longest, .unit = o.unit, .layers = o.layers || o.json});
  if (o.window()) return show_window(o, summary);
  const auto roots = traces::roots_of(o.file, summary.longest);
  fmt::print("{}", o.json ? report::trace_json(summary, roots)
                          : report::trace_text(summary, roots, o.layers));
}

}  // namespace

void add_trace(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand(
      "trace", "summarises a trace: units, longest waits, layers, a window of cycles");
  const auto o = std::make_shared<Options>();
  command
      .add_option("FILE", o->file, "what `systole run --trace` wrote: " + traces::readable_traces())
      .required();
  command
      .add_option("--longest", o->longest,
                  fmt::format("how many of the longest waits are listed; default {}", kLongest))
      .check(whole_within(0, kMostLongest));
  command.add_option("--unit", o->unit, "waits, or the window, of this unit only")
      .type_name("NAME");
  command.add_flag("--layers", o->layers, "adds a table by layer");
  command
      .add_option("--from", o->from,
                  "draws what each unit does from this cycle on, and lists it; default 0")
      .check(whole_within(0, traces::kMostInTrace));
  command.add_option("--to", o->to, "up to this cycle; default: the run's end")
      .check(whole_within(1, traces::kMostInTrace));
  command.add_flag("--json", o->json, "prints the summary as JSON, with all layers");
  command.footer(
      "The drawing has a line a unit and a character a column of cycles: capitals are\n"
      "work, small letters waits, a point is idle; the letters are explained below it.\n"
      "Example:\n  systole run gemm:64,64,64 --timing-only --trace gemm.csv\n"
      "  systole trace gemm.csv --layers\n"
      "  systole trace gemm.csv --from 0 --to 1000");
  command.callback([o] { show(*o); });
}

}  // namespace systole::cli
