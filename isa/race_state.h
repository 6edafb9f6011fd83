// What the race check (races.cc) knows between two instructions: of each queue what is surely
// complete, of each space who touched what. And whether a repetition of a body left it as the one
// before did.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "isa/space_map.h"

namespace systole::isa {

// By unit: how many of its instructions are complete.
template <std::size_t kUnits>
using Clock = std::array<std::int32_t, kUnits>;

// One unit's queue as far as knowledge goes.
template <std::size_t kUnits>
class Queue {
 public:
  using Clock = systole::isa::Clock<kUnits>;

  explicit Queue(Unit unit) : unit_(unit) {}

  // Books one counted instruction.
  std::int32_t send() {
    ++sent_;
    if (history_.empty() || history_.back().clock != known_) history_.push_back({sent_, known_});
    return sent_;
  }
  void learn(const Clock& clock) {
    for (std::size_t u = 0; u < kUnits; ++u) known_[u] = std::max(known_[u], clock[u]);
  }

  // What is complete once this unit's first `count` (> 0) instructions are.
  [[nodiscard]] Clock after(std::int32_t count) const {
    const auto later =
        std::upper_bound(history_.begin(), history_.end(), count,
                         [](std::int32_t n, const Moment& moment) { return n < moment.ordinal; });
    Clock clock = std::prev(later)->clock;
    clock[index(unit_)] = std::max(clock[index(unit_)], count);
    return clock;
  }
  [[nodiscard]] std::int32_t sent() const { return sent_; }
  [[nodiscard]] bool knows(Unit unit, std::int32_t ordinal) const {
    return known_[index(unit)] >= ordinal;
  }

  // Whether the instructions of a repetition, those behind `before`'s last, came to know the same
  // as those of the repetition before it; `sent` are all queues' instructions of one.
  [[nodiscard]] bool repeats(const Queue& before, const Clock& sent) const {
    const auto same = [&](const Clock& now, const Clock& then) {
      for (std::size_t u = 0; u < kUnits; ++u) {
        if (now[u] != then[u] && now[u] != then[u] + sent[u]) return false;
      }
      return true;
    };
    const auto behind = [](const Queue& queue, std::int32_t ordinal) {
      return std::ranges::upper_bound(queue.history_, ordinal, {}, &Moment::ordinal);
    };
    const std::int32_t mine = sent[index(unit_)];
    auto now = behind(*this, before.sent_);
    auto then = behind(before, before.sent_ - mine);
    for (; now != history_.end() && then != before.history_.end(); ++now, ++then) {
      if (now->ordinal != then->ordinal + mine || !same(now->clock, then->clock)) return false;
    }
    return now == history_.end() && then == before.history_.end() && same(known_, before.known_);
  }

 private:
  struct Moment {
    std::int32_t ordinal;  // from this instruction on
    Clock clock;
  };
  Unit unit_;
  std::int32_t sent_ = 0;
  Clock known_{};
  std::vector<Moment> history_;
};

template <std::size_t kUnits>
struct RaceState {
  std::vector<Queue<kUnits>> queues;
  std::array<std::array<SpaceMap<kUnits>, kUnits / kUnitKinds>, kSpaceCount> spaces;

  // Whether a repetition that led from `before` to here did what the one before it had done: each
  // instruction number is as it was, or as much higher as its unit has got instructions meanwhile.
  // What is older than both is older than all that follow, and knowledge only grows: so further
  // repetitions find no race that this one did not find. Spaces through which the body steps are
  // left out.
  [[nodiscard]] bool repeats(const RaceState& before,
                             const std::array<bool, kSpaceCount>& stepped) const {
    const Clock<kUnits> sent = sent_since(before);
    for (std::size_t u = 0; u < kUnits; ++u) {
      if (!queues[u].repeats(before.queues[u], sent)) return false;
    }
    for (std::size_t s = 0; s < kSpaceCount; ++s) {
      for (std::size_t i = 0; !stepped[s] && i < spaces[s].size(); ++i) {
        if (!spaces[s][i].repeats(before.spaces[s][i], sent)) return false;
      }
    }
    return true;
  }

  // By unit: instructions sent from `before` on.
  [[nodiscard]] Clock<kUnits> sent_since(const RaceState& before) const {
    Clock<kUnits> sent{};
    for (std::size_t u = 0; u < kUnits; ++u) sent[u] = queues[u].sent() - before.queues[u].sent();
    return sent;
  }
};

}  // namespace systole::isa
