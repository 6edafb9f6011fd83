// See checked_events.h.
#include "traces/read/checked_events.h"

#include <fmt/core.h>

#include "base/clean.h"
#include "base/diag.h"

namespace systole::traces {
namespace {

constexpr std::size_t kMostTracks = 1'024;

}  // namespace

void CheckedEvents::fail(std::int64_t line, const std::string& what,
                         const std::string& expected) const {
  throw InputError(fmt::format("{}:{}", path_, line), what, expected);
}

std::int64_t& CheckedEvents::end_of(std::string_view track, std::int64_t line) {
  const auto found = ends_.find(track);
  if (found != ends_.end()) return found->second;
  if (ends_.size() == kMostTracks) {
    fail(line, fmt::format("more than {} tracks", kMostTracks), "the units of one machine");
  }
  return ends_.emplace(std::string(track), 0).first->second;
}

void CheckedEvents::slice(const sim::Slice& slice, std::int64_t line) {
  const std::int64_t begin = slice.begin.value, end = slice.end.value;
  if (begin < 0 || begin >= end || end > kMostInTrace) {
    fail(line, fmt::format("a slice from cycle {} to {}", begin, end),
         "a beginning of at least 0 and a later end");
  }
  if (slice.track.empty() || slice.cls.empty()) {
    fail(line, "a slice of no unit or class", "a unit, and busy or what it waits for");
  }
  std::int64_t& until = end_of(slice.track, line);
  if (begin < until) {
    fail(line,
         fmt::format("{} is at something else until cycle {}, and this slice begins in {}",
                     clean(slice.track), until, begin),
         "slices of a unit in order of time, none above another");
  }
  until = end;
  if (end > last_end_) {
    last_end_ = end;
    last_line_ = line;
  }
  listener_.slice(slice);
}

void CheckedEvents::total(std::int64_t cycles, std::int64_t line) {
  if (total_) fail(line, "the run's cycles are given twice", "one total");
  if (cycles < 0 || cycles > kMostInTrace) {
    fail(line, fmt::format("a run of {} cycles", cycles), "0 or more");
  }
  total_ = cycles;
}

void CheckedEvents::finish(std::int64_t line) {
  if (!total_) {
    fail(line, "the trace ends before the run's cycles are told", "a whole file");
  }
  if (last_end_ > *total_) {
    fail(last_line_, fmt::format("a slice ends in cycle {} of a run of {}", last_end_, *total_),
         "no slice beyond the run's end");
  }
  listener_.end(CycleCount(*total_));
}

}  // namespace systole::traces
