// The figures in devices.def are those that the fit makes, at most six a device.
#include "compare/model/gpu_fit.h"

#include <gtest/gtest.h>

#include "compare/model/gpu_error.h"

namespace systole::compare {
namespace {

TEST(GpuFit, MakesTheFiguresThatAreStored) {
  std::int64_t own = 0;
  for (const Device& device : devices()) {
    if (device.family != Family::kGpu || !device.fit_of.empty()) continue;
    ++own;
    EXPECT_EQ(fit_text(fitted_gpu(device, shared_gpu_tables())), fit_text(device.fit))
        << device.name;
  }
  EXPECT_EQ(own, 14);
}

TEST(GpuFit, HasAtMostSixFigures) {
  std::vector<GpuRow> rows(3);
  rows[0].precision = "fp32";
  rows[1].precision = "bf16";
  rows[2].precision = "fp8";
  EXPECT_EQ(fitted_figures(*find_device("h100"), rows).size(), 6U);
  EXPECT_EQ(fitted_figures(*find_device("p4"), rows).size(), 5U);
}

// By device, precision and kind, and only where somebody measured enough.
TEST(GpuError, IsAQuantileOfUnseenRows) {
  const Device& h100 = *find_device("h100");
  const auto bf16 = gpu_error_percent(h100, "bf16", GpuKind::kProduct);
  ASSERT_TRUE(bf16);
  EXPECT_GT(*bf16, 5.0);
  EXPECT_LT(*bf16, 40.0);
  EXPECT_EQ(gpu_error_percent(h100, "fp16", GpuKind::kProduct), bf16);
  EXPECT_FALSE(gpu_error_percent(h100, "int8", GpuKind::kProduct));
  EXPECT_FALSE(gpu_error_percent(h100, "fp32", GpuKind::kConvolution));
  EXPECT_FALSE(gpu_error_percent(*find_device("h200"), "bf16", GpuKind::kProduct));
}

// Copies count with their share; a kind that nobody measured may take a tenth.
TEST(GpuError, WeighsWhatAModelIsMadeOf) {
  const Device& v100 = *find_device("v100");
  const double product = *gpu_error_percent(v100, "fp32", GpuKind::kProduct);
  ModelWork work;
  work.layers = {{.name = "a", .op = "matmul", .m = 1, .k = 1, .n = 1}};
  ModelTime time;
  time.layers = {{.compute = 1.0}};
  time.device = 1.0;
  EXPECT_DOUBLE_EQ(*model_error_percent(v100, "fp32", work, time), product);
  time.copy_in = 1.0;
  EXPECT_DOUBLE_EQ(*model_error_percent(v100, "fp32", work, time),
                   (product + kLinkErrorPercent) / 2.0);
  work.layers.push_back({.name = "b", .op = "zip"});
  time.layers.push_back({.memory = 0.1});
  time.device = 1.1;
  EXPECT_TRUE(model_error_percent(v100, "fp32", work, time));
  time.copy_in = 0.0;
  time.layers[1].memory = 0.2;
  time.device = 1.2;
  EXPECT_FALSE(model_error_percent(v100, "fp32", work, time));
}

}  // namespace
}  // namespace systole::compare
