// Lanes: how the oracle finds rows, elements and parameters in its memories.
//
// A logical row of `bytes` bytes at byte lane `lane` of unified buffer row `ub` lies in consecutive
// buffer rows, and the next logical row starts at the same lane of the next free buffer row.
// Elements of more than one byte are little endian.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

#include "base/bfloat16.h"
#include "sim/func/state.h"

namespace systole::sim::func {

// Logical row i of a transfer that starts at buffer row `ub`, byte `lane`.
inline std::span<std::uint8_t> ub_row(State& s, std::int64_t ub, std::int64_t lane,
                                      std::int64_t bytes, std::int64_t i) {
  const std::int64_t first = ub + i * s.machine.ub_rows_of(bytes, lane);
  return slice(s.unified_buffer, first * s.machine.unified_buffer_row_bytes + lane, bytes);
}

// Element c of parameter row `row`, an int32 or a float32.
template <typename T>
T param(const State& s, std::int64_t row, std::int64_t c) {
  static_assert(sizeof(T) == 4);
  T value;
  std::memcpy(&value, slice(s.params, row * s.machine.param_row_bytes() + c * 4, 4).data(), 4);
  return value;
}

// What a lane of `type` can hold, and its bytes; of floats the bits as a signed integer.
struct LaneType {
  std::int64_t bytes;
  std::int64_t lo, hi;
};
inline LaneType lane_type(std::int64_t t) {
  const auto limits = [](auto v) {
    using T = decltype(v);
    return LaneType{sizeof(T), std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
  };
  if (t == isa::type::kU8) return limits(std::uint8_t{});
  if (t == isa::type::kS8) return limits(std::int8_t{});
  if (t == isa::type::kS16 || t == isa::type::kBf16) return limits(std::int16_t{});
  return limits(std::int32_t{});
}

// Element c of a row of elements of `type`.
inline std::int32_t load_element(std::span<const std::uint8_t> row, std::int64_t t,
                                 std::int64_t c) {
  const LaneType lane = lane_type(t);
  std::int64_t value = 0;
  for (std::int64_t b = 0; b < lane.bytes; ++b) {
    value |= std::int64_t{row[static_cast<std::size_t>(c * lane.bytes + b)]} << (8 * b);
  }
  if (value > lane.hi) value -= lane.hi - lane.lo + 1;  // its highest bit is a sign
  return static_cast<std::int32_t>(value);
}

// The number that an element of a float type is, by its bits, and the bits of a number.
inline float float_of(std::int64_t t, std::int64_t bits) {
  if (t == isa::type::kBf16) return Bfloat16::of_bits(static_cast<std::uint16_t>(bits));
  return canonical(std::bit_cast<float>(static_cast<std::int32_t>(bits)));
}
inline std::int64_t float_bits(std::int64_t t, float x) {
  if (t == isa::type::kBf16) return Bfloat16(x).bits;
  return std::bit_cast<std::int32_t>(canonical(x));
}

// The low bytes of `value` become element c of a row of elements of `type`.
inline void store_element(std::span<std::uint8_t> row, std::int64_t t, std::int64_t c,
                          std::int64_t value) {
  const std::int64_t bytes = lane_type(t).bytes;
  for (std::int64_t b = 0; b < bytes; ++b) {
    row[static_cast<std::size_t>(c * bytes + b)] =
        static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * b));
  }
}

// The entry that `x`, a value of `type`, has in the table that starts at parameter row `table`: an
// entry a value from the type's lowest on, or, for 16 bits, every 256th, interpolated.
[[nodiscard]] std::int64_t look_up(const State& s, std::int64_t table, std::int64_t t,
                                   std::int32_t x);

}  // namespace systole::sim::func
