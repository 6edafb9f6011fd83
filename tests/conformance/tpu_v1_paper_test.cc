// What TPU v1's paper says about the machine, held against machine tpu_v1 as it runs: Jouppi et
// al., "In-Datacenter Performance Analysis of a Tensor Processing Unit", ISCA 2017. Each test names
// the section.
#include <gtest/gtest.h>

#include "base/diag.h"
#include "isa/machine.h"
#include "isa/precisions.h"
#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

using isa::Unit;

// Weight memory by its bandwidth alone, so that a tile's time is a closed form.
isa::Machine tpu_v1() {
  isa::Machine m = isa::load_machine("tpu_v1");
  m.dram_kind = isa::DramKind::kSimple;
  return m;
}

// A weight memory and a link that never keep anything waiting for long.
isa::Machine never_waiting() {
  isa::Machine m = tpu_v1();
  m.dram_bytes_per_second = 100'000'000'000'000;
  m.dram_latency = 1;
  return m;
}

constexpr std::int64_t kTile = 256 * 256;
constexpr std::int64_t kShift = 256;

TEST(TpuV1Paper, PeakIs92Tops) {  // Table 2, section 2: 65,536 multiply-adds at 700 MHz
  const isa::Machine m = tpu_v1();
  EXPECT_EQ(isa::tile_bytes(m), kTile);
  EXPECT_EQ(m.clock_hertz, 700'000'000);
  EXPECT_EQ(2.0 * m.peak_macs_per_second(), 91'750'400'000'000.0);  // printed as 92
}

TEST(TpuV1Paper, MemoriesAreAsLargeAsItSays) {  // section 2
  const isa::Machine m = tpu_v1();
  EXPECT_EQ(m.unified_buffer_bytes, 24 << 20);
  EXPECT_EQ(m.ub_rows(), 98'304);  // of 256 bytes, the width of the internal paths
  EXPECT_EQ(m.accumulators_rows, 4096);
  EXPECT_EQ(m.accumulators_rows * m.c() * 4, 4 << 20);
  EXPECT_EQ(m.weight_fifo_tiles, 4);
  EXPECT_EQ(m.dram_bytes, std::int64_t{8} << 30);
}

// Section 2: "takes a variable-sized B*256 input ... taking B pipelined cycles to complete".
TEST(TpuV1Paper, BRowsTakeBCycles) {
  for (const std::int64_t rows : {1, 8, 200, 256, 2048}) {
    SimBench bench(never_waiting());
    bench.add(read_weights());
    const int first = bench.add(matmul(rows, true));
    const int second = bench.add(matmul(rows, false));
    bench.run();
    EXPECT_EQ(bench.start(second), bench.start(first) + rows);
    EXPECT_EQ(bench.complete(second) - bench.start(second), (rows - 1) + 256 + 256);
  }
}

// Section 2: half speed when one operand is 16 bit.
TEST(TpuV1Paper, SixteenBitActivationsRunAtHalfSpeed) {
  SimBench bench(never_waiting());
  bench.add(read_weights());
  const int first = bench.add(matmul(64, true, isa::precision::kInt8x16));
  const int second = bench.add(matmul(64, false, isa::precision::kInt8x16));
  bench.run();
  EXPECT_EQ(bench.start(second), bench.start(first) + 2 * 64);
}

// Section 2: "it takes 256 cycles to shift a tile in"; the first one nothing can hide.
TEST(TpuV1Paper, ATileShiftsInWithin256Cycles) {
  SimBench bench(tpu_v1());
  const int tile = bench.add(read_weights());
  const int pass = bench.add(matmul(8, true));
  bench.run();
  const std::int64_t visible = 1;  // the planes see the tile a cycle after it is whole
  EXPECT_EQ(bench.start(pass), bench.complete(tile) + visible + kShift);
  EXPECT_EQ(bench.stalled(Stall::kWeightShift), kShift);
}

// Section 2: the matrix unit holds one tile more, "for double buffering (to hide the 256 cycles)".
TEST(TpuV1Paper, DoubleBufferingHidesTheShift) {
  SimBench bench(never_waiting());
  for (int i = 0; i < 4; ++i) bench.add(read_weights());
  const int first = bench.add(matmul(kShift, true));
  bench.add(matmul(kShift, true));
  bench.add(matmul(kShift, true));
  const int last = bench.add(matmul(kShift, true));
  bench.run();
  EXPECT_EQ(bench.start(last), bench.start(first) + 3 * kShift);
  EXPECT_EQ(bench.complete(last), bench.start(first) + 4 * kShift - 1 + 256 + 256);
}

// Section 2: the FIFO is four tiles deep; a fifth waits in the array's second plane.
TEST(TpuV1Paper, FiveTilesAreReadAheadAndNotSix) {
  const auto read_ahead = [](int tiles) {
    SimBench bench(never_waiting());
    for (int i = 0; i < tiles; ++i) bench.add(read_weights());
    bench.run();
  };
  EXPECT_NO_THROW(read_ahead(4 + 1));
  EXPECT_THROW(read_ahead(4 + 2), InputError);  // nothing ever frees a slot
}

// Section 2: "Read_Weights ... can complete after sending its address but before the weight is
// fetched": the next ones are sent while the first is still under way.
TEST(TpuV1Paper, WeightReadsAreDecoupled) {
  SimBench bench(tpu_v1());
  const int first = bench.add(read_weights());
  const int second = bench.add(read_weights());
  bench.run();
  EXPECT_LT(bench.start(second), bench.complete(first));
}

// Sections 2 and 4: 34 GB/s of weight memory make a fresh tile cost 1,344 cycles; the knee of the
// roofline is where a pass is as long (about 1,350 operations a byte), so longer passes hide it.
TEST(TpuV1Paper, FreshTilesCostTheirReadOrTheirRows) {
  const isa::Machine m = tpu_v1();
  constexpr std::int64_t kTiles = 41;
  const auto passes = [&](std::int64_t rows) {
    SimBench bench(m);
    int first = 0, last = 0;
    for (std::int64_t i = 0; i < kTiles; ++i) {
      bench.add(read_weights());
      last = bench.add(matmul(rows, true));
      if (i == 0) first = last;
    }
    bench.run();
    return bench.start(last) - bench.start(first);
  };
  const std::int64_t bytes = (kTiles - 1) * kTile;
  const double read = static_cast<double>(bytes) * 700e6 / 34'128e6;  // 1344.2 a tile
  const std::int64_t short_passes = passes(200);
  EXPECT_GE(static_cast<double>(short_passes) + 1.0, read);
  EXPECT_LE(static_cast<double>(short_passes) - 1.0, read);
  EXPECT_EQ(passes(1345), (kTiles - 1) * 1345);
  EXPECT_EQ(passes(2048), (kTiles - 1) * 2048);
}

// Section 2: the matrix unit "will stall if the input activations or weight data is not ready".
TEST(TpuV1Paper, TheMatrixUnitStallsForWeights) {
  SimBench bench(tpu_v1());
  bench.add(read_weights());
  const int tile = bench.add(read_weights());
  bench.add(matmul(8, true));
  bench.add(matmul(8, true));
  bench.run();
  // All the time until the second tile is whole, but for the first one's shift and rows.
  EXPECT_EQ(bench.stalled(Stall::kWeightStall) + bench.stalled(Stall::kSequencer),
            bench.complete(tile) + 1 - kShift - 8);
}

TEST(TpuV1Paper, TheMatrixUnitStallsForActivations) {
  SimBench bench(never_waiting());
  bench.add(read_weights());
  bench.add(matmul(8, true));
  const int input = bench.add(read_host(200, 256));
  bench.add_plain(sync(Unit::kMatrix, Unit::kDmaIn));
  const int pass = bench.add(matmul(200, false));
  bench.run();
  EXPECT_EQ(bench.start(pass), bench.complete(input) + 1);
  EXPECT_GT(bench.stalled(Stall::kInput), 0);
}

// Section 2: "a 'delay slot', where the matrix unit waits for an explicit synchronization before
// safely reading from the Unified Buffer" when a layer's activations feed the next.
TEST(TpuV1Paper, TheNextLayerWaitsForAnExplicitSynchronisation) {
  SimBench bench(never_waiting());
  bench.add(read_weights());
  bench.add(matmul(200, true));
  bench.add_plain(sync(Unit::kActivation, Unit::kMatrix));
  const int layer = bench.add(activate(200, 256, isa::type::kU8));
  bench.add_plain(sync(Unit::kMatrix, Unit::kActivation));
  const int next = bench.add(matmul(200, false));
  const Report& report = bench.run();
  EXPECT_EQ(bench.start(next), bench.complete(layer) + 1);
  EXPECT_EQ(report.total.raw_any.value, bench.stalled(Stall::kRaw));
  EXPECT_GT(bench.stalled(Stall::kRaw), 200);
}

}  // namespace
}  // namespace systole::sim
