// A SAX parser's events to those of a trace: of the document only the event being read is kept.
#include "traces/read/chrome_reader.h"

#include <fmt/core.h>

#include <cstddef>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace systole::traces {
namespace {

constexpr std::size_t kLongestToken = std::size_t{1} << 16;
constexpr std::size_t kMostThreads = 1'024;
constexpr std::string_view kLayerClass = "layer";  // of the track of layers, which is no unit

// The source as the parser wants it. A token that does not end is refused before it fills memory.
class Bytes {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  Bytes() = default;  // the end
  Bytes(ByteSource& in, std::size_t& token) : in_(&in), token_(&token) {}
  char operator*() const { return in_->peek(); }
  Bytes& operator++() {
    in_->next();
    ++*token_;
    return *this;
  }
  bool operator==(const Bytes& other) const { return is_end() == other.is_end(); }
  bool operator!=(const Bytes& other) const { return !(*this == other); }

 private:
  [[nodiscard]] bool is_end() const {
    return in_ == nullptr || in_->at_end() || *token_ > kLongestToken;
  }

  ByteSource* in_ = nullptr;
  std::size_t* token_ = nullptr;
};

// What is kept of an event.
struct Event {
  std::int64_t line = 0;  // it begins in
  std::string phase, name, cls, layer, named;
  std::optional<std::int64_t> thread, cycle, cycles, insn, rows, bytes;
};

class Handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  Handler(ByteSource& in, CheckedEvents& to) : in_(in), to_(to) {}

  // Bytes since the last token, for the source to count.
  [[nodiscard]] std::size_t& token() { return token_; }

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_float(number_float_t, const string_t&) override { return other(); }
  bool binary(binary_t&) override { return other(); }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override {
    return value > static_cast<number_unsigned_t>(kMostInTrace) ? other()
                                                                : number(std::int64_t(value));
  }
  bool string(string_t& value) override {
    token_ = 0;
    if (std::string* const to = text_at(key_)) *to = std::move(value);
    return true;
  }
  bool key(string_t& key) override {
    token_ = 0;
    key_ = std::move(key);
    return true;
  }

  bool start_object(std::size_t) override {
    begin(key_ == "otherData" && place() == Place::kFile ? Place::kAbout
          : stack_.empty()                               ? Place::kFile
          : place() == Place::kEvents                    ? Place::kEvent
          : key_ == "args" && place() == Place::kEvent   ? Place::kArguments
                                                         : Place::kElse);
    if (place() == Place::kEvent) {
      event_ = {};
      event_.line = in_.line();
    }
    return true;
  }
  bool start_array(std::size_t) override {
    begin(key_ == "traceEvents" && place() == Place::kFile ? Place::kEvents : Place::kElse);
    seen_events_ |= place() == Place::kEvents;
    return true;
  }
  bool end_object() override {
    token_ = 0;
    const Place ended = place();
    stack_.pop_back();
    if (ended == Place::kAbout) to_.about(info_);
    if (ended == Place::kEvent) take_event();
    return true;
  }
  bool end_array() override {
    token_ = 0;
    stack_.pop_back();
    return true;
  }

  bool parse_error(std::size_t, const std::string& token,
                   const nlohmann::json::exception&) override {
    if (token_ > kLongestToken) {
      to_.fail(in_.line(), "an endless text or number",
               fmt::format("at most {} characters", kLongestToken));
    }
    if (in_.at_end()) to_.fail(in_.line(), "the file ends early", "a whole trace");
    to_.fail(in_.line(), fmt::format("'{}' is no JSON here", token), "a trace in Chrome's format");
  }

  void finish() {
    if (!seen_events_) to_.fail(1, "is no trace", "JSON with traceEvents");
    to_.finish(in_.line());
  }

 private:
  enum class Place { kFile, kAbout, kEvents, kEvent, kArguments, kElse };
  static constexpr std::size_t kDeepest = 32;

  [[nodiscard]] Place place() const { return stack_.empty() ? Place::kElse : stack_.back(); }
  void begin(Place place) {
    token_ = 0;
    if (stack_.size() == kDeepest) {
      to_.fail(in_.line(), fmt::format("nested more than {} deep", kDeepest), "a trace");
    }
    stack_.push_back(place);
  }

  // Where the text of that key belongs; null if nowhere.
  std::string* text_at(const std::string& key) {
    switch (place()) {
      case Place::kAbout:
        return key == "model"     ? &info_.model
               : key == "machine" ? &info_.machine
               : key == "part"    ? &info_.part
                                  : nullptr;
      case Place::kEvent:
        return key == "ph"     ? &event_.phase
               : key == "name" ? &event_.name
               : key == "cat"  ? &event_.cls
                               : nullptr;
      case Place::kArguments:
        return key == "layer" ? &event_.layer : key == "name" ? &event_.named : nullptr;
      default:
        return nullptr;
    }
  }
  std::optional<std::int64_t>* number_at(const std::string& key) {
    if (place() == Place::kEvent) return key == "tid" ? &event_.thread : nullptr;
    if (place() != Place::kArguments) return nullptr;
    return key == "cycle"    ? &event_.cycle
           : key == "cycles" ? &event_.cycles
           : key == "insn"   ? &event_.insn
           : key == "rows"   ? &event_.rows
           : key == "bytes"  ? &event_.bytes
                             : nullptr;
  }

  bool number(std::int64_t value) {
    token_ = 0;
    if (place() == Place::kFile && key_ == "cycles") to_.total(value, in_.line());
    if (place() == Place::kAbout && key_ == "clock_hertz") info_.clock_hertz = value;
    std::optional<std::int64_t>* const to = number_at(key_);
    if (to == nullptr) return true;
    if (value < 0) return other();
    *to = value;
    return true;
  }
  // A value that is no whole number of a size that a trace has.
  bool other() {
    token_ = 0;
    if (number_at(key_) == nullptr && !(place() == Place::kFile && key_ == "cycles")) return true;
    to_.fail(in_.line(), fmt::format("{} is no number of a trace", key_),
             "a whole number from 0 on");
  }

  void take_event() {
    if (event_.phase == "M" && event_.name == "thread_name") name_thread();
    if (event_.phase == "M" && event_.name == "process_name" && std::exchange(process_, true)) {
      to_.fail(event_.line, "a second run begins", "the trace of one run");
    }
    if (event_.phase == "X" && event_.cls != kLayerClass) take_slice();
  }
  void name_thread() {
    if (!event_.thread) to_.fail(event_.line, "a thread_name without tid", "a number");
    if (threads_.size() == kMostThreads) {
      to_.fail(event_.line, fmt::format("more than {} tracks", kMostThreads),
               "the units of one machine");
    }
    threads_[*event_.thread] = event_.named;
  }
  void take_slice() const {
    const auto track = threads_.find(event_.thread.value_or(-1));
    if (track == threads_.end()) {
      to_.fail(event_.line, "a slice of a thread without a name", "its thread_name before it");
    }
    if (!event_.cycle || !event_.cycles) {
      to_.fail(event_.line, "a slice without cycle and cycles among its args",
               "a trace that `systole run --trace` wrote");
    }
    if (event_.insn == 0) to_.fail(event_.line, "insn is 0", "a whole number from 1 on");
    sim::Slice slice{.track = track->second,
                     .name = event_.name,
                     .cls = event_.cls,
                     .layer = event_.layer,
                     .begin = CyclePoint(*event_.cycle),
                     .end = CyclePoint(*event_.cycle + *event_.cycles)};
    slice.insn = event_.insn.value_or(0) - 1;
    slice.rows = event_.rows.value_or(-1);
    slice.bytes = event_.bytes.value_or(-1);
    to_.slice(slice, event_.line);
  }

  ByteSource& in_;
  CheckedEvents& to_;
  TraceInfo info_{.model = {}, .machine = {}, .clock_hertz = 0};
  std::size_t token_ = 0;
  std::vector<Place> stack_;
  std::string key_;
  Event event_;
  std::map<std::int64_t, std::string> threads_;
  bool seen_events_ = false, process_ = false;
};

}  // namespace

void read_chrome_trace(ByteSource& in, CheckedEvents& to) {
  Handler handler(in, to);
  nlohmann::json::sax_parse(Bytes(in, handler.token()), Bytes(), &handler);
  handler.finish();
}

}  // namespace systole::traces
