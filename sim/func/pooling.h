// Pooling over a feature map, for `pool` and `activate_pool`: output (y, x) takes the elements of
// input rows y * stride_y + ky - pad_top and columns x * stride_x + kx - pad_left, as far as they
// lie within the map.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/numerics.h"
#include "isa/access.h"
#include "isa/float_limits.h"
#include "isa/registers.h"
#include "sim/func/lanes.h"

namespace systole::sim::func {

// Calls visit(index of an input pixel) for each one of the window of output (y, x); returns how
// many there were.
template <typename Insn, typename Visit>
std::int64_t for_window(const Insn& i, std::int64_t y, std::int64_t x, Visit&& visit) {
  std::int64_t count = 0;
  for (std::int64_t ky = 0; ky < i.kernel_y; ++ky) {
    for (std::int64_t kx = 0; kx < i.kernel_x; ++kx) {
      const std::int64_t row = y * i.stride_y + ky - i.pad_top;
      const std::int64_t column = x * i.stride_x + kx - i.pad_left;
      const bool inside = row >= 0 && row < i.in_height && column >= 0 && column < i.in_width;
      if (!inside) continue;
      visit(row * i.in_width + column);
      ++count;
    }
  }
  return count;
}

// One element of output (y, x) of a float type, as bits; `value(pixel)` are the input's. The sum
// begins with 0 and takes the pixels line by line; a NaN is the largest.
template <typename Insn, typename Value>
std::int32_t pooled_float(const Insn& i, std::int64_t y, std::int64_t x,
                          const isa::Registers& registers, Value&& value) {
  float sum = 0.0F;
  float largest = -std::numeric_limits<float>::infinity();
  const std::int64_t valid = for_window(i, y, x, [&](std::int64_t pixel) {
    const float v = float_of(i.type, value(pixel));
    largest = largest < v || v != v ? v : largest;
    sum = sum + v;
  });
  const std::int64_t count = i.include_pad != 0 ? i.kernel_y * i.kernel_x : valid;
  const float average = isa::float_limits_of(registers).apply(sum / static_cast<float>(count));
  const bool is_max = i.op == isa::pool_op::kMax;
  return static_cast<std::int32_t>(float_bits(i.type, is_max ? largest : average));
}

// One element of output (y, x): `value(pixel)` is the input's, `zero` its zero point.
template <typename Insn, typename Value>
std::int32_t pooled(const Insn& i, std::int64_t y, std::int64_t x, const isa::Registers& registers,
                    std::int64_t zero, Value&& value) {
  namespace configuration = isa::configuration;
  if (isa::is_float(i.type)) return pooled_float(i, y, x, registers, value);
  std::int64_t sum = 0;
  std::int32_t largest = std::numeric_limits<std::int32_t>::min();
  const std::int64_t valid = for_window(i, y, x, [&](std::int64_t pixel) {
    const std::int32_t v = value(pixel);
    largest = std::max(largest, v);
    sum += v - zero;
  });
  if (i.op == isa::pool_op::kMax) return largest;
  const std::int64_t count = i.include_pad != 0 ? i.kernel_y * i.kernel_x : valid;
  const float multiplier = average_multiplier(registers.scale(configuration::kAScale),
                                              registers.scale(configuration::kToScale), count);
  const LaneType lane = lane_type(i.type);
  const auto lo = std::max<std::int64_t>(registers.integer(configuration::kLo), lane.lo);
  const auto hi = std::min<std::int64_t>(registers.integer(configuration::kHi), lane.hi);
  return average(sum, multiplier, registers.integer(configuration::kToZero),
                 static_cast<std::int32_t>(lo), static_cast<std::int32_t>(hi));
}

}  // namespace systole::sim::func
