// Activation values: the loop, compiled once per instruction set (story in activation_values.h).
#include "sim/unit/activation_values.h"

#include <bit>
#include <cstring>

#include "base/bfloat16.h"
#include "base/numerics.h"
#include "isa/insn.h"
#include "sim/unit/simd.h"

namespace systole::sim {
namespace {

constexpr float kRound = 12582912.0F;  // 1.5 * 2^23

[[gnu::always_inline]] inline void requantise_loop(const std::int32_t* acc,
                                                   const std::int32_t* bias, const float* scale,
                                                   const Limits& limits, std::int64_t n,
                                                   std::int32_t* to) {
  const auto low = static_cast<float>(limits.lo - limits.zero_point);
  const auto high = static_cast<float>(limits.hi - limits.zero_point);
  const std::int32_t zero = limits.zero_point;
  for (std::int64_t c = 0; c < n; ++c) {
    const std::int32_t sum = bias == nullptr ? acc[c] : wrapping_add(acc[c], bias[c]);
    float x = static_cast<float>(sum) * scale[c];
    x = x == x ? x : 0.0F;  // NaN gives the zero point
    x = x < low ? low : x;
    x = x > high ? high : x;
    to[c] = static_cast<std::int32_t>((x + kRound) - kRound) + zero;
  }
}

using RequantiseRow = void (*)(const std::int32_t*, const std::int32_t*, const float*,
                               const Limits&, std::int64_t, std::int32_t*);

void requantise_portable(const std::int32_t* acc, const std::int32_t* bias, const float* scale,
                         const Limits& limits, std::int64_t n, std::int32_t* to) {
  requantise_loop(acc, bias, scale, limits, n, to);
}

RequantiseRow best_requantise() {
#if defined(__x86_64__)
  struct Wide {
    [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512")]] static void
    avx512(const std::int32_t* acc, const std::int32_t* bias, const float* scale,
           const Limits& limits, std::int64_t n, std::int32_t* to) {
      requantise_loop(acc, bias, scale, limits, n, to);
    }
    [[gnu::target("avx2")]] static void avx2(const std::int32_t* acc, const std::int32_t* bias,
                                             const float* scale, const Limits& limits,
                                             std::int64_t n, std::int32_t* to) {
      requantise_loop(acc, bias, scale, limits, n, to);
    }
  };
  if (best_simd() >= Simd::kAvx512) return Wide::avx512;
  if (best_simd() >= Simd::kAvx2) return Wide::avx2;
#endif
  return requantise_portable;
}

}  // namespace

void requantise_row(const std::int32_t* acc, const std::int32_t* bias, const float* scale,
                    const Limits& limits, std::int64_t n, std::int32_t* to) {
  static const RequantiseRow best = best_requantise();
  best(acc, bias, scale, limits, n, to);
}

void activate_floats(const std::int32_t* acc, const std::int32_t* bias,
                     const isa::FloatLimits& limits, std::int64_t n, std::int64_t type,
                     std::uint8_t* to) {
  const auto each = [&](std::int64_t c) {
    const auto sum = std::bit_cast<float>(acc[c]);
    return limits.apply(bias == nullptr ? sum : sum + std::bit_cast<float>(bias[c]));
  };
  if (type == isa::type::kBf16) {
    for (std::int64_t c = 0; c < n; ++c) {
      const Bfloat16 y(each(c));
      std::memcpy(to + 2 * c, &y, sizeof y);
    }
    return;
  }
  for (std::int64_t c = 0; c < n; ++c) {
    const float y = canonical(each(c));
    std::memcpy(to + 4 * c, &y, sizeof y);
  }
}

void narrow_row(const std::int32_t* values, std::int64_t n, std::int64_t bytes, std::uint8_t* to) {
  if (bytes == 1) {
    for (std::int64_t c = 0; c < n; ++c) to[c] = static_cast<std::uint8_t>(values[c]);
    return;
  }
  for (std::int64_t c = 0; c < n; ++c) {
    to[2 * c] = static_cast<std::uint8_t>(values[c]);
    to[2 * c + 1] = static_cast<std::uint8_t>(values[c] >> 8);
  }
}

}  // namespace systole::sim
