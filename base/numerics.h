// Numerics: the one definition of every rounding and saturation that all engines share.
//
// Requantisation is ONNX's (QLinearMatMul): float(acc) * m, round half to even, + zero point,
// saturate. Built with -ffp-contract=off, so each line below is exactly one IEEE operation.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace systole {

// int32 addition as the accumulators do it: wraps, and says so.
inline std::int32_t wrapping_add(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}
inline std::int32_t wrapping_sub(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}
inline std::int32_t wrapping_mul(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) * static_cast<std::uint32_t>(b));
}
// Towards 0; by 0 (which ONNX leaves open) 0.
inline std::int32_t truncating_div(std::int32_t a, std::int32_t b) {
  if (b == 0) return 0;
  return b == -1 ? wrapping_sub(0, a) : a / b;
}
// Of a negative power what the real number's integer part is; of 0 then 0.
inline std::int32_t wrapping_pow(std::int32_t a, std::int32_t b) {
  if (b < 0) return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : 0;
  std::int32_t power = 1;
  for (; b > 0; b /= 2) {
    if (b % 2 == 1) power = wrapping_mul(power, a);
    a = wrapping_mul(a, a);
  }
  return power;
}

// Integers of 64 bits, in which functions of the narrower types are computed: what is left of a
// result in a narrower type is that type's own, wrapped.
inline std::uint64_t wrapping_add(std::uint64_t a, std::uint64_t b) { return a + b; }
inline std::uint64_t wrapping_sub(std::uint64_t a, std::uint64_t b) { return a - b; }
inline std::uint64_t wrapping_mul(std::uint64_t a, std::uint64_t b) { return a * b; }
inline std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapping_sub(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
inline std::int64_t wrapping_mul(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}
inline std::uint64_t truncating_div(std::uint64_t a, std::uint64_t b) { return b == 0 ? 0 : a / b; }
inline std::int64_t truncating_div(std::int64_t a, std::int64_t b) {
  if (b == 0) return 0;
  return b == -1 ? wrapping_sub(std::int64_t{0}, a) : a / b;
}
inline std::uint64_t wrapping_pow(std::uint64_t a, std::uint64_t b) {
  std::uint64_t power = 1;
  for (; b > 0; b /= 2) {
    if (b % 2 == 1) power *= a;
    a *= a;
  }
  return power;
}
inline std::int64_t wrapping_pow(std::int64_t a, std::int64_t b) {
  if (b < 0) return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : 0;
  return static_cast<std::int64_t>(
      wrapping_pow(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
}
// What is left of a division: with the dividend's sign, as in C, or the divisor's, as in Python; by
// 0 (which ONNX leaves open) 0.
inline std::uint64_t dividend_mod(std::uint64_t a, std::uint64_t b) { return b == 0 ? 0 : a % b; }
inline std::uint64_t divisor_mod(std::uint64_t a, std::uint64_t b) { return dividend_mod(a, b); }
inline std::int64_t dividend_mod(std::int64_t a, std::int64_t b) {
  return b == 0 || b == -1 ? 0 : a % b;
}
inline std::int64_t divisor_mod(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = dividend_mod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
// By as many bits as b says; all are gone where that is the whole width or more.
inline std::uint64_t shifted_left(std::uint64_t a, std::uint64_t b) { return b < 64 ? a << b : 0; }
inline std::uint64_t shifted_right(std::uint64_t a, std::uint64_t b) { return b < 64 ? a >> b : 0; }
inline std::int64_t shifted_left(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(
      shifted_left(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
}
inline std::int64_t shifted_right(std::int64_t a, std::int64_t b) {
  if (b < 0 || b > 63) return a < 0 ? -1 : 0;
  return a >> b;
}

// A number as an integer type: cut off towards 0, saturated; NaN counts as 0.
template <typename T>
T saturated_to(double value) {
  using Limits = std::numeric_limits<T>;
  if (std::isnan(value)) return T{};
  if (value <= static_cast<double>(Limits::min())) return Limits::min();
  if (value >= static_cast<double>(Limits::max())) return Limits::max();
  return static_cast<T>(value);
}

// A weight column's zero point in its parameter word: the lowest 9 bits with sign, which hold those
// of both byte types. A difference of a byte and it has 10 bits at most, whatever the word holds.
inline std::int32_t weight_zero_point(std::int32_t word) {
  constexpr int kUnused = 32 - 9;
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(word) << kUnused) >> kUnused;
}

// IEEE 754 binary16 to binary32, exact.
inline float widen_half(std::uint16_t bits) {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t exponent = (bits >> 10) & 31U;
  const std::uint32_t fraction = bits & 1023U;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

// Round half to even; the default rounding mode is never changed.
inline float round_half_even(float x) { return std::nearbyintf(x); }

// x rounded half to even, plus zero_point, saturated into [lo, hi]; NaN counts as 0. A binary32
// integer plus an int32 is exact in binary64 wherever it does not saturate.
inline std::int32_t round_and_saturate(float x, std::int32_t zero_point, std::int32_t lo,
                                       std::int32_t hi) {
  const double y = (std::isnan(x) ? 0.0 : double{round_half_even(x)}) + zero_point;
  if (y < lo) return lo;
  if (y > hi) return hi;
  return static_cast<std::int32_t>(y);
}

// The machine's requantise step for one accumulator (bias already added).
inline std::int32_t requantise(std::int32_t acc, float multiplier, std::int32_t zero_point,
                               std::int32_t lo, std::int32_t hi) {
  return round_and_saturate(static_cast<float>(acc) * multiplier, zero_point, lo, hi);
}

// QuantizeLinear for one value: divides by its scale, never by a reciprocal.
inline std::int32_t quantise(float x, float scale, std::int32_t zero_point, std::int32_t lo,
                             std::int32_t hi) {
  return round_and_saturate(x / scale, zero_point, lo, hi);
}

// DequantizeLinear for one value of up to 32 bits: the exact difference, rounded once to binary32.
inline float dequantise(std::int64_t value, std::int32_t zero_point, float scale) {
  return static_cast<float>(value - zero_point) * scale;
}

// An average: the sum of (a - a_zero) over `count` values, in units of a_scale, requantised.
inline std::int32_t average(std::int64_t sum, float multiplier, std::int32_t zero_point,
                            std::int32_t lo, std::int32_t hi) {
  return round_and_saturate(static_cast<float>(sum) * multiplier, zero_point, lo, hi);
}
inline float average_multiplier(float a_scale, float to_scale, std::int64_t count) {
  return a_scale / (to_scale * static_cast<float>(count));
}

// A table of 257 words at x of 16 bits: word i = (x >> 8) + 128, and f = x & 255 in 256 of the way
// to the next, rounded half up.
inline std::int64_t interpolate(std::int32_t word, std::int32_t next, std::int32_t x) {
  const std::int64_t rise = std::int64_t{next} - word;
  return word + ((rise * (x & 255) + 128) >> 8);
}

// The requantise multiplier m[c] = (x_scale * w_scale[c]) / y_scale, in this order, in fp32.
inline float requantise_multiplier(float x_scale, float w_scale, float y_scale) {
  const float product = x_scale * w_scale;
  return product / y_scale;
}

}  // namespace systole
