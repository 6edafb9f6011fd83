// The RTL matrix unit by itself: rules T2 to T4 to the exact cycle, and its interlock.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/rtl/script_support.h"

namespace systole::rtl {
namespace {

using isa::WeightLoad;

constexpr int kErrorSwitch = 1, kErrorShift = 2, kErrorHigh = 4;  // bits, see matrix_unit.sv

class MatrixUnitRtl : public testing::TestWithParam<ModelInfo> {
 protected:
  const std::int64_t r_ = GetParam().rows, c_ = GetParam().columns;
  const WeightLoad load_ = GetParam().load;
  std::unique_ptr<MatrixModel> model_ = GetParam().make();
};

// T4: what a fresh tile costs.
std::int64_t fold_cycles(WeightLoad load, std::int64_t r, std::int64_t c, std::int64_t rows) {
  switch (load) {
    case WeightLoad::kThrough:
      return std::max(rows, r);
    case WeightLoad::kChain:
      return std::max(rows, 2 * r - 1);
    case WeightLoad::kSingle:
      return 2 * r + c + rows - 2;
  }
  return 0;
}

TEST_P(MatrixUnitRtl, FreshTilesFollowEachOtherAsTheirKindAllows) {
  constexpr std::int64_t kFolds = 5;
  for (const std::int64_t rows :
       {std::int64_t{1}, r_ - 1, r_, r_ + 1, 2 * r_ - 2, 2 * r_ - 1, 2 * r_}) {
    const Folds folds(GetParam(), kFolds, rows);
    const auto model = GetParam().make();
    const Behaviour rtl = run_rtl(*model, folds.script);
    ASSERT_EQ(rtl.error, 0);
    ASSERT_EQ(std::ssize(rtl.passes), kFolds);
    for (std::int64_t f = 0; f < kFolds; ++f) {
      EXPECT_EQ(rtl.passes[static_cast<std::size_t>(f)],
                CyclePoint(r_ + f * fold_cycles(load_, r_, c_, rows)))
          << "fold " << f << " of " << rows << " rows";
    }
  }
}

TEST_P(MatrixUnitRtl, OneRowReachesColumnAfterColumn) {
  const Folds folds(GetParam(), 1, 1);
  const Behaviour rtl = run_rtl(*model_, folds.script);
  ASSERT_EQ(std::ssize(rtl.writes), c_);
  for (std::int64_t c = 0; c < c_; ++c) {
    std::int32_t sum = 0;
    for (std::int64_t r = 0; r < r_; ++r) {
      sum += folds.buffer.data[static_cast<std::size_t>(r)] *
             folds.weights[static_cast<std::size_t>(r * c_ + c)];
    }
    const CyclePoint at = rtl.passes[0] + CycleCount(r_ + c);  // T2
    EXPECT_EQ(rtl.writes[static_cast<std::size_t>(c)], (sim::AccumulatorWrite{at, 0, c, sum}));
  }
}

class Interlock : public MatrixUnitRtl {
 protected:
  // One cycle with these inputs; the error flags at its end.
  int cycle(bool weights, bool row, bool switch_tile = false, bool high = false) {
    Inputs inputs;
    if (weights) inputs.weights = WeightRow{bytes_.data(), {}, false, r_, c_};
    if (row) {
      inputs.row =
          ActivationRow{bytes_.data(), r_, high, false, 0, c_, 0, false, switch_tile, high};
    }
    model_->settle(inputs);
    model_->clock();
    return model_->settle({}).error;
  }
  int shift(std::int64_t rows) {
    int error = 0;
    for (std::int64_t i = 0; i < rows; ++i) error |= cycle(true, false);
    return error;
  }
  std::vector<std::uint8_t> bytes_ = std::vector<std::uint8_t>(64, 1);
};

TEST_P(Interlock, AcceptsATileAndItsPass) {
  EXPECT_EQ(shift(r_), 0);
  EXPECT_EQ(cycle(false, true, true), 0);
  EXPECT_EQ(cycle(false, true), 0);
}

TEST_P(Interlock, RefusesARowWithoutTile) { EXPECT_EQ(cycle(false, true), kErrorSwitch); }

TEST_P(Interlock, RefusesASwitchToATileThatIsNotWhole) {
  shift(r_ - 1);
  EXPECT_EQ(cycle(true, true, true), kErrorSwitch);
}

TEST_P(Interlock, RefusesASecondSwitchToOneTile) {
  shift(r_);
  cycle(false, true, true);
  EXPECT_EQ(cycle(false, true, true), kErrorSwitch);
}

TEST_P(Interlock, RefusesAShiftIntoAnOccupiedPlane) {
  shift(r_);
  EXPECT_EQ(cycle(true, false), kErrorShift);
}

TEST_P(Interlock, RefusesAShiftWithAGap) {
  shift(1);
  EXPECT_EQ(cycle(false, false), kErrorShift);
}

TEST_P(Interlock, RefusesHighBytesThatFollowNoLowBytes) {
  shift(r_);
  EXPECT_EQ(cycle(false, true, true), 0);
  EXPECT_EQ(cycle(false, false), 0);
  EXPECT_EQ(cycle(false, true, false, true), kErrorHigh);
}

// The first cycle after a switch in which a shift may start.
TEST_P(Interlock, FreesThePlaneWhenItsKindAllows) {
  shift(r_);
  const std::int64_t free_after = load_ == WeightLoad::kThrough ? 0
                                  : load_ == WeightLoad::kChain ? r_ - 1
                                                                : r_ + c_ - 1;
  for (std::int64_t t = 0; t <= free_after; ++t) {
    Inputs inputs;
    if (t == 0) {
      inputs.row = ActivationRow{bytes_.data(), r_, false, false, 0, c_, 0, false, true, false};
    }
    EXPECT_EQ(model_->settle(inputs).shift_ready, t == free_after) << t;
    model_->clock();
  }
}

INSTANTIATE_TEST_SUITE_P(Models, MatrixUnitRtl, testing::ValuesIn(plain_models()), model_name);
INSTANTIATE_TEST_SUITE_P(Models, Interlock, testing::ValuesIn(plain_models()), model_name);

}  // namespace
}  // namespace systole::rtl
