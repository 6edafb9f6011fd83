// The one list of trace formats.
#include "traces/sinks/open.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <vector>

#include "base/diag.h"
#include "isa/file_kind.h"
#include "traces/sinks/chrome.h"
#include "traces/sinks/csv.h"
#include "traces/sinks/kanata.h"
#include "traces/sinks/perfetto.h"
#include "traces/sinks/vcd.h"

namespace systole::traces {
namespace {

struct Format {
  std::string_view ending, text;
  std::unique_ptr<Sink> (*open)(std::ostream& out, const TraceInfo& info);
  // Throws InputError about the file where the format cannot show such a run; null: it shows all.
  void (*check)(const std::string& path, const TraceInfo& info) = nullptr;
  bool two_runs = false;  // holds two, each a process
};

template <typename Format>
std::unique_ptr<Sink> open(std::ostream& out, const TraceInfo& info) {
  return std::make_unique<Format>(out, info);
}

void check_cycles(const std::string& path, const TraceInfo& info) {
  if (!info.real_time) return;
  throw InputError(path, "the format counts cycles and knows no clock",
                   "another ending, or no --trace-time real");
}

// Of endings that end alike the longer stands first.
constexpr auto kFormats = std::to_array<Format>({
    {".pftrace", "Perfetto", open<PerfettoTrace>, nullptr, true},
    {".json.gz", "Chrome JSON, packed", open<PackedChromeTrace>, nullptr, true},
    {".json", "Chrome JSON, for Perfetto", open<ChromeTrace>, nullptr, true},
    {".kanata", "instructions, for Konata", open<KanataTrace>, check_cycles},
    {".vcd", "registers of the array, for GTKWave", open<VcdTrace>, check_vcd},
    {".csv", "comma-separated values", open<CsvTrace>, check_cycles},
});

const Format& format_of(const std::string& path) {
  for (const Format& f : kFormats) {
    if (isa::has_ending(path, f.ending)) return f;
  }
  throw InputError(path, "no trace format has this ending", format_list());
}

std::string list_of(bool two_runs) {
  std::vector<std::string> all;
  for (const Format& f : kFormats) {
    if (f.two_runs || !two_runs) all.push_back(fmt::format("{} ({})", f.ending, f.text));
  }
  const std::string last = all.back();
  all.pop_back();
  return fmt::format("{} or {}", fmt::join(all, ", "), last);
}

}  // namespace

std::string format_list() { return list_of(false); }

std::string two_runs_format_list() { return list_of(true); }

void check_trace(const std::string& path, const TraceInfo& info) {
  const Format& format = format_of(path);
  if (format.check != nullptr) format.check(path, info);
}

void check_two_runs(const std::string& path) {
  if (format_of(path).two_runs) return;
  throw InputError(path, "the format holds one run, and these are two", two_runs_format_list());
}

std::unique_ptr<Sink> open_sink(const std::string& path, std::ostream& out, const TraceInfo& info,
                                Selection selection) {
  check_trace(path, info);
  TraceInfo about = info;
  about.part = words_of(selection);
  return std::make_unique<Filter>(format_of(path).open(out, about), std::move(selection));
}

}  // namespace systole::traces
