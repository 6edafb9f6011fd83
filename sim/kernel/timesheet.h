// Timesheet: where one unit's cycles go: busy, named waits, and idle for the rest.
//
// Entries are booked in order of time. A wait that overlaps work still going on counts only from
// where that work ends, so every cycle is booked once and busy + waits + idle = total. Each entry
// is also a slice for the probe, if there is one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "sim/kernel/probe.h"

namespace systole::sim {

// What a booking says about its instruction, for the probe.
struct SliceLabel {
  std::string_view name;
  std::string_view layer;
  std::int64_t insn = -1;
  std::int64_t rows = -1;
  std::int64_t bytes = -1;
  std::int64_t ordinal = -1;
};

class Timesheet {
 public:
  // `track` must outlive the sheet; `probe` may be null.
  Timesheet(std::string_view track, Probe* probe) : track_(track), probe_(probe) {}

  // Works from `begin` to `end`, as far as that is not booked yet.
  void busy(CyclePoint begin, CyclePoint end, const SliceLabel& label) {
    busy_ += book(begin, end, kBusy, label);
  }
  // Waits for `cls`, whose text must outlive the sheet; the slice is called the same.
  void wait(CyclePoint begin, CyclePoint end, std::string_view cls, const SliceLabel& label);

  // Lists the wait before those that are booked without having been listed.
  void expect(std::string_view cls) { waits_.emplace_back(cls, CycleCount(0)); }

  [[nodiscard]] std::string_view track() const { return track_; }
  [[nodiscard]] CycleCount busy() const { return busy_; }
  // Those listed may be 0.
  [[nodiscard]] const std::vector<std::pair<std::string_view, CycleCount>>& waits() const {
    return waits_;
  }
  [[nodiscard]] CycleCount booked() const;

 private:
  static constexpr std::string_view kBusy = "busy";
  CycleCount book(CyclePoint begin, CyclePoint end, std::string_view cls, const SliceLabel& label);

  std::string_view track_;
  Probe* probe_;
  CyclePoint booked_until_;
  CycleCount busy_;
  std::vector<std::pair<std::string_view, CycleCount>> waits_;
};

}  // namespace systole::sim
