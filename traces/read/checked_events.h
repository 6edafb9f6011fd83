// Checked events: what every reader of a trace passes its events through: each unit does one thing
// at a time, times are a run's, and the whole trace is there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "traces/read/listener.h"

namespace systole::traces {

// Each function throws InputError naming file and line for what cannot be.
class CheckedEvents {
 public:
  // Both outlive this.
  CheckedEvents(const std::string& path, TraceListener& listener)
      : path_(path), listener_(listener) {}

  void about(const TraceInfo& info) { listener_.about(info); }
  void slice(const sim::Slice& slice, std::int64_t line);
  void total(std::int64_t cycles, std::int64_t line);
  // The file is at its end, `line`; there must have been a total.
  void finish(std::int64_t line);

  [[nodiscard]] bool has_total() const { return total_.has_value(); }
  [[noreturn]] void fail(std::int64_t line, const std::string& what,
                         const std::string& expected) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  // How far the track is, which is made at its first slice.
  std::int64_t& end_of(std::string_view track, std::int64_t line);

  const std::string& path_;
  TraceListener& listener_;
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> ends_;  // by track
  std::int64_t last_end_ = 0, last_line_ = 0;  // of the slice that ends last
  std::optional<std::int64_t> total_;
};

}  // namespace systole::traces
