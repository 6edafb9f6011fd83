// Load and store: exact cycles of a chunk, of several, and of requesters that meet at the memory.
#include <gtest/gtest.h>

#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

constexpr std::int64_t kLatency = 5;  // dram.latency of the bench

// 16 bytes of memory a cycle, 8-byte buffer rows.
isa::Machine memory_machine() {
  isa::Machine m = bench_machine();
  m.dram_holds = isa::MemoryHolds::kEverything;
  return m;
}

isa::Load load(std::int64_t rows, std::int64_t bytes, std::int64_t stride) {
  isa::Load i;
  i.rows = rows;
  i.bytes = bytes;
  i.stride = stride;
  return i;
}
isa::Store store(std::int64_t rows, std::int64_t bytes, std::int64_t stride) {
  isa::Store i;
  i.rows = rows;
  i.bytes = bytes;
  i.stride = stride;
  return i;
}

TEST(LoadUnit, WaitsForMemoryLatencyAndItsPort) {
  SimBench bench(memory_machine());
  const int a = bench.add(load(3, 8, 8));
  bench.run();
  const std::int64_t flows = 2, port = 1, rows = 3;  // 24 bytes at 16 a cycle
  EXPECT_EQ(bench.complete(a), bench.start(a) + flows + kLatency + port + rows);
  EXPECT_EQ(bench.unit("load").busy, CycleCount(flows));
  EXPECT_EQ(bench.layer(a).counters.memory_read, Bytes(24));
  EXPECT_EQ(bench.layer(a).counters.ub_written, Bytes(24));
}

TEST(StoreUnit, ReadsItsRowsThenWaitsForMemoryAndLatency) {
  SimBench bench(memory_machine());
  const int a = bench.add(store(3, 8, 8));
  bench.run();
  const std::int64_t flows = 2, port = 1, rows = 3;
  EXPECT_EQ(bench.complete(a), bench.start(a) + port + rows + flows + kLatency);
  EXPECT_EQ(bench.layer(a).counters.memory_written, Bytes(24));
  EXPECT_EQ(bench.layer(a).counters.ub_read, Bytes(24));
}

// Rows apart from each other are requests of their own: 3 of 8 bytes share 1.5 cycles as one of 24
// bytes does, since the channel keeps its fraction of a cycle.
TEST(LoadUnit, ReadsStridedRowsPieceByPiece) {
  SimBench bench(memory_machine());
  const int a = bench.add(load(3, 8, 20));
  bench.run();
  EXPECT_EQ(bench.complete(a), bench.start(a) + 2 + kLatency + 1 + 3);
}

// 40 rows are chunks of 32 and 8. The second asks a cycle after the first, flows right behind it
// and is written when the first has been.
TEST(LoadUnit, WritesChunksOneAfterTheOther) {
  SimBench bench(memory_machine());
  const int a = bench.add(load(40, 8, 8));
  bench.run();
  const std::int64_t first = 32 * 8 / 16;
  EXPECT_EQ(bench.complete(a), bench.start(a) + first + kLatency + 1 + 40);
}

// The memory takes a tile (2 cycles) and a load's 64 bytes (4 cycles) that ask in the same cycle
// one after the other, weights first.
TEST(Memory, TakesRequestersInTurn) {
  isa::Machine m = memory_machine();
  m.dram_bytes_per_second = 4'000'000'000;  // 4 bytes a cycle: a tile takes 8, the load 16
  SimBench bench(m);
  const int a = bench.add(load(8, 8, 8));
  const int b = bench.add(read_weights());
  const int c = bench.add(load(8, 8, 8));
  bench.run();
  const std::int64_t start = bench.start(a), of_load = 16, of_tile = 8;
  EXPECT_EQ(bench.complete(a), start + of_load + kLatency + 1 + 8);
  EXPECT_EQ(bench.complete(b), start + of_load + of_tile + kLatency);
  EXPECT_EQ(bench.complete(c), start + of_load + of_tile + of_load + kLatency + 1 + 8);
}

// Whether a requester is told at once, as it is alone, or later, its data flow in the same cycles.
TEST(Memory, IsNoSlowerForHavingMoreRequesters) {
  for (const isa::DramKind kind : {isa::DramKind::kSimple, isa::DramKind::kBanked}) {
    std::vector<std::int64_t> complete;
    for (const isa::Machine& base : {bench_machine(), memory_machine()}) {
      isa::Machine m = base;
      m.dram_kind = kind;
      SimBench bench(m);
      std::vector<int> reads;
      for (int i = 0; i < 5; ++i) {
        reads.push_back(bench.add(read_weights()));
        bench.add(sync(isa::Unit::kMatrix, isa::Unit::kWeights));
        bench.add(matmul(3, true));
      }
      bench.run();
      for (const int read : reads) complete.push_back(bench.complete(read));
    }
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(complete[i], complete[i + 5]) << "tile " << i;
  }
}

TEST(MatrixUnits, FetchThroughOneMemoryAndMultiplyBesideEachOther) {
  isa::Machine m = bench_machine();
  m.array_units = 2;
  m.dram_bytes_per_second = 4'000'000'000;  // a tile takes 8 cycles
  SimBench bench(m);
  isa::ReadWeights second = read_weights();
  second.instance = 1;
  isa::Matmul other = matmul(50, true);
  other.instance = 1;
  const int a = bench.add(read_weights());
  const int b = bench.add(second);
  const int c = bench.add(matmul(50, true));
  const int d = bench.add(other);
  const Report& report = bench.run();
  const std::int64_t tile = 8, whole = kLatency, visible = 1, shift = 8, fill = 8 + 4;
  EXPECT_EQ(bench.complete(a), bench.start(a) + tile + whole);
  EXPECT_EQ(bench.complete(b), bench.start(a) + 2 * tile + whole);
  EXPECT_EQ(bench.start(c), bench.complete(a) + visible + shift);
  EXPECT_EQ(bench.start(d), bench.complete(b) + visible + shift);
  EXPECT_EQ(bench.complete(d), bench.start(d) + 50 - 1 + fill);
  EXPECT_EQ(bench.unit("matrix").busy, CycleCount(50));
  EXPECT_EQ(bench.unit("matrix.1").busy, CycleCount(50));
  EXPECT_EQ(report.total.cycles.value, bench.complete(d));
}

}  // namespace
}  // namespace systole::sim
