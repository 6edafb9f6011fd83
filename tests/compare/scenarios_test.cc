// Rows, ratios, the server, and the sentences, on figures made by hand.
#include "compare/scenarios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compare/summary.h"

namespace systole::compare {
namespace {

using testing::HasSubstr;

Series series(const char* target, const char* kind, const char* precision,
              std::vector<Point> points) {
  Series s;
  s.target = target;
  s.kind = kind;
  s.precision = precision;
  s.points = std::move(points);
  return s;
}

Point point(std::int64_t batch, double alone, double period) {
  return {.batch = batch, .alone = alone, .period = period};
}

// A validated TPU and a measured CPU, batches 1 and 8.
Comparison two_targets() {
  Comparison c;
  c.macs = 1'000;
  c.p99_limit = 1.0;
  Series tpu = series("tpu:t", kSimulated, "int8", {point(1, 2e-3, 1e-3), point(8, 4e-3, 2e-3)});
  tpu.error_percent = 10.0;
  tpu.peak = 1e8;
  tpu.points[0].first = 2e-3;
  Series cpu = series("cpu:host", kMeasured, "int8", {point(1, 4e-3, 4e-3), point(8, 8e-3, 8e-3)});
  cpu.threads = 1;
  for (Point& p : cpu.points) p.interval = Interval{p.period * 0.9, p.period, p.period * 1.2};
  c.series = {tpu, cpu};
  return c;
}

const Row& row_of(const Comparison& c, const std::string& scenario, const std::string& target) {
  for (const Row& row : c.rows) {
    if (row.scenario == scenario && row.target == target) return row;
  }
  throw std::runtime_error("no row " + scenario + " " + target);
}

TEST(Rows, ReadOneScenarioEach) {
  Comparison c = two_targets();
  set_rows(c);
  EXPECT_DOUBLE_EQ(row_of(c, kSingleStream, "tpu:t").latency, 2e-3);
  EXPECT_DOUBLE_EQ(row_of(c, kOffline, "tpu:t").throughput, 8 / 2e-3);
  EXPECT_EQ(row_of(c, kOffline, "tpu:t").batch, 8);
  EXPECT_DOUBLE_EQ(*row_of(c, kSingleStream, "cpu:host").ratio, 2.0);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "cpu:host").ratio, 4.0);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:t").peak_percent, 100.0 * 2'000 * 4'000 / 1e8);
  EXPECT_FALSE(row_of(c, kFirst, "tpu:t").ratio);
  ASSERT_EQ(c.means.size(), 2U);
  EXPECT_DOUBLE_EQ(c.means[1].ratio, std::sqrt(4.0 * 4.0));
  EXPECT_EQ(c.means[1].batches, 2);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:t").low, 0.9);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "cpu:host").high, 1.2);
}

TEST(Rows, KeepTheBestSettingInView) {
  Comparison c = two_targets();
  Series two = c.series[1];
  two.threads = 2;
  two.points[1].period = 6e-3;  // better at 8, worse at 1
  two.points[0].period = 5e-3;
  c.series.push_back(two);
  set_rows(c);
  std::vector<std::pair<int, std::int64_t>> best;
  for (const Row& row : c.rows) {
    if (row.target == "cpu:host" && row.scenario == kByBatch && row.best) {
      best.emplace_back(row.threads, row.batch);
    }
  }
  EXPECT_THAT(best, testing::ElementsAre(std::pair(1, 1), std::pair(2, 8)));
}

TEST(Rows, CompareWithinOnePrecision) {
  Comparison c = two_targets();
  c.series[1].precision = "fp32";
  set_rows(c);
  EXPECT_FALSE(row_of(c, kOffline, "cpu:host").ratio);
  c.float_accuracy = c.series[1].accuracy = 0.90;
  c.series[0].accuracy = 0.8911;
  set_rows(c);
  EXPECT_TRUE(row_of(c, kOffline, "cpu:host").ratio);
  c.series[0].accuracy = 0.8909;  // below 99 % of 0.90
  set_rows(c);
  EXPECT_FALSE(row_of(c, kOffline, "cpu:host").ratio);
}

TEST(Rows, LeaveSingleStreamOutWithoutABatchOfOne) {
  Comparison c = two_targets();
  for (Series& s : c.series) s.points.erase(s.points.begin());
  set_rows(c);
  for (const Row& row : c.rows) EXPECT_NE(row.scenario, kSingleStream);
}

TEST(Server, KeepsItsLimit) {
  const std::vector<Point> points = {point(1, 1e-3, 1e-3), point(16, 2e-3, 2e-3)};
  const double rate = server_rate(points, 5e-3);
  EXPECT_GT(rate, 1'000.0);    // batching beats one by one
  EXPECT_LT(rate, 16 / 2e-3);  // and is no faster than the largest batch
  EXPECT_LE(server_p99(points, rate), 5e-3);
  EXPECT_GT(server_p99(points, rate * 1.2), 5e-3);
  EXPECT_EQ(server_rate(points, 0.5e-3), 0.0);
  EXPECT_LT(server_rate(points, 2.5e-3), rate);
}

TEST(Server, OfOneAtATimeIsAnMD1Queue) {
  // Deterministic service, Poisson arrivals at half load: by Crommelin's formula (1932) for the
  // waiting time of M/D/1, P(W <= t) = (1 - r) sum over k <= t of (r (k - t))^k / k! exp(r (t -
  // k)), 99 % of the responses take at most 4.336 service times. Requests are drawn, so not
  // exactly.
  const std::vector<Point> points = {point(1, 1.0, 1.0)};
  EXPECT_NEAR(server_p99(points, 0.5), 4.336, 0.05);
  EXPECT_NEAR(server_p99(points, 0.01), 1.0, 0.2);  // hardly anybody waits
}

TEST(Server, SaysWhenOneRequestIsTooSlow) {
  Comparison c = two_targets();
  c.p99_limit = 3e-3;
  set_rows(c);
  EXPECT_EQ(c.absent.size(), 1U);
  EXPECT_EQ(c.absent.at(0).target, "cpu:host");
  EXPECT_THAT(c.absent.at(0).reason, HasSubstr("server"));
}

TEST(Summary, NamesWinnerAndReason) {
  Comparison c = two_targets();
  c.series[0].points[1].bound = "weights";
  set_rows(c);
  const auto sentences = summarise(c.rows);
  ASSERT_EQ(sentences.size(), 3U);
  // 8 ms +20 -10 % against 2 ms +-10 %: 4 x 0.9 / 1.1 to 4 x 1.2 / 0.9.
  EXPECT_THAT(sentences[1], HasSubstr("offline: tpu:t (simulated, int8) does 4.0 k samples/s"));
  EXPECT_THAT(sentences[1], HasSubstr("bound by weights"));
  EXPECT_THAT(sentences[1], HasSubstr("tpu:t wins by 4.00, 3.27 to 5.33"));
}

TEST(Summary, NamesNoWinnerInsideTheJointError) {
  Comparison c = two_targets();
  c.series[0].error_percent = 60.0;
  c.series[1].points[0].alone = c.series[1].points[0].period = 2.2e-3;
  c.series[1].points[0].interval = Interval{2.1e-3, 2.2e-3, 2.3e-3};
  set_rows(c);
  const auto sentences = summarise(c.rows);
  EXPECT_THAT(sentences.at(0), HasSubstr("no winner is named"));
  EXPECT_THAT(sentences.at(0), HasSubstr("inside the joint error"));
  EXPECT_THAT(sentences.at(0), testing::Not(HasSubstr("wins")));
}

TEST(Summary, JudgesNobodyWhoseErrorIsUnknown) {
  Comparison c = two_targets();
  c.series.push_back(series("gpu:g", kModelled, "int8", {point(1, 1e-6, 1e-6)}));
  set_rows(c);
  auto sentences = summarise(c.rows);
  EXPECT_THAT(sentences.at(0), HasSubstr("of those whose error is known"));
  EXPECT_THAT(sentences.at(0), HasSubstr("Not judged, as nobody knows their error: gpu:g"));
  c.series[0].error_percent.reset();
  set_rows(c);
  sentences = summarise(c.rows);
  EXPECT_THAT(sentences.at(0), HasSubstr("the error of 1 target is known"));
}

TEST(Summary, LeavesOutWhatCannotBeCompared) {
  Comparison c = two_targets();
  c.series[1].precision = "fp32";
  set_rows(c);
  EXPECT_TRUE(summarise(c.rows).empty());
}

TEST(Text, HasFourDigits) {
  EXPECT_EQ(time_text(52.1e-6), "52.10 us");
  EXPECT_EQ(time_text(1.34e-3), "1.340 ms");
  EXPECT_EQ(time_text(2.0), "2.000 s");
  EXPECT_EQ(rate_text(1.234e6), "1.23 M");
  EXPECT_EQ(rate_text(12.0), "12.0 ");
}

}  // namespace
}  // namespace systole::compare
