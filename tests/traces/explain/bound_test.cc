// Verdicts of a simulator that answers by a formula.
#include "traces/explain/bound.h"

#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <cmath>

namespace systole::traces {
namespace {

using sim::Resource;
using testing::ElementsAre;
using testing::IsEmpty;

// A run of 1,000 cycles, of which each resource has so many on its path.
CriticalPath path_of(const std::vector<std::pair<Resource, std::int64_t>>& parts) {
  CriticalPath path;
  path.cycles = CycleCount(1000);
  for (const auto& [resource, cycles] : parts) {
    path.by_resource[index(resource)] = CycleCount(cycles);
  }
  return path;
}

bool is_relieved(const isa::Machine& machine, Resource resource) {
  const auto parameter = sim::info(resource).parameter;
  return machine.*parameter != isa::Machine().*parameter;
}

Simulator answering(const std::function<std::int64_t(const isa::Machine&)>& cycles) {
  Simulator simulator;
  simulator.retime = [cycles](const isa::Machine& m) { return CycleCount(cycles(m)); };
  simulator.rerun = simulator.retime;
  return simulator;
}

Explanation asked(const CriticalPath& path, const Simulator& simulator) {
  return explain(path, isa::Machine(), simulator);
}

TEST(Bound, IsWhatGainsMost) {
  const auto why = asked(path_of({{Resource::kLinkOut, 800}, {Resource::kArray, 200}}),
                         answering([](const isa::Machine& m) {
                           return 1000 - (is_relieved(m, Resource::kLinkOut) ? 400 : 0) -
                                  (is_relieved(m, Resource::kArray) ? 100 : 0);
                         }));
  EXPECT_EQ(why.bound.verdict, Verdict::kOne);
  EXPECT_EQ(bound_text(why.bound), "link out: 80.0 % of the time; 2x link out: -40.0 %");
  EXPECT_THAT(bound_names(why.bound), ElementsAre("link out"));
  EXPECT_THAT(bound_parameters(why.bound), ElementsAre("link.out_bytes_per_second"));
  ASSERT_EQ(why.changes.size(), 2U);
  EXPECT_EQ(change_text(why.changes[1]), "2x array");
}

TEST(Bound, AreTwoThatGainAlike) {
  const auto why = asked(path_of({{Resource::kLinkIn, 450}, {Resource::kQueue, 0}}),
                         answering([](const isa::Machine& m) {
                           return 1000 - (is_relieved(m, Resource::kLinkIn) ? 220 : 0) -
                                  (is_relieved(m, Resource::kQueue) ? 210 : 0);
                         }));
  EXPECT_EQ(why.bound.verdict, Verdict::kAlike);
  EXPECT_EQ(bound_text(why.bound),
            "link in (45.0 % of the time) and instruction queue; 2x link in: -22.0 %, 2x "
            "instruction queue: -21.0 %");
}

TEST(Bound, IsAPairOfWhichEachHidesTheOther) {
  const auto why = asked(path_of({{Resource::kMemory, 900}, {Resource::kFill, 60}}),
                         answering([](const isa::Machine& m) {
                           const bool both = is_relieved(m, Resource::kLinkIn) &&
                                             is_relieved(m, Resource::kMemory);
                           return both ? 560 : is_relieved(m, Resource::kFill) ? 970 : 1000;
                         }));
  EXPECT_EQ(why.bound.verdict, Verdict::kPair);
  EXPECT_EQ(bound_text(why.bound),
            "link in and memory, each hides the other; 2x link in and memory: -44.0 %");
  EXPECT_THAT(bound_parameters(why.bound),
              ElementsAre("link.in_bytes_per_second", "dram.bytes_per_second"));
}

// The best single change gains 10 %, but the run's time is elsewhere, where two hide each other.
TEST(Bound, IsAPairWhereTheBestSingleChangeIsOfAMinorResource) {
  const CriticalPath path =
      path_of({{Resource::kShift, 700}, {Resource::kLinkIn, 220}, {Resource::kArray, 80}});
  const auto run = [](std::int64_t saved) {
    return answering([saved](const isa::Machine& m) {
      const bool array = is_relieved(m, Resource::kArray), shift = is_relieved(m, Resource::kShift);
      return 1000 - (is_relieved(m, Resource::kLinkIn) ? 104 : 0) -
             (array && shift   ? saved
              : array || shift ? 60
                               : 0);
    });
  };
  EXPECT_EQ(bound_names(asked(path, run(372)).bound).size(), 2U);
  EXPECT_EQ(asked(path, run(372)).bound.verdict, Verdict::kPair);
  // Together no more than one by one: neither hides the other.
  EXPECT_EQ(asked(path, run(120)).bound.verdict, Verdict::kOne);
}

TEST(Bound, IsBalancedWhereNothingGains) {
  const auto why = asked(path_of({{Resource::kMemory, 600}, {Resource::kArray, 400}}),
                         answering([](const isa::Machine&) { return 1000; }));
  EXPECT_EQ(why.bound.verdict, Verdict::kBalanced);
  EXPECT_THAT(bound_names(why.bound), IsEmpty());
  EXPECT_THAT(bound_parameters(why.bound), IsEmpty());
  EXPECT_THAT(why.changes, IsEmpty());
  EXPECT_EQ(bound_text(why.bound),
            "balanced: no change gains 2 %; the most has memory (60.0 % of the time), then array "
            "(40.0 % of the time)");
}

// A prediction that a new run does not bear out is none.
TEST(Bound, BelievesTheNewRun) {
  Simulator simulator = answering([](const isa::Machine& m) {
    return is_relieved(m, Resource::kMemory) ? 500 : is_relieved(m, Resource::kLinkIn) ? 700 : 1000;
  });
  simulator.rerun = [](const isa::Machine& m) {
    return CycleCount(is_relieved(m, Resource::kLinkIn) ? 700 : 1000);
  };
  const CriticalPath path = path_of({{Resource::kMemory, 1000}});
  EXPECT_THAT(bound_names(asked(path, simulator).bound), ElementsAre("link in"));
  simulator.rerun = nullptr;
  const auto predicted = asked(path, simulator);
  EXPECT_EQ(bound_text(predicted.bound),
            "memory: 100.0 % of the time; 2x memory: -50.0 % (predicted)");
}

// What is at the end of its range cannot be relieved.
TEST(Bound, AsksNothingOfAParameterAtItsEnd) {
  isa::Machine machine;
  machine.link_latency = 1;
  const Simulator simulator = answering([](const isa::Machine&) { return 1000; });
  const auto why = explain(path_of({{Resource::kLinkLatency, 1000}}), machine, simulator);
  EXPECT_EQ(why.bound.verdict, Verdict::kBalanced);
}

}  // namespace
}  // namespace systole::traces
