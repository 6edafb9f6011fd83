// The fit of tpu_v6e: what bench/fit_v6e finds is what the machine file says.
#include "validate/tpu_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>

#include "validate/tpu_formula.h"

namespace systole::validate {
namespace {

TEST(TpuFit, FindsThePreset) {
  const isa::Machine preset = isa::load_machine("tpu_v6e");
  const FitRows rows = fit_rows(kFitMacs);
  EXPECT_EQ(fitted(preset, rows), preset);
}

TEST(TpuFit, HasAtMostEightFigures) { EXPECT_LE(fit_figures().size(), 8U); }

// The formula beside it has one figure each as well, and no single one left to better.
TEST(TpuFormula, IsFittedToTheSameRows) {
  const isa::Machine preset = isa::load_machine("tpu_v6e");
  const FitRows rows = fit_rows(kAllMacs);
  const TpuFormula fitted = fitted_formula(preset, rows);
  EXPECT_EQ(fitted.number.size(), fit_figures().size());
  const auto error = [&](const TpuFormula& formula) {
    double sum = 0.0;
    for (const TpuRow& row : rows) {
      sum += std::abs(formula.seconds(preset, row) / row.seconds - 1.0);
    }
    return sum / static_cast<double>(rows.size());
  };
  EXPECT_LT(error(fitted), 0.2);
  for (std::size_t i = 0; i < fitted.number.size(); ++i) {
    TpuFormula other = fitted;
    other.number.at(i) *= 1.05;
    EXPECT_LE(error(fitted), error(other) + 1e-9) << i;
  }
}

}  // namespace
}  // namespace systole::validate
