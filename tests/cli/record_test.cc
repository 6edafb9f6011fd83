// Derived figures and the percentages of the stall table.
#include "cli/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <sstream>

#include "cli/stats.h"
#include "cli/summary.h"

namespace systole::cli {
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

TEST(Bound, IsTheLargestShare) {
  Record record = sample();
  EXPECT_EQ(bound_by(record).name, "weights");
  EXPECT_DOUBLE_EQ(bound_by(record).share, (350.0 + 100.0) / 1000.0);
  record.report.host_seconds = 9 * record.report.device_seconds;
  EXPECT_EQ(bound_by(record).name, "host");
  EXPECT_DOUBLE_EQ(bound_by(record).share, 0.9);
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
  EXPECT_EQ(json.at("version"), SYSTOLE_VERSION);
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
  const std::string text = summary(record, false);
  EXPECT_THAT(text, testing::HasSubstr("weights: 45.0 %"));
  EXPECT_THAT(text, testing::HasSubstr("88.00 % (88 of 100)"));
  EXPECT_THAT(text, testing::HasSubstr("systole run gemm --trace"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
}

}  // namespace
}  // namespace systole::cli
