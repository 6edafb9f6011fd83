// The comparison as a whole: rows, kinds, ratios and the sentence that follows from them.
#include "compare/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "compiler/frontend/load.h"
#include "tests/compare/small_graphs.h"

namespace systole::compare {
namespace {

using testing::HasSubstr;

Row simulated(double seconds) {
  Row row;
  row.target = "tpu:tiny";
  row.kind = "simulated";
  row.precision = "int8";
  row.scenario = "steady state";
  row.latency_seconds = seconds;
  return row;
}

Row measured(const std::string& precision, int threads, Interval interval) {
  Row row;
  row.target = "cpu:host";
  row.kind = "measured";
  row.precision = precision;
  row.scenario = "steady state";
  row.threads = threads;
  row.interval = interval;
  row.latency_seconds = interval.median;
  row.throughput = 1.0 / interval.median;
  return row;
}

Comparison with_rows(std::vector<Row> rows) {
  Comparison comparison;
  comparison.machine = "tiny";
  comparison.batch = 4;
  comparison.rows = std::move(rows);
  return comparison;
}

TEST(Summary, StatesTheFactorAndItsInterval) {
  const auto text =
      summarise(with_rows({simulated(1e-3), measured("int8", 2, {2e-3, 3e-3, 5e-3})}));
  EXPECT_THAT(text, HasSubstr("3.00 times as long"));
  EXPECT_THAT(text, HasSubstr("95 % interval 2.00 to 5.00"));
  EXPECT_THAT(text, HasSubstr("int8, 2 threads"));
}

TEST(Summary, NamesNoWinnerInsideTheNoise) {
  const auto text =
      summarise(with_rows({simulated(1e-3), measured("int8", 1, {0.9e-3, 0.95e-3, 1.1e-3})}));
  EXPECT_THAT(text, HasSubstr("no winner is named"));
  EXPECT_THAT(text, testing::Not(HasSubstr("times as long")));
}

TEST(Summary, TakesTheBestRowOfTheSamePrecision) {
  const auto text = summarise(with_rows({simulated(1e-3), measured("int8", 1, {8e-3, 8e-3, 8e-3}),
                                         measured("int8", 2, {4e-3, 4e-3, 4e-3}),
                                         measured("fp32", 2, {2e-3, 2e-3, 2e-3})}));
  EXPECT_THAT(text, HasSubstr("4.00 times as long"));
}

CompareRequest small_request() {
  CompareRequest request;
  request.quantised = quantised_chain_graph(4, 24, 10);
  request.machine = isa::load_machine("tiny_8");
  Tensor inputs(DType::kFloat32, {12, 24});
  std::mt19937_64 random(9);
  for (float& x : inputs.as<float>()) x = static_cast<float>(random() % 256) / 255.0F;
  request.inputs = std::move(inputs);
  request.seconds = 0.0;
  request.command = "test";
  return request;
}

TEST(CompareModel, PutsBothKindsSideBySide) {
  const Comparison comparison = compare_model(small_request());
  ASSERT_GE(comparison.rows.size(), 3U);
  EXPECT_EQ(comparison.rows[0].kind, "simulated");
  EXPECT_EQ(comparison.rows[0].scenario, "steady state");
  EXPECT_EQ(comparison.rows[1].scenario, "first inference");
  // Filling the machine is part of the first inference only.
  EXPECT_GT(comparison.rows[1].latency_seconds, comparison.rows[0].latency_seconds);
  EXPECT_FALSE(comparison.rows[1].ratio);
  EXPECT_EQ(comparison.rows[2].kind, "measured");
  EXPECT_EQ(comparison.measurements.size(), comparison.rows.size() - 2);
  EXPECT_EQ(comparison.measurements[0].samples.size(), 10U);
  for (const Row& row : comparison.rows) {
    EXPECT_GT(row.latency_seconds, 0.0);
    EXPECT_DOUBLE_EQ(row.throughput, 4.0 / row.latency_seconds);
    EXPECT_GT(row.check.compared, 0);
  }
  EXPECT_EQ(comparison.rows[0].check.mismatches, 0);
  EXPECT_EQ(comparison.rows[2].check.mismatches, 0);
}

TEST(CompareModel, KeepsFloatRatiosForModelsThatKeepTheirAccuracy) {
  CompareRequest request = small_request();
  request.float_graph = float_chain_graph(4, 24, 10);
  const Comparison unlabelled = compare_model(request);
  const Row& fp32 = unlabelled.rows.back();
  EXPECT_EQ(fp32.precision, "fp32");
  EXPECT_FALSE(fp32.ratio);
  EXPECT_FALSE(fp32.accuracy);

  request.labels.assign(12, 3);
  for (const Row& row : compare_model(request).rows) EXPECT_TRUE(row.accuracy) << row.target;
}

TEST(CompareModel, RefusesInputsThatAreNotWholeBatches) {
  CompareRequest request = small_request();
  request.inputs = Tensor(DType::kFloat32, {13, 24});
  EXPECT_THAT([&] { (void)compare_model(request); },
              testing::ThrowsMessage<InputError>(HasSubstr("whole batches of float32 [4, 24]")));
  request.inputs = Tensor(DType::kUint8, {12, 24});
  EXPECT_THROW((void)compare_model(request), InputError);
  request = small_request();
  request.labels = {1, 2, 3};
  EXPECT_THAT([&] { (void)compare_model(request); },
              testing::ThrowsMessage<InputError>(HasSubstr("one for each of 12 rows")));
}

TEST(Report, PrintsEveryRowAndParsesBack) {
  const Comparison comparison = compare_model(small_request());
  std::ostringstream table;
  print_table(comparison, table);
  EXPECT_THAT(table.str(), HasSubstr("tpu:tiny_8"));
  EXPECT_THAT(table.str(), HasSubstr("simulated"));
  EXPECT_THAT(table.str(), HasSubstr("measured"));
  std::string unwrapped = table.str();
  std::replace(unwrapped.begin(), unwrapped.end(), '\n', ' ');
  EXPECT_THAT(unwrapped, HasSubstr(comparison.summary));
  const auto json = nlohmann::json::parse(to_json(comparison).dump());
  EXPECT_EQ(json["schema"], "systole.comparison/1");
  EXPECT_EQ(json["rows"].size(), comparison.rows.size());
  EXPECT_EQ(json["measurements"].size(), comparison.measurements.size());
  EXPECT_TRUE(json["rows"][1]["ratio"].is_null());
}

}  // namespace
}  // namespace systole::compare
