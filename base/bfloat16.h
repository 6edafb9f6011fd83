// Bfloat16: the upper half of a binary32, and how binary32 is rounded to it.
//
// Rounds to nearest, ties to even; subnormals are kept. Every NaN that an operation or a conversion
// gives is one: 0x7FC0, as binary32 0x7FC00000, so that engines agree whatever their inputs were.
#pragma once

#include <bit>
#include <cstdint>

namespace systole {

inline constexpr std::uint32_t kNanBits = 0x7FC0'0000;

inline float canonical(float x) { return x == x ? x : std::bit_cast<float>(kNanBits); }

struct Bfloat16 {
  std::uint16_t bits = 0;

  constexpr Bfloat16() = default;
  explicit Bfloat16(float x) {
    const auto wide = std::bit_cast<std::uint32_t>(canonical(x));
    const std::uint32_t half = 0x7FFF + ((wide >> 16) & 1);
    bits = static_cast<std::uint16_t>((x == x ? wide + half : wide) >> 16);
  }
  static constexpr Bfloat16 of_bits(std::uint16_t bits) {
    Bfloat16 x;
    x.bits = bits;
    return x;
  }
  // The exact value; NaN is canonical.
  operator float() const {  // NOLINT(google-explicit-constructor): a number like any other
    return canonical(std::bit_cast<float>(std::uint32_t{bits} << 16));
  }
};

}  // namespace systole
