// Horizon: how far back an instruction can be awaited.
//
// A sync keeps its unit's next instruction waiting if it stood at the queue's head before the
// awaited completion was seen, so it was dispatched at or before that completion. The instruction
// that it kept waiting is dispatched behind it, with at most some instructions of other units
// between them. So, with lives told in the order of their dispatch (sink.h), what was complete when
// an instruction a little before the latest was dispatched is awaited by nobody who is still to
// come. What is not is in flight, or was a moment ago: the machine's queues bound it.
#pragma once

#include <cstddef>
#include <deque>

#include "base/units.h"

namespace systole::traces {

class Horizon {
 public:
  // Instructions between a sync and the one it is for. A compiler puts none there.
  static constexpr std::size_t kMostBetween = 64;

  // The next instruction was dispatched.
  void dispatched(CyclePoint at) {
    latest_.push_back(at);
    if (latest_.size() > kMostBetween + 1) latest_.pop_front();
  }
  // Whether what completed then is awaited by no later instruction.
  [[nodiscard]] bool is_behind(CyclePoint completed) const {
    return latest_.size() > kMostBetween && completed <= latest_.front();
  }

 private:
  std::deque<CyclePoint> latest_;
};

}  // namespace systole::traces
