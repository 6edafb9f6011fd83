// A table of the formats that are read back.
#include "traces/read/open.h"

#include <fmt/core.h>

#include <array>

#include "base/diag.h"
#include "base/read_file.h"
#include "isa/file_kind.h"
#include "traces/read/chrome_reader.h"
#include "traces/read/csv_reader.h"
#include "traces/read/perfetto_reader.h"

namespace systole::traces {
namespace {

// gzip is unpacked before anything else looks.
struct Format {
  std::string_view ending, text;
  bool (*begins)(std::string_view head);
  void (*read)(ByteSource& in, CheckedEvents& to);
};
constexpr auto kFormats = std::to_array<Format>({
    {".pftrace", "Perfetto", begins_perfetto_trace, read_perfetto_trace},
    {".json", "Chrome JSON", [](std::string_view head) { return head.starts_with('{'); },
     read_chrome_trace},
    {".csv", "comma-separated values",
     [](std::string_view head) { return head.starts_with("kind,track,"); }, read_csv_trace},
});

const Format& format_of(const std::string& path) {
  const std::vector<std::uint8_t> head = file_head(path);
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  for (const Format& format : kFormats) {
    if (format.begins(text)) return format;
  }
  for (const Format& format : kFormats) {
    if (isa::has_ending(isa::unpacked_name(path), format.ending)) return format;
  }
  throw InputError(path, "is no trace that can be read", readable_traces());
}

}  // namespace

std::string readable_traces() {
  std::string list;
  for (const Format& f : kFormats) {
    const bool last = &f == &kFormats.back();
    list += fmt::format("{}{} ({})", list.empty() ? "" : last ? " or " : ", ", f.text, f.ending);
  }
  return list;
}

void read_trace(const std::string& path, TraceListener& listener) {
  const Format& format = format_of(path);
  FileStream file(path);
  ByteSource in([&file](std::span<std::uint8_t> to) { return file.read(to); });
  CheckedEvents events(path, listener);
  format.read(in, events);
}

}  // namespace systole::traces
