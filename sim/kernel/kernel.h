// Kernel: simulated time and the processes that live in it.
//
// A process is a C++20 coroutine that waits for time, channels and milestones. Pending resumptions
// sit in one binary heap keyed (cycle, order), so time jumps over every cycle in which nothing can
// change. Within a cycle the order is first come, first served, or a hash of that number when a
// shuffle seed is given: everything a process can see was written in an earlier cycle, so results
// must not depend on it. Frames are allocated once per process, nothing per event.
#pragma once

#include <coroutine>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/units.h"

namespace systole::sim {

// A coroutine that the kernel runs. Exceptions leave through Kernel::run.
class Process {
 public:
  struct promise_type {
    Process get_return_object() {
      return Process(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    static std::suspend_always initial_suspend() noexcept { return {}; }
    static std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };

  explicit Process(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Process(Process&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Process& operator=(Process&&) = delete;
  ~Process() {
    if (handle_) handle_.destroy();
  }
  [[nodiscard]] std::coroutine_handle<> handle() const { return handle_; }

 private:
  std::coroutine_handle<promise_type> handle_;
};

class Kernel {
 public:
  using Handle = std::coroutine_handle<>;

  explicit Kernel(std::uint64_t shuffle_seed = 0) : shuffle_seed_(shuffle_seed) {}
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  [[nodiscard]] CyclePoint now() const { return now_; }

  // Takes a process over; it starts in the current cycle.
  void spawn(Process process);

  // Resumes everything in order of time until nothing is pending.
  void run();
  // Resumes `handle` at `when`, which must not be in the past.
  void resume_at(CyclePoint when, Handle handle);

  // co_await kernel.at(t): goes on at cycle t, or at once if t is not in the future.
  struct At {
    Kernel& kernel;
    CyclePoint when;
    [[nodiscard]] bool await_ready() const { return when <= kernel.now_; }
    void await_suspend(Handle handle) const { kernel.resume_at(when, handle); }
    void await_resume() const {}
  };
  [[nodiscard]] At at(CyclePoint when) { return {*this, when}; }
  [[nodiscard]] At delay(CycleCount count) { return {*this, now_ + count}; }

 private:
  struct Event {
    CyclePoint when;
    std::uint64_t order;
    Handle handle;
    // Heap order: the earliest on top.
    friend bool operator<(const Event& a, const Event& b) {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };

  std::uint64_t shuffle_seed_;
  std::uint64_t events_ = 0;
  CyclePoint now_;
  std::vector<Event> heap_;
  std::vector<Process> processes_;
};

}  // namespace systole::sim
