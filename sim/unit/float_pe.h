// Float PE: what one processing element does with bfloat16 operands, and what an accumulator adds.
//
//   psum = fma(activation, weight, psum) in binary32, NaN canonical (base/bfloat16.h)
//
// A lane or weight beyond the valid part, and the padding of a convolution, is masked: the PE
// passes the sum on, as 0 times infinity must not happen. Operands travel as their 16 bits. NaN is
// made canonical at the array's edges, which leaves patterns for what is no number.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/bfloat16.h"

namespace systole::sim {

inline constexpr std::int16_t kMasked = 0x7FFF;

// The 16 bits as they enter the array.
constexpr std::int16_t entering(std::uint16_t bits) {
  constexpr std::uint16_t kMagnitude = 0x7FFF, kInfinity = 0x7F80, kNan = kNanBits >> 16;
  return static_cast<std::int16_t>((bits & kMagnitude) > kInfinity ? kNan : bits);
}

// The number that the bits of an operand or a sum are.
inline float operand_value(std::int16_t bits) {
  return std::bit_cast<float>(std::uint32_t{static_cast<std::uint16_t>(bits)} << 16);
}

inline std::int32_t float_step(std::int32_t psum, std::int16_t activation, std::int16_t weight) {
  const float sum = canonical(
      __builtin_fmaf(operand_value(activation), operand_value(weight), std::bit_cast<float>(psum)));
  const bool masked = activation == kMasked || weight == kMasked;
  return masked ? psum : std::bit_cast<std::int32_t>(sum);
}

inline std::int32_t add_floats(std::int32_t a, std::int32_t b) {
  return std::bit_cast<std::int32_t>(canonical(std::bit_cast<float>(a) + std::bit_cast<float>(b)));
}

}  // namespace systole::sim
