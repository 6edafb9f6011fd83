// One pass over the events: sums by unit, class and layer, and the N longest waits so far.
#include "traces/read/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/diag.h"
#include "isa/suggest.h"
#include "isa/unit.h"
#include "traces/read/open.h"

namespace systole::traces {
namespace {

constexpr std::string_view kNoLayer = "(none)";  // as slices outside layers have it

// Of what a run can have: more is no trace of one.
constexpr std::size_t kMostClasses = 4'096;
constexpr std::size_t kMostLayers = 65'536;
constexpr std::size_t kMostSums = 4'000'000;  // by layer, unit and class

std::size_t rank(std::string_view track) {
  std::size_t unit = 0;
  while (unit < isa::kMaxUnits && isa::unit_name(isa::unit_at(unit)) != track) ++unit;
  return unit;
}

// A wait of the list, by what it is sorted by.
struct Kept {
  CycleCount cycles;
  CyclePoint begin;
  std::size_t track = 0, cls = 0, layer = 0;
  friend bool operator<(const Kept& a, const Kept& b) {
    return std::tuple(-a.cycles.value, a.begin, a.track, a.cls) <
           std::tuple(-b.cycles.value, b.begin, b.track, b.cls);
  }
};

class Summing : public TraceListener {
 public:
  Summing(const std::string& path, const SummaryWishes& wishes) : path_(path), wishes_(wishes) {}

  void about(const TraceInfo& info) override { summary_.info = info; }
  void slice(const sim::Slice& slice) override;
  void end(CycleCount total) override { summary_.cycles = total; }

  [[nodiscard]] TraceSummary take();

 private:
  struct Unit {
    std::vector<CycleCount> by_class;
    std::int64_t bytes = 0;
  };
  struct Layer {
    CyclePoint first, last;
  };
  [[nodiscard]] std::size_t known(Interner& names, std::string_view name, std::size_t most) const;
  void keep(const Kept& wait);
  void add_units(const std::vector<std::size_t>& order);
  void add_layers(const std::vector<std::size_t>& order);

  const std::string& path_;
  const SummaryWishes& wishes_;
  TraceSummary summary_;
  Interner tracks_, classes_, layer_names_;
  std::vector<Unit> units_;    // by track
  std::vector<Layer> layers_;  // by layer
  std::map<std::tuple<std::size_t, std::size_t, std::size_t>, CycleCount>
      sums_;             // by layer, track and class
  std::set<Kept> kept_;  // at most wishes_.longest
};

std::size_t Summing::known(Interner& names, std::string_view name, std::size_t most) const {
  const std::size_t id = names.id(name);
  if (id < most) return id;
  throw InputError(path_, fmt::format("has more than {} names of one kind", most),
                   "the classes and layers of one run");
}

void Summing::keep(const Kept& wait) {
  if (kept_.size() == wishes_.longest) {
    if (kept_.empty() || !(wait < *kept_.rbegin())) return;
    kept_.erase(std::prev(kept_.end()));
  }
  kept_.insert(wait);
}

void Summing::slice(const sim::Slice& slice) {
  const std::size_t track = tracks_.id(slice.track);
  const std::size_t cls = known(classes_, slice.cls, kMostClasses);
  const CycleCount cycles = slice.end - slice.begin;
  if (units_.size() <= track) units_.resize(track + 1);
  Unit& unit = units_[track];
  if (unit.by_class.size() <= cls) unit.by_class.resize(cls + 1);
  unit.by_class[cls] += cycles;
  unit.bytes += std::max<std::int64_t>(0, slice.bytes);
  const std::size_t layer =
      known(layer_names_, slice.layer.empty() ? kNoLayer : slice.layer, kMostLayers);
  if (layers_.size() <= layer) layers_.resize(layer + 1, {slice.begin, slice.end});
  if (wishes_.layers) {
    layers_[layer].first = std::min(layers_[layer].first, slice.begin);
    layers_[layer].last = std::max(layers_[layer].last, slice.end);
    sums_[{layer, track, cls}] += cycles;
    if (sums_.size() > kMostSums) {
      throw InputError(path_, fmt::format("has more than {} sums by layer", kMostSums),
                       "a trace of one run");
    }
  }
  if (slice.cls == kBusy || (!wishes_.unit.empty() && wishes_.unit != slice.track)) return;
  keep({cycles, slice.begin, track, cls, layer});
}

void Summing::add_units(const std::vector<std::size_t>& order) {
  for (const std::size_t track : order) {
    UnitTimes times;
    times.unit = tracks_.name(track);
    CycleCount booked;
    const Unit& unit = units_[track];
    for (std::size_t cls = 0; cls < unit.by_class.size(); ++cls) {
      const CycleCount cycles = unit.by_class[cls];
      booked += cycles;
      if (classes_.name(cls) == kBusy) {
        times.busy = cycles;
      } else if (cycles > CycleCount(0)) {
        times.waits.emplace_back(classes_.name(cls), cycles);
      }
    }
    times.idle = summary_.cycles - booked;
    times.bytes = unit.bytes;
    summary_.units.push_back(std::move(times));
  }
}

void Summing::add_layers(const std::vector<std::size_t>& order) {
  std::vector<std::size_t> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    LayerTimes times{layer_names_.name(layer), layers_[layer].first, layers_[layer].last, {}};
    times.by_unit.resize(order.size());
    summary_.layers.push_back(std::move(times));
  }
  for (const auto& [key, cycles] : sums_) {
    const auto& [layer, track, cls] = key;
    summary_.layers[layer].by_unit[place[track]].emplace_back(classes_.name(cls), cycles);
  }
  std::ranges::stable_sort(summary_.layers, {}, &LayerTimes::first);
}

TraceSummary Summing::take() {
  if (!wishes_.unit.empty() &&
      std::ranges::find(tracks_.names(), wishes_.unit) == tracks_.names().end()) {
    throw InputError(path_,
                     fmt::format("has no unit '{}'{}", wishes_.unit,
                                 isa::did_you_mean(wishes_.unit, tracks_.names())),
                     fmt::format("one of {}", fmt::join(tracks_.names(), ", ")));
  }
  const std::vector<std::size_t> order = order_of_units(tracks_.names());
  add_units(order);
  if (wishes_.layers) add_layers(order);
  for (const Kept& wait : kept_) {
    summary_.longest.push_back({tracks_.name(wait.track), classes_.name(wait.cls),
                                layer_names_.name(wait.layer), wait.begin,
                                wait.begin + wait.cycles});
  }
  return std::move(summary_);
}

}  // namespace

std::vector<std::size_t> order_of_units(const std::vector<std::string>& tracks) {
  std::vector<std::size_t> order(tracks.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, {}, [&](std::size_t track) { return rank(tracks[track]); });
  return order;
}

TraceSummary summarize_trace(const std::string& path, const SummaryWishes& wishes) {
  Summing summing(path, wishes);
  read_trace(path, summing);
  return summing.take();
}

}  // namespace systole::traces
