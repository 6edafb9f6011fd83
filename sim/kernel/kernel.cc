// Kernel: the event loop (story in kernel.h).
#include "sim/kernel/kernel.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::sim {
namespace {

// SplitMix64 (Steele et al., OOPSLA 2014): a bijection, so shuffled orders stay distinct.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

void Kernel::spawn(Process process) {
  resume_at(now_, process.handle());
  processes_.push_back(std::move(process));
}

void Kernel::resume_at(CyclePoint when, Handle handle) {
  SYSTOLE_CHECK(when >= now_, "cycle {} is before {}", when.value, now_.value);
  const std::uint64_t number = events_++;
  heap_.push_back({when, shuffle_seed_ == 0 ? number : mix(number ^ shuffle_seed_), handle});
  std::push_heap(heap_.begin(), heap_.end());
}

void Kernel::run() {
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    const Event event = heap_.back();
    heap_.pop_back();
    now_ = event.when;
    event.handle.resume();
  }
}

}  // namespace systole::sim
