// Statistics, output checks and the measurement file.
#include "compare/measurement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <regex>

namespace systole::compare {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(MedianInterval, IsTheRanksOfTheBinomial) {
  // n = 100: ranks floor((100 - 19.6) / 2) = 40 and ceil(1 + (100 + 19.6) / 2) = 61.
  std::vector<double> samples = one_to(100);
  std::reverse(samples.begin(), samples.end());
  const Interval interval = median_interval(samples);
  EXPECT_EQ(interval.low, 40.0);
  EXPECT_EQ(interval.median, 50.5);
  EXPECT_EQ(interval.high, 61.0);
}

TEST(MedianInterval, StaysWithinFewSamples) {
  const Interval one = median_interval(one_to(1));
  EXPECT_EQ(one.low, 1.0);
  EXPECT_EQ(one.median, 1.0);
  EXPECT_EQ(one.high, 1.0);
  const Interval three = median_interval(one_to(3));
  EXPECT_EQ(three.low, 1.0);
  EXPECT_EQ(three.median, 2.0);
  EXPECT_EQ(three.high, 3.0);
}

TEST(OutputCheck, CountsAndMeasuresDifferences) {
  OutputCheck check;
  const std::vector<std::uint8_t> expected{1, 2, 3, 255};
  const std::vector<std::uint8_t> got{1, 4, 3, 0};
  add_to_check(check, make_tensor<std::uint8_t>({4}, got),
               make_tensor<std::uint8_t>({4}, expected));
  add_to_check(check, make_tensor<std::uint8_t>({4}, got), make_tensor<std::uint8_t>({4}, got));
  EXPECT_EQ(check.compared, 8);
  EXPECT_EQ(check.mismatches, 2);
  EXPECT_EQ(check.max_difference, 255.0);
}

TEST(OutputCheck, TakesNothingForEqualToNan) {
  OutputCheck check;
  const std::vector<float> expected{0.0F};
  const std::vector<float> got{std::nanf("")};
  add_to_check(check, make_tensor<float>({1}, got), make_tensor<float>({1}, expected));
  EXPECT_EQ(check.mismatches, 1);
  EXPECT_EQ(check.max_difference, std::numeric_limits<double>::infinity());
}

TEST(Measure, WarmsUpThenTakesEnoughSamples) {
  std::vector<std::int64_t> runs;
  const auto samples = measure(
      [&](std::int64_t i) {
        runs.push_back(i);
        return Sample{static_cast<double>(i), 0.0};
      },
      {.seconds = 0.0, .warm_ups = 10, .min_samples = 100, .max_samples = 1'000});
  ASSERT_EQ(samples.size(), 100U);
  EXPECT_EQ(samples[0].total, 10.0);  // the first after ten warm-ups
  EXPECT_EQ(runs, [] {
    std::vector<std::int64_t> all(110);
    std::iota(all.begin(), all.end(), 0);
    return all;
  }());
}

TEST(Measure, LastsAsLongAsAskedWithinItsBound) {
  const auto samples =
      measure([](std::int64_t) { return Sample{}; },
              {.seconds = 3600.0, .warm_ups = 0, .min_samples = 1, .max_samples = 500});
  EXPECT_EQ(samples.size(), 500U);
}

TEST(MeasurementFile, KeepsEverySample) {
  Measurement m;
  m.target = "cpu:host";
  m.model = "mlp";
  m.batch = 3;
  m.precision = "int8";
  m.libraries = {"oneDNN 2.6.3"};
  m.samples = {{2.0, 1.0}, {4.0, 3.0}, {6.0, 5.0}};
  m.check = {"reference evaluator", "bytes", 30, 0, 0.0};
  const auto json = nlohmann::json::parse(to_json(m).dump());
  EXPECT_EQ(json["schema"], "systole.measurement/1");
  EXPECT_EQ(json["kind"], "measured");
  EXPECT_EQ(json["samples"]["end_to_end_seconds"], (std::vector<double>{2.0, 4.0, 6.0}));
  EXPECT_EQ(json["samples"]["device_seconds"], (std::vector<double>{1.0, 3.0, 5.0}));
  EXPECT_EQ(json["end_to_end_seconds"]["median"], 4.0);
  EXPECT_EQ(json["output_check"]["mismatches"], 0);
  for (const char* key : {"model_hash", "batch", "threads", "device", "libraries", "kernels",
                          "date", "command", "warm_ups"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
}

TEST(Host, HasANameAndAClock) {
  EXPECT_FALSE(cpu_name().empty());
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")))
      << utc_now();
}

}  // namespace
}  // namespace systole::compare
