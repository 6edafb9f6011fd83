// Causes: why each moment of a run was not earlier: the graph of its critical path.
//
// A moment is a cycle in which something went on, with one or two causes: an earlier moment and so
// many cycles of a resource after it. The latest of them is the moment's cycle:
//
//   at = max over causes (at of the cause + its cycles)
//
// so the graph holds all that the run's time depends on, and may be timed again with other cycles,
// the order of grants kept (retime.h). Moments of what is shared are grants: of the link, the
// memory and the ports, whose time follows from what they were asked for and from those before
// them. Places that are freed (queues, FIFO, chunks) are steps of a series: the n-th use waits for
// step n - room. Moments are numbered in an order in which causes come first; moment 0 is the start
// of the run, cycle 0.
//
// Recording stops at a limit of moments: then the graph is that of the run's first part.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/units.h"
#include "sim/kernel/report.h"
#include "sim/kernel/resources.h"

namespace systole::sim {

using Moment = std::int32_t;
inline constexpr Moment kStart = 0;

// A cycle that knows its moment; without a recording all moments are kStart.
struct Instant : CyclePoint {
  constexpr Instant() = default;
  constexpr explicit Instant(CyclePoint at, Moment m = kStart) : CyclePoint(at), moment(m) {}
  Moment moment = kStart;
};

// `cycles` of `resource` after a moment.
struct Cause {
  Instant from;
  Resource resource = Resource::kControl;
  CycleCount cycles{};
  [[nodiscard]] constexpr CyclePoint at() const { return from + cycles; }
};

// How a moment's time follows from its causes.
enum class Rule : std::uint8_t {
  kLatest,     // of its causes
  kRoom,       // of its causes, the second of which is a step of a series
  kLinkIn,     // a transfer has been sent that was asked for at the first cause
  kLinkOut,    // the same outwards
  kLinkNext,   // the link may be asked again after the transfer before
  kMemory,     // the same of a request to the memory
  kPorts,      // a chunk's ports begin; it was asked for at the first cause
  kPortsDone,  // the ports of the moment before end
};

// Why a step of a series can be seen.
struct StepCause {
  Moment from = kStart;
  std::int32_t cycles = 0;
};

class Causes {
 public:
  static constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::min();
  struct Node {
    CyclePoint at;
    std::array<Moment, 2> from{kStart, kStart};
    std::array<std::int32_t, 2> cycles{0, kNone};  // kNone: no such cause
    std::array<Resource, 2> resource{};
    Rule rule = Rule::kLatest;
    bool completes = false;  // an instruction, or the run
    std::int32_t layer = 0;
  };
  // What a grant is for, in the order of the moments that are grants.
  struct Grant {
    std::int64_t address = 0, bytes = 0;
    std::int64_t rows = 0, reads = 0, writes = 0;
  };
  // The n-th use of a room, in the order of kRoom moments: it waits for step n - room.
  struct Room {
    std::int32_t series = 0;
    std::int64_t use = 0;
    Resource capacity{};
  };

  // A matrix unit did not inject rows in [begin, end), by the class of its stall table; a moment at
  // or after the end is why it went on.
  struct Gap {
    CyclePoint begin, end;
    Moment until = kStart;
    Stall stall{};
  };

  // An executed instruction left its queue.
  struct Start {
    std::int64_t serial = 0;  // how many were dispatched before it (Life::serial)
    Moment moment = kStart;
  };

  explicit Causes(std::size_t most_moments = 10'000'000);

  // Nothing more is recorded.
  [[nodiscard]] bool full() const { return nodes_.size() >= most_; }

  // --- recording: each returns the new moment, which is in cycle `at` ---
  Instant after(const Cause& cause, std::int64_t layer);
  Instant latest(const Cause& a, const Cause& b, std::int64_t layer);
  Instant room(const Cause& here, const Cause& freed, const Room& room, std::int64_t layer);
  // What was asked for at `asked.from` and, if it had to wait, for `held`.
  Instant granted(Rule rule, const Cause& asked, const Cause* held, const Grant& grant,
                  std::int64_t layer);
  // kLinkNext and kPortsDone: of the grant before.
  Instant follows(Rule rule, const Cause& a, const Cause* b, std::int64_t layer);
  void completes(const Instant& instant);
  void gap(const Gap& gap) {
    if (!full()) gaps_.push_back(gap);
  }
  void starts(const Start& start) {
    if (!full()) starts_.push_back(start);
  }
  [[nodiscard]] std::int32_t new_series();
  void step(std::int32_t series, const Cause& cause);

  // By serial, once all have been recorded.
  void sort_starts() { std::ranges::sort(starts_, {}, &Start::serial); }

  // --- reading ---
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<Grant>& grants() const { return grants_; }
  [[nodiscard]] const std::vector<Room>& rooms() const { return rooms_; }
  // Each in order of time of a unit.
  [[nodiscard]] const std::vector<Start>& starts() const { return starts_; }
  [[nodiscard]] const std::vector<Gap>& gaps() const { return gaps_; }
  // The first is step 1.
  [[nodiscard]] const std::vector<StepCause>& steps(std::int32_t series) const {
    return series_[static_cast<std::size_t>(series)];
  }
  [[nodiscard]] Cause cause_of(const StepCause& step) const {
    return {Instant(nodes_[static_cast<std::size_t>(step.from)].at, step.from), Resource::kControl,
            CycleCount(step.cycles)};
  }
  // The last completion.
  [[nodiscard]] Moment end() const { return end_; }

 private:
  Instant add(Rule rule, CyclePoint at, const Cause& a, const Cause* b, std::int64_t layer);

  std::size_t most_;
  std::vector<Node> nodes_;
  std::vector<Grant> grants_;
  std::vector<Room> rooms_;
  std::vector<Gap> gaps_;
  std::vector<Start> starts_;
  std::vector<std::vector<StepCause>> series_;
  Moment end_ = kStart;
};

// A series of the graph; nothing without one.
class Steps {
 public:
  explicit Steps(Causes* causes)
      : causes_(causes), series_(causes == nullptr ? 0 : causes->new_series()) {}
  void push(const Cause& cause) {
    if (causes_ != nullptr && !causes_->full()) causes_->step(series_, cause);
  }
  // Why step n >= 1, which has been pushed, can be seen.
  [[nodiscard]] Cause cause(std::int64_t n) const {
    return causes_->cause_of(causes_->steps(series_)[static_cast<std::size_t>(n - 1)]);
  }
  [[nodiscard]] std::int32_t series() const { return series_; }

 private:
  Causes* causes_;
  std::int32_t series_;
};

}  // namespace systole::sim
