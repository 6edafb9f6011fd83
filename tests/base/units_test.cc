// Units: what may be added to what, and rounding up.
#include "base/units.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace systole {
namespace {

using namespace literals;

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};

TEST(Units, PointsAndDurationsDoNotMix) {
  static_assert(Addable<CycleCount, CycleCount>);
  static_assert(Addable<CyclePoint, CycleCount>);
  static_assert(!Addable<CyclePoint, CyclePoint>);
  static_assert(!Addable<CycleCount, Bytes>);
  static_assert(!Addable<CycleCount, int>);
  static_assert(!std::is_convertible_v<std::int64_t, CycleCount>);
  static_assert(!std::is_convertible_v<CycleCount, std::int64_t>);
}

TEST(Units, PointArithmetic) {
  const CyclePoint start(100);
  EXPECT_EQ(start + 5_cyc, CyclePoint(105));
  EXPECT_EQ(start - 5_cyc, CyclePoint(95));
  EXPECT_EQ(CyclePoint(105) - start, 5_cyc);
  EXPECT_EQ(3_cyc * 4, 12_cyc);
  CyclePoint t = start;
  t += 1_cyc;
  EXPECT_LT(start, t);
  EXPECT_LT(t, kNever);
}

TEST(Units, NeverSurvivesAddingALongTime) {
  EXPECT_GT(kNever + CycleCount(std::int64_t{1} << 60), kNever);
}

TEST(Units, CeilDiv) {
  EXPECT_EQ(ceil_div(0, 4), 0);
  EXPECT_EQ(ceil_div(1, 4), 1);
  EXPECT_EQ(ceil_div(4, 4), 1);
  EXPECT_EQ(ceil_div(5, 4), 2);
}

}  // namespace
}  // namespace systole
