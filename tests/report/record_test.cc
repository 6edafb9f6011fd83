// Derived figures and the percentages of the stall table.
#include "report/record.h"

#include <fmt/core.h>
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <sstream>

#include "base/source.h"
#include "report/stats.h"
#include "report/summary.h"

namespace systole::report {
namespace {

using sim::Stall;

// A run of 1000 cycles on a 256x256 machine at 700 MHz.
Record sample() {
  Record record;
  record.model = "gemm";
  record.command_line = "systole run gemm";
  record.batch = record.rows = 10;
  sim::Counters& total = record.report.total;
  total.cycles = CycleCount(1000);
  const auto set = [&](Stall stall, std::int64_t cycles) {
    total.matrix[static_cast<std::size_t>(stall)] = CycleCount(cycles);
  };
  set(Stall::kActive, 400);
  set(Stall::kWeightStall, 350);
  set(Stall::kWeightShift, 100);
  set(Stall::kInput, 50);
  set(Stall::kDrain, 100);
  total.macs_useful = 400 * 256 * 128;
  record.report.device_seconds = record.machine.seconds(total.cycles);
  return record;
}

TEST(Figures, FollowFromTheCounters) {
  const Figures f = figures(sample());
  EXPECT_EQ(f.array_active, 0.4);
  EXPECT_EQ(f.mapping_efficiency, 0.5);
  EXPECT_EQ(f.mac_utilization, 0.2);
  EXPECT_DOUBLE_EQ(f.seconds, 1000 / 700e6);
  EXPECT_DOUBLE_EQ(f.tops, 0.2 * f.peak_tops);
  EXPECT_DOUBLE_EQ(f.rows_per_second, 10 / (1000 / 700e6));
}

// What bounds the device, as if asked: link out, with all of the time in one layer.
traces::Explanation explained() {
  traces::Explanation why;
  why.path.cycles = CycleCount(1000);
  why.path.layers.resize(1);
  why.path.by_layer = {CycleCount(1000)};
  why.path.by_resource[index(sim::Resource::kLinkOut)] = CycleCount(900);
  why.bound.verdict = traces::Verdict::kOne;
  why.bound.resources = {sim::Resource::kLinkOut};
  why.bound.shares = {0.9};
  why.bound.changes = {{{sim::Resource::kLinkOut}, 0.44, 0.45}};
  return why;
}

TEST(Bound, IsTheHostWhereItsStepsTakeLonger) {
  Record record = sample();
  record.why = explained();
  EXPECT_THAT(
      summary(record, false),
      testing::HasSubstr("  bound by    link out: 90.0 % of the time; 2x link out: -45.0 %\n"));
  record.why->device_seconds = 1e-6;
  record.why->host_seconds = 9e-6;
  EXPECT_TRUE(record.why->by_host());
  EXPECT_THAT(
      summary(record, false),
      testing::HasSubstr("  bound by    host: 90.0 % of the time, the host's own steps; the"));
  const auto json = nlohmann::json::parse(stats_json(record));
  EXPECT_EQ(json["bound_by"], nlohmann::json::array({"host"}));
  EXPECT_EQ(json["device_bound_by"], nlohmann::json::array({"link out"}));
  EXPECT_EQ(json["bound_parameter"], nlohmann::json::array());
  EXPECT_DOUBLE_EQ(json["share"].get<double>(), 0.9);
  EXPECT_EQ(json["path"][0]["resource"], "link out");
  EXPECT_EQ(json["path"][0]["cycles"], 900);
}

// Its last lines, joined where a backslash continues them, are the command again.
TEST(Summary, TheNextCommandIsFoldedAtItsWords) {
  Record record = sample();
  record.command_line = "systole run model.onnx";
  for (int i = 0; i < 12; ++i) record.command_line += fmt::format(" --set 'a b={}'", i);
  const std::string text = summary(record, false);
  std::string next = text.substr(text.find("\nNext: ") + 1);
  next = next.substr(0, next.find("      then open"));
  std::istringstream lines(next);
  std::string joined;
  int count = 0;
  for (std::string one; std::getline(lines, one); ++count) {
    EXPECT_LE(one.size(), 80U) << one;
    one = one.substr(count == 0 ? 0 : one.find_first_not_of(' '));
    joined += one.ends_with(" \\") ? one.substr(0, one.size() - 1) : one;
  }
  EXPECT_GT(count, 1);
  EXPECT_EQ(joined, "Next: " + record.command_line + " --trace run.json");
}

TEST(Summary, FiguresHaveThePrefixThatTheyRoundTo) {
  EXPECT_EQ(with_prefix(0.00123), "1.23 m");
  EXPECT_EQ(with_prefix(999.4e-9), "999 n");
  EXPECT_EQ(with_prefix(999.9e-9), "1 u");
  EXPECT_EQ(with_prefix(5e-11), "50 p");
  EXPECT_EQ(with_prefix(0.0), "0 ");
}

TEST(TenthsOfPercent, AddUpToTheWhole) {
  EXPECT_THAT(tenths_of_percent(std::vector<std::int64_t>{1, 1, 1}),
              testing::ElementsAre(334, 333, 333));
  EXPECT_THAT(tenths_of_percent(std::vector<std::int64_t>{0, 0}), testing::ElementsAre(0, 0));
  EXPECT_THAT(tenths_of_percent(std::vector<std::int64_t>{0, 5}), testing::ElementsAre(0, 1000));
  std::mt19937_64 random(3);
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::int64_t> parts(10);
    for (std::int64_t& part : parts)
      part = static_cast<std::int64_t>(random() >> (random() % 40 + 14));
    const auto shares = tenths_of_percent(parts);
    EXPECT_EQ(std::accumulate(shares.begin(), shares.end(), std::int64_t{0}), 1000);
  }
}

TEST(Stats, KeysAreTheDocumentedOnes) {
  const auto json = nlohmann::json::parse(stats_json(sample()));
  for (const char* key :
       {"cycles", "seconds", "machine", "batch", "macs", "instructions", "mac_utilization",
        "array_active", "mapping_efficiency", "tops", "counters", "layers", "bytes",
        "energy_joules", "host_fallback", "simulator", "version"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json.at("cycles"), 1000);
  EXPECT_EQ(json.at("counters").at("matrix").at("weight_stall"), 350);
  EXPECT_TRUE(json.at("energy_joules").is_null());
  EXPECT_EQ(json.at("version"), program_version());
}

TEST(Stats, FuncEngineHasNoTime) {
  Record record = sample();
  record.engine = sim::Engine::kFunc;
  const auto json = nlohmann::json::parse(stats_json(record));
  EXPECT_TRUE(json.at("cycles").is_null());
  EXPECT_TRUE(json.at("tops").is_null());
  EXPECT_EQ(json.at("macs"), 400 * 256 * 128);
}

TEST(Summary, FitsTheTerminalAndNamesTheBound) {
  Record record = sample();
  record.accuracy = Accuracy{.correct = 88, .total = 100};
  sim::LayerReport& layer = record.report.layers.emplace_back();
  layer.name = std::string(200, 'x');
  layer.counters = record.report.total;
  record.why = explained();
  const std::string text = summary(record, false);
  EXPECT_THAT(text, testing::HasSubstr("link out: 90.0 %"));
  EXPECT_THAT(text, testing::HasSubstr("88.00 % (88 of 100)"));
  EXPECT_THAT(text, testing::HasSubstr("systole run gemm --trace"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

}  // namespace
}  // namespace systole::report
