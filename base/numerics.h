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
inline std::int32_t wrapping_mul(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) * static_cast<std::uint32_t>(b));
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

// x rounded half to even, plus zero_point, saturated into [lo, hi]; NaN gives zero_point, as a
// comparison with NaN is false. |lo|, |hi|, |zero_point| < 2^24.
inline std::int32_t round_and_saturate(float x, std::int32_t zero_point, std::int32_t lo,
                                       std::int32_t hi) {
  const float low = static_cast<float>(lo - zero_point);
  const float high = static_cast<float>(hi - zero_point);
  if (std::isnan(x)) return zero_point < lo ? lo : (zero_point > hi ? hi : zero_point);
  if (x < low) x = low;
  if (x > high) x = high;
  return static_cast<std::int32_t>(round_half_even(x)) + zero_point;
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

// The requantise multiplier m[c] = (x_scale * w_scale[c]) / y_scale, in this order, in fp32.
inline float requantise_multiplier(float x_scale, float w_scale, float y_scale) {
  const float product = x_scale * w_scale;
  return product / y_scale;
}

}  // namespace systole
