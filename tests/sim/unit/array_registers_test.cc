// The register file of the array, clocked by hand: where each value is in each cycle.
#include "sim/unit/array_registers.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "base/diag.h"
#include "sim/unit/array_sweep.h"
#include "sim/unit/delay_line.h"

namespace systole::sim {
namespace {

using isa::WeightLoad;
using Lanes = std::vector<std::int16_t>;
using TopEdge = ArrayRegisters::TopEdge;

constexpr std::int64_t kR = 3, kC = 2;

isa::Machine small(WeightLoad load) {
  isa::Machine m;
  m.array_rows = kR;
  m.array_columns = kC;
  m.array_weight_load = load;
  return m;
}

// What the edges offer in one cycle.
struct Edge {
  SubRowTag tag;
  Lanes lanes;
  TopEdge top = TopEdge::kNone;
  Lanes weights;
};
void clock(ArrayRegisters& registers, const Edge& edge) {
  registers.take_row(edge.tag, edge.lanes);
  registers.switch_weights();
  registers.multiply();
  registers.take_weights(edge.top, edge.weights);
}
SubRowTag row_tag(bool switches) {
  SubRowTag tag;
  tag.valid = true;
  tag.switches = switches;
  return tag;
}

// A plane, row by row.
Lanes plane(const ArrayRegisters& registers, Plane which) {
  Lanes all;
  for (std::int64_t r = 0; r < registers.rows(); ++r) {
    for (std::int64_t c = 0; c < registers.columns(); ++c) {
      all.push_back(static_cast<std::int16_t>(registers.value(which, r, c)));
    }
  }
  return all;
}

// The tile of all tests: 11 12 / 21 22 / 31 32.
Lanes weights_of_row(std::int64_t r) {
  const auto tens = static_cast<std::int16_t>(10 * (r + 1));
  return {static_cast<std::int16_t>(tens + 1), static_cast<std::int16_t>(tens + 2)};
}
const Lanes kTile{11, 12, 21, 22, 31, 32};

TEST(ArrayRegisters, ThroughCapturesAfterAsManyHopsAsRowsAndColumnsLater) {
  ArrayRegisters registers(small(WeightLoad::kThrough), true);
  std::vector<Lanes> full;
  for (std::int64_t t = 0; t < 6; ++t) {
    Edge edge;
    if (t < kR) {
      edge.top = t == 0 ? TopEdge::kFirstRow : TopEdge::kRow;
      edge.weights = weights_of_row(t);
    }
    clock(registers, edge);
    full.push_back(plane(registers, Plane::kShadowFull));
    if (t == 1) {
      EXPECT_EQ(plane(registers, Plane::kTravelling), (Lanes{21, 12, 11, 0, 0, 0}));
    }
  }
  // Row r enters column c in r + c and is there r hops later: 2r + c.
  EXPECT_EQ(full[0], (Lanes{1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(full[1], (Lanes{1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(full[2], (Lanes{1, 1, 1, 0, 0, 0}));
  EXPECT_EQ(full[3], (Lanes{1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(full[4], (Lanes{1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(full[5], (Lanes{1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(plane(registers, Plane::kShadow), kTile);
  EXPECT_EQ(plane(registers, Plane::kActive), Lanes(6));
  EXPECT_FALSE(registers.room_for_tile());
}

TEST(ArrayRegisters, ChainAndSingleHandWeightsDownColumnAfterColumn) {
  for (const WeightLoad load : {WeightLoad::kChain, WeightLoad::kSingle}) {
    const Plane chain = load == WeightLoad::kChain ? Plane::kShadow : Plane::kActive;
    ArrayRegisters registers(small(load), true);
    std::vector<Lanes> seen;
    for (std::int64_t t = 0; t < 4; ++t) {
      Edge edge;
      if (t < kR) {
        edge.top = t == 0 ? TopEdge::kFirstRow : TopEdge::kRow;
        edge.weights = weights_of_row(kR - 1 - t);
      }
      clock(registers, edge);
      seen.push_back(plane(registers, chain));
    }
    EXPECT_EQ(seen[0], (Lanes{31, 0, 0, 0, 0, 0}));
    EXPECT_EQ(seen[1], (Lanes{21, 32, 31, 0, 0, 0}));
    EXPECT_EQ(seen[2], (Lanes{11, 22, 21, 32, 31, 0}));
    EXPECT_EQ(seen[3], kTile);
  }
}

// Shifts the tile in from cycle 0 (through) and lets rows 1 2 3 and 4 5 6 follow in 3 and 4.
class OnePass : public testing::Test {
 protected:
  // Cycles 0 to t, both included.
  void run_to(std::int64_t last) {
    for (; cycle_ <= last; ++cycle_) {
      Edge edge;
      if (cycle_ < kR) {
        edge.top = cycle_ == 0 ? TopEdge::kFirstRow : TopEdge::kRow;
        edge.weights = weights_of_row(cycle_);
      }
      if (cycle_ == kStart) edge = {row_tag(true), {1, 2, 3}, edge.top, edge.weights};
      if (cycle_ == kStart + 1) edge = {row_tag(false), {4, 5, 6}, edge.top, edge.weights};
      clock(registers_, edge);
    }
  }
  static constexpr std::int64_t kStart = kR;  // R cycles after the shift's start
  ArrayRegisters registers_{small(WeightLoad::kThrough), true};
  std::int64_t cycle_ = 0;
};

TEST_F(OnePass, ActivationsMoveRightSkewed) {
  run_to(kStart);
  EXPECT_EQ(plane(registers_, Plane::kActivation), (Lanes{1, 0, 0, 0, 0, 0}));
  run_to(kStart + 1);
  EXPECT_EQ(plane(registers_, Plane::kActivation), (Lanes{4, 1, 2, 0, 0, 0}));
  EXPECT_EQ(plane(registers_, Plane::kSwitch), (Lanes{0, 1, 1, 0, 0, 0}));
  EXPECT_EQ(plane(registers_, Plane::kValid), (Lanes{1, 1, 1, 0, 0, 0}));
  run_to(kStart + 2);
  EXPECT_EQ(plane(registers_, Plane::kActivation), (Lanes{0, 4, 5, 2, 3, 0}));
}

TEST_F(OnePass, TheSwitchTravelsWithTheFirstRow) {
  run_to(kStart);
  EXPECT_EQ(plane(registers_, Plane::kActive), (Lanes{11, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(registers_.room_for_tile());
  run_to(kStart + 1);
  EXPECT_EQ(plane(registers_, Plane::kActive), (Lanes{11, 12, 21, 0, 0, 0}));
  EXPECT_EQ(plane(registers_, Plane::kShadowFull), (Lanes{0, 0, 0, 1, 1, 0}));
  run_to(kStart + 3);
  EXPECT_EQ(plane(registers_, Plane::kActive), kTile);
  EXPECT_EQ(plane(registers_, Plane::kShadowFull), Lanes(6));
}

TEST_F(OnePass, SumsFallAndLeaveZeros) {
  run_to(kStart + 2);
  EXPECT_EQ(plane(registers_, Plane::kPsum),
            (Lanes{0, 4 * 12, 4 * 11 + 5 * 21, 1 * 12 + 2 * 22, 1 * 11 + 2 * 21 + 3 * 31, 0}));
  run_to(kStart + 3);
  EXPECT_EQ(plane(registers_, Plane::kPsum),
            (Lanes{0, 0, 0, 4 * 12 + 5 * 22, 4 * 11 + 5 * 21 + 6 * 31, 1 * 12 + 2 * 22 + 3 * 32}));
  EXPECT_FALSE(registers_.empty());
  // The last row's last PE is (2, 1), in start + 1 + 2 + 1.
  run_to(kStart + 4);
  EXPECT_EQ(registers_.arriving()[1], 4 * 12 + 5 * 22 + 6 * 32);
  EXPECT_FALSE(registers_.empty());
  run_to(kStart + 5);
  EXPECT_EQ(plane(registers_, Plane::kPsum), Lanes(6));
  EXPECT_TRUE(registers_.empty());
}

TEST_F(OnePass, TagsComeOutBelowTheColumns) {
  run_to(kStart + kR - 1);
  registers_.take_row({}, {});  // cycle start + R: row 0 arrives in column 0
  EXPECT_TRUE(registers_.arriving_tags()[0].switches);
  EXPECT_EQ(registers_.arriving()[0], 1 * 11 + 2 * 21 + 3 * 31);
  EXPECT_FALSE(registers_.arriving_tags()[1].valid);
}

TEST(ArrayRegisters, AWeightThatIsNotThereOrNotTakenIsOurBug) {
  ArrayRegisters nothing(small(WeightLoad::kThrough), true);
  EXPECT_THROW(clock(nothing, {row_tag(true), {1, 1, 1}, TopEdge::kNone, {}}), InternalError);
  ArrayRegisters twice(small(WeightLoad::kThrough), true);
  clock(twice, {{}, {}, TopEdge::kFirstRow, {1, 1}});
  EXPECT_THROW(clock(twice, {{}, {}, TopEdge::kFirstRow, {2, 2}}), InternalError);
  ArrayRegisters chain(small(WeightLoad::kChain), true);
  for (std::int64_t r = 0; r < kR; ++r) clock(chain, {{}, {}, TopEdge::kRow, {1, 1}});
  EXPECT_THROW(clock(chain, {{}, {}, TopEdge::kFirstRow, {2, 2}}), InternalError);
}

TEST(DelayLines, StagesHoldWhatWasPushedSoManyPushesAgo) {
  constexpr std::int64_t kLines = 3, kStages = 5;
  DelayLines<std::int16_t> lines(kLines, kStages, -1);
  std::deque<Lanes> naive(kStages, Lanes(kLines, -1));
  for (std::int16_t push = 0; push < 1000; ++push) {
    Lanes values(static_cast<std::size_t>(push % 4), push);
    lines.push(values);
    values.resize(kLines);
    naive.push_front(values);
    naive.pop_back();
    for (std::int64_t line = 0; line < kLines; ++line) {
      for (std::int64_t stage = 0; stage < kStages; ++stage) {
        ASSERT_EQ(lines.line(line)[stage],
                  naive[static_cast<std::size_t>(stage)][static_cast<std::size_t>(line)])
            << "push " << push << ", line " << line << ", stage " << stage;
      }
    }
  }
}

// One PE at a time, from registers as they were.
void sweep_by_definition(const SweepJob& job) {
  const std::vector<std::int32_t> before(job.psums, job.psums + (job.rows + 1) * job.columns);
  for (std::int64_t r = 0; r < job.rows; ++r) {
    for (std::int64_t c = 0; c < job.columns; ++c) {
      if (r + c < job.first || r + c > job.last) continue;
      const auto above = static_cast<std::size_t>(r * job.columns + c);
      job.psums[(r + 1) * job.columns + c] =
          before[above] +
          job.activations[r * job.activation_stride + r + c] * job.weights[r * job.columns + c];
    }
  }
}

TEST(ArraySweep, AllInstructionSetsGiveTheDefinition) {
  std::mt19937 random(5);
  const auto pick = [&](int lo, int hi) {
    return lo + static_cast<int>(random() % static_cast<unsigned>(hi - lo + 1));
  };
  for (int round = 0; round < 300; ++round) {
    const int rows = pick(1, 40), columns = pick(1, 90), stride = rows + columns + pick(0, 9);
    std::vector<std::int32_t> psums(static_cast<std::size_t>((rows + 1) * columns));
    Lanes activations(static_cast<std::size_t>(rows * stride)), weights(psums.size());
    for (auto& p : psums) p = pick(-1'000'000, 1'000'000);
    for (auto& a : activations) a = static_cast<std::int16_t>(pick(-256, 255));
    for (auto& w : weights) w = static_cast<std::int16_t>(pick(-256, 255));
    const int first = pick(-1, rows + columns - 2), last = pick(first, rows + columns - 1);
    auto expected = psums;
    SweepJob job{
        expected.data(), activations.data(), stride, weights.data(), rows, columns, first, last};
    sweep_by_definition(job);
    for (const Simd simd : {Simd::kPortable, Simd::kAvx2, Simd::kAvx512, Simd::kVnni}) {
      if (simd > processor_simd()) continue;
      auto actual = psums;
      job.psums = actual.data();
      sweep(job, simd);
      ASSERT_EQ(actual, expected) << rows << " x " << columns << ", " << first << " to " << last;
    }
  }
}

}  // namespace
}  // namespace systole::sim
