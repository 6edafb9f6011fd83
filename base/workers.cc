// See workers.h. The caller is one of the threads: with one there is no other.
#include "base/workers.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace systole {
namespace {

class Crew {
 public:
  Crew(std::size_t count, const std::function<void(std::size_t)>& work)
      : count_(count), work_(work) {}

  void take_all() {
    for (;;) {
      const std::size_t i = next_++;
      if (i >= count_ || failed_) return;
      try {
        work_(i);
      } catch (...) {
        keep(i, std::current_exception());
      }
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void keep(std::size_t i, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_ || i < at_) {
      error_ = std::move(error);
      at_ = i;
    }
    failed_ = true;
  }

  const std::size_t count_;
  const std::function<void(std::size_t)>& work_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // of what follows
  std::exception_ptr error_;
  std::size_t at_ = 0;
};

}  // namespace

void on_threads(std::size_t count, std::size_t threads,
                const std::function<void(std::size_t)>& work) {
  Crew crew(count, work);
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min(threads, count); ++i) {
      others.emplace_back([&crew] { crew.take_all(); });
    }
    crew.take_all();
  }
  crew.rethrow();
}

std::size_t thread_count() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace systole
