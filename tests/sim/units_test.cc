// Units to the exact cycle: expected figures are sums of named parts (data sheets in sim/unit).
#include <gtest/gtest.h>

#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

using isa::Unit;

// The bench machine's figures.
constexpr std::int64_t kR = 8, kC = 4;
constexpr std::int64_t kDispatch = 1;   // from decode to the head of an empty queue
constexpr std::int64_t kVisible = 1;    // from completion to others
constexpr std::int64_t kTileBytes = 2;  // cycles of weight memory for a tile
constexpr std::int64_t kDramLatency = 5;
constexpr std::int64_t kLinkLatency = 10;
constexpr std::int64_t kDepth = 3;
// Instruction n is decoded in this cycle if nothing blocks: each has a tag before it.
constexpr std::int64_t decoded(int n) { return 2 * n + 1; }

TEST(Sequencer, DecodesOneInstructionEveryFewCycles) {
  isa::Machine m = bench_machine();
  m.sequencer_decode_cycles = 3;
  SimBench bench(m);
  const int a = bench.add(read_host(1, 4));
  const int b = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.start(a), 3 * decoded(0) + kDispatch);
  EXPECT_EQ(bench.start(b), 3 * decoded(1) + kDispatch);
}

TEST(Sequencer, StandsStillAtAFullQueue) {
  isa::Machine m = bench_machine();
  m.sequencer_queue = 1;
  SimBench bench(m);
  const int a = bench.add(read_host(10, 4));  // 10 cycles of the link
  const int b = bench.add(read_host(10, 4));
  const int c = bench.add(read_host(1, 4));
  const int d = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.start(a), decoded(0) + kDispatch);
  EXPECT_EQ(bench.start(b), bench.start(a) + 10);
  EXPECT_EQ(bench.start(c), bench.start(b) + 10);
  // c enters the queue one cycle after b left it; a tag, then d.
  EXPECT_EQ(bench.start(d), bench.start(b) + kVisible + 2 + kDispatch);
  EXPECT_EQ(bench.unit("sequencer").waits.at(0).first, "queue full");
}

TEST(Sequencer, RepeatDecodesEveryRepetition) {
  SimBench bench;
  bench.add_plain(isa::Repeat{5, 2});
  isa::StepBy step;
  step.host = 4;
  bench.add_plain(step);
  bench.add_plain(read_host(1, 4));
  const int after = bench.add(write_host(1, 4));
  const Report& report = bench.run();
  EXPECT_EQ(report.total.host_in, Bytes(5 * 4));
  EXPECT_EQ(report.total.instructions, 1 + 5 * 2 + 2 + 1);
  EXPECT_EQ(bench.start(after), 1 + 5 * 2 + decoded(0) + kDispatch);
}

TEST(Sequencer, InterruptWaitsForAllAndTakesOneCycle) {
  SimBench bench;
  const int a = bench.add(read_host(3, 4));
  bench.add_plain(isa::Interrupt{7});
  const int b = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.stages, std::vector<std::int64_t>{7});
  const std::int64_t interrupt = bench.complete(a) + kVisible;
  EXPECT_EQ(bench.start(b), interrupt + 1 + 1 + kDispatch);
}

TEST(Sequencer, ARunOfNothingTakesItsHalt) {
  SimBench bench;
  EXPECT_EQ(bench.run().total.cycles, CycleCount(1));
}

TEST(Dma, TransfersShareTheChannelAndOverlapTheirLatency) {
  SimBench bench;
  const int a = bench.add(read_host(5, 8));  // 40 bytes: 10 cycles
  const int b = bench.add(read_host(1, 6));  // 1.5 cycles
  const int c = bench.add(read_host(1, 6));
  bench.run();
  const std::int64_t begin = decoded(0) + kDispatch;
  EXPECT_EQ(bench.start(a), begin);
  EXPECT_EQ(bench.complete(a), begin + 10 + kLinkLatency);
  EXPECT_EQ(bench.start(b), begin + 10);
  EXPECT_EQ(bench.complete(b), begin + 10 + 2 + kLinkLatency);
  EXPECT_EQ(bench.start(c), begin + 10 + 1);  // within the cycle in which b's last byte leaves
  EXPECT_EQ(bench.complete(c), begin + 10 + 3 + kLinkLatency);
  EXPECT_EQ(bench.unit("dma_in").busy, CycleCount(10 + 3));
}

TEST(Dma, ParametersShareTheInwardDirection) {
  SimBench bench;
  const int a = bench.add(read_host(5, 8));
  const int b = bench.add(isa::ReadParams{0, 0, 2});  // 2 rows of C x 4 bytes: 8 cycles
  const int c = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.start(b), decoded(0) + kDispatch + 10);
  EXPECT_EQ(bench.complete(b), bench.start(b) + 2 * kC + kLinkLatency);
  EXPECT_EQ(bench.start(c), decoded(2) + kDispatch);
  EXPECT_LT(bench.complete(a), bench.complete(b));
}

TEST(Sync, PassesOneCycleAfterCompletionAndTheNextStartsAtOnce) {
  SimBench bench;
  const int a = bench.add(read_host(1, 4));
  bench.add_plain(sync(Unit::kDmaOut, Unit::kDmaIn));
  bench.add_plain(sync(Unit::kDmaOut, Unit::kDmaIn));
  const int b = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.start(b), bench.complete(a) + kVisible);
  EXPECT_EQ(bench.unit("dma_out").waits.at(0).first, "raw dma_in");
}

TEST(Sync, DistanceCountsDispatchesBeforeTheLatest) {
  SimBench bench;
  const int a = bench.add(read_host(1, 4));
  bench.add(read_host(100, 4));
  bench.add_plain(sync(Unit::kDmaOut, Unit::kDmaIn, 1));
  const int c = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.start(c), bench.complete(a) + kVisible);
}

TEST(Sync, AWaitThatNobodyEndsIsAnErrorNamingEachUnit) {
  SimBench bench;
  bench.add_plain(sync(Unit::kDmaOut, Unit::kDmaIn, -1));
  bench.add(write_host(1, 4));
  try {
    bench.run();
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("dma_out waits at instruction 1"), std::string::npos)
        << error.what();
  }
}

TEST(WeightFetch, TilesArriveInOrderAndAFullFifoStopsIt) {
  SimBench bench;
  const int a = bench.add(read_weights());
  const int b = bench.add(read_weights());
  const int c = bench.add(read_weights());
  const int d = bench.add(read_weights());
  const int pass = bench.add(matmul(1, true));
  bench.run();
  const std::int64_t begin = decoded(0) + kDispatch;
  EXPECT_EQ(bench.complete(a), begin + kTileBytes + kDramLatency);
  EXPECT_EQ(bench.start(b), decoded(1) + kDispatch);
  EXPECT_EQ(bench.complete(b), bench.complete(a) + kTileBytes);
  // Two slots: the third address waits for the end of the first tile's shift, the fourth for the
  // second's, which starts when the pass has taken the first tile.
  const std::int64_t shifted = bench.complete(a) + kVisible + kR;
  EXPECT_EQ(bench.start(c), shifted);
  EXPECT_EQ(bench.start(pass), shifted);
  EXPECT_EQ(bench.start(d), bench.start(pass) + kR);
  EXPECT_EQ(bench.unit("weights").waits.at(0).first, "fifo full");
}

TEST(WeightFetch, SlotsAreReservedWhenAddressesAreSent) {
  isa::Machine m = bench_machine();
  m.dram_latency = 100;
  SimBench bench(m);
  const int a = bench.add(read_weights());
  const int b = bench.add(read_weights());
  bench.run();
  EXPECT_EQ(bench.start(b), decoded(1) + kDispatch);  // long before the first tile is there
  EXPECT_EQ(bench.complete(b), bench.start(a) + 2 * kTileBytes + 100);
}

TEST(MatrixUnit, OnePass) {
  for (const std::int64_t rows : {1, 2, 7, 30}) {
    SimBench bench;
    const int tile = bench.add(read_weights());
    const int pass = bench.add(matmul(rows, true));
    const Report& report = bench.run();
    const std::int64_t s = bench.complete(tile) + kVisible + kR;
    EXPECT_EQ(bench.start(pass), s);
    EXPECT_EQ(bench.complete(pass), s + (rows - 1) + kR + kC);
    EXPECT_EQ(report.total.cycles, CycleCount(s + (rows - 1) + kR + kC));
    EXPECT_EQ(bench.stalled(Stall::kActive), rows);
    EXPECT_EQ(bench.stalled(Stall::kDrain), kR + kC - 1);
    EXPECT_EQ(bench.stalled(Stall::kWeightShift), kR);
    const std::int64_t visible = decoded(1) + kDispatch;
    EXPECT_EQ(bench.stalled(Stall::kSequencer), visible);
    EXPECT_EQ(bench.stalled(Stall::kWeightStall), bench.complete(tile) + kVisible - visible);
  }
}

TEST(MatrixUnit, PassesPipelineOnOneTile) {
  SimBench bench;
  bench.add(read_weights());
  const int a = bench.add(matmul(20, true));
  const int b = bench.add(matmul(3, false));
  const int wide = bench.add(matmul(5, false, isa::precision::kInt8x16));
  const int c = bench.add(matmul(1, false));
  bench.run();
  EXPECT_EQ(bench.start(b), bench.start(a) + 20);
  EXPECT_EQ(bench.start(wide), bench.start(b) + 3);
  EXPECT_EQ(bench.start(c), bench.start(wide) + 5 * 2);
  EXPECT_EQ(bench.complete(wide), bench.start(wide) + (5 * 2 - 1) + kR + kC);
  EXPECT_EQ(bench.stalled(Stall::kActive), 20 + 3 + 5 * 2 + 1);
}

// T4 over a grid: the steady distance between passes that each take a fresh tile.
struct Grid {
  std::int64_t r, c, rows;
};
class FreshTiles : public testing::TestWithParam<Grid> {};
INSTANTIATE_TEST_SUITE_P(Shapes, FreshTiles,
                         testing::Values(Grid{2, 2, 1}, Grid{4, 7, 3}, Grid{8, 4, 8},
                                         Grid{8, 4, 15}, Grid{8, 4, 16}, Grid{16, 3, 31},
                                         Grid{16, 16, 100}, Grid{5, 1, 4}));

struct Folds {
  std::int64_t period;       // between the last two starts
  std::int64_t first_shift;  // cycle in which the first shift starts
  std::int64_t last;         // cycle at whose start the last pass is complete
};
constexpr int kFolds = 6;

Folds run_folds(const Grid& grid, isa::WeightLoad load) {
  isa::Machine m = bench_machine();
  m.array_rows = grid.r;
  m.array_columns = grid.c;
  m.array_weight_load = load;
  m.weight_fifo_tiles = kFolds;
  m.dram_bytes_per_second = 1'000'000'000'000;  // memory is no limit
  SimBench bench(m);
  std::vector<int> tiles, passes;
  for (int i = 0; i < kFolds; ++i) tiles.push_back(bench.add(read_weights()));
  for (int i = 0; i < kFolds; ++i) passes.push_back(bench.add(matmul(grid.rows, true)));
  bench.run();
  // Neither dispatch nor memory is late once the first pass has started.
  return {bench.start(passes[kFolds - 1]) - bench.start(passes[kFolds - 2]),
          bench.complete(tiles[0]) + kVisible, bench.complete(passes[kFolds - 1])};
}

TEST_P(FreshTiles, ThroughCostsTheLongerOfRowsAndShift) {
  const Grid grid = GetParam();
  EXPECT_EQ(run_folds(grid, isa::WeightLoad::kThrough).period, std::max(grid.rows, grid.r));
}

TEST_P(FreshTiles, ChainCostsTheLongerOfRowsAndSwitchPlusShift) {
  const Grid grid = GetParam();
  EXPECT_EQ(run_folds(grid, isa::WeightLoad::kChain).period, std::max(grid.rows, 2 * grid.r - 1));
}

TEST_P(FreshTiles, SingleFollowsTheLawOfScaleSim) {
  const Grid grid = GetParam();
  const Folds folds = run_folds(grid, isa::WeightLoad::kSingle);
  const std::int64_t fold = 2 * grid.r + grid.c + grid.rows - 2;
  EXPECT_EQ(folds.period, fold);
  // Only where no pass was late in the queue does every fold count in full.
  if (decoded(2 * kFolds) < folds.first_shift + fold) {
    EXPECT_EQ(folds.last - folds.first_shift, kFolds * fold + 1);
  }
}

TEST(MatrixUnit, SingleShiftsAfterTheLastPassOfTheTile) {
  isa::Machine m = bench_machine();
  m.array_weight_load = isa::WeightLoad::kSingle;
  SimBench bench(m);
  bench.add(read_weights());
  bench.add(read_weights());
  bench.add(matmul(20, true));
  const int b = bench.add(matmul(6, false));
  const int c = bench.add(matmul(1, true));
  bench.run();
  EXPECT_EQ(bench.start(c), bench.start(b) + (6 - 1) + kR + kC - 1 + kR);
}

TEST(ActivationUnit, OneRowACycleAfterItsDepth) {
  SimBench bench;
  const int a = bench.add(activate(20, 4, isa::type::kU8));
  const int b = bench.add(activate(3, 4, isa::type::kS32));  // 16 bytes: 2 buffer rows a row
  const int c = bench.add(activate(1, 4, isa::type::kS16));
  bench.run();
  const std::int64_t begin = decoded(0) + kDispatch;
  EXPECT_EQ(bench.start(a), begin);
  EXPECT_EQ(bench.complete(a), begin + 20 + kDepth);
  EXPECT_EQ(bench.start(b), begin + 20);
  EXPECT_EQ(bench.complete(b), begin + 20 + 3 * 2 + kDepth);
  EXPECT_EQ(bench.start(c), begin + 20 + 3 * 2);
  EXPECT_EQ(bench.complete(c), begin + 20 + 3 * 2 + 1 + kDepth);
}

}  // namespace
}  // namespace systole::sim
