// A second pass over the trace sums, for each wait, what every unit did in its cycles.
#include "traces/read/roots.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

#include "isa/unit.h"
#include "traces/read/interner.h"
#include "traces/read/open.h"

namespace systole::traces {
namespace {

using isa::Unit;

constexpr std::string_view kIdle = "idle";
constexpr std::string_view kQueueFull = "queue full";
constexpr std::string_view kRaw = "raw ", kWar = "war ";

// Which units a wait of a class may be for; of several it is taken for that of the most busy one. A
// class that is not here names its unit ("raw matrix", "queue full") or none ("port", "link").
struct AwaitedRow {
  std::string_view cls;
  std::array<Unit, 4> units;  // the first again where there are fewer
};
constexpr auto kAwaited = std::to_array<AwaitedRow>({
    {"raw", {Unit::kActivation, Unit::kVector, Unit::kActivation, Unit::kActivation}},
    {"war", {Unit::kActivation, Unit::kVector, Unit::kActivation, Unit::kActivation}},
    {"input", {Unit::kDmaIn, Unit::kDmaIn, Unit::kDmaIn, Unit::kDmaIn}},
    {"output", {Unit::kDmaOut, Unit::kDmaOut, Unit::kDmaOut, Unit::kDmaOut}},
    {"weight stall", {Unit::kWeights, Unit::kWeights, Unit::kWeights, Unit::kWeights}},
    {"sequencer", {Unit::kSequencer, Unit::kSequencer, Unit::kSequencer, Unit::kSequencer}},
    {"drain", {Unit::kDmaOut, Unit::kStore, Unit::kActivation, Unit::kVector}},
    {"fifo full", {Unit::kMatrix, Unit::kMatrix, Unit::kMatrix, Unit::kMatrix}},
});

// The instance of a unit by its name: 1 of "matrix.1".
std::string instance_of(std::string_view unit) {
  const std::size_t dot = unit.find('.');
  return dot == std::string_view::npos ? std::string() : std::string(unit.substr(dot));
}

// Units that a unit's wait may be for, but for "queue full". Those of the same instance come first.
std::vector<std::string> awaited_by(std::string_view unit, std::string_view cls) {
  if (cls.starts_with(kRaw) || cls.starts_with(kWar)) return {std::string(cls.substr(4))};
  const auto row = std::ranges::find(kAwaited, cls, &AwaitedRow::cls);
  std::vector<std::string> names;
  if (row == kAwaited.end()) return names;
  for (const Unit awaited : row->units) {
    const std::string name(isa::unit_name(awaited));
    names.push_back(name + instance_of(unit));
    names.push_back(name);
  }
  return names;
}

// What went on in a wait's cycles.
struct Meanwhile {
  std::map<std::pair<std::size_t, std::size_t>, CycleCount> sums;  // by track and class
  // Of the longest wait for a full queue: until when, and the instruction that waited.
  CycleCount queue_full;
  CyclePoint queue_full_end;
  std::int64_t insn = -1;
};

class Roots : public TraceListener {
 public:
  explicit Roots(const std::vector<TraceWait>& waits) : waits_(waits), meanwhile_(waits.size()) {
    order_.resize(waits.size());
    std::iota(order_.begin(), order_.end(), 0);
    std::ranges::sort(order_, {}, [&](std::size_t i) { return waits[i].begin; });
    CyclePoint end;
    for (const std::size_t i : order_) {
      end = std::max(end, waits[i].end);
      latest_end_.push_back(end);
    }
  }

  void slice(const sim::Slice& slice) override;
  [[nodiscard]] std::vector<RootLink> chain(std::size_t wait) const;

 private:
  // Of programs; of those beyond nobody knows whose a full queue was.
  static constexpr std::int64_t kMostInsns = std::int64_t{1} << 22;

  void note_queue(Meanwhile& in, const sim::Slice& slice, CycleCount cycles) const;
  // What a track mostly did in the wait's cycles.
  [[nodiscard]] RootLink most_of(std::size_t wait, const std::string& unit) const;
  [[nodiscard]] std::vector<std::string> candidates(std::size_t wait, const std::string& unit,
                                                    const std::string& cls) const;

  const std::vector<TraceWait>& waits_;
  std::vector<Meanwhile> meanwhile_;    // by wait
  std::vector<std::size_t> order_;      // of waits by their beginnings
  std::vector<CyclePoint> latest_end_;  // by place in order_: of that one and those before it
  std::vector<std::size_t> unit_of_;    // by instruction: its track and 1, or 0
  Interner tracks_, classes_;
};

void Roots::note_queue(Meanwhile& in, const sim::Slice& slice, CycleCount cycles) const {
  if (slice.cls == kQueueFull && cycles > in.queue_full) {
    in.queue_full = cycles;
    in.queue_full_end = slice.end;
    in.insn = -1;
  } else if (slice.cls == kBusy && slice.begin == in.queue_full_end) {
    in.insn = slice.insn;  // was dispatched once there was room
  }
}

void Roots::slice(const sim::Slice& slice) {
  const std::size_t track = tracks_.id(slice.track);
  const std::size_t cls = classes_.id(slice.cls);
  const bool decodes = slice.track == isa::unit_name(Unit::kSequencer);
  if (!decodes && slice.insn >= 0 && slice.insn < kMostInsns) {
    const auto insn = static_cast<std::size_t>(slice.insn);
    if (unit_of_.size() <= insn) unit_of_.resize(insn + 1);
    unit_of_[insn] = track + 1;
  }
  // The slice that follows a wait for a queue may begin where the wait of the list ends.
  const auto begins = [&](std::size_t i) { return waits_[i].begin; };
  auto at = std::ranges::upper_bound(order_, slice.end, {}, begins) - order_.begin();
  while (at > 0 && latest_end_[static_cast<std::size_t>(at - 1)] >= slice.begin) {
    const std::size_t i = order_[static_cast<std::size_t>(--at)];
    const CycleCount cycles =
        std::min(slice.end, waits_[i].end) - std::max(slice.begin, waits_[i].begin);
    if (cycles > CycleCount(0)) meanwhile_[i].sums[{track, cls}] += cycles;
    if (decodes) note_queue(meanwhile_[i], slice, cycles);
  }
}

RootLink Roots::most_of(std::size_t wait, const std::string& unit) const {
  RootLink most{unit, std::string(kIdle), CycleCount(0), waits_[wait].cycles()};
  for (const auto& [key, cycles] : meanwhile_[wait].sums) {
    if (tracks_.name(key.first) != unit) continue;
    most.idle -= cycles;
    if (cycles <= most.cycles) continue;
    most.state = classes_.name(key.second);
    most.cycles = cycles;
  }
  if (most.state == kIdle) most.cycles = most.idle;
  return most;
}

std::vector<std::string> Roots::candidates(std::size_t wait, const std::string& unit,
                                           const std::string& cls) const {
  if (cls != kQueueFull) return awaited_by(unit, cls);
  const std::int64_t insn = meanwhile_[wait].insn;
  if (insn < 0 || insn >= std::ssize(unit_of_)) return {};
  const std::size_t track = unit_of_[static_cast<std::size_t>(insn)];
  return track == 0 ? std::vector<std::string>() : std::vector{tracks_.name(track - 1)};
}

std::vector<RootLink> Roots::chain(std::size_t wait) const {
  std::vector<RootLink> links;
  std::vector<std::string> seen;
  std::string unit = waits_[wait].unit, cls = waits_[wait].cls;
  while (true) {
    seen.push_back(unit);
    RootLink next;
    for (const std::string& name : candidates(wait, unit, cls)) {
      if (std::ranges::find(tracks_.names(), name) == tracks_.names().end()) continue;
      if (std::ranges::find(seen, name) != seen.end()) continue;
      const RootLink link = most_of(wait, name);
      // Idle units are not what was waited for where another is not.
      const bool better = next.unit.empty() || (next.state == kIdle && link.state != kIdle) ||
                          (link.state != kIdle && link.cycles > next.cycles);
      if (better) next = link;
    }
    if (next.unit.empty()) return links;
    links.push_back(next);
    if (next.state == kBusy || next.state == kIdle) return links;
    unit = next.unit;
    cls = next.state;
  }
}

}  // namespace

std::vector<std::vector<RootLink>> roots_of(const std::string& path,
                                            const std::vector<TraceWait>& waits) {
  std::vector<std::vector<RootLink>> chains;
  if (waits.empty()) return chains;
  Roots roots(waits);
  read_trace(path, roots);
  for (std::size_t i = 0; i < waits.size(); ++i) chains.push_back(roots.chain(i));
  return chains;
}

}  // namespace systole::traces
