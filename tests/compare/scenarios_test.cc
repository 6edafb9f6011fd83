// Rows, ratios, the server, and the sentences, on figures made by hand.
#include "compare/scenarios.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "compare/server.h"
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
  EXPECT_TRUE(row_of(c, kOffline, "tpu:t").reference);
  EXPECT_FALSE(row_of(c, kOffline, "tpu:t").ratio);  // not of itself
  EXPECT_FALSE(row_of(c, kOffline, "cpu:host").reference);
  ASSERT_EQ(c.means.size(), 1U);
  EXPECT_DOUBLE_EQ(c.means[0].ratio, std::sqrt(4.0 * 4.0));
  EXPECT_EQ(c.means[0].batches, 2);
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
  c.series[1].points.erase(c.series[1].points.begin());
  set_rows(c);
  EXPECT_EQ(c.absent.at(0).target, "cpu:host");
  EXPECT_THAT(c.absent.at(0).reason, HasSubstr("did not run at batch 1"));
  c.series[0].points.erase(c.series[0].points.begin());
  set_rows(c);
  for (const Row& row : c.rows) EXPECT_NE(row.scenario, kSingleStream);
  EXPECT_THAT(c.notes, testing::Contains(HasSubstr("nothing ran at batch 1")));
}

TEST(Rows, SayWhoHasNoFirstInference) {
  Comparison c = two_targets();
  set_rows(c);
  EXPECT_THAT(c.notes, testing::ElementsAre(HasSubstr("first inference: simulated")));
}

TEST(Rows, SayWhatElseTheyAreComparedWith) {
  Comparison c = two_targets();
  c.targets = {"gpu:g", "cpu:host", "tpu:t"};
  set_rows(c);
  EXPECT_TRUE(row_of(c, kOffline, "cpu:host").reference);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:t").ratio, 0.25);
  EXPECT_THAT(c.notes, testing::Contains(testing::AllOf(HasSubstr("gpu:g has no rows"),
                                                        HasSubstr("over cpu:host's"))));
}

TEST(Rows, OfOneBatchSayWhatBoundsIt) {
  Comparison c = two_targets();
  for (Point& p : c.series[0].points) {
    p.bound = "weights";
    p.bound_alone = "link";
  }
  set_rows(c);
  EXPECT_EQ(row_of(c, kOffline, "tpu:t").bound, "weights");
  for (const char* scenario : {kSingleStream, kFirst, kServer}) {
    EXPECT_EQ(row_of(c, scenario, "tpu:t").bound, "link") << scenario;
  }
}

// What a model's error was found on is device time: a row that also counts copies has none.
TEST(Rows, HaveAModelsErrorWhereTheyAreDeviceTime) {
  Comparison c = two_targets();
  Series gpu = series("gpu:g", kModelled, "int8", {point(1, 3e-3, 1e-3)});
  gpu.points[0].device = 1e-3;
  gpu.error_percent = 5.0;
  c.series.push_back(gpu);
  set_rows(c);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "gpu:g").high, 1.05);
  EXPECT_FALSE(row_of(c, kSingleStream, "gpu:g").high);
  EXPECT_FALSE(row_of(c, kServer, "gpu:g").high);
}

TEST(Rows, ShowPublishedServersWithTheirP99) {
  Comparison c = two_targets();
  Series paper = series("paper:p", kPublished, "int8", {point(64, 0.0, 64 / 36465.0)});
  paper.points[0].p99 = 8.3e-3;
  paper.same_model = false;
  c.series.insert(c.series.begin(), paper);
  set_rows(c);
  std::int64_t rows = 0;
  for (const Row& row : c.rows) rows += row.target == "paper:p" ? 1 : 0;
  EXPECT_EQ(rows, 1);
  const Row& row = row_of(c, kServer, "paper:p");
  EXPECT_EQ(row.latency, 8.3e-3);
  EXPECT_DOUBLE_EQ(row.throughput, 36465.0);
  EXPECT_FALSE(row.ratio || row.reference || row.low);
  EXPECT_TRUE(row_of(c, kServer, "tpu:t").reference);  // the first that may be compared
}

TEST(Server, KeepsItsLimit) {
  const std::vector<Point> points = {point(1, 1e-3, 1e-3), point(16, 2e-3, 2e-3)};
  const Served served = server_rate(points, 5e-3);
  const std::int64_t requests = trial_requests(served.rate, 5e-3);
  EXPECT_GT(served.rate, 1'000.0);                // batching beats one by one
  EXPECT_LT(served.rate, kMostLoad * 16 / 2e-3);  // and is no faster than the largest batch
  EXPECT_LE(served.p99, 5e-3);
  EXPECT_EQ(served.p99, server_p99(points, served.rate, requests));
  EXPECT_GT(server_p99(points, served.rate * 1.05, requests), 5e-3);
  EXPECT_EQ(server_rate(points, 0.5e-3).rate, 0.0);
  EXPECT_LT(server_rate(points, 2.5e-3).rate, served.rate);
}

// An overloaded queue grows: the longer the trial, the later the answers. What is called sustained
// must not, even where no backlog of a short trial could reach the limit.
TEST(Server, RatesLast) {
  const std::vector<Point> points = {point(1, 20e-6, 20e-6), point(256, 50e-6, 50e-6)};
  constexpr double kLimit = 7e-3, kCapacity = 256 / 50e-6;
  const Served served = server_rate(points, kLimit);
  EXPECT_DOUBLE_EQ(served.rate, kMostLoad * kCapacity);
  const std::int64_t requests = trial_requests(served.rate, kLimit);
  EXPECT_GE(static_cast<double>(requests) / served.rate, 99.9 * kLimit);
  EXPECT_LT(served.p99, 3 * 50e-6);
  EXPECT_LT(server_p99(points, served.rate, 2 * requests), 3 * 50e-6);
  const double once = server_p99(points, 1.01 * kCapacity, requests);
  EXPECT_GT(server_p99(points, 1.01 * kCapacity, 2 * requests), 1.5 * once);
}

TEST(Server, OfOneAtATimeIsAnMD1Queue) {
  // Deterministic service, Poisson arrivals at half load: by Crommelin's formula (1932) for the
  // waiting time of M/D/1, P(W <= t) = (1 - r) sum over k <= t of (r (k - t))^k / k! exp(r (t -
  // k)), 99 % of the responses take at most 4.336 service times. Requests are drawn, so not
  // exactly.
  const std::vector<Point> points = {point(1, 1.0, 1.0)};
  EXPECT_NEAR(server_p99(points, 0.5, 200'000), 4.336, 0.05);
  EXPECT_EQ(server_p99(points, 0.005, 200'000), 1.0);  // hardly anybody waits
  const double rate = server_rate(points, 1.0).rate;   // nobody but a hundredth may wait
  EXPECT_GT(rate, 0.009);
  EXPECT_LT(rate, 0.011);
}

// The rate's range is that of the queue with all times at either end of their error.
TEST(Server, PassesErrorsOfTimesOnToItsRate) {
  Comparison c = two_targets();
  c.p99_limit = 7e-3;
  set_rows(c);
  const Row& row = row_of(c, kServer, "tpu:t");
  EXPECT_EQ(row.latency, *row.p99);
  EXPECT_LE(row.latency, 7e-3);
  std::vector<Point> slow = c.series[0].points;
  for (Point& p : slow) p.alone *= 1.1;
  EXPECT_DOUBLE_EQ(*row.high, row.throughput / server_rate(slow, 7e-3).rate);
  EXPECT_GT(*row.high, 1.1);  // waiting grows faster than the times
  EXPECT_LT(*row.low, 0.95);
}

TEST(Server, SaysWhenOneRequestIsTooSlow) {
  Comparison c = two_targets();
  c.p99_limit = 3e-3;
  set_rows(c);
  EXPECT_EQ(c.absent.size(), 1U);
  EXPECT_EQ(c.absent.at(0).target, "cpu:host");
  EXPECT_EQ(c.absent.at(0).precision, "int8/1");  // the setting that has no row
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
  EXPECT_THAT(sentences.at(0),
              HasSubstr("Not judged, as nobody knows their error: gpu:g int8. The fastest"));
  c.series[0].error_percent.reset();
  set_rows(c);
  sentences = summarise(c.rows);
  EXPECT_THAT(sentences.at(0), HasSubstr("the error of 1 target is known"));
}

TEST(Summary, NamesWhatItLeavesOut) {
  Comparison c = two_targets();
  c.series[1].precision = "fp32";
  Series paper = series("paper:p", kPublished, "int8", {point(64, 0.0, 1e-3)});
  paper.points[0].p99 = 8.3e-3;
  paper.same_model = false;
  c.series.push_back(paper);
  set_rows(c);
  const auto sentences = summarise(c.rows);
  ASSERT_EQ(sentences.size(), 3U);
  EXPECT_THAT(sentences[0], HasSubstr("single-stream: no winner is named, as no two targets"));
  for (const std::string& text : sentences) {
    EXPECT_THAT(text, HasSubstr("rule 6 forbids the ratio: cpu:host fp32."));
  }
  EXPECT_THAT(sentences[2], HasSubstr("in no ratio: paper:p int8."));
}

// A target's second precision is judged as well where accuracies allow the ratio.
TEST(Summary, NamesEveryPrecision) {
  Comparison c = two_targets();
  Series bf16 = c.series[1];
  bf16.precision = "bf16";
  for (Point& p : bf16.points) p.alone = p.period *= 2.0;
  c.series.push_back(bf16);
  c.float_accuracy = 0.9;
  for (Series& s : c.series) s.accuracy = 0.9;
  set_rows(c);
  EXPECT_THAT(summarise(c.rows).at(1), HasSubstr("Judged too, and slower: cpu:host bf16."));
}

TEST(Summary, SaysNothingOfOneRow) {
  Comparison c = two_targets();
  c.series.pop_back();
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
