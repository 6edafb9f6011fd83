// Milestones: a counter that only goes up, published with the cycle from which each step is
// visible.
//
// A unit knows when it will be done as soon as it starts, and posts that cycle at once. A reader
// that waits for step n sleeps until then, however early the post came; no event is spent on steps
// that nobody waits for. Steps are numbered from 1 and become visible in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/diag.h"
#include "sim/kernel/causes.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/ring.h"

namespace systole::sim {

class Milestones {
 public:
  // `causes` may be null.
  explicit Milestones(Kernel& kernel, Causes* causes = nullptr) : kernel_(kernel), steps_(causes) {}

  // The next step is visible from the cycle of `cause` on.
  void post(const Cause& cause) {
    steps_.push(cause);
    const CyclePoint visible = cause.at();
    SYSTOLE_CHECK(visible >= last_, "step at {} before {}", visible.value, last_.value);
    while (!future_.empty() && future_.front() <= kernel_.now()) future_.pop();
    future_.push(visible);
    last_ = visible;
    ++posted_;
    if (!waiters_.empty()) wake(visible);
  }

  // Why steps are visible.
  [[nodiscard]] const Steps& steps() const { return steps_; }
  [[nodiscard]] std::int64_t posted() const { return posted_; }
  [[nodiscard]] bool reached(std::int64_t n) const {
    return n <= posted_ && visible_from(n) <= kernel_.now();
  }
  // Steps visible now.
  [[nodiscard]] std::int64_t count() const {
    std::int64_t n = posted_;
    while (!reached(n)) --n;
    return n;
  }

  // Resumes `handle` in the first cycle, from now on, in which step n is visible.
  void resume_when_reached(std::int64_t n, Kernel::Handle handle) {
    if (n > posted_) {
      waiters_.push_back({n, handle});
    } else {
      kernel_.resume_at(std::max(visible_from(n), kernel_.now()), handle);
    }
  }

  // co_await m.reach(n): goes on in the first cycle in which step n is visible.
  [[nodiscard]] auto reach(std::int64_t n) { return Reach{*this, n}; }

 private:
  struct Waiter {
    std::int64_t step;
    Kernel::Handle handle;
  };
  struct Reach {
    Milestones& milestones;
    std::int64_t step;
    [[nodiscard]] bool await_ready() const { return milestones.reached(step); }
    void await_suspend(Kernel::Handle handle) const {
      milestones.resume_when_reached(step, handle);
    }
    void await_resume() const {}
  };

  // The cycle of a posted step; of one long past, some cycle not after now.
  [[nodiscard]] CyclePoint visible_from(std::int64_t n) const {
    const std::int64_t forgotten = posted_ - static_cast<std::int64_t>(future_.size());
    return n <= forgotten ? CyclePoint{0} : future_[static_cast<std::size_t>(n - forgotten - 1)];
  }
  void wake(CyclePoint visible) {
    std::erase_if(waiters_, [&](const Waiter& waiter) {
      if (waiter.step != posted_) return false;
      kernel_.resume_at(std::max(visible, kernel_.now()), waiter.handle);
      return true;
    });
  }

  Kernel& kernel_;
  Steps steps_;
  std::int64_t posted_ = 0;
  CyclePoint last_;
  Ring<CyclePoint> future_;  // the latest steps, at least all that are not visible yet
  std::vector<Waiter> waiters_;
};

}  // namespace systole::sim
