// Bfloat16: every kind of rounding, and the one NaN.
#include "base/bfloat16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

namespace systole {
namespace {

std::uint16_t rounded(std::uint32_t bits) { return Bfloat16(std::bit_cast<float>(bits)).bits; }

TEST(Bfloat16, RoundsToNearestTiesToEven) {
  EXPECT_EQ(rounded(0x3F80'0000), 0x3F80);  // 1
  EXPECT_EQ(rounded(0x3F80'7FFF), 0x3F80);  // below the middle
  EXPECT_EQ(rounded(0x3F80'8000), 0x3F80);  // the middle, down to even
  EXPECT_EQ(rounded(0x3F80'8001), 0x3F81);
  EXPECT_EQ(rounded(0x3F81'8000), 0x3F82);  // the middle, up to even
  EXPECT_EQ(rounded(0xBF81'8000), 0xBF82);
  EXPECT_EQ(rounded(0x7F7F'FFFF), 0x7F80);  // the largest binary32 becomes infinity
  EXPECT_EQ(rounded(0x7F7F'7FFF), 0x7F7F);
}

TEST(Bfloat16, KeepsSubnormalsAndSigns) {
  EXPECT_EQ(rounded(0x8000'0000), 0x8000);
  EXPECT_EQ(rounded(0x0001'0000), 0x0001);
  EXPECT_EQ(rounded(0x0000'8000), 0x0000);
  EXPECT_EQ(rounded(0x0000'8001), 0x0001);
  EXPECT_EQ(float{Bfloat16::of_bits(0x0001)}, std::ldexp(1.0F, -133));
  EXPECT_TRUE(std::signbit(float{Bfloat16::of_bits(0x8000)}));
}

TEST(Bfloat16, HasOneNan) {
  for (const std::uint32_t bits : {0x7F80'0001U, 0xFFFF'FFFFU, 0x7FFF'0000U, 0xFF80'8000U})
    EXPECT_EQ(rounded(bits), 0x7FC0) << bits;
  for (const auto bits : std::initializer_list<std::uint16_t>{0x7F81, 0xFFFF, 0x7FFE})
    EXPECT_EQ(std::bit_cast<std::uint32_t>(float{Bfloat16::of_bits(bits)}), kNanBits) << bits;
  EXPECT_EQ(std::bit_cast<std::uint32_t>(canonical(-std::numeric_limits<float>::quiet_NaN())),
            kNanBits);
}

TEST(Bfloat16, EveryPatternSurvives) {
  for (std::uint32_t bits = 0; bits < 0x1'0000; ++bits) {
    const bool nan = (bits & 0x7FFF) > 0x7F80;
    const float x = Bfloat16::of_bits(static_cast<std::uint16_t>(bits));
    EXPECT_EQ(Bfloat16(x).bits, nan ? 0x7FC0 : bits);
  }
}

}  // namespace
}  // namespace systole
