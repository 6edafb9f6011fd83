// Ring: a first-in first-out store that grows by doubling and never allocates once it is warm.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace systole::sim {

template <typename T>
class Ring {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] T& operator[](std::size_t i) { return slots_[(first_ + i) & (slots_.size() - 1)]; }
  [[nodiscard]] const T& operator[](std::size_t i) const {
    return slots_[(first_ + i) & (slots_.size() - 1)];
  }
  [[nodiscard]] T& front() { return slots_[first_]; }
  [[nodiscard]] const T& front() const { return slots_[first_]; }

  void push(T value) {
    if (size_ == slots_.size()) grow();
    slots_[(first_ + size_) & (slots_.size() - 1)] = std::move(value);
    ++size_;
  }
  void pop() {
    first_ = (first_ + 1) & (slots_.size() - 1);
    --size_;
  }

 private:
  void grow() {
    std::vector<T> wider(slots_.empty() ? 8 : slots_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) wider[i] = std::move((*this)[i]);
    slots_ = std::move(wider);
    first_ = 0;
  }

  std::vector<T> slots_;  // size is a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace systole::sim
