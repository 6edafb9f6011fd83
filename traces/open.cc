// The one list of trace formats.
#include "traces/open.h"

#include <array>
#include <string_view>

#include "base/diag.h"
#include "traces/chrome.h"
#include "traces/csv.h"

namespace systole::traces {
namespace {

using Opener = std::unique_ptr<Sink> (*)(const std::string& path, const TraceInfo& info);

struct Format {
  std::string_view ending, text;
  Opener open;
};

std::unique_ptr<Sink> open_chrome(const std::string& path, const TraceInfo& info) {
  return std::make_unique<ChromeTrace>(path, info);
}
std::unique_ptr<Sink> open_csv(const std::string& path, const TraceInfo& /*info*/) {
  return std::make_unique<CsvTrace>(path);
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

}  // namespace

std::unique_ptr<Sink> open_sink(const std::string& path, const TraceInfo& info) {
  for (const Format& f : kFormats) {
    if (path.ends_with(f.ending)) return f.open(path, info);
  }
  throw InputError(path, "no trace format has this ending", format_list());
}

}  // namespace systole::traces
