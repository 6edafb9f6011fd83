// What a Perfetto trace shows of slices, lives and levels (tracks in perfetto.h).
#include "traces/sinks/perfetto.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "isa/insn.h"
#include "isa/unit.h"
#include "traces/sinks/perfetto_fields.h"

namespace systole::traces {
namespace {

constexpr std::string_view kBusy = "busy";

// Places of tracks below the process.
constexpr std::int64_t kRunRank = 0, kFirstUnitRank = 1, kTracksEach = 3;
constexpr std::int64_t kFirstLevelRank = 5'000, kFirstRateRank = 10'000;

// What a unit's rate is called; units without a row move no bytes.
struct RateName {
  isa::Unit unit;
  std::string_view name, of;
};
constexpr auto kRateNames = std::to_array<RateName>({
    {isa::Unit::kDmaIn, "link in", "GB/s"},
    {isa::Unit::kDmaOut, "link out", "GB/s"},
    {isa::Unit::kWeights, "memory to weight FIFO", "GB/s"},
    {isa::Unit::kMatrix, "useful multiply-adds", "MACs a cycle"},
    {isa::Unit::kLoad, "memory to unified buffer", "GB/s"},
    {isa::Unit::kStore, "unified buffer to memory", "GB/s"},
});

// What a level counts beside its name, and what it is multiplied by.
struct Level {
  std::string name, unit;
  bool is_bytes = false;
};
Level level_of(std::string_view name, bool knows_rows) {
  constexpr std::string_view kRows = "unified_buffer.rows_in_use";
  if (name == kRows && knows_rows) return {"unified_buffer.bytes_in_use", {}, true};
  return {std::string(name), std::string(name.substr(name.rfind('.') + 1)), false};
}

// The operands of a pass that say how much it multiplies; k = 0 of what is no pass.
struct Pass {
  std::int64_t k = 0, n = 0;
  bool switches = false;
};
Pass pass_of(const isa::Program* program, std::int64_t insn) {
  if (program == nullptr || insn < 0) return {};
  return std::visit(
      [](const auto& i) -> Pass {
        if constexpr (requires { i.k, i.n, i.switch_tile; }) return {i.k, i.n, i.switch_tile != 0};
        return {};
      },
      program->code.at(static_cast<std::size_t>(insn)));
}

std::string title(const TraceInfo& info) {
  const std::string text = title_of(info);
  if (info.parameters == nullptr) return text;  // measured: no clock ticks through the run
  return text + fmt::format(", {} MHz", static_cast<double>(info.clock_hertz) / 1e6);
}

double cycles_of(const Work& work) { return static_cast<double>((work.end - work.begin).value); }

}  // namespace

PerfettoTrace::PerfettoTrace(std::ostream& out, const TraceInfo& info)
    : info_(info),
      time_(info.real_time, info.clock_hertz),
      packets_(out, title(info), info.run),
      flows_(
          isa::kMaxUnits,
          [this](std::size_t unit, const Work& work, const WorkFlows& flows) {
            write_work(unit, work, flows);
          },
          [this] { return packets_.next_flow(); }) {
  for (std::size_t u = 0; u < isa::kMaxUnits; ++u) {
    const isa::Unit unit = isa::unit_at(u);
    Unit shown{.name = std::string(isa::unit_name(unit)),
               .is_matrix = isa::kind_of(unit) == isa::Unit::kMatrix};
    // Units of a kind stand together, in the table's order.
    const auto kind = static_cast<std::int64_t>(isa::index(isa::kind_of(unit)));
    const auto each = static_cast<std::int64_t>(isa::kMaxInstances);
    shown.rank = kFirstUnitRank + (kind * each + isa::instance_of(unit)) * kTracksEach;
    unit_names_.emplace(shown.name, u);
    units_.push_back(std::move(shown));
  }
}

std::size_t PerfettoTrace::unit_of(std::string_view track) {
  const auto found = unit_names_.find(track);
  if (found != unit_names_.end()) return found->second;
  const auto rank = kFirstUnitRank + static_cast<std::int64_t>(units_.size()) * kTracksEach;
  units_.push_back({.name = std::string(track), .rank = rank});
  unit_names_.emplace(track, units_.size() - 1);
  return units_.size() - 1;
}

void PerfettoTrace::slice(const sim::Slice& slice) {
  if (slice.begin == slice.end) return;
  const std::size_t number = unit_of(slice.track);
  Unit& unit = units_[number];
  if (unit.is_matrix) nest(unit, slice);
  if (slice.cls != kBusy) {
    write_wait(unit, slice);
    return;
  }
  const Work work{.ordinal = slice.ordinal,
                  .begin = slice.begin,
                  .end = slice.end,
                  .name = packets_.intern(Interned::kName, slice.name),
                  .layer = packets_.intern(Interned::kText, slice.layer),
                  .insn = slice.insn,
                  .rows = slice.rows,
                  .bytes = slice.bytes};
  if (slice.ordinal >= 0 && number < isa::kMaxUnits) {
    flows_.work(number, work);
  } else {
    write_work(number, work, {});
  }
}

PerfettoPackets::SliceBegin PerfettoTrace::begin_of(TrackId track, const Work& work) {
  PerfettoPackets::SliceBegin begin{
      .track = track,
      .at = time(work.begin),
      .name = work.name,
      .category = packets_.intern(Interned::kCategory, category::kWork)};
  auto& arguments = begin.arguments;
  arguments.push_back(
      {packets_.intern(Interned::kArgument, "layer"), static_cast<std::int64_t>(work.layer), true});
  if (work.insn >= 0) arguments.push_back(packets_.number("insn", work.insn + 1));
  if (work.rows >= 0) arguments.push_back(packets_.number("rows", work.rows));
  if (work.bytes >= 0) arguments.push_back(packets_.number("bytes", work.bytes));
  add_cycles(begin, work.begin, work.end);
  return begin;
}

// Where the slice's times are not its cycles.
void PerfettoTrace::add_cycles(PerfettoPackets::SliceBegin& slice, CyclePoint begin,
                               CyclePoint end) {
  if (!time_.is_real()) return;
  slice.arguments.push_back(packets_.number("cycle", begin.value));
  slice.arguments.push_back(packets_.number("cycles", (end - begin).value));
}

void PerfettoTrace::write_work(std::size_t number, const Work& work, const WorkFlows& flows) {
  Unit& unit = units_[number];
  if (unit.work == 0) unit.work = packets_.track({.name = unit.name, .rank = unit.rank + 1});
  auto begin = begin_of(unit.work, work);
  begin.flows_out = flows.out;
  begin.flows_in = flows.in;
  packets_.begin(begin);
  packets_.end(unit.work, time(work.end));
  if (number < isa::kMaxUnits) show_rate(number, work);
}

void PerfettoTrace::write_wait(Unit& unit, const sim::Slice& slice) {
  if (unit.waits == 0) {
    unit.waits = packets_.track({.name = unit.name + kWaitsTrack, .rank = unit.rank + 2});
  }
  PerfettoPackets::SliceBegin begin{
      .track = unit.waits,
      .at = time(slice.begin),
      .name = packets_.intern(Interned::kName, slice.name),
      .category = packets_.intern(Interned::kCategory, category::kWait),
      .arguments = {packets_.text("layer", slice.layer)}};
  if (slice.insn >= 0) begin.arguments.push_back(packets_.number("insn", slice.insn + 1));
  add_cycles(begin, slice.begin, slice.end);
  packets_.begin(begin);
  packets_.end(unit.waits, time(slice.end));
}

void PerfettoTrace::show_rate(std::size_t number, const Work& work) {
  Unit& unit = units_[number];
  const Pass pass = unit.is_matrix ? pass_of(info_.program, work.insn) : Pass{};
  const std::int64_t amount = unit.is_matrix ? work.rows * pass.k * pass.n : work.bytes;
  const isa::Unit kind = isa::kind_of(isa::unit_at(number));
  const auto* name = std::ranges::find(kRateNames, kind, &RateName::unit);
  if (name == kRateNames.end() || amount <= 0) return;
  Rate& rate = unit.rate;
  if (rate.track == 0) {
    const bool first = isa::unit_name(kind) == unit.name;
    rate.track = packets_.counter_track(
        {.name = first ? std::string(name->name) : fmt::format("{} ({})", name->name, unit.name),
         .rank = kFirstRateRank + unit.rank},
        {.name = std::string(name->of)});
  }
  const double per_cycle = static_cast<double>(amount) / cycles_of(work);
  const double giga_per_second = static_cast<double>(info_.clock_hertz) / 1e9;
  if (rate.until != work.begin) set_rate(rate, rate.until, 0);
  set_rate(rate, work.begin, unit.is_matrix ? per_cycle : per_cycle * giga_per_second);
  rate.until = work.end;
}

void PerfettoTrace::set_rate(Rate& rate, CyclePoint at, double value) {
  if (value == rate.value) return;
  rate.value = value;
  packets_.counter(rate.track, time(at), value);
}

PerfettoTrace::Counter& PerfettoTrace::counter_named(std::string_view name) {
  const auto found = counters_.find(name);
  if (found != counters_.end()) return found->second;
  const Level level = level_of(name, info_.parameters != nullptr);
  Counter counter;
  if (level.is_bytes) counter.scale = info_.parameters->unified_buffer_row_bytes;
  const auto rank = kFirstLevelRank + static_cast<std::int64_t>(counters_.size());
  counter.track = packets_.counter_track({.name = level.name, .rank = rank},
                                         {.name = level.unit, .is_bytes = level.is_bytes});
  return counters_.emplace(name, counter).first->second;
}

void PerfettoTrace::counter(std::string_view name, CyclePoint at, std::int64_t value) {
  const Counter& counter = counter_named(name);
  packets_.counter(counter.track, time(at), value * counter.scale);
}

void PerfettoTrace::instruction(const sim::Life& life) {
  const std::size_t awaited = life.awaited_ordinal > 0 ? unit_of(life.awaited_unit) : 0;
  flows_.life(unit_of(life.unit), life, awaited);
}

void PerfettoTrace::open(TrackId track, CyclePoint at, std::string_view name,
                         std::string_view category) {
  packets_.begin({.track = track,
                  .at = time(at),
                  .name = packets_.intern(Interned::kName, name),
                  .category = packets_.intern(Interned::kCategory, category)});
}

void PerfettoTrace::nest(Unit& unit, const sim::Slice& slice) {
  Nest& nest = unit.nest;
  if (nest.track == 0) {
    nest.track = packets_.track({.name = unit.name + " layers", .rank = unit.rank});
  }
  if (!nest.layer_open || slice.layer != nest.layer || slice.begin != nest.layer_end) {
    close_layer(nest);
    nest.layer = slice.layer;
    nest.layer_open = true;
    open(nest.track, slice.begin, slice.layer, "layer");
  }
  nest.layer_end = slice.end;
  if (slice.cls != kBusy) return;
  if (pass_of(info_.program, slice.insn).switches) close_tile(nest);
  if (!nest.tile_open) open(nest.track, slice.begin, "tile", "tile");
  nest.tile_open = true;
  nest.tile_end = slice.end;
  open(nest.track, slice.begin, slice.name, "instruction");
  packets_.end(nest.track, time(slice.end));
}

void PerfettoTrace::close_tile(Nest& nest) {
  if (nest.tile_open) packets_.end(nest.track, time(nest.tile_end));
  nest.tile_open = false;
}

void PerfettoTrace::close_layer(Nest& nest) {
  close_tile(nest);
  if (nest.layer_open) packets_.end(nest.track, time(nest.layer_end));
  nest.layer_open = false;
}

void PerfettoTrace::finish(CycleCount total) {
  flows_.finish();
  for (Unit& unit : units_) {
    close_layer(unit.nest);
    if (unit.rate.track != 0) set_rate(unit.rate, unit.rate.until, 0);
  }
  const TrackId track = packets_.track({.name = "run", .rank = kRunRank});
  PerfettoPackets::SliceBegin run{
      .track = track,
      .at = 0,
      .name = packets_.intern(Interned::kName, fmt::format("{} on {}", info_.model, info_.machine)),
      .category = packets_.intern(Interned::kCategory, category::kRun),
      .arguments = {packets_.text("model", info_.model), packets_.text("machine", info_.machine),
                    packets_.number("clock_hertz", info_.clock_hertz),
                    packets_.number("cycles", total.value)}};
  if (!info_.part.empty()) run.arguments.push_back(packets_.text("part", info_.part));
  packets_.begin(run);
  packets_.end(track, time(CyclePoint() + total));
}

}  // namespace systole::traces
