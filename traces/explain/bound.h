// Bound: what bounds a run, and what would relieve it: one answer for every command.
//
// Each resource's parameter is relieved by a factor of two, one at a time. The recorded run is
// timed again for all of them (predicted gain: the share of the run's time that it saves); the best
// predicted are run again on the changed machine (found gain). The bound is the resource with the
// largest gain found; two within kAlike are both named. Where no single one gains kWorthPair, or
// the one that gains most is not the one on which most of the path lies, pairs are predicted, too:
// one that gains so much more than any single one is the bound, two resources of which each hides
// the other. Where nothing gains kWorth the run is balanced.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "traces/explain/critical_path.h"

namespace systole::traces {

// The simulator as this needs it.
struct Simulator {
  // Cycles of the recorded run timed again on a machine, and of a new run on it. Without `rerun`
  // gains stay predictions.
  std::function<CycleCount(const isa::Machine&)> retime, rerun;
};

// One resource relieved, or two together.
struct Change {
  std::vector<sim::Resource> resources;
  double predicted = 0;         // gain as a share of the run's time
  std::optional<double> found;  // by running again
  [[nodiscard]] double gain() const { return found.value_or(predicted); }
};
// "2x link out", "half the link latency", "2x link in and memory".
[[nodiscard]] std::string change_text(const Change& change);
// Keys of the parameters that it changes, as `--set` takes them.
[[nodiscard]] std::vector<std::string> change_keys(const Change& change);

enum class Verdict : std::uint8_t {
  kOne,       // relieving the one resource gains most
  kAlike,     // relieving either gains alike
  kPair,      // each hides the other: together they gain
  kBalanced,  // nothing gains; the two with the largest shares are named
};

struct Bound {
  static constexpr double kWorth = 0.02, kAlike = 0.02, kWorthPair = 0.10;
  Verdict verdict = Verdict::kBalanced;
  std::vector<sim::Resource> resources;       // one or two
  std::vector<std::optional<double>> shares;  // of each; none of a capacity
  std::vector<Change> changes;                // that relieve it; none if it is balanced
};
// Names of what bounds: of the resources, none where it is balanced.
[[nodiscard]] std::vector<std::string> bound_names(const Bound& bound);
// Keys of the parameters that relieve it, as `--set` takes them; none where none does.
[[nodiscard]] std::vector<std::string> bound_parameters(const Bound& bound);
// "link out: 87.5 % of the time; 2x link out: -43.8 %"
[[nodiscard]] std::string bound_text(const Bound& bound);

struct Explanation {
  CriticalPath path;
  Bound bound;
  std::vector<Change> changes;  // of single resources that gain anything, the most first
  // What was asked about beside them: the gain predicted, of the device's time; nothing where the
  // recorded run does not tell.
  std::vector<std::optional<double>> asked{};
  // Seconds of the recorded run: of the device, and of the host's own steps, which are priced.
  double device_seconds = 0, host_seconds = 0;
  // The host takes longer than the device: it bounds the run.
  [[nodiscard]] bool by_host() const { return host_seconds > device_seconds; }
};

// bound_text, behind the host where that bounds the run: "host: 57.4 % of the time, the host's own
// steps; the device by ...".
[[nodiscard]] std::string bound_sentence(const Explanation& why);

// `reruns` is how many of the best predicted changes are run again.
[[nodiscard]] Explanation explain(CriticalPath path, const isa::Machine& machine,
                                  const Simulator& simulator, std::size_t reruns = 4);

}  // namespace systole::traces
