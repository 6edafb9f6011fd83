// Channel: a bounded queue between two processes with a latency of one cycle both ways.
//
// What is pushed at t can be read from t + 1 on; the room freed by a pop at t can be used from
// t + 1 on. So neither side sees what the other does in the same cycle.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/diag.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/ring.h"

namespace systole::sim {

template <typename T>
class Channel {
 public:
  Channel(Kernel& kernel, std::int64_t capacity) : kernel_(kernel), capacity_(capacity) {}

  // --- producer ---
  [[nodiscard]] bool full() const {
    const std::int64_t leaving = last_pop_ == kernel_.now() ? popped_now_ : 0;
    return static_cast<std::int64_t>(ring_.size()) + leaving >= capacity_;
  }
  void push(T value) {
    SYSTOLE_CHECK(!full(), "push into a full channel");
    ring_.push({std::move(value), kernel_.now() + kLatency});
    wake(reader_);
  }
  // co_await channel.writable(): goes on in the first cycle with room.
  [[nodiscard]] auto writable() { return Writable{*this}; }

  // --- consumer ---
  [[nodiscard]] bool readable() const {
    return !ring_.empty() && ring_.front().since <= kernel_.now();
  }
  [[nodiscard]] const T& front() const { return ring_.front().value; }
  // The first cycle in which the front could be read.
  [[nodiscard]] CyclePoint front_since() const { return ring_.front().since; }
  void pop() {
    SYSTOLE_CHECK(readable(), "pop from an empty channel");
    ring_.pop();
    popped_now_ = last_pop_ == kernel_.now() ? popped_now_ + 1 : 1;
    last_pop_ = kernel_.now();
    wake(writer_);
  }
  // co_await channel.item(): goes on in the first cycle in which there is something to read.
  [[nodiscard]] auto item() { return Readable{*this}; }
  // Resumes the reader in the first cycle in which there is something to read.
  void resume_when_readable(Kernel::Handle handle) {
    if (ring_.empty()) {
      reader_ = handle;
    } else {
      kernel_.resume_at(std::max(kernel_.now(), ring_.front().since), handle);
    }
  }

 private:
  static constexpr CycleCount kLatency{1};

  struct Item {
    T value{};
    CyclePoint since;
  };
  struct Writable {
    Channel& channel;
    [[nodiscard]] bool await_ready() const { return !channel.full(); }
    void await_suspend(Kernel::Handle handle) const {
      const bool leaving = static_cast<std::int64_t>(channel.ring_.size()) < channel.capacity_;
      if (leaving) {
        channel.kernel_.resume_at(channel.kernel_.now() + kLatency, handle);
      } else {
        channel.writer_ = handle;
      }
    }
    void await_resume() const {}
  };

  struct Readable {
    Channel& channel;
    [[nodiscard]] bool await_ready() const { return channel.readable(); }
    void await_suspend(Kernel::Handle handle) const { channel.resume_when_readable(handle); }
    void await_resume() const {}
  };

  void wake(Kernel::Handle& waiting) {
    if (waiting) kernel_.resume_at(kernel_.now() + kLatency, std::exchange(waiting, {}));
  }

  Kernel& kernel_;
  std::int64_t capacity_;
  Ring<Item> ring_;
  CyclePoint last_pop_{-1};
  std::int64_t popped_now_ = 0;
  Kernel::Handle reader_{}, writer_{};
};

}  // namespace systole::sim
