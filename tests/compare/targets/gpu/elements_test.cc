// Elements in 16 bits against the project's own conversion and against exact arithmetic.
#include "compare/targets/gpu/elements.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/numerics.h"

namespace systole::compare::gpu {
namespace {

TEST(GpuElements, EveryHalfSurvivesTheWayThroughFloat) {
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const auto bits = static_cast<std::uint16_t>(h);
    const float x = widen_f16(bits);
    EXPECT_EQ(bits_as<std::uint32_t>(x), bits_as<std::uint32_t>(widen_half(bits))) << h;
    EXPECT_TRUE(std::isnan(x) || narrow_f16(x) == bits) << h;
  }
}

// Between two neighbours the nearer one is taken, in the middle the even one.
TEST(GpuElements, HalvesRoundToNearestEven) {
  for (std::uint32_t h = 0; h < 0x7BFF; ++h) {  // up to the largest finite one
    const auto low = static_cast<std::uint16_t>(h);
    const auto high = static_cast<std::uint16_t>(h + 1);
    const float middle = (widen_f16(low) + widen_f16(high)) / 2.0F;
    EXPECT_EQ(narrow_f16(middle), h % 2 == 0 ? low : high);
    EXPECT_EQ(narrow_f16(std::nextafterf(middle, 0.0F)), low);
    EXPECT_EQ(narrow_f16(std::nextafterf(middle, 1e9F)), high);
  }
  EXPECT_EQ(narrow_f16(65520.0F), 0x7C00);  // halfway to what would be 65536
  EXPECT_EQ(narrow_f16(65519.0F), 0x7BFF);
  EXPECT_EQ(narrow_f16(-1e9F), 0xFC00);
  EXPECT_EQ(narrow_f16(NAN) & 0x7C00, 0x7C00);
  EXPECT_NE(narrow_f16(NAN) & 0x3FF, 0);
}

TEST(GpuElements, BrainFloatsRoundToNearestEven) {
  EXPECT_EQ(narrow_bf16(1.0F), 0x3F80);
  EXPECT_EQ(narrow_bf16(1.0F + 1.0F / 256), 0x3F80);  // halfway, to even
  EXPECT_EQ(narrow_bf16(1.0F + 3.0F / 256), 0x3F82);
  EXPECT_EQ(narrow_bf16(std::nextafterf(1.0F + 1.0F / 256, 2.0F)), 0x3F81);
  EXPECT_EQ(narrow_bf16(INFINITY), 0x7F80);
  EXPECT_EQ(narrow_bf16(NAN), 0x7FC0);
  EXPECT_EQ(widen_bf16(0xC040), -3.0F);
}

TEST(GpuElements, QuantisingIsTheProjectsOwn) {
  const Steps steps{0.1F, 3, -128, 127};
  std::int8_t q = 0;
  for (int i = -40'000; i < 40'000; i += 7) {
    const float x = static_cast<float>(i) * 1e-3F;
    write(Element::kS8, &q, 0, x, steps);
    EXPECT_EQ(q, quantise(x, steps.scale, steps.zero, steps.lo, steps.hi)) << x;
    EXPECT_EQ(read(Element::kS8, &q, 0, steps), dequantise(q, steps.zero, steps.scale));
  }
  write(Element::kS8, &q, 0, NAN, steps);
  EXPECT_EQ(q, 3);
}

}  // namespace
}  // namespace systole::compare::gpu
