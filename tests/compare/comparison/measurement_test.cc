// Statistics, output checks and the measurement file.
#include "compare/comparison/measurement.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>

#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole::compare {
namespace {

TEST(MedianRun, IsTheSampleNextToTheMedianOfAll) {
  const std::vector<Sample> samples = {{9.0, 1.0}, {2.0, 1.0}, {3.1, 1.0}, {3.0, 1.0}, {1.0, 1.0}};
  EXPECT_EQ(median_run(samples, 5), 3U);
  EXPECT_EQ(median_run(samples, 3), 2U);  // of those whose steps were kept
  EXPECT_EQ(median_run(samples, 1), 0U);
}

TEST(Spread, IsFromTheTenthToTheNinetiethPercentile) {
  Measurement m;
  for (int i = 1; i <= 100; ++i) m.samples.push_back({100.0 + i, 1.0});
  EXPECT_DOUBLE_EQ(m.spread(), 80.0 / 150.5);
  m.samples.assign(100, {1.0, 1.0});
  m.samples[0] = {50.0, 1.0};  // one outlier is no busy computer
  EXPECT_EQ(m.spread(), 0.0);
}

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
  const auto samples = measure(
      [](std::int64_t) {
        return Sample{0.25, 0.0};
      },
      {.seconds = 2.0, .warm_ups = 0, .min_samples = 1});
  EXPECT_EQ(samples.size(), 8U);
  const auto bounded =
      measure([](std::int64_t) { return Sample{}; },
              {.seconds = 3600.0, .warm_ups = 0, .min_samples = 1, .max_samples = 500});
  EXPECT_EQ(bounded.size(), 500U);
}

Measurement small_measurement() {
  Measurement m;
  m.target = "cpu:host";
  m.device = "a processor";
  m.driver = "Linux 6.1";
  m.libraries = {"oneDNN 2.6.3"};
  m.settings = {{"pinning", "none"}};
  m.model = "mlp";
  m.model_hash = "00ff";
  m.batch = 3;
  m.precision = "int8";
  m.threads = 2;
  m.date = "2026-11-21T14:58:01Z";
  m.command = "systole measure cpu mlp";
  m.warm_ups = 10;
  m.samples = {{2.0, 1.0}, {4.0, 3.0}, {6.0, 5.0}};
  m.layers = {{"fc1", "matmul", "jit:avx512", "device", 0.5}};
  m.check = {"reference evaluator", "bytes", 30, 1, 2.0};
  m.accuracy = 0.75;
  return m;
}

nlohmann::ordered_json small_json() { return to_json(small_measurement()); }

TEST(MeasurementFile, KeepsEverything) {
  const auto json = nlohmann::ordered_json::parse(small_json().dump());
  EXPECT_EQ(json["schema"], "systole.measurement/2");
  EXPECT_EQ(json["kind"], "measured");
  EXPECT_EQ(json["end_to_end_seconds"]["median"], 4.0);
  const Measurement m = measurement_from_json(json, "file");
  EXPECT_EQ(to_json(m), small_json());
  EXPECT_EQ(m.samples[2].device, 5.0);
  EXPECT_EQ(m.layers[0].kernel, "jit:avx512");
  EXPECT_EQ(m.check.mismatches, 1);
}

TEST(MeasurementFile, KeepsAnInfiniteDifference) {
  Measurement m = small_measurement();
  m.check.max_difference = std::numeric_limits<double>::infinity();
  const auto json = nlohmann::ordered_json::parse(to_json(m).dump());
  EXPECT_EQ(measurement_from_json(json, "file").check.max_difference, m.check.max_difference);
}

TEST(MeasurementFile, NamesTheKeyThatIsMissing) {
  const auto json = small_json();
  for (const auto& [key, value] : json.items()) {
    if (key == "end_to_end_seconds" || key == "device_seconds") continue;  // computed again
    auto broken = json;
    broken.erase(key);
    EXPECT_THAT([&] { (void)measurement_from_json(broken, "f.json"); },
                testing::ThrowsMessage<InputError>(
                    testing::AllOf(testing::HasSubstr("f.json"), testing::HasSubstr(key))));
  }
}

TEST(MeasurementFile, NamesTheKeyOfAnotherType) {
  const auto json = small_json();
  for (const auto& [key, value] : json.items()) {
    if (key == "end_to_end_seconds" || key == "device_seconds") continue;
    auto broken = json;
    broken[key] = -1.5;
    if (key == "accuracy") broken[key] = "high";
    EXPECT_THROW((void)measurement_from_json(broken, "f.json"), InputError) << key;
  }
}

TEST(MeasurementFile, RefusesSamplesThatAreNone) {
  auto json = small_json();
  json["samples"]["end_to_end_seconds"] = {1.0, 0.0, 1.0};
  EXPECT_THROW((void)measurement_from_json(json, "f"), InputError);
  json["samples"]["end_to_end_seconds"] = {1.0, 2.0};
  EXPECT_THROW((void)measurement_from_json(json, "f"), InputError);
  json["samples"] = {{"end_to_end_seconds", nlohmann::ordered_json::array()},
                     {"device_seconds", nlohmann::ordered_json::array()}};
  EXPECT_THROW((void)measurement_from_json(json, "f"), InputError);
}

TEST(MeasurementFile, RefusesWhatCannotHaveBeenMeasured) {
  const auto refused = [](const auto& spoil, const std::string& expected) {
    auto json = small_json();
    spoil(json);
    EXPECT_THAT([&] { (void)measurement_from_json(json, "f"); },
                testing::ThrowsMessage<InputError>(testing::HasSubstr(expected)))
        << expected;
  };
  using Json = nlohmann::ordered_json;
  refused([](Json& j) { j["accuracy"] = 1.5; }, "'accuracy' is 1.5; expected 0 to 1");
  refused([](Json& j) { j["accuracy"] = -0.1; }, "'accuracy'");
  refused(
      [](Json& j) {
        j["samples"]["device_seconds"] = {1.0, 5.0, 5.0};
      },
      "expected no more than end to end");
  refused([](Json& j) { j["output_check"]["mismatches"] = 31; }, "'mismatches' is 31");
  refused([](Json& j) { j["output_check"]["max_difference"] = -1.0; }, "'max_difference'");
  for (const char* target : {"tpu:tpu_v1", "paper:k80", "h100", "gpu:"}) {
    refused([&](Json& j) { j["target"] = target; }, "expected cpu:NAME or gpu:NAME");
  }
}

TEST(OutputCheck, FailsWhereAnotherModelWasComputed) {
  const auto bytes = [](std::int64_t wrong, double most) {
    return OutputCheck{"reference evaluator", "bytes", 640, wrong, most}.fails();
  };
  EXPECT_TRUE(bytes(600, 40.0));
  EXPECT_TRUE(bytes(65, 2.0));
  EXPECT_FALSE(bytes(64, 2.0));
  EXPECT_FALSE(bytes(640, 1.0));  // rounding
  EXPECT_FALSE(bytes(0, 0.0));
  OutputCheck floats{"reference evaluator", "absolute difference", 640, 640, 0.25};
  EXPECT_FALSE(floats.fails());  // sums in another order
  floats.max_difference = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(floats.fails());
}

TEST(MeasurementFile, ReadsAFileAListAndAFolder) {
  const testing_support::ScratchFolder folder;
  write_file(folder.file("b.json"), small_json().dump());
  write_file(folder.file("a.json"), nlohmann::ordered_json{small_json(), small_json()}.dump());
  write_file(folder.file("notes.txt"), std::string("no measurement"));
  EXPECT_EQ(read_measurements(folder.file("b.json")).size(), 1U);
  EXPECT_EQ(read_measurements(folder.file("a.json")).size(), 2U);
  EXPECT_EQ(read_measurements(folder.file(".")).size(), 3U);
  write_file(folder.file("c.json"), std::string("{"));
  EXPECT_THAT([&] { (void)read_measurements(folder.file("c.json")); },
              testing::ThrowsMessage<InputError>(testing::HasSubstr("is no JSON")));
}

TEST(MeasurementFile, BelongsToOneModelBatchAndPrecision) {
  const Measurement m = small_measurement();
  const Work same{"renamed", "00ff", {1, 3}, {"int8", "fp32"}};
  EXPECT_EQ(difference(m, same), std::nullopt);
  Work other = same;
  other.model_hash = "11";
  EXPECT_THAT(*difference(m, other), testing::HasSubstr("model mlp (00ff), not renamed (11)"));
  other = same;
  other.batches = {1, 2};
  EXPECT_EQ(difference(m, other), "batch 3, not 1, 2");
  other = same;
  other.precisions = {"fp32"};
  EXPECT_EQ(difference(m, other), "precision int8, not fp32");
}

TEST(Measurement, IsQuickUntilItIsLongEnough) {
  Measurement m = small_measurement();
  EXPECT_TRUE(m.quick());  // three samples
  m.samples.assign(100, {0.1, 0.1});
  m.samples[0].total = 0.2;
  EXPECT_FALSE(m.quick());
  m.warm_ups = 9;
  EXPECT_TRUE(m.quick());
  m.warm_ups = 10;
  m.samples.assign(1'000, {0.001, 0.001});  // one second
  EXPECT_TRUE(m.quick());
}

TEST(Percentile, IsTheNearestRank) {
  const std::vector<double> samples = one_to(1'000);
  EXPECT_EQ(percentile(samples, 0.5), 500.0);
  EXPECT_EQ(percentile(samples, 0.99), 990.0);
  EXPECT_EQ(percentile(samples, 1.0), 1'000.0);
  EXPECT_EQ(percentile(one_to(3), 0.01), 1.0);
}

TEST(Host, HasANameAndAClock) {
  EXPECT_FALSE(cpu_name().empty());
  EXPECT_TRUE(kernel_name().starts_with("Linux "));
  EXPECT_TRUE(std::regex_match(utc_now(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")))
      << utc_now();
}

}  // namespace
}  // namespace systole::compare
