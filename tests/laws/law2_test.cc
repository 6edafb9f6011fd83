// Law 2: no cycle is lost or counted twice. Each unit's busy, wait and idle cycles are the run's;
// layers add up to the run; the trace's slices add up to the counters.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

CycleCount sum(const auto& counts) {
  return std::accumulate(counts.begin(), counts.end(), CycleCount(0));
}

CycleCount waits(const sim::UnitReport& unit) {
  CycleCount total;
  for (const auto& [name, cycles] : unit.waits) total += cycles;
  return total;
}

class Law2 : public testing::TestWithParam<std::tuple<sim::Engine, std::uint64_t>> {
 protected:
  Law2()
      : engine_(std::get<0>(GetParam())),
        seed_(std::get<1>(GetParam())),
        trace_(fmt::format("random_case seed {}, engine {}", seed_, engine_name(engine_))) {}
  void SetUp() override {
    SCOPED_TRACE(trace_);
    const RandomCase c = random_case(seed_);
    program_ = c.program;
    report_ = run(c, {.engine = engine_, .probe = &probe_}).report;
  }
  sim::Engine engine_;
  std::uint64_t seed_;
  std::string trace_;
  RecordingProbe probe_;
  isa::Program program_;
  sim::Report report_;
};

TEST_P(Law2, UnitsAccountForEveryCycle) {
  SCOPED_TRACE(trace_);
  EXPECT_FALSE(report_.units.empty());
  for (const sim::UnitReport& unit : report_.units) {
    EXPECT_EQ(unit.busy + waits(unit) + unit.idle, report_.total.cycles) << unit.unit;
    EXPECT_GE(unit.busy, CycleCount(0)) << unit.unit;
    EXPECT_GE(unit.idle, CycleCount(0)) << unit.unit;
  }
  EXPECT_EQ(sum(report_.total.matrix), report_.total.cycles);
  EXPECT_LE(report_.total.raw_any + report_.total.input_any, report_.total.cycles * 2);
}

TEST_P(Law2, LayersAddUpToTheRun) {
  SCOPED_TRACE(trace_);
  ASSERT_EQ(report_.layers.size(), program_.layers.size());
  sim::Counters total;
  for (const sim::LayerReport& layer : report_.layers) {
    const sim::Counters& c = layer.counters;
    EXPECT_EQ(sum(c.matrix), c.cycles) << layer.name;
    for (std::size_t s = 0; s < sim::kStallCount; ++s) total.matrix.at(s) += c.matrix.at(s);
    total.macs_useful += c.macs_useful;
    total.macs_padded += c.macs_padded;
    total.passes += c.passes;
    total.tiles += c.tiles;
    total.accumulator_wraps += c.accumulator_wraps;
    total.host_in += c.host_in;
    total.host_out += c.host_out;
    total.weights_read += c.weights_read;
  }
  EXPECT_EQ(total.matrix, report_.total.matrix);
  EXPECT_EQ(total.macs_useful, report_.total.macs_useful);
  EXPECT_EQ(total.macs_padded, report_.total.macs_padded);
  EXPECT_EQ(total.passes, report_.total.passes);
  EXPECT_EQ(total.tiles, report_.total.tiles);
  EXPECT_EQ(total.accumulator_wraps, report_.total.accumulator_wraps);
  EXPECT_EQ(total.host_in, report_.total.host_in);
  EXPECT_EQ(total.host_out, report_.total.host_out);
  EXPECT_EQ(total.weights_read, report_.total.weights_read);
}

TEST_P(Law2, SlicesAddUpToTheCounters) {
  SCOPED_TRACE(trace_);
  std::map<std::string, CycleCount> busy;
  std::map<std::string, CycleCount> matrix;
  for (const RecordedSlice& s : probe_.slices) {
    EXPECT_LT(s.begin, s.end) << s.track << " " << s.name;
    EXPECT_LE(s.end, CyclePoint(0) + report_.total.cycles) << s.track << " " << s.name;
    if (s.cls == "busy") busy[s.track] += s.end - s.begin;
    if (s.track == "matrix") matrix[s.cls] += s.end - s.begin;
  }
  for (const sim::UnitReport& unit : report_.units) {
    EXPECT_EQ(busy[unit.unit], unit.busy) << unit.unit;
  }
  for (std::size_t s = 0; s < sim::kStallCount; ++s) {
    const auto stall = static_cast<sim::Stall>(s);
    const std::string name = stall == sim::Stall::kActive ? "busy" : std::string(stall_name(stall));
    EXPECT_EQ(matrix[name], report_.total.matrix.at(s)) << name;
  }
}

TEST_P(Law2, SlicesOfOneUnitNeverOverlap) {
  SCOPED_TRACE(trace_);
  std::map<std::string, std::vector<RecordedSlice>> tracks;
  for (const RecordedSlice& s : probe_.slices) {
    if (s.track != "host") tracks[s.track].push_back(s);
  }
  for (auto& [track, slices] : tracks) {
    std::ranges::sort(slices, {}, &RecordedSlice::begin);
    for (std::size_t i = 1; i < slices.size(); ++i) {
      EXPECT_LE(slices[i - 1].end, slices[i].begin) << track << " slice " << i;
    }
  }
}

TEST_P(Law2, LevelsStayWithinTheMachine) {
  SCOPED_TRACE(trace_);
  for (const auto& [at, level] : probe_.levels["weight_fifo.tiles"]) {
    EXPECT_GE(level, 0);
    EXPECT_LE(level, program_.machine.weight_fifo_tiles);
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Law2,
                         testing::Combine(testing::Values(sim::Engine::kCycle,
                                                          sim::Engine::kRegister),
                                          testing::Range<std::uint64_t>(1'001, 1'101)));

}  // namespace
}  // namespace systole::laws
