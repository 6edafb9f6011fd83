// Activation values: one accumulator row through bias, requantisation and saturation, fast.
//
// The same bits as requantise() of base/numerics.h, by another way to round: x is clamped first, so
// |x| < 2^18 and adding and subtracting 1.5 * 2^23 in binary32 rounds half to even. That leaves a
// plain loop that compilers vectorise.
#pragma once

#include <cstdint>

#include "isa/float_limits.h"

namespace systole::sim {

// Saturation into [lo, hi] around a zero point, all of at most 17 bits.
struct Limits {
  std::int32_t zero_point, lo, hi;
};

// to[c] = requantise(wrapping acc[c] + bias[c], scale[c], limits); `bias` may be null.
void requantise_row(const std::int32_t* acc, const std::int32_t* bias, const float* scale,
                    const Limits& limits, std::int64_t n, std::int32_t* to);

// Float32 sums, as bits: to[c] = acc[c] + bias[c], limited, as an element of a float type; `bias`,
// bits too, may be null.
void activate_floats(const std::int32_t* acc, const std::int32_t* bias,
                     const isa::FloatLimits& limits, std::int64_t n, std::int64_t type,
                     std::uint8_t* to);

// to = the low 1 or 2 bytes (little endian) of each value.
void narrow_row(const std::int32_t* values, std::int64_t n, std::int64_t bytes, std::uint8_t* to);

}  // namespace systole::sim
