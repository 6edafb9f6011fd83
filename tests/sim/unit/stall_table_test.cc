// Stall table: each class on purpose, to the exact cycle; trace slices; order of processes.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

using isa::Unit;

constexpr std::int64_t kR = 8, kC = 4;

// Sums slice lengths by track and class, and watches that no two of a track overlap.
class Recorder : public Probe {
 public:
  void slice(const Slice& s) override {
    const std::string track(s.track);
    EXPECT_GE(s.begin, end_[track]) << track;
    EXPECT_LT(s.begin, s.end) << track;
    end_[track] = s.end;
    lengths[track][std::string(s.cls)] += (s.end - s.begin).value;
  }
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    EXPECT_GE(at, last_[std::string(name)]);
    last_[std::string(name)] = at;
    levels[std::string(name)].push_back(value);
  }
  std::map<std::string, std::map<std::string, std::int64_t>> lengths;
  std::map<std::string, std::vector<std::int64_t>> levels;

 private:
  std::map<std::string, CyclePoint> end_, last_;
};

// A first pass, then `rows` of work on another unit, a sync on it, and a second pass.
struct Waiting {
  SimBench bench;
  int first = 0, work = 0, second = 0;
};
Waiting wait_for(const isa::Insn& work, Unit unit, std::int64_t why) {
  Waiting w;
  w.bench.add(read_weights());
  w.first = w.bench.add(matmul(2, true));
  w.work = w.bench.add(work);
  w.bench.add_plain(sync(Unit::kMatrix, unit, 0, why));
  w.second = w.bench.add(matmul(1, false));
  w.bench.run();
  return w;
}

// From the end of the first pass's rows to the work's completion, visible one cycle later.
std::int64_t gap(const Waiting& w) {
  return w.bench.complete(w.work) + 1 - (w.bench.start(w.first) + 2);
}

TEST(StallTable, RawAndWarWaitForTheActivationUnit) {
  const isa::Insn work = activate(40, 4, isa::type::kU8);
  const Waiting raw = wait_for(work, Unit::kActivation, isa::why::kRaw);
  EXPECT_EQ(raw.bench.stalled(Stall::kRaw), gap(raw));
  EXPECT_EQ(raw.bench.layer(raw.second).counters.raw_any, CycleCount(gap(raw)));
  const Waiting war = wait_for(work, Unit::kActivation, isa::why::kWar);
  EXPECT_EQ(war.bench.stalled(Stall::kWar), gap(war));
  EXPECT_EQ(war.bench.layer(war.second).counters.raw_any, CycleCount(0));
}

TEST(StallTable, InputAndOutputWaitForTheLink) {
  const Waiting in = wait_for(read_host(40, 4), Unit::kDmaIn, isa::why::kRaw);
  EXPECT_EQ(in.bench.stalled(Stall::kInput), gap(in));
  EXPECT_EQ(in.bench.layer(in.second).counters.input_any, CycleCount(gap(in)));
  const Waiting out = wait_for(write_host(40, 4), Unit::kDmaOut, isa::why::kWar);
  EXPECT_EQ(out.bench.stalled(Stall::kOutput), gap(out));
}

TEST(StallTable, WeightClassesWinWhileInputIsCountedAsWell) {
  isa::Machine m = bench_machine();
  m.dram_latency = 80;
  SimBench bench(m);
  const int load = bench.add(read_host(30, 4));
  const int tile = bench.add(read_weights());
  bench.add_plain(sync(Unit::kMatrix, Unit::kDmaIn));
  const int pass = bench.add(matmul(1, true));
  bench.run();
  const std::int64_t visible = 2 * 2 + 1 + 1 + 1;  // two instructions, a sync, a tag; dispatch
  const std::int64_t sync_visible = visible - 2;
  const std::int64_t whole = bench.complete(tile) + 1;
  EXPECT_LT(bench.complete(load) + 1, whole);
  EXPECT_EQ(bench.start(pass), whole + kR);
  EXPECT_EQ(bench.stalled(Stall::kSequencer), sync_visible);
  EXPECT_EQ(bench.stalled(Stall::kInput), visible - sync_visible);
  EXPECT_EQ(bench.stalled(Stall::kWeightStall), whole - visible);
  EXPECT_EQ(bench.stalled(Stall::kWeightShift), kR);
  EXPECT_EQ(bench.layer(pass).counters.input_any,
            CycleCount(bench.complete(load) + 1 - sync_visible));
}

TEST(StallTable, WaitingForThePlaneIsWeightShift) {
  SimBench bench;
  bench.add(read_weights());
  bench.add(read_weights());
  const int a = bench.add(matmul(1, true));
  const int b = bench.add(matmul(1, true));
  bench.run();
  EXPECT_EQ(bench.start(b) - bench.start(a), kR);
  EXPECT_EQ(bench.layer(b).counters.matrix[static_cast<std::size_t>(Stall::kWeightShift)],
            CycleCount(kR - 1));
}

TEST(StallTable, AnEmptyQueueIsTheSequencersAndTheEndIsDrain) {
  SimBench bench;
  bench.add(read_weights());
  const int a = bench.add(matmul(2, true));
  for (int i = 0; i < 60; ++i) bench.add_plain(isa::Nop{});
  const int b = bench.add(matmul(3, false));
  const Report& report = bench.run();
  EXPECT_EQ(bench.layer(b).counters.matrix[static_cast<std::size_t>(Stall::kSequencer)],
            CycleCount(bench.start(b) - (bench.start(a) + 2)));
  EXPECT_EQ(bench.stalled(Stall::kDrain), (3 - 1) + kR + kC - 3);
  EXPECT_EQ(report.total.cycles, CycleCount(bench.complete(b)));
}

// A program in which everything happens.
void fill(SimBench& bench) {
  bench.add(read_host(30, 8));
  for (int i = 0; i < 8; ++i) {
    bench.add(read_weights());
    bench.add_plain(sync(Unit::kMatrix, Unit::kDmaIn));
    bench.add(matmul(3 + 5 * (i % 3), true));
    bench.add_plain(sync(Unit::kActivation, Unit::kMatrix));
    bench.add(activate(5, 4, isa::type::kS32));
    bench.add_plain(sync(Unit::kDmaOut, Unit::kActivation, i % 2));
    bench.add(write_host(5, 16));
    bench.add_plain(sync(Unit::kMatrix, Unit::kActivation, 1, isa::why::kWar));
  }
}

TEST(Chip, SlicesAddUpToTheReport) {
  SimBench bench;
  fill(bench);
  Recorder recorder;
  const Report& report = bench.run(&recorder);
  for (const UnitReport& unit : report.units) {
    auto& lengths = recorder.lengths[unit.unit];
    CycleCount sum = unit.busy + unit.idle;
    EXPECT_EQ(lengths["busy"], unit.busy.value) << unit.unit;
    for (const auto& [name, length] : unit.waits) {
      EXPECT_EQ(lengths[name], length.value) << unit.unit << " " << name;
      sum += length;
    }
    EXPECT_EQ(sum, report.total.cycles) << unit.unit;
  }
  const auto& tiles = recorder.levels["weight_fifo.tiles"];
  ASSERT_EQ(tiles.size(), 2 * 8U);  // each tile comes and goes
  EXPECT_EQ(tiles.back(), 0);
  EXPECT_EQ(*std::max_element(tiles.begin(), tiles.end()), 2);
}

TEST(Chip, TheOrderOfProcessesChangesNothing) {
  SimBench plain;
  fill(plain);
  const Report& expected = plain.run();
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SimBench bench;
    fill(bench);
    const Report& report = bench.run(nullptr, seed);
    EXPECT_EQ(report.total.matrix, expected.total.matrix) << seed;
    for (std::size_t i = 0; i < expected.layers.size(); ++i) {
      EXPECT_EQ(report.layers[i].first, expected.layers[i].first) << seed;
      EXPECT_EQ(report.layers[i].last, expected.layers[i].last) << seed;
    }
    for (std::size_t i = 0; i < expected.units.size(); ++i) {
      EXPECT_EQ(report.units[i].waits, expected.units[i].waits) << seed;
    }
  }
}

}  // namespace
}  // namespace systole::sim
