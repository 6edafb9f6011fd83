// Two profiles by hand: parts matched by name, the largest change first, divisions that add up.
#include "traces/diff.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace systole::traces {
namespace {

Profile sample() {
  Profile p;
  p.parameters = {{"array.rows", "256"}, {"dram.kind", "banked"}, {"link.latency", "350"}};
  p.cycles = 100;
  p.layers = {{"fc", 60, {{"memory", 50}, {"array", 10}}},
              {"relu", 5, {{"vector", 5}}},
              {"fc", 35, {{"array", 35}}}};
  p.path = {{"memory", 50}, {"array", 45}, {"vector", 5}};
  p.matrix = {{"active", 40}, {"weight_stall", 60}};
  p.bytes = {{"host_in", 1000}, {"weights_read", 0}};
  return p;
}

std::int64_t sum(const std::vector<PartChange>& parts) {
  std::int64_t sum = 0;
  for (const PartChange& part : parts) sum += part.change();
  return sum;
}

TEST(Diff, MatchesPartsByNameAndOccurrence) {
  const Profile a = sample();
  Profile b = sample();
  b.cycles = 130;
  b.layers = {{"fc", 55, {{"memory", 40}, {"array", 15}}},
              {"fc", 45, {{"array", 45}}},
              {"softmax", 30, {{"link in", 30}}}};
  const Diff d = diff(a, b);
  ASSERT_EQ(d.layers.size(), 4U);
  EXPECT_EQ(d.layers[0].name, "softmax");
  EXPECT_EQ(d.layers[0].a, 0);
  EXPECT_EQ(d.layers[0].change(), 30);
  EXPECT_EQ(d.layers[1].name, "fc");  // the second
  EXPECT_EQ(d.layers[1].a, 35);
  EXPECT_EQ(d.layers[1].b, 45);
  EXPECT_EQ(d.layers[2].name, "fc");
  EXPECT_EQ(d.layers[2].change(), -5);
  ASSERT_EQ(d.layers[2].by_resource.size(), 2U);
  EXPECT_EQ(d.layers[2].by_resource[0].name, "memory");
  EXPECT_EQ(d.layers[2].by_resource[0].amount, -10);
  EXPECT_EQ(d.layers[2].by_resource[1].amount, 5);
  EXPECT_EQ(d.layers[3].change(), -5);
  EXPECT_EQ(sum(d.layers), 30);
}

TEST(Diff, OfARunWithItselfIsNothing) {
  const Diff d = diff(sample(), sample());
  EXPECT_TRUE(d.parameters.empty());
  EXPECT_EQ(sum(d.layers), 0);
  ASSERT_EQ(d.layers.size(), 3U);
  for (const PartChange& layer : d.layers) EXPECT_TRUE(layer.by_resource.empty());
  ASSERT_EQ(d.bytes.size(), 1U);  // what neither moves is left out
}

TEST(Diff, NamesParametersThatDiffer) {
  Profile b = sample();
  b.parameters[0].second = "64";
  b.parameters[1].second = "simple";
  b.parameters.emplace_back("new.key", "1");
  const Diff d = diff(sample(), b);
  ASSERT_EQ(d.parameters.size(), 2U);
  EXPECT_EQ(d.parameters[0].key, "array.rows");
  EXPECT_EQ(d.parameters[0].a, "256");
  EXPECT_EQ(d.parameters[0].b, "64");
  EXPECT_EQ(d.parameters[1].key, "dram.kind");
}

// Twice the clock: the same cycles are half the time, so the largest part changes most.
TEST(Diff, SortsByTimeWhereClocksDiffer) {
  Profile a = sample(), b = sample();
  a.clock_hertz = 1'000;
  b.clock_hertz = 2'000;
  b.matrix = {{"active", 80}, {"weight_stall", 60}};  // active takes as long as before
  const Diff d = diff(a, b);
  EXPECT_EQ(d.matrix[0].name, "weight_stall");
  EXPECT_EQ(d.matrix[1].name, "active");
}

// A path that was recorded in part is told as such, so that its table adds up, too.
TEST(Diff, SaysWhatWasNotRecorded) {
  const Profile a = sample();
  Profile b = sample();
  b.cycles = 1'100;
  const Diff d = diff(a, b);
  EXPECT_EQ(d.path[0].name, "(not recorded)");
  EXPECT_EQ(d.path[0].change(), 1'000);
  EXPECT_EQ(sum(d.path), 1'000);
  EXPECT_EQ(sum(d.layers), 1'000);
}

std::int64_t total(const std::vector<Part>& parts) {
  std::int64_t sum = 0;
  for (const Part& part : parts) sum += part.amount;
  return sum;
}

void expect_adds_up(const Profile& p) {
  std::int64_t layers = 0;
  for (const LayerProfile& layer : p.layers) {
    EXPECT_EQ(total(layer.path), layer.cycles);
    layers += layer.cycles;
  }
  EXPECT_EQ(layers, p.cycles);
  EXPECT_EQ(total(p.path), p.cycles);
  EXPECT_EQ(total(p.matrix), p.cycles);
}

TEST(Divided, StillAddsUp) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    Profile whole;
    whole.path.assign(5, {"r", 0});
    for (int layer = 0; layer < 4; ++layer) {
      LayerProfile of{"l", 0, {}};
      for (Part& part : whole.path) {
        const auto cycles = static_cast<std::int64_t>(random() % 50);
        of.path.push_back({part.name, cycles});
        of.cycles += cycles;
        part.amount += cycles;
      }
      whole.cycles += of.cycles;
      whole.layers.push_back(std::move(of));
    }
    whole.matrix = {{"active", whole.cycles + 9}, {"drain", -9}};  // fewer than before
    const std::int64_t count = 1 + static_cast<std::int64_t>(random() % 9);
    const Profile part = divided(whole, count);
    expect_adds_up(part);
    EXPECT_EQ(part.cycles, (whole.cycles + count / 2) / count);
  }
}

TEST(Divided, ByOneIsTheSame) {
  const Profile one = divided(sample(), 1);
  expect_adds_up(one);
  EXPECT_EQ(one.layers[0].path[0].amount, 50);
  EXPECT_EQ(one.matrix[1].amount, 60);
}

}  // namespace
}  // namespace systole::traces
