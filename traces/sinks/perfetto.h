// Perfetto trace: its protobuf format, which https://ui.perfetto.dev and trace_processor open.
//
// One process, with the tracks of each unit in the order of units.def: what it works on, beside it
// what it waits for; above a matrix unit's a track in which layers hold passes of weight tiles, and
// these instructions. Flows lead from the work that a sync waited for to the work that it kept
// waiting. Counters show levels, and the rate of each slice that moves bytes or multiplies.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "traces/sinks/flows.h"
#include "traces/sinks/perfetto_packets.h"
#include "traces/sinks/sink.h"
#include "traces/sinks/trace_time.h"

namespace systole::traces {

class PerfettoTrace : public Sink {
 public:
  PerfettoTrace(std::ostream& out, const TraceInfo& info);

  [[nodiscard]] bool wants_instruction() const override { return true; }
  void slice(const sim::Slice& slice) override;
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override;
  void instruction(const sim::Life& life) override;
  void finish(CycleCount total) override;

 private:
  // A counter that shows slices' rates: 0 between them.
  struct Rate {
    TrackId track = 0;
    double value = 0;
    CyclePoint until;
  };
  // Layers, passes of tiles, instructions, in a track of a matrix unit.
  struct Nest {
    TrackId track = 0;
    std::string layer;
    CyclePoint layer_end, tile_end;
    bool layer_open = false, tile_open = false;
  };
  struct Unit {
    std::string name;
    bool is_matrix = false;
    std::int64_t rank = 0;
    TrackId work = 0, waits = 0;  // 0: not yet shown
    Rate rate{};
    Nest nest{};
  };
  struct Counter {
    TrackId track = 0;
    std::int64_t scale = 1;
  };

  [[nodiscard]] std::size_t unit_of(std::string_view track);
  [[nodiscard]] PerfettoPackets::SliceBegin begin_of(TrackId track, const Work& work);
  void add_cycles(PerfettoPackets::SliceBegin& slice, CyclePoint begin, CyclePoint end);
  void write_work(std::size_t unit, const Work& work, const WorkFlows& flows);
  void write_wait(Unit& unit, const sim::Slice& slice);
  void show_rate(std::size_t unit, const Work& work);
  void set_rate(Rate& rate, CyclePoint at, double value);
  [[nodiscard]] Counter& counter_named(std::string_view name);

  void nest(Unit& unit, const sim::Slice& slice);
  void close_tile(Nest& nest);
  void close_layer(Nest& nest);
  void open(TrackId track, CyclePoint at, std::string_view name, std::string_view category);
  [[nodiscard]] std::int64_t time(CyclePoint at) const { return time_.nanoseconds(at); }

  TraceInfo info_;
  TraceTime time_;
  PerfettoPackets packets_;
  std::vector<Unit> units_;  // those of isa first, then what else has a track
  std::map<std::string, std::size_t, std::less<>> unit_names_;
  std::map<std::string, Counter, std::less<>> counters_;
  Flows flows_;
};

}  // namespace systole::traces
