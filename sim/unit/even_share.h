// Even share: an amount that is spread over the steps of another one, in proportion.
//
// After `done` of `whole` steps, floor(part * done / whole) has been handed out; the remainder is
// carried along, as in Bresenham's line.
#pragma once

#include <cstdint>

namespace systole::sim {

class EvenShare {
 public:
  // whole > 0; both below 2^56.
  EvenShare(std::int64_t part, std::int64_t whole) : part_(part), whole_(whole) {}

  // What falls to the next `steps` steps, at most a hundred, or all of them at once.
  [[nodiscard]] std::int64_t take(std::int64_t steps) {
    if (steps == whole_) return part_;
    rest_ += part_ * steps;
    const std::int64_t now = rest_ / whole_;
    rest_ %= whole_;
    return now;
  }

 private:
  std::int64_t part_, whole_, rest_ = 0;
};

}  // namespace systole::sim
