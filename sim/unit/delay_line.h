// Delay line: a shift register of which every stage can be read.
//
// Stage i holds what was pushed i pushes ago. The window slides down over a longer buffer and is
// copied back to its top when it reaches the bottom, so a move of all stages costs one store.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace systole::sim {

// `lines` shift registers of `stages` stages each that move together, initially `fill`.
template <typename T>
class DelayLines {
 public:
  DelayLines(std::int64_t lines, std::int64_t stages, const T& fill = {})
      : stages_(static_cast<std::size_t>(stages)),
        stride_(padded(stages_ + kSlack)),
        slots_(static_cast<std::size_t>(lines) * stride_, fill) {}

  // All lines move by one stage; line i takes values[i] into stage 0, or T{} past their end.
  void push(std::span<const T> values) {
    if (head_ == 0) slide_back();
    --head_;
    T* slot = slots_.data() + head_;
    for (std::size_t line = 0; line * stride_ < slots_.size(); ++line, slot += stride_) {
      *slot = line < values.size() ? values[line] : T{};
    }
  }
  // Stage 0 of a line; the others follow it.
  [[nodiscard]] const T* line(std::int64_t i) const {
    return slots_.data() + static_cast<std::size_t>(i) * stride_ + head_;
  }

 private:
  static constexpr std::size_t kSlack = 128;
  // Odd in cache lines, so that the heads of the lines do not compete for one cache set.
  static constexpr std::size_t padded(std::size_t count) {
    const std::size_t per_line = std::max<std::size_t>(1, 64 / sizeof(T));
    const std::size_t lines = (count + per_line - 1) / per_line;
    return (lines | 1U) * per_line;
  }
  void slide_back() {
    for (auto line = slots_.begin(); line != slots_.end();
         line += static_cast<std::ptrdiff_t>(stride_)) {
      const auto kept = static_cast<std::ptrdiff_t>(stages_ - 1);
      const auto end = line + static_cast<std::ptrdiff_t>(kSlack + stages_);
      std::copy_backward(line, line + kept, end);
    }
    head_ = kSlack + 1;
  }

  std::size_t stages_, stride_;
  std::size_t head_ = 0;
  std::vector<T> slots_;
};

// One of them.
template <typename T>
class DelayLine {
 public:
  explicit DelayLine(std::int64_t stages, const T& fill = {}) : lines_(1, stages, fill) {}
  void push(const T& value) { lines_.push({&value, 1}); }
  [[nodiscard]] const T& operator[](std::int64_t stage) const { return lines_.line(0)[stage]; }

 private:
  DelayLines<T> lines_;
};

}  // namespace systole::sim
