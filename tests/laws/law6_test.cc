// Law 6, first part: the causes that a run records are all there are, and its critical path has
// every cycle once. (What relieving a resource gains is in gains_test.cc.)
#include <gtest/gtest.h>

#include <numeric>

#include "sim/retime.h"
#include "tests/laws/law_support.h"
#include "traces/explain/critical_path.h"

namespace systole::laws {
namespace {

// Seeds of one matrix unit, and of several with a memory that is loaded and stored.
constexpr std::uint64_t kNarrow = 61'001, kWide = 62'001, kCases = 200;

// Where a banked memory has several requesters their pieces interleave, which a run timed again
// keeps only request by request (sim/retime.h): wide machines have a simple one.
RandomCase case_of(std::uint64_t seed) {
  if (seed < kWide) return random_case(seed);
  RandomCase wide = random_case(seed, 60, Width::kMany);
  wide.machine.dram_kind = isa::DramKind::kSimple;
  return wide;
}

class Law6 : public testing::TestWithParam<std::uint64_t> {
 protected:
  Law6() : trace_(fmt::format("random_case seed {}", GetParam())), case_(case_of(GetParam())) {
    report_ = run(case_, {.timing_only = true, .causes = &causes_}).report;
  }
  std::string trace_;
  RandomCase case_;
  sim::Causes causes_;
  sim::Report report_;
};

TEST_P(Law6, RecordingChangesNothing) {
  SCOPED_TRACE(trace_);
  expect_same_times(run(case_, {.timing_only = true}).report, report_);
  sim::Causes with_values;
  run(case_, {.causes = &with_values});
  EXPECT_EQ(with_values.nodes().size(), causes_.nodes().size());
}

TEST_P(Law6, EveryMomentFollowsFromItsCauses) {
  SCOPED_TRACE(trace_);
  const auto again = sim::retime(causes_, case_.machine, case_.machine);
  ASSERT_EQ(again.size(), causes_.nodes().size());
  int wrong = 0;
  for (std::size_t i = 0; i < again.size() && wrong < 5; ++i) {
    const sim::Causes::Node& node = causes_.nodes()[i];
    if (again[i] == node.at) continue;
    ADD_FAILURE() << "moment " << i << ", rule " << static_cast<int>(node.rule) << ": "
                  << node.at.value << ", timed again " << again[i].value;
    ++wrong;
  }
  EXPECT_EQ(sim::retimed_cycles(causes_, again), report_.total.cycles);
}

TEST_P(Law6, ThePathHasEveryCycleOnce) {
  SCOPED_TRACE(trace_);
  const traces::CriticalPath path = traces::critical_path(causes_, case_.program.layers.size());
  EXPECT_TRUE(path.whole);
  EXPECT_EQ(path.cycles, report_.total.cycles);
  CyclePoint at;
  for (const traces::PathPiece& piece : path.pieces) {
    EXPECT_EQ(piece.begin.value, at.value);
    EXPECT_LT(piece.begin.value, piece.end.value);
    at = piece.end;
  }
  EXPECT_EQ(at - CyclePoint(0), report_.total.cycles);
  const auto sum = [](const auto& counts) {
    return std::accumulate(counts.begin(), counts.end(), CycleCount(0));
  };
  EXPECT_EQ(sum(path.by_resource), report_.total.cycles);
  EXPECT_EQ(sum(path.by_layer), report_.total.cycles);
  EXPECT_EQ(path.by_layer.size(), case_.program.layers.size());
  // What has no layer goes to one that has, if any has.
  const CycleCount none = path.by_layer.front();
  EXPECT_TRUE(none == CycleCount(0) || none == report_.total.cycles) << none.value;
}

// Where time is short the first part is recorded, and its path ends where it ends.
TEST_P(Law6, APartIsAPrefix) {
  SCOPED_TRACE(trace_);
  sim::Causes part(causes_.nodes().size() / 2 + 1);
  run(case_, {.timing_only = true, .causes = &part});
  EXPECT_TRUE(part.full());
  for (std::size_t i = 0; i + 1 < part.nodes().size(); ++i) {
    ASSERT_EQ(part.nodes()[i].at.value, causes_.nodes()[i].at.value) << i;
  }
  const traces::CriticalPath path = traces::critical_path(part, case_.program.layers.size());
  EXPECT_FALSE(path.whole);
  EXPECT_LE(path.cycles, report_.total.cycles);
}

INSTANTIATE_TEST_SUITE_P(RandomNarrow, Law6, testing::Range(kNarrow, kNarrow + kCases));
INSTANTIATE_TEST_SUITE_P(RandomWide, Law6, testing::Range(kWide, kWide + kCases));

}  // namespace
}  // namespace systole::laws
