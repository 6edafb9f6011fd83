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
constexpr std::int64_t kGrant = 1;  // from asking for a port to having it
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

// Instructions that come over the link, from a host with 4 bytes a cycle unless said otherwise.
isa::Machine delivered_machine() {
  isa::Machine m = bench_machine();
  m.sequencer_delivery = isa::Delivery::kLink;
  m.sequencer_buffer_bytes = 4 * isa::kPacketBytes;
  return m;
}
constexpr std::int64_t kPacket = isa::kPacketBytes;

TEST(InstructionBuffer, TheFirstInstructionWaitsForItsPacket) {
  SimBench bench(delivered_machine());
  const int a = bench.add(write_host(1, 4));
  bench.run();
  const std::int64_t bytes = isa::encoded_bytes(isa::Tag{}) + isa::encoded_bytes(isa::WriteHost{}) +
                             isa::encoded_bytes(isa::Halt{});
  const std::int64_t there = ceil_div(bytes, 4) + kLinkLatency;
  EXPECT_EQ(bench.start(a), there + decoded(0) + kDispatch);
  EXPECT_EQ(bench.unit("sequencer").waits.at(0),
            (std::pair<std::string, CycleCount>{"instructions", CycleCount(there)}));
}

TEST(InstructionBuffer, ASlowLinkSetsThePace) {
  isa::Machine m = delivered_machine();
  m.link_in_bytes_per_second = 500'000'000;  // a byte in two cycles
  SimBench bench(m);
  for (std::int64_t i = 0; i < 10 * kPacket - 1; ++i) bench.add_plain(isa::Nop{});
  const Report& report = bench.run();  // nops and the halt are a byte each: ten packets
  // The last packet is there, then its 256 instructions are decoded.
  EXPECT_EQ(report.total.cycles, CycleCount(10 * kPacket * 2 + kLinkLatency + kPacket));
}

TEST(InstructionBuffer, AFullBufferStopsTheHost) {
  isa::Machine m = delivered_machine();
  m.link_in_bytes_per_second = 256'000'000'000;  // a packet a cycle
  m.link_latency = 1'000;
  SimBench bench(m);
  for (std::int64_t i = 0; i < 5 * kPacket - 1; ++i) bench.add_plain(isa::Nop{});
  const Report& report = bench.run();
  // The fifth packet leaves when the first has been decoded, and arrives after the fourth has been.
  const std::int64_t first = 1 + m.link_latency;
  const std::int64_t fifth = first + kPacket + 1 + m.link_latency;
  EXPECT_EQ(report.total.cycles, CycleCount(fifth + kPacket));
  EXPECT_EQ(bench.unit("sequencer").waits.at(0).second,
            CycleCount(first + (fifth - (first + 4 * kPacket))));
}

TEST(InstructionBuffer, ARepeatCrossesTheLinkOnce) {
  SimBench bench(delivered_machine());
  bench.add_plain(isa::Repeat{1'000, 2});
  bench.add_plain(isa::Nop{});
  bench.add_plain(isa::Nop{});
  const Report& report = bench.run();
  const std::int64_t bytes = isa::encoded_bytes(isa::Repeat{}) + 2 + 1;
  EXPECT_EQ(report.total.cycles, CycleCount(ceil_div(bytes, 4) + kLinkLatency + 1 + 2'000 + 1));
}

// Of two repetitions of 1,276 nops each comes over the link: with repeat and halt ten packets.
TEST(InstructionBuffer, ABodyThatDoesNotFitIsSentAgain) {
  isa::Machine m = delivered_machine();
  m.link_in_bytes_per_second = 500'000'000;  // a byte in two cycles
  SimBench bench(m);
  const std::int64_t body = (10 * kPacket - 8) / 2;
  bench.add_plain(isa::Repeat{2, body});
  for (std::int64_t i = 0; i < body; ++i) bench.add_plain(isa::Nop{});
  const Report& report = bench.run();
  EXPECT_EQ(report.total.cycles, CycleCount(10 * kPacket * 2 + kLinkLatency + kPacket));
}

TEST(InstructionBuffer, DataAndInstructionsTakeTurnsOnTheLink) {
  SimBench bench(delivered_machine());
  const int a = bench.add(read_host(64, 8));  // two chunks of 64 cycles
  for (std::int64_t i = 0; i < 20 * kPacket; ++i) bench.add_plain(isa::Nop{});
  bench.run();
  // Packets flow back to back from cycle 0; each takes 64 cycles. a asks while the second flows.
  const std::int64_t asked = 64 + kLinkLatency + decoded(0) + kDispatch;
  ASSERT_EQ(bench.start(a), asked);
  // Then chunk, packet, chunk.
  EXPECT_EQ(bench.complete(a), 2 * 64 + 3 * 64 + kLinkLatency + kGrant + 32);
  EXPECT_EQ(bench.unit("dma_in").busy, CycleCount(2 * 64));
  EXPECT_EQ(bench.unit("dma_in").waits.at(0),
            (std::pair<std::string, CycleCount>{"link", CycleCount(2 * 64 - asked + 64)}));
}

TEST(Dma, TransfersShareTheChannelAndOverlapTheirLatency) {
  SimBench bench;
  const int a = bench.add(read_host(5, 8));  // 40 bytes: 10 cycles
  const int b = bench.add(read_host(1, 6));  // 1.5 cycles
  const int c = bench.add(read_host(1, 6));
  bench.run();
  const std::int64_t begin = decoded(0) + kDispatch;
  EXPECT_EQ(bench.start(a), begin);
  const std::int64_t whole = begin + 10 + kLinkLatency;
  EXPECT_EQ(bench.complete(a), whole + kGrant + 5);
  EXPECT_EQ(bench.start(b), begin + 10);
  // b is whole while a is being written: it asks in a's last cycle.
  EXPECT_EQ(bench.complete(b), bench.complete(a) + 1);
  EXPECT_EQ(bench.start(c), begin + 10 + 1);  // within the cycle in which b's last byte leaves
  EXPECT_EQ(bench.complete(c), bench.complete(b) + 1);
  EXPECT_EQ(bench.unit("dma_in").busy, CycleCount(10 + 3));
}

TEST(Dma, AChunkIsWrittenWhenItIsWhole) {
  SimBench bench;
  const int a = bench.add(read_host(40, 20));  // 3 buffer rows a row: 120 = 3 * 32 + 24
  bench.run();
  // The last chunk's 24 buffer rows hold 8 rows of 20 bytes; 4 bytes a cycle.
  const std::int64_t whole = decoded(0) + kDispatch + 40 * 20 / 4 + kLinkLatency;
  EXPECT_EQ(bench.complete(a), whole + kGrant + 24);
  EXPECT_EQ(bench.unit("dma_in").busy, CycleCount(40 * 20 / 4));
}

TEST(Dma, ALinkFasterThanThePortWaitsForPlaces) {
  isa::Machine m = bench_machine();
  m.link_in_bytes_per_second = 64'000'000'000;  // 64 bytes: 64 rows a cycle
  m.link_buffer_chunks = 2;
  SimBench bench(m);
  const int a = bench.add(read_host(4 * 32, 1));
  bench.run();
  const std::int64_t begin = decoded(0) + kDispatch;
  const std::int64_t first = begin + 1 + kLinkLatency + kGrant;  // the first chunk's grant
  // The third chunk is sent when the first has been written, and arrives while the second is
  // written; so does the fourth.
  EXPECT_EQ(bench.complete(a), first + 4 * 32);
  const auto& waits = bench.unit("dma_in").waits;
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_EQ(waits[0].first, "port");
  // All the time until the second place is free, but for a cycle in which each of the first three
  // chunks asks for the link.
  EXPECT_EQ(waits[0].second, CycleCount(first + 2 * 32 - begin - 3));
}

TEST(Dma, OutwardsAChunkIsReadWhileTheOneBeforeIsSent) {
  SimBench bench;
  const int a = bench.add(write_host(80, 8));  // 2 cycles of the link a row
  const int b = bench.add(write_host(1, 8));
  bench.run();
  const std::int64_t begin = decoded(0) + kDispatch;
  EXPECT_EQ(bench.start(a), begin);
  const std::int64_t sent = begin + kGrant + 32 + 80 * 2;
  EXPECT_EQ(bench.complete(a), sent + kLinkLatency);
  // b's place is the second chunk's, free when that has been sent.
  EXPECT_EQ(bench.start(b), sent - 16 * 2);
  EXPECT_EQ(bench.complete(b), sent + 2 + kLinkLatency);
  EXPECT_EQ(bench.unit("dma_out").busy, CycleCount(32 + 81 * 2));
}

TEST(Dma, ParametersShareTheInwardDirection) {
  SimBench bench;
  const int a = bench.add(read_host(5, 8));
  const int b = bench.add(isa::ReadParams{0, 0, 2});  // 2 rows of C x 4 bytes: 8 cycles
  const int c = bench.add(write_host(1, 4));
  bench.run();
  EXPECT_EQ(bench.start(b), decoded(0) + kDispatch + 10);
  EXPECT_EQ(bench.complete(b), bench.start(b) + 2 * kC + kLinkLatency);  // no port
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
    const std::string text = error.what();
    for (const char* part :
         {"dma_out waits at instruction 1", "matrix has an empty queue",
          "weight FIFO: 0 tiles have arrived", "all instructions are in their buffer",
          "unified buffer ports are free from cycle 0 (read) 0 (write)"}) {
      EXPECT_NE(text.find(part), std::string::npos) << part << " is not in: " << text;
    }
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
  const std::int64_t first = begin + kGrant;
  EXPECT_EQ(bench.complete(a), first + 20 + kDepth);
  EXPECT_EQ(bench.start(b), first + 20 - kGrant);
  EXPECT_EQ(bench.complete(b), first + 20 + 3 * 2 + kDepth);
  EXPECT_EQ(bench.start(c), first + 20 + 3 * 2 - kGrant);
  EXPECT_EQ(bench.complete(c), first + 20 + 3 * 2 + 1 + kDepth);
  EXPECT_EQ(bench.unit("activation").busy, CycleCount(20 + 3 * 2 + 1));
}

TEST(ActivationUnit, SharesTheWritePortWithTheLink) {
  isa::Machine m = bench_machine();
  m.link_latency = 1;
  m.link_in_bytes_per_second = 1'000'000'000'000;
  SimBench bench(m);
  const int in = bench.add(read_host(32, 8));
  const int a = bench.add(activate(40, 4, isa::type::kU8));
  bench.run();
  const std::int64_t whole = decoded(0) + kDispatch + 1 + m.link_latency;
  ASSERT_EQ(bench.start(a), whole);  // both ask in one cycle; dma_in comes first
  EXPECT_EQ(bench.complete(in), whole + kGrant + 32);
  EXPECT_EQ(bench.complete(a), bench.complete(in) + 40 + kDepth);
  EXPECT_EQ(bench.unit("activation").waits.at(0).first, "port");
}

}  // namespace
}  // namespace systole::sim
