// Float values: every instruction set gives the bits of PEs one after the other.
#include "sim/unit/float_values.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "sim/unit/array_sweep.h"
#include "sim/unit/float_pe.h"

namespace systole::sim {
namespace {

// Moderate numbers, and in places any bits: infinities, NaN, subnormals.
std::uint16_t draw(std::mt19937& random) {
  const auto bits = static_cast<std::uint16_t>(random());
  if (random() % 16 == 0) return bits;
  return Bfloat16(static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 256.0F).bits;
}

struct Case {
  std::int64_t rows, k, n, tile_k;
  bool masks, accumulate;
};

void check(const Case& c, std::uint32_t seed, Simd simd) {
  std::mt19937 random(seed);
  const auto size = [](std::int64_t s) { return static_cast<std::size_t>(s); };
  std::vector<std::uint16_t> w(size(c.tile_k * c.n)), x(size(c.rows * c.k));
  for (auto& bits : w) bits = draw(random);
  for (auto& bits : x) {
    bits = static_cast<std::uint16_t>(entering(draw(random)));
    if (c.masks && random() % 3 == 0) bits = static_cast<std::uint16_t>(kMasked);
  }
  const std::int64_t stride = c.n + 3;
  std::vector<std::int32_t> acc(size(c.rows * stride));
  for (auto& a : acc) a = static_cast<std::int32_t>(random() % 3 == 0 ? random() : 0x3F80'0000);
  std::vector<std::int32_t> expected = acc;
  for (std::int64_t i = 0; i < c.rows; ++i) {
    for (std::int64_t j = 0; j < c.n; ++j) {
      std::int32_t psum = 0;
      for (std::int64_t r = 0; r < c.k; ++r) {
        psum = float_step(psum, static_cast<std::int16_t>(x[size(i * c.k + r)]),
                          entering(w[size(r * c.n + j)]));
      }
      std::int32_t& to = expected[size(i * stride + j)];
      to = c.accumulate ? add_floats(to, psum) : psum;
    }
  }
  const std::vector<float> packed =
      pack_floats(reinterpret_cast<const std::uint8_t*>(w.data()), 2 * c.n, c.tile_k, c.n);
  compute_floats(
      {packed.data(), c.tile_k, c.k, c.n, reinterpret_cast<const std::uint8_t*>(x.data()), 2 * c.k,
       c.rows, c.masks, acc.data(), stride, c.accumulate},
      simd);
  EXPECT_EQ(acc, expected) << c.rows << " x " << c.k << " x " << c.n << " seed " << seed;
}

TEST(FloatValues, AreThoseOfThePes) {
  for (const Simd simd : {Simd::kPortable, Simd::kAvx2}) {
    if (simd > processor_simd()) continue;
    std::uint32_t seed = 1;
    for (const bool masks : {false, true}) {
      for (const bool accumulate : {false, true}) {
        check({1, 1, 1, 1, masks, accumulate}, seed++, simd);
        check({4, 5, 16, 7, masks, accumulate}, seed++, simd);
        check({7, 33, 35, 33, masks, accumulate}, seed++, simd);
        check({9, 64, 100, 80, masks, accumulate}, seed++, simd);
      }
    }
  }
}

TEST(FloatValues, APassedOnSumKeepsItsSign) {
  const std::int32_t minus_zero = std::bit_cast<std::int32_t>(-0.0F);
  const std::int16_t infinity = 0x7F80;
  EXPECT_EQ(float_step(minus_zero, kMasked, infinity), minus_zero);
  EXPECT_EQ(float_step(minus_zero, infinity, kMasked), minus_zero);
  EXPECT_EQ(float_step(minus_zero, 0, 0), 0);
  EXPECT_EQ(float_step(0, 0, infinity), static_cast<std::int32_t>(kNanBits));
}

// A product too small to be a number alone is not lost beside the sum: one rounding.
TEST(FloatValues, AStepRoundsOnce) {
  const auto bits = [](float x) { return std::bit_cast<std::int32_t>(x); };
  const auto half = [](float x) { return static_cast<std::int16_t>(Bfloat16(x).bits); };
  // 1 + 2^-24 is the middle between 1 and the next number; 2^-140 more decides.
  EXPECT_EQ(float_step(bits(1.0F), half(0x1p-12F), half(0x1p-12F)), bits(1.0F));
  EXPECT_EQ(float_step(bits(1.0F), half(0x1.02p-12F), half(0x1p-12F)), bits(0x1.000002p0F));
  EXPECT_EQ(float_step(bits(0x1p-149F), half(0x1p-100F), half(0x1p-49F)), bits(0x1p-148F));
}

// Both kinds of diagonals in one array, as passes of two precisions on their way make them.
TEST(FloatValues, ASweepIsTheStepOfEachPe) {
  constexpr std::int64_t kRows = 5, kColumns = 37;
  for (const Simd simd : {Simd::kPortable, Simd::kAvx2}) {
    if (simd > processor_simd()) continue;
    std::mt19937 random(7);
    std::vector<std::int32_t> psums((kRows + 1) * kColumns, 0);
    std::vector<std::int16_t> lanes(kRows * (kRows + kColumns)), weights(kRows * kColumns);
    for (auto& p : psums) p = std::bit_cast<std::int32_t>(static_cast<float>(random() % 100));
    for (auto& a : lanes) a = random() % 5 == 0 ? kMasked : entering(draw(random));
    for (auto& w : weights) w = random() % 5 == 0 ? kMasked : entering(draw(random));
    const std::vector<std::int32_t> before = psums;
    sweep({psums.data(), lanes.data(), kRows + kColumns, weights.data(), kRows, kColumns, 2, 20,
           true},
          simd);
    for (std::int64_t r = 0; r < kRows; ++r) {
      for (std::int64_t c = 0; c < kColumns; ++c) {
        const auto at = static_cast<std::size_t>((r + 1) * kColumns + c);
        const bool turn = r + c >= 2 && r + c <= 20;
        const auto lane = static_cast<std::size_t>(r * (kRows + kColumns) + r + c);
        const std::int32_t stepped =
            float_step(before[at - kColumns], lanes[lane],
                       weights[static_cast<std::size_t>(r * kColumns + c)]);
        EXPECT_EQ(psums[at], turn ? stepped : before[at]) << r << ", " << c;
      }
    }
  }
}

}  // namespace
}  // namespace systole::sim
