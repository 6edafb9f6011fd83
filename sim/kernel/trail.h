// Trail: the moments of one process, recorded as it goes (causes.h).
//
// A process waits through its trail: `co_await trail.at(cause)` goes on at the cause's cycle and
// notes that the process was not there earlier because of it. Without a recording it only waits.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/diag.h"
#include "sim/kernel/causes.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/milestones.h"

namespace systole::sim {

class Trail {
 public:
  // `causes` may be null.
  Trail(Kernel& kernel, Causes* causes) : kernel_(kernel), causes_(causes) {}

  [[nodiscard]] bool records() const { return causes_ != nullptr && !causes_->full(); }
  [[nodiscard]] Causes& causes() const { return *causes_; }
  // What the process works for from now on.
  void of_layer(std::int64_t layer) { layer_ = layer; }
  [[nodiscard]] std::int64_t layer() const { return layer_; }

  // The process, now.
  [[nodiscard]] Instant now() const { return Instant(kernel_.now(), here_.moment); }
  // It goes on now, and would not before `cause`.
  void join(const Cause& cause) {
    const bool later = cause.from.moment != here_.moment || cause.cycles > CycleCount(0);
    if (!records() || !later || cause.at() <= CyclePoint(0)) return;
    here_ = causes_->latest({here_}, cause, layer_);
    SYSTOLE_CHECK(here_ == kernel_.now(), "goes on in cycle {}, caused in {}", kernel_.now().value,
                  here_.value);
  }
  // The same where `freed` made room for its n-th use.
  void join_room(const Steps& freed, std::int64_t n, std::int64_t room, Resource capacity) {
    if (!records() || n <= room) return;
    here_ = causes_->room({here_}, freed.cause(n - room), {freed.series(), n, capacity}, layer_);
    SYSTOLE_CHECK(here_ == kernel_.now(), "has room in cycle {}, freed in {}", kernel_.now().value,
                  here_.value);
  }

  // co_await trail.at(cause): goes on in the cause's cycle, or at once if that is past.
  struct At {
    Trail& trail;
    Cause cause;
    [[nodiscard]] bool await_ready() const { return cause.at() <= trail.kernel_.now(); }
    void await_suspend(Kernel::Handle handle) const { trail.kernel_.resume_at(cause.at(), handle); }
    void await_resume() const { trail.join(cause); }
  };
  [[nodiscard]] At at(const Cause& cause) { return {*this, cause}; }
  // co_await trail.delay(n, resource)
  [[nodiscard]] At delay(CycleCount count, Resource resource = Resource::kControl) {
    return {*this, {now(), resource, count}};
  }
  // co_await trail.reach(milestones, n): goes on in the first cycle in which step n is visible.
  struct Reach {
    Trail& trail;
    Milestones& milestones;
    std::int64_t step;
    [[nodiscard]] bool await_ready() const { return milestones.reached(step); }
    void await_suspend(Kernel::Handle handle) const {
      milestones.resume_when_reached(step, handle);
    }
    void await_resume() const {
      if (step > 0 && trail.records()) trail.join(milestones.steps().cause(step));
    }
  };
  [[nodiscard]] Reach reach(Milestones& milestones, std::int64_t n) {
    return {*this, milestones, n};
  }
  // co_await trail.room(milestones, n, room, capacity): the n-th use of `room` places goes on once
  // step n - room has freed one.
  struct Room : Reach {
    std::int64_t use, room;
    Resource capacity;
    void await_resume() const { trail.join_room(milestones.steps(), use, room, capacity); }
  };
  [[nodiscard]] Room room(Milestones& milestones, std::int64_t n, std::int64_t room,
                          Resource capacity) {
    return {{*this, milestones, n - room}, n, room, capacity};
  }

  // Moments beside the process's own: after one cause, after the later of two.
  [[nodiscard]] Instant after(const Cause& cause) {
    return records() ? causes_->after(cause, layer_) : Instant(cause.at());
  }
  [[nodiscard]] Instant latest(const Cause& a, const Cause& b) {
    return records() ? causes_->latest(a, b, layer_) : Instant(std::max(a.at(), b.at()));
  }

 private:
  Kernel& kernel_;
  Causes* causes_;
  Instant here_;
  std::int64_t layer_ = 0;
};

}  // namespace systole::sim
