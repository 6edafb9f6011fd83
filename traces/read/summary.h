// Summary of a trace: where each unit's cycles went, in the run and by layer, and the longest
// waits.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "traces/read/interner.h"
#include "traces/read/listener.h"

namespace systole::traces {

using Cycles = std::pair<std::string, CycleCount>;  // of something by name

// busy, waits in the order of their first appearance, and idle add up to the run's cycles.
struct UnitTimes {
  std::string unit;
  CycleCount busy, idle;
  std::vector<Cycles> waits;
  std::int64_t bytes = 0;
};

struct LayerTimes {
  std::string layer;
  CyclePoint first, last;                    // of the slices that carry its name, [first, last)
  std::vector<std::vector<Cycles>> by_unit;  // by class, "busy" among them; in the order of units
};

// One slice in which a unit waits.
struct TraceWait {
  std::string unit, cls, layer;
  CyclePoint begin, end;
  [[nodiscard]] CycleCount cycles() const { return end - begin; }
};

struct TraceSummary {
  TraceInfo info{.model = {}, .machine = {}, .clock_hertz = 0};  // as far as the trace says it
  CycleCount cycles;
  std::vector<UnitTimes> units;    // those of units.def in its order, then others
  std::vector<LayerTimes> layers;  // in the order of their beginnings
  std::vector<TraceWait> longest;  // longest first, of equals the earlier
};

// What is asked of a trace.
struct SummaryWishes {
  std::size_t longest = 10;
  std::string unit{};   // the longest waits are this one's; empty: of all
  bool layers = false;  // by layer, too
};

// What the summary calls a unit's work.
inline constexpr std::string_view kBusy = "busy";

// Throws InputError as read_trace() does, and for a unit that the trace does not have.
[[nodiscard]] TraceSummary summarize_trace(const std::string& path, const SummaryWishes& wishes);

// Where a track stands among others: units in the order of units.def, then others in theirs.
[[nodiscard]] std::vector<std::size_t> order_of_units(const std::vector<std::string>& tracks);

}  // namespace systole::traces
