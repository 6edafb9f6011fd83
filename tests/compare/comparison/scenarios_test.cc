// Rows, ratios, the server, and the sentences, on figures made by hand.
#include "compare/comparison/scenarios.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "compare/comparison/compare.h"
#include "compare/comparison/server.h"
#include "compare/comparison/summary.h"
#include "tests/support/sanitized.h"

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

Point point(std::int64_t batch, double latency, double period) {
  return {.batch = batch, .latency = {.total = latency}, .period = {.total = period}};
}

// A validated TPU and a measured CPU, batches 1 and 8.
Comparison two_targets() {
  Comparison c;
  c.macs = 1'000;
  c.p99_limit = 1.0;
  Series tpu = series("tpu:t", kSimulated, "int8", {point(1, 2e-3, 1e-3), point(8, 4e-3, 2e-3)});
  tpu.error_percent = 10.0;
  tpu.peak = 1e8;
  tpu.points[0].cold = true;
  Series cpu = series("cpu:host", kMeasured, "int8", {point(1, 4e-3, 4e-3), point(8, 8e-3, 8e-3)});
  cpu.threads = 1;
  for (Point& p : cpu.points)
    p.interval = Interval{p.period.total * 0.9, p.period.total, p.period.total * 1.2};
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
  EXPECT_DOUBLE_EQ(*row_of(c, kSingleStream, "cpu:host").times_faster, 0.5);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "cpu:host").times_faster, 0.25);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:t").peak_percent, 100.0 * 2'000 * 4'000 / 1e8);
  EXPECT_FALSE(row_of(c, kFirst, "tpu:t").times_faster);
  EXPECT_TRUE(row_of(c, kOffline, "tpu:t").reference);
  EXPECT_FALSE(row_of(c, kOffline, "tpu:t").times_faster);  // not of itself
  EXPECT_FALSE(row_of(c, kOffline, "cpu:host").reference);
  ASSERT_EQ(c.means.size(), 1U);
  EXPECT_DOUBLE_EQ(c.means[0].times_faster, std::sqrt(0.25 * 0.25));
  EXPECT_EQ(c.means[0].batches, 2);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:t").low, 0.9);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "cpu:host").high, 1.2);
}

TEST(Rows, KeepTheBestSettingInView) {
  Comparison c = two_targets();
  Series two = c.series[1];
  two.threads = 2;
  two.points[1].period.total = 6e-3;  // better at 8, worse at 1
  two.points[0].period.total = 5e-3;
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

TEST(Rows, OfEqualSettingsShowOne) {
  Comparison c = two_targets();
  Series again = c.series[1];
  again.threads = 2;
  c.series.push_back(again);
  set_rows(c);
  const auto shown = std::ranges::count_if(c.rows, [](const Row& row) {
    return row.target == "cpu:host" && row.scenario == kByBatch && row.best;
  });
  EXPECT_EQ(shown, 2);  // batches 1 and 8
  ASSERT_EQ(c.means.size(), 1U);
  EXPECT_EQ(c.means[0].batches, 2);
}

TEST(Rows, CompareWithinOnePrecision) {
  Comparison c = two_targets();
  c.series[1].precision = "fp32";
  set_rows(c);
  EXPECT_FALSE(row_of(c, kOffline, "cpu:host").times_faster);
  c.float_accuracy = c.series[1].accuracy = 0.90;
  c.series[0].accuracy = 0.8911;
  set_rows(c);
  EXPECT_TRUE(row_of(c, kOffline, "cpu:host").times_faster);
  c.series[0].accuracy = 0.8909;  // below 99 % of 0.90
  set_rows(c);
  EXPECT_FALSE(row_of(c, kOffline, "cpu:host").times_faster);
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
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:t").times_faster, 4.0);
  EXPECT_THAT(c.notes, testing::Contains(testing::AllOf(HasSubstr("gpu:g has no rows"),
                                                        HasSubstr("to cpu:host's"))));
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

TEST(Rows, HaveTheirModelsError) {
  Comparison c = two_targets();
  Series gpu = series("gpu:g", kModelled, "int8", {point(1, 3e-3, 1e-3)});
  gpu.points[0].latency.device = gpu.points[0].period.device = 1e-3;
  gpu.error_percent = 5.0;
  c.series.push_back(gpu);
  set_rows(c);
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "gpu:g").high, 1.05);
  EXPECT_DOUBLE_EQ(*row_of(c, kSingleStream, "gpu:g").high, 1.05);
  EXPECT_TRUE(row_of(c, kServer, "gpu:g").high);
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
  EXPECT_EQ(row.p99, 8.3e-3);
  EXPECT_EQ(row.latency, 0.0);  // nobody published one
  EXPECT_DOUBLE_EQ(row.throughput, 36465.0);
  EXPECT_FALSE(row.times_faster || row.reference || row.low);
  EXPECT_TRUE(row_of(c, kServer, "tpu:t").reference);  // the first that may be compared
}

TEST(Server, KeepsItsLimit) {
  const std::vector<Point> points = {point(1, 1e-3, 1e-3), point(16, 2e-3, 2e-3)};
  const Served served = server_rate(points, 5e-3);
  const std::int64_t requests = trial_requests(served.rate, 5e-3);
  EXPECT_GT(served.rate, 1'000.0);                // batching beats one by one
  EXPECT_LT(served.rate, kMostLoad * 16 / 2e-3);  // and is no faster than the largest batch
  EXPECT_LE(served.p99, 5e-3);
  EXPECT_EQ(served.p99, server_p99(served.points, served.rate, requests));
  EXPECT_GT(server_p99(served.points, served.rate * 1.05, requests), 5e-3);
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
  EXPECT_LE(*row.p99, 7e-3);
  EXPECT_EQ(row.latency, 4e-3);  // of the largest batch, alone
  std::vector<Point> slow = c.series[0].points;
  for (Point& p : slow) p.latency.total *= 1.1;
  EXPECT_DOUBLE_EQ(*row.high, row.throughput / server_rate(slow, 7e-3).rate);
  EXPECT_GT(*row.high, 1.1);  // waiting grows faster than the times
  EXPECT_LT(*row.low, 0.95);
}

// Whatever the times, one more batch size is one more choice.
TEST(Server, NeverLosesByABatchSize) {
  std::mt19937_64 random(5);
  const auto pick = [&](double low, double high) {
    return low * std::pow(high / low, static_cast<double>(random() >> 11) * 0x1p-53);
  };
  for (int round = 0; round < testing_support::fewer_if_sanitized(12); ++round) {
    const double limit = 1e-3;
    std::vector<Point> points;
    for (std::int64_t batch = 1; batch <= 64; batch *= 2) {
      if (random() % 3 == 0) continue;
      const double seconds = pick(1e-4, 2e-3);
      points.push_back(point(batch, seconds, seconds));
    }
    const double all = server_rate(points, limit).rate;
    for (std::size_t left_out = 0; left_out < points.size(); ++left_out) {
      std::vector<Point> fewer = points;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(left_out));
      EXPECT_GE(all, server_rate(fewer, limit).rate) << round << " " << left_out;
    }
  }
}

// A batch that takes longer than the limit, or than one twice its size, is left alone.
TEST(Server, TakesTheBestSizes) {
  const std::vector<Point> good = {point(1, 1e-4, 1e-4), point(16, 2e-4, 2e-4)};
  std::vector<Point> more = good;
  more.insert(more.begin() + 1, point(8, 9e-4, 9e-4));
  more.push_back(point(4096, 0.5, 0.5));
  const Served served = server_rate(more, 1e-3);
  EXPECT_EQ(served.rate, server_rate(good, 1e-3).rate);
  EXPECT_EQ(served.points.back().batch, 16);
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
  EXPECT_THAT(sentences[1], HasSubstr("tpu:t is 4.00 times faster than cpu:host, 3.27 to 5.33"));
}

TEST(Summary, NamesNoWinnerInsideTheJointError) {
  Comparison c = two_targets();
  c.series[0].error_percent = 60.0;
  c.series[1].points[0].latency.total = c.series[1].points[0].period.total = 2.2e-3;
  c.series[1].points[0].interval = Interval{2.1e-3, 2.2e-3, 2.3e-3};
  set_rows(c);
  const auto sentences = summarise(c.rows);
  EXPECT_THAT(sentences.at(0), HasSubstr("no winner is named"));
  EXPECT_THAT(sentences.at(0), HasSubstr("inside the joint error"));
  EXPECT_THAT(sentences.at(0), testing::Not(HasSubstr("faster than")));
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
  EXPECT_THAT(sentences.at(0), testing::ContainsRegex("only [^ ]+'s error is known"));
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
  for (Point& p : bf16.points) p.latency.total = p.period.total *= 2.0;
  c.series.push_back(bf16);
  c.float_accuracy = 0.9;
  for (Series& s : c.series) s.accuracy = 0.9;
  set_rows(c);
  EXPECT_THAT(summarise(c.rows).at(1), HasSubstr("Judged too, and slower: cpu:host bf16."));
}

// Rule 13: no error is needed to judge two simulated machines; what differs stands beside them.
TEST(Summary, JudgesSimulatedMachinesAmongEachOther) {
  Comparison c = two_targets();
  Series other = series("tpu:u", kSimulated, "int8", {point(1, 3e-3, 2e-3), point(8, 9e-3, 8e-3)});
  c.series[0].parameters = {{"array.rows", "8"}, {"dram.latency", "9"}};
  other.parameters = {{"array.rows", "8"}, {"dram.latency", "10"}};
  c.series.push_back(other);
  set_rows(c);
  EXPECT_EQ(row_of(c, kOffline, "tpu:u").against, "tpu:t");
  EXPECT_EQ(row_of(c, kOffline, "tpu:u").differs, "dram.latency 9 -> 10");
  EXPECT_EQ(row_of(c, kOffline, "tpu:t").against, "");
  EXPECT_EQ(row_of(c, kOffline, "cpu:host").against, "");
  const auto sentences = summarise(c.rows);
  ASSERT_EQ(sentences.size(), 6U);  // three scenarios, each of all and of the machines
  EXPECT_THAT(sentences[2], HasSubstr("tpu:t is 4.00 times faster than cpu:host"));
  EXPECT_THAT(sentences[3],
              testing::AllOf(HasSubstr("offline, simulated against simulated: tpu:t (sim"),
                             HasSubstr("that is 4.00 times faster than tpu:u"),
                             HasSubstr("tpu:u differs from tpu:t in dram.latency 9 -> 10.")));
  c.series.erase(c.series.begin() + 1);
  set_rows(c);
  for (const std::string& text : summarise(c.rows)) {
    EXPECT_THAT(text, testing::AllOf(HasSubstr("simulated against simulated"),
                                     testing::Not(HasSubstr("no winner"))));
  }
}

traces::Profile profile(std::int64_t memory, std::int64_t array) {
  traces::Profile p;
  p.cycles = memory + array;
  p.layers = {{"fc", memory + array, {{"memory", memory}, {"array", array}}}};
  p.path = {{"memory", memory}, {"array", array}};
  p.matrix = {{"active", array}, {"weight_stall", memory}};
  return p;
}

// Where the cycles differ stands beside the verdict: of one batch alone where the row is about
// that, else of the period; in table, Markdown, JSON and summary.
TEST(Summary, SaysWhereTheCyclesOfMachinesDiffer) {
  Comparison c = two_targets();
  Series other = series("tpu:u", kSimulated, "int8", {point(1, 3e-3, 2e-3), point(8, 9e-3, 8e-3)});
  c.series[0].parameters = {{"dram.latency", "9"}};
  other.parameters = {{"dram.latency", "10"}};
  for (Point& p : c.series[0].points) {
    p.profile = profile(1000, 500);
    p.profile_alone = profile(2000, 500);
  }
  for (Point& p : other.points) {
    p.profile = profile(1300, 500);
    p.profile_alone = profile(1000, 500);
  }
  c.series.push_back(other);
  set_rows(c);
  c.summary = summarise(c.rows);
  const std::string period =
      "1,500 -> 1,800 cycles (+20.0 %); layers: fc +300; path: memory +300; matrix unit: "
      "weight_stall +300";
  const std::string alone =
      "2,500 -> 1,500 cycles (-40.0 %); layers: fc -1,000; path: memory -1,000; matrix unit: "
      "weight_stall -1,000";
  EXPECT_EQ(row_of(c, kOffline, "tpu:u").cycles_differ, period);
  EXPECT_EQ(row_of(c, kSingleStream, "tpu:u").cycles_differ, alone);
  EXPECT_EQ(row_of(c, kServer, "tpu:u").cycles_differ, alone);
  EXPECT_EQ(row_of(c, kOffline, "tpu:t").cycles_differ, "");
  EXPECT_DOUBLE_EQ(*row_of(c, kOffline, "tpu:u").against_times_faster, 0.25);
  EXPECT_FALSE(row_of(c, kOffline, "tpu:t").against_times_faster);
  EXPECT_THAT(c.summary[3], HasSubstr("differs from tpu:t in dram.latency 9 -> 10; " + period));
  EXPECT_THAT(
      markdown_text(c, {}),
      HasSubstr("* tpu:u, offline at batch 8, simulated against simulated, 4.00 times slower than "
                "tpu:t: dram.latency 9 -&gt; 10; 1,500 -&gt; 1,800 cycles"));
  const auto json = to_json(c);
  ASSERT_EQ(json["machine_differences"].size(), 2U);
  const auto& first = json["machine_differences"][0];
  EXPECT_EQ(first["target"], "tpu:u");
  EXPECT_EQ(first["simulated_against"], "tpu:t");
  EXPECT_EQ(first["batch"], 1);
  EXPECT_EQ(first["period"]["change_cycles"], 300);
  EXPECT_EQ(first["latency"]["layers"][0]["change"], -1000);
  for (const Row& row : c.rows) {
    EXPECT_EQ(row_from_json(to_json(row)).cycles_differ, row.cycles_differ);
    EXPECT_EQ(row_from_json(to_json(row)).against_times_faster, row.against_times_faster);
  }
  auto older = to_json(c.rows.front());
  older.erase("cycles_differ");
  EXPECT_EQ(row_from_json(older).cycles_differ, "");
}

TEST(Summary, JudgesNothingThatABusyComputerMeasured) {
  Comparison c = two_targets();
  for (Point& p : c.series[1].points) p.spread = kBusySpread * 1.01;
  set_rows(c);
  EXPECT_TRUE(row_of(c, kOffline, "cpu:host").busy);
  EXPECT_TRUE(row_of(c, kServer, "cpu:host").busy);
  EXPECT_TRUE(c.means.empty());
  for (const std::string& text : summarise(c.rows)) {
    EXPECT_THAT(text,
                testing::AllOf(HasSubstr("as the computer was busy while they were measured"),
                               HasSubstr("cpu:host int8"), testing::Not(HasSubstr("faster than"))));
  }
  Series quiet = c.series[1];  // slower, but in peace
  quiet.threads = 2;
  for (Point& p : quiet.points) {
    p.spread = kBusySpread;
    p.latency.total = p.period.total *= 2.0;
  }
  c.series.push_back(quiet);
  set_rows(c);
  EXPECT_THAT(summarise(c.rows).at(1), HasSubstr("8.00 times faster than cpu:host"));
}

TEST(Summary, ShowsAFewOfManyDifferences) {
  EXPECT_EQ(short_differences("a 1 -> 2"), "a 1 -> 2");
  EXPECT_EQ(short_differences("a; b; c; d; e; f"), "a; b; c; d and 2 more");
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
