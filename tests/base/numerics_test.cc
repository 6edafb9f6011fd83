// Numerics: the roundings, saturations and wraps that every engine shares.
#include "base/numerics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace systole {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();

std::int32_t to_u8(float x, std::int32_t zero_point = 0) {
  return round_and_saturate(x, zero_point, 0, 255);
}

TEST(Numerics, TiesGoToEven) {
  EXPECT_EQ(to_u8(0.5F), 0);
  EXPECT_EQ(to_u8(1.5F), 2);
  EXPECT_EQ(to_u8(2.5F), 2);
  EXPECT_EQ(to_u8(3.5F), 4);
  EXPECT_EQ(round_and_saturate(-0.5F, 0, -128, 127), 0);
  EXPECT_EQ(round_and_saturate(-1.5F, 0, -128, 127), -2);
  EXPECT_EQ(round_and_saturate(-2.5F, 0, -128, 127), -2);
}

// The zero point is added after rounding: an odd one must not turn ties the other way.
TEST(Numerics, ZeroPointIsAddedAfterRounding) {
  EXPECT_EQ(to_u8(0.5F, 7), 7);
  EXPECT_EQ(to_u8(1.5F, 7), 9);
  EXPECT_EQ(to_u8(-0.5F, 7), 7);
}

TEST(Numerics, SaturatesAtBothEnds) {
  EXPECT_EQ(to_u8(255.4F), 255);
  EXPECT_EQ(to_u8(255.6F), 255);
  EXPECT_EQ(to_u8(1e30F), 255);
  EXPECT_EQ(to_u8(-1e30F), 0);
  EXPECT_EQ(to_u8(kInf, 3), 255);
  EXPECT_EQ(to_u8(-kInf, 3), 0);
  EXPECT_EQ(round_and_saturate(-1e9F, 10, -32768, 32767), -32768);
  EXPECT_EQ(round_and_saturate(1e9F, -10, -32768, 32767), 32767);
}

// Limits of 32 bits, which binary32 does not hold, and zero points that take a value past them.
TEST(Numerics, SaturatesIn32Bits) {
  EXPECT_EQ(round_and_saturate(2147483648.0F, 0, kMin, kMax), kMax);
  EXPECT_EQ(round_and_saturate(2147483648.0F, -1, kMin, kMax), kMax);
  EXPECT_EQ(round_and_saturate(2147483648.0F, -2, kMin, kMax), kMax - 1);
  EXPECT_EQ(round_and_saturate(-2147483648.0F, -1, kMin, kMax), kMin);
  EXPECT_EQ(round_and_saturate(16777216.0F, 1, kMin, kMax), 16777217);
  EXPECT_EQ(round_and_saturate(kInf, kMin, kMin, kMax), kMax);
  EXPECT_EQ(round_and_saturate(-kInf, kMax, kMin, kMax), kMin);
  EXPECT_EQ(round_and_saturate(kNan, kMin, kMin, kMax), kMin);
}

TEST(Numerics, DequantiseSubtractsExactly) {
  EXPECT_EQ(dequantise(7, 10, 0.5F), -1.5F);
  EXPECT_EQ(dequantise(kMax, kMin, 1.0F), 4294967296.0F);  // 2^32 - 1, rounded once
  EXPECT_EQ(dequantise(16777217, 1, 1.0F), 16777216.0F);
}

TEST(Numerics, AveragesAreOneMultiplication) {
  const float m = average_multiplier(0.1F, 0.3F, 7);
  EXPECT_EQ(m, 0.1F / (0.3F * 7.0F));
  EXPECT_EQ(average(100, m, 3, 0, 255), static_cast<std::int32_t>(std::nearbyintf(100 * m)) + 3);
  EXPECT_EQ(average(5, 0.5F, 0, 0, 255), 2);  // 2.5, to even
}

TEST(Numerics, InterpolationRoundsHalfUp) {
  EXPECT_EQ(interpolate(10, 20, 0), 10);
  EXPECT_EQ(interpolate(10, 20, 128), 15);
  EXPECT_EQ(interpolate(0, 1, 127), 0);
  EXPECT_EQ(interpolate(0, 1, 128), 1);  // half
  EXPECT_EQ(interpolate(0, -1, 128), 0);
  EXPECT_EQ(interpolate(0, -1, 129), -1);
  EXPECT_EQ(interpolate(5, 261, -256 + 3), 5 + 3);  // the fraction of a negative value
  EXPECT_EQ(interpolate(kMin, kMax, 255), 4294967295LL * 255 / 256 + kMin);
}

TEST(Numerics, NanBecomesTheZeroPointWithinItsLimits) {
  EXPECT_EQ(to_u8(kNan, 128), 128);
  EXPECT_EQ(round_and_saturate(kNan, 3, 10, 20), 10);
  EXPECT_EQ(round_and_saturate(kNan, 30, 10, 20), 20);
  EXPECT_EQ(requantise(0, kInf, 5, 0, 255), 5);  // 0 * infinity
}

// A reciprocal rounds twice, which moves values that lie near a tie: some of these would differ.
TEST(Numerics, QuantiseDivides) {
  int moved = 0;
  for (int i = 0; i < 100'000; ++i) {
    const float scale = 0.003F + static_cast<float>(i % 997) * 1e-5F;
    const float x = (static_cast<float>(i % 255) + 0.5F) * scale;
    const auto exact = static_cast<std::int32_t>(std::nearbyintf(x / scale));
    EXPECT_EQ(quantise(x, scale, 0, 0, 255), std::min(exact, 255));
    if (std::nearbyintf(x * (1.0F / scale)) != std::nearbyintf(x / scale)) ++moved;
  }
  EXPECT_GT(moved, 0);
}

TEST(Numerics, QuantiseByZeroScaleIsDefined) {
  EXPECT_EQ(quantise(1.0F, 0.0F, 9, 0, 255), 255);
  EXPECT_EQ(quantise(-1.0F, 0.0F, 9, 0, 255), 0);
  EXPECT_EQ(quantise(0.0F, 0.0F, 9, 0, 255), 9);
}

TEST(Numerics, RequantiseConvertsToFloatFirst) {
  // 2^24 + 1 is no float32: it becomes 2^24 before the multiplication.
  EXPECT_EQ(requantise((1 << 24) + 1, 1.0F / 65536.0F, 0, -32768, 32767), 256);
  EXPECT_EQ(requantise(kMax, 1.0F / 16777216.0F, 0, -32768, 32767), 128);
  EXPECT_EQ(requantise(kMin, 1.0F / 16777216.0F, 0, -32768, 32767), -128);
}

TEST(Numerics, MultiplierKeepsItsOrder) {
  const float x = 0.1F, w = 0.3F, y = 0.7F;
  EXPECT_EQ(requantise_multiplier(x, w, y), (x * w) / y);
}

TEST(Numerics, WeightZeroPointsAreNineBitsWithSign) {
  for (int value = -256; value < 256; ++value) EXPECT_EQ(weight_zero_point(value), value);
  EXPECT_EQ(weight_zero_point(256), -256);
  EXPECT_EQ(weight_zero_point(INT32_MIN), 0);
  EXPECT_EQ(weight_zero_point(INT32_MAX), -1);
}

TEST(Numerics, WrappingArithmetic) {
  EXPECT_EQ(wrapping_add(kMax, 1), kMin);
  EXPECT_EQ(wrapping_add(kMin, -1), kMax);
  EXPECT_EQ(wrapping_add(-5, 3), -2);
  EXPECT_EQ(wrapping_mul(1 << 16, 1 << 16), 0);
  EXPECT_EQ(wrapping_mul(-3, 7), -21);
}

}  // namespace
}  // namespace systole
