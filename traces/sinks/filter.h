// Filter: what stands between a run and a sink.
//
// It puts the instructions in the order of their dispatch, which sinks count on, and leaves out
// what was not asked for: by cycles, by units, by layers. What touches the window is told whole, so
// that cycles, rows and bytes of a slice stay true; the levels of counters at the window's begin
// are told there.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "traces/sinks/sink.h"

namespace systole::traces {

using sim::ArrayView;
using sim::Life;
using sim::Slice;

struct Selection {
  CyclePoint from{}, to = kNever;  // [from, to)
  // Empty: all. Counters belong to no unit and no layer, and are always told.
  std::set<std::string, std::less<>> units{}, layers{};
};
// "cycles 100 to 200; units matrix, vector"; empty if all is selected.
[[nodiscard]] std::string words_of(const Selection& selection);

class Filter : public Sink {
 public:
  Filter(std::unique_ptr<Sink> sink, Selection selection)
      : sink_(std::move(sink)), selection_(std::move(selection)) {}

// One override of each: an event that is new does not link before filter.cc has it.
#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments) \
  [[nodiscard]] bool wants_##name() const override { return sink_->wants_##name(); }
#include "sim/kernel/probe_events.def"
#define SYSTOLE_PROBE_EVENT(name, wanted, parameters, arguments) void name parameters override;
#include "sim/kernel/probe_events.def"
  void finish(CycleCount total) override;

 private:
  struct Level {
    std::int64_t value = 0;
    bool waits = false;  // it is from before the window, and has not been told
  };

  [[nodiscard]] bool touches(CyclePoint begin, CyclePoint end) const {
    return begin < selection_.to && end > selection_.from;
  }
  [[nodiscard]] bool takes(std::string_view unit, std::string_view layer) const;
  void tell(const sim::Life& life);
  void tell_level(std::string_view name, Level& level);
  // The same text, which lives as long as this.
  [[nodiscard]] std::string_view kept(std::string_view text);

  std::unique_ptr<Sink> sink_;
  Selection selection_;
  std::map<std::string, Level, std::less<>> levels_;  // by counter
  // Lives that came before one that was dispatched earlier; those of instructions in flight.
  std::map<std::int64_t, sim::Life> early_;  // by serial
  std::int64_t next_serial_ = 0;
  std::set<std::string, std::less<>> texts_;
};

}  // namespace systole::traces
