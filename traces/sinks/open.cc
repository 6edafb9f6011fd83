// The one list of trace formats.
#include "traces/sinks/open.h"

#include <array>
#include <string_view>

#include "base/diag.h"
#include "isa/file_kind.h"
#include "traces/sinks/chrome.h"
#include "traces/sinks/csv.h"

namespace systole::traces {
namespace {

using Opener = std::unique_ptr<Sink> (*)(std::ostream& out, const TraceInfo& info);

struct Format {
  std::string_view ending, text;
  Opener open;
};

std::unique_ptr<Sink> open_chrome(std::ostream& out, const TraceInfo& info) {
  return std::make_unique<ChromeTrace>(out, info);
}
std::unique_ptr<Sink> open_csv(std::ostream& out, const TraceInfo& /*info*/) {
  return std::make_unique<CsvTrace>(out);
}

constexpr auto kFormats = std::to_array<Format>({
    {".json", "Chrome JSON, for Perfetto", open_chrome},
    {".csv", "comma-separated values", open_csv},
});

std::string format_list() {
  std::string list;
  for (const Format& f : kFormats) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : " or ", f.ending, f.text);
  }
  return list;
}

const Format& format_of(const std::string& path) {
  for (const Format& f : kFormats) {
    if (isa::has_ending(path, f.ending)) return f;
  }
  throw InputError(path, "no trace format has this ending", format_list());
}

}  // namespace

std::unique_ptr<Sink> open_sink(const std::string& path, std::ostream& out, const TraceInfo& info) {
  return format_of(path).open(out, info);
}

void require_trace_name(const std::string& path) { static_cast<void>(format_of(path)); }

}  // namespace systole::traces
