// Pool map: which input pixels the windows of a pooling instruction take.
//
// Rows and columns are independent: output o of one axis takes the input positions from
// o * stride - pad on, `kernel` of them, as far as they lie within the map.
#pragma once

#include <algorithm>
#include <cstdint>

namespace systole::sim {

struct PoolAxis {
  std::int64_t in, out, kernel, stride, pad;

  [[nodiscard]] std::int64_t begin(std::int64_t o) const {
    return std::max<std::int64_t>(0, o * stride - pad);
  }
  [[nodiscard]] std::int64_t end(std::int64_t o) const {
    return std::min(in, o * stride - pad + kernel);
  }
  // Input positions that all windows take together.
  [[nodiscard]] std::int64_t taken() const {
    std::int64_t sum = 0;
    for (std::int64_t o = 0; o < out; ++o) sum += end(o) - begin(o);
    return sum;
  }
};

struct PoolMap {
  PoolAxis y, x;
  bool include_pad;

  template <typename Insn>
  explicit PoolMap(const Insn& i)
      : y{i.in_height, i.out_height, i.kernel_y, i.stride_y, i.pad_top},
        x{i.in_width, i.out_width, i.kernel_x, i.stride_x, i.pad_left},
        include_pad(i.include_pad != 0) {}

  [[nodiscard]] std::int64_t pixels() const { return y.in * x.in; }
  [[nodiscard]] std::int64_t outputs() const { return y.out * x.out; }
  // Pixels that all windows take together, each as often as it is taken.
  [[nodiscard]] std::int64_t taken() const { return y.taken() * x.taken(); }
};

}  // namespace systole::sim
