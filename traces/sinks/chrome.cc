// Writing events one by one, as the run tells them; only the open layer span is held back.
#include "traces/sinks/chrome.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/json_text.h"
#include "isa/insn.h"

namespace systole::traces {
namespace {

constexpr int kLayerThread = 0;
constexpr std::string_view kLayerTrack = "layers";

constexpr std::int64_t kPerMicrosecond = 1000;    // nanoseconds
constexpr std::int64_t kPicoseconds = 1'000'000;  // in a microsecond

std::string microseconds(std::int64_t nanoseconds) {
  return fmt::format("{}.{:03}", nanoseconds / kPerMicrosecond, nanoseconds % kPerMicrosecond);
}

// As a reader has it who parses the decimals: the double that is nearest.
double parsed(std::int64_t value, std::int64_t per_microsecond) {
  return static_cast<double>(value) / static_cast<double>(per_microsecond);
}

// The length of a slice, less a picosecond. Decimals are no doubles: a reader's sum of begin and
// length, perhaps both counted from the first begin as speedscope does, may be a rounding more than
// the next slice's begin; then the two would overlap. Of hours of cycles a picosecond is no more
// than a rounding, so it is more of them.
std::string length_text(std::int64_t begin, std::int64_t end) {
  const double at = parsed(begin, kPerMicrosecond), limit = parsed(end, kPerMicrosecond);
  const std::int64_t length = (end - begin) * (kPicoseconds / kPerMicrosecond);
  std::int64_t less = 1;
  while (less < length && at + parsed(length - less, kPicoseconds) > limit) less *= 2;
  const std::int64_t kept = std::max<std::int64_t>(0, length - less);
  return fmt::format("{}.{:06}", kept / kPicoseconds, kept % kPicoseconds);
}

// Layers on top, then units in the order of units.def, then whatever else appears ("host").
std::size_t sort_index(std::string_view track) {
  if (track == kLayerTrack) return 0;
  std::size_t unit = 0;
  while (unit < isa::kMaxUnits && isa::unit_name(isa::unit_at(unit)) != track) ++unit;
  return 1 + unit;
}

}  // namespace

ChromeTrace::ChromeTrace(std::ostream& out, const TraceInfo& info)
    : info_(info), time_(info.real_time, info.clock_hertz), out_(out) {
  if (info.run == RunOf::kB) {
    first_event_ = false;  // A's document goes on
  } else {
    begin_document();
  }
  metadata("process_name", kLayerThread, "name", json_string(title_of(info)));
  static_cast<void>(thread_of(kLayerTrack));
}

void ChromeTrace::begin_document() {
  out_ << R"({"displayTimeUnit":"ns",)";
  if (info_.run == RunOf::kAlone) {
    out_ << R"("otherData":{"model":)" << json_string(info_.model) << R"(,"machine":)"
         << json_string(info_.machine) << R"(,"clock_hertz":)" << info_.clock_hertz;
    if (!info_.part.empty()) out_ << R"(,"part":)" << json_string(info_.part);
    out_ << "},";
  }
  out_ << "\n\"traceEvents\":[\n";
}

void ChromeTrace::begin_event() {
  if (!first_event_) out_ << ",\n";
  first_event_ = false;
}

void ChromeTrace::metadata(std::string_view what, int thread, std::string_view key,
                           const std::string& value) {
  begin_event();
  out_ << fmt::format(R"({{"ph":"M","pid":{},"tid":{},"name":"{}","args":{{"{}":{}}}}})", process(),
                      thread, what, key, value);
}

int ChromeTrace::thread_of(std::string_view track) {
  const auto found = threads_.find(track);
  if (found != threads_.end()) return found->second;
  const int thread = static_cast<int>(threads_.size());
  threads_.emplace(track, thread);
  metadata("thread_name", thread, "name", json_string(track));
  metadata("thread_sort_index", thread, "sort_index", std::to_string(sort_index(track)));
  return thread;
}

std::string ChromeTrace::time_text(CyclePoint begin, CyclePoint end) const {
  const std::int64_t start = time_.nanoseconds(begin);
  return fmt::format(R"("ts":{},"dur":{})", microseconds(start),
                     length_text(start, time_.nanoseconds(end)));
}

void ChromeTrace::write_slice(int thread, const sim::Slice& slice) {
  begin_event();
  std::string args = fmt::format(R"("cycle":{},"cycles":{},"layer":{})", slice.begin.value,
                                 (slice.end - slice.begin).value, json_string(slice.layer));
  if (slice.insn >= 0) args += fmt::format(R"(,"insn":{})", slice.insn + 1);
  if (slice.rows >= 0) args += fmt::format(R"(,"rows":{})", slice.rows);
  if (slice.bytes >= 0) args += fmt::format(R"(,"bytes":{})", slice.bytes);
  out_ << fmt::format(R"({{"ph":"X","pid":{},"tid":{},"name":{},"cat":{},{},"args":{{{}}}}})",
                      process(), thread, json_string(slice.name), json_string(slice.cls),
                      time_text(slice.begin, slice.end), args);
}

void ChromeTrace::slice(const sim::Slice& slice) {
  if (slice.begin == slice.end) return;
  write_slice(thread_of(slice.track), slice);
  if (slice.track == isa::unit_name(isa::Unit::kMatrix)) extend_layer(slice);
}

void ChromeTrace::counter(std::string_view name, CyclePoint at, std::int64_t value) {
  begin_event();
  out_ << fmt::format(R"({{"ph":"C","pid":{},"name":{},"ts":{},"args":{{"value":{}}}}})", process(),
                      json_string(name), microseconds(time_.nanoseconds(at)), value);
}

void ChromeTrace::extend_layer(const sim::Slice& slice) {
  if (slice.layer != layer_ || slice.begin != layer_end_) {
    end_layer();
    layer_ = slice.layer;
    layer_begin_ = slice.begin;
  }
  layer_end_ = slice.end;
}

void ChromeTrace::end_layer() {
  if (layer_begin_ == layer_end_) return;
  write_slice(kLayerThread, {.track = kLayerTrack,
                             .name = layer_,
                             .cls = "layer",
                             .layer = layer_,
                             .begin = layer_begin_,
                             .end = layer_end_});
}

void ChromeTrace::finish(CycleCount total) {
  end_layer();
  if (info_.run == RunOf::kAlone) {
    out_ << "\n],\"cycles\":" << total.value << "}\n";
    return;
  }
  begin_event();
  out_ << fmt::format(
      R"({{"ph":"M","pid":{},"name":"process_labels","args":{{"labels":"{} cycles",)"
      R"("cycles":{},"clock_hertz":{}}}}})",
      process(), total.value, total.value, info_.clock_hertz);
  if (info_.run == RunOf::kB) out_ << "\n]}\n";
}

}  // namespace systole::traces
