// Elements: one value in device memory, read and written through binary32. Compiled for the device
// by the CUDA backend and for the host by the tests' backend, so both compute the same bits:
// neither may contract a multiplication and an addition (nvcc: -fmad=false).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "compare/targets/gpu/work.h"

#ifdef __CUDACC__
#define SYSTOLE_GPU __host__ __device__ inline
#else
#define SYSTOLE_GPU inline
#endif

namespace systole::compare::gpu {

// 32 bits: a GPU divides 64-bit integers many times as slowly. The model builder refuses tensors
// of 2^31 elements and more.
using Index = std::uint32_t;

template <typename To, typename From>
SYSTOLE_GPU To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

SYSTOLE_GPU float widen_f16(std::uint16_t h) {
  const std::uint32_t sign = (h & 0x8000U) << 16;
  const std::uint32_t exponent = (h >> 10) & 31U;
  const std::uint32_t fraction = h & 1023U;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 5.9604644775390625e-8F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return bits_as<float>(sign | (wide << 23) | (fraction << 13));
}

// Round to nearest even; too large becomes infinite.
SYSTOLE_GPU std::uint16_t narrow_f16(float x) {
  std::uint32_t f = bits_as<std::uint32_t>(x);
  const std::uint32_t sign = f & 0x8000'0000U;
  f ^= sign;
  std::uint32_t h = 0;
  if (f >= 0x4780'0000U) {  // 65536 and more, infinite, NaN
    h = f > 0x7F80'0000U ? 0x7E00U : 0x7C00U;
  } else if (f < 0x3880'0000U) {  // subnormal: adding 0.5 rounds at the last kept bit
    h = bits_as<std::uint32_t>(bits_as<float>(f) + 0.5F) - bits_as<std::uint32_t>(0.5F);
  } else {
    h = (f - (112U << 23) + 0xFFFU + ((f >> 13) & 1U)) >> 13;
  }
  return static_cast<std::uint16_t>(h | (sign >> 16));
}

SYSTOLE_GPU float widen_bf16(std::uint16_t b) {
  return bits_as<float>(static_cast<std::uint32_t>(b) << 16);
}
SYSTOLE_GPU std::uint16_t narrow_bf16(float x) {
  const std::uint32_t f = bits_as<std::uint32_t>(x);
  if ((f & 0x7FFF'FFFFU) > 0x7F80'0000U) return 0x7FC0U;  // NaN
  return static_cast<std::uint16_t>((f + 0x7FFFU + ((f >> 16) & 1U)) >> 16);
}

SYSTOLE_GPU bool is_float(Element e) {
  return e == Element::kF32 || e == Element::kF16 || e == Element::kBf16;
}

SYSTOLE_GPU float read_float(Element e, ConstAddress p, Index i) {
  if (e == Element::kF32) return static_cast<const float*>(p)[i];
  const std::uint16_t bits = static_cast<const std::uint16_t*>(p)[i];
  return e == Element::kF16 ? widen_f16(bits) : widen_bf16(bits);
}
SYSTOLE_GPU std::int32_t read_integer(Element e, ConstAddress p, Index i) {
  if (e == Element::kS8) return static_cast<const std::int8_t*>(p)[i];
  if (e == Element::kU8) return static_cast<const std::uint8_t*>(p)[i];
  return static_cast<const std::int32_t*>(p)[i];
}

// What an integer stands for; the integer itself if scale is 0.
SYSTOLE_GPU float dequantised(std::int32_t value, float scale, std::int32_t zero) {
  if (scale == 0.0F) return static_cast<float>(value);
  return static_cast<float>(static_cast<std::int64_t>(value) - zero) * scale;
}
// A value in any form as a real number.
SYSTOLE_GPU float read(Element e, ConstAddress p, Index i, const Steps& steps) {
  if (is_float(e)) return read_float(e, p, i);
  return dequantised(read_integer(e, p, i), steps.scale, steps.zero);
}

// x rounded half to even, plus the zero point, saturated; NaN counts as 0.
SYSTOLE_GPU std::int32_t saturated(float x, const Steps& steps) {
  const double y = (x == x ? static_cast<double>(rintf(x)) : 0.0) + steps.zero;
  if (y < steps.lo) return steps.lo;
  if (y > steps.hi) return steps.hi;
  return static_cast<std::int32_t>(y);
}

SYSTOLE_GPU void write_integer(Element e, Address p, Index i, std::int32_t value) {
  if (e == Element::kS8) {
    static_cast<std::int8_t*>(p)[i] = static_cast<std::int8_t>(value);
  } else if (e == Element::kU8) {
    static_cast<std::uint8_t*>(p)[i] = static_cast<std::uint8_t>(value);
  } else {
    static_cast<std::int32_t*>(p)[i] = value;
  }
}
SYSTOLE_GPU void write_float(Element e, Address p, Index i, float x) {
  if (e == Element::kF32) {
    static_cast<float*>(p)[i] = x;
  } else {
    static_cast<std::uint16_t*>(p)[i] = e == Element::kF16 ? narrow_f16(x) : narrow_bf16(x);
  }
}
// Integers: x / scale, as QuantizeLinear; x itself, which is whole, if scale is 0.
SYSTOLE_GPU void write(Element e, Address p, Index i, float x, const Steps& steps) {
  if (is_float(e)) {
    write_float(e, p, i, x);
  } else {
    write_integer(
        e, p, i,
        steps.scale == 0.0F ? static_cast<std::int32_t>(x) : saturated(x / steps.scale, steps));
  }
}

}  // namespace systole::compare::gpu
