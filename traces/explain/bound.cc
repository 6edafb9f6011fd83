// Bound: questions and their answers (story in bound.h).
#include "traces/explain/bound.h"

#include <fmt/format.h>

#include <algorithm>

namespace systole::traces {
namespace {

using sim::Resource;
using sim::ResourceKind;

constexpr std::size_t kPairedShares = 5;  // resources whose pairs are predicted
constexpr double kShown = 0.0005;         // gains below are nothing

std::optional<double> share_of(const CriticalPath& path, Resource resource) {
  if (info(resource).kind == ResourceKind::kCapacity) return std::nullopt;
  return path.share(resource);
}

// Resources by what they have of any longest chain, the most first.
std::vector<Resource> by_weight(const CriticalPath& path) {
  std::vector<Resource> order;
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) order.push_back(static_cast<Resource>(r));
  std::ranges::stable_sort(order, std::greater<>(), [&](Resource r) {
    return path.by_resource[index(r)] + path.also[index(r)];
  });
  return order;
}

// Asks the simulator about changes of one machine.
class Questions {
 public:
  Questions(const CriticalPath& path, const isa::Machine& machine, const Simulator& simulator)
      : cycles_(path.cycles),
        recorded_(simulator.retime(machine)),
        machine_(machine),
        simulator_(simulator) {}

  // Nothing if no parameter can be relieved.
  [[nodiscard]] std::optional<Change> predict(std::vector<Resource> resources) const {
    const isa::Machine changed = machine_with(resources);
    if (changed == machine_) return std::nullopt;
    return Change{std::move(resources), gain(recorded_, simulator_.retime(changed)), std::nullopt};
  }
  void run(Change& change) const {
    if (simulator_.rerun)
      change.found = gain(cycles_, simulator_.rerun(machine_with(change.resources)));
  }

 private:
  [[nodiscard]] isa::Machine machine_with(const std::vector<Resource>& resources) const {
    isa::Machine changed = machine_;
    for (const Resource resource : resources) changed = relieved(changed, resource);
    return changed;
  }
  [[nodiscard]] double gain(CycleCount before, CycleCount after) const {
    if (cycles_ == CycleCount(0)) return 0.0;
    return static_cast<double>((before - after).value) / static_cast<double>(cycles_.value);
  }

  CycleCount cycles_, recorded_;  // of the run, and of it timed again on the same machine
  const isa::Machine& machine_;
  const Simulator& simulator_;
};

void sort_by_gain(std::vector<Change>& changes) {
  std::ranges::stable_sort(changes, std::greater<>(), &Change::gain);
}

// The best pair of two that each hide the other: of those on the longest chains, and of the first
// with any.
std::optional<Change> best_pair(const Questions& questions, const CriticalPath& path) {
  const std::vector<Resource> order = by_weight(path);
  std::optional<Change> best;
  for (std::size_t a = 0; a < kPairedShares; ++a) {
    const std::size_t until = a == 0 ? order.size() : kPairedShares;
    for (std::size_t b = a + 1; b < until; ++b) {
      auto change = questions.predict({order[a], order[b]});
      if (change && (!best || change->predicted > best->predicted)) best = std::move(change);
    }
  }
  if (!best || best->predicted <= Bound::kWorthPair) return std::nullopt;
  questions.run(*best);
  if (best->gain() <= Bound::kWorthPair) return std::nullopt;
  std::ranges::sort(best->resources);
  return best;
}

// Whether a pair may gain far more than the best single change does: that one gains little, or
// relieves another resource than the one on which the run spends most of its time.
bool asks_pairs(const std::vector<Change>& changes, const CriticalPath& path) {
  if (changes.empty() || changes.front().gain() < Bound::kWorthPair) return true;
  const auto largest = std::ranges::max_element(path.by_resource) - path.by_resource.begin();
  return static_cast<std::size_t>(largest) != index(changes.front().resources.front());
}

// What a pair has to gain: far more than the best single change; where that one gains much, more
// than its two do one by one, or neither would hide the other.
double worth_of(const Change& pair, const std::vector<Change>& changes) {
  const double best = changes.empty() ? 0.0 : changes.front().gain();
  if (best < Bound::kWorthPair) return best + Bound::kWorthPair;
  double alone = 0.0;
  for (const Change& change : changes) {
    const auto& of = pair.resources;
    if (std::ranges::find(of, change.resources.front()) != of.end()) alone += change.gain();
  }
  return std::max(best, alone) + Bound::kWorthPair;
}

Bound judge(const std::vector<Change>& changes, const Questions& questions,
            const CriticalPath& path) {
  Bound bound;
  const auto name = [&](Resource resource) {
    bound.resources.push_back(resource);
    bound.shares.push_back(share_of(path, resource));
  };
  const double best = changes.empty() ? 0.0 : changes.front().gain();
  auto pair = asks_pairs(changes, path) ? best_pair(questions, path) : std::nullopt;
  if (pair && pair->gain() < worth_of(*pair, changes)) pair.reset();
  if (!pair && best >= Bound::kWorth) {
    bound.verdict = Verdict::kOne;
    for (const Change& change : changes) {
      if (bound.resources.size() == 2 || change.gain() < best - Bound::kAlike ||
          change.gain() < Bound::kWorth) {
        break;
      }
      name(change.resources.front());
      bound.changes.push_back(change);
    }
    if (bound.resources.size() == 2) bound.verdict = Verdict::kAlike;
    return bound;
  }
  if (pair) {
    bound.verdict = Verdict::kPair;
    for (const Resource resource : pair->resources) name(resource);
    bound.changes.push_back(std::move(*pair));
    return bound;
  }
  const std::vector<Resource> order = by_weight(path);
  for (std::size_t i = 0; i < 2; ++i) name(order[i]);
  return bound;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100.0 * share); }

std::string gain_text(const Change& change) {
  return fmt::format("{}: {}{:.1f} %{}", change_text(change), change.gain() >= 0.0 ? "-" : "+",
                     100.0 * std::abs(change.gain()), change.found ? "" : " (predicted)");
}

}  // namespace

std::string change_text(const Change& change) {
  std::vector<std::string_view> names;
  for (const Resource resource : change.resources) names.push_back(info(resource).name);
  const bool halves = std::ranges::all_of(change.resources, [](Resource resource) {
    return info(resource).kind == ResourceKind::kLatency;
  });
  return fmt::format("{} {}", halves ? "half the" : "2x", fmt::join(names, " and "));
}

std::vector<std::string> change_keys(const Change& change) {
  std::vector<std::string> keys;
  for (const Resource resource : change.resources) keys.emplace_back(parameter_key(resource));
  return keys;
}

std::vector<std::string> bound_names(const Bound& bound) {
  std::vector<std::string> names;
  if (bound.verdict == Verdict::kBalanced) return names;
  for (const Resource resource : bound.resources) names.emplace_back(info(resource).name);
  return names;
}

std::vector<std::string> bound_parameters(const Bound& bound) {
  std::vector<std::string> keys;
  for (const Change& change : bound.changes) {
    for (const Resource resource : change.resources) {
      if (info(resource).kind != ResourceKind::kPace) keys.emplace_back(parameter_key(resource));
    }
  }
  return keys;
}

std::string bound_text(const Bound& bound) {
  const auto with_share = [&](std::size_t i) {
    const std::string name(info(bound.resources[i]).name);
    return bound.shares[i] ? fmt::format("{} ({} of the time)", name, percent(*bound.shares[i]))
                           : name;
  };
  const std::string first(info(bound.resources.at(0)).name);
  switch (bound.verdict) {
    case Verdict::kOne:
      return first + (bound.shares[0] ? ": " + percent(*bound.shares[0]) + " of the time" : "") +
             "; " + gain_text(bound.changes[0]);
    case Verdict::kAlike:
      return fmt::format("{} and {}; {}, {}", with_share(0), with_share(1),
                         gain_text(bound.changes[0]), gain_text(bound.changes[1]));
    case Verdict::kPair:
      return fmt::format("{} and {}, each hides the other; {}", first,
                         info(bound.resources[1]).name, gain_text(bound.changes[0]));
    case Verdict::kBalanced:
      return fmt::format("balanced: no change gains {:.0f} %; the most has {}, then {}",
                         100.0 * Bound::kWorth, with_share(0), with_share(1));
  }
  return first;
}

std::string bound_sentence(const Explanation& why) {
  std::string device = bound_text(why.bound);
  if (!why.path.whole) {
    device += fmt::format(", of the first {} cycles", why.path.cycles.value);
  }
  if (!why.by_host()) return device;
  return fmt::format("host: {} of the time, the host's own steps; the device by {}",
                     percent(why.host_seconds / (why.host_seconds + why.device_seconds)), device);
}

Explanation explain(CriticalPath path, const isa::Machine& machine, const Simulator& simulator,
                    std::size_t reruns) {
  const Questions questions(path, machine, simulator);
  std::vector<Change> changes;
  for (std::size_t r = 0; r < sim::kResourceCount; ++r) {
    if (auto change = questions.predict({static_cast<Resource>(r)})) {
      changes.push_back(std::move(*change));
    }
  }
  sort_by_gain(changes);
  for (std::size_t i = 0; i < std::min(reruns, changes.size()); ++i) {
    if (changes[i].predicted >= kShown) questions.run(changes[i]);
  }
  std::erase_if(changes, [](const Change& change) { return change.gain() < kShown; });
  sort_by_gain(changes);
  Bound bound = judge(changes, questions, path);
  return {.path = std::move(path), .bound = std::move(bound), .changes = std::move(changes)};
}

}  // namespace systole::traces
