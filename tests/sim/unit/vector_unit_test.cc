// Vector and activation units to the exact cycle: expected figures are sums of named parts (data
// sheets in sim/unit/vector_unit.h and activation_unit.h).
#include <gtest/gtest.h>

#include "sim/unit/even_share.h"
#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

namespace op = isa::vector_op;
namespace type = isa::type;
using isa::Unit;

constexpr std::int64_t kBegin = 1 + 1;  // the first instruction's decode, dispatch
constexpr std::int64_t kGrant = 1;      // from asking for a port to having it
constexpr std::int64_t kVisible = 1;    // from completion to others
constexpr std::int64_t kVectorDepth = 5;
constexpr std::int64_t kDepth = 3;  // of the activation unit
constexpr std::int64_t kChunk = 32;

isa::Machine vector_machine(std::int64_t read_ports = 1, std::int64_t write_ports = 1) {
  isa::Machine m = bench_machine();
  m.vector_depth = kVectorDepth;
  m.unified_buffer_read_ports = read_ports;
  m.unified_buffer_write_ports = write_ports;
  return m;
}

isa::Vector vector(std::int64_t operation, std::int64_t rows, std::int64_t n) {
  isa::Vector i;
  i.op = operation;
  i.rows = rows;
  i.n = n;
  i.b = 100;
  i.to = 200;
  return i;
}

// Runs one instruction alone; the cycles from its first chunk's grant to its last chunk's end.
std::int64_t moving(const isa::Insn& insn, const isa::Machine& machine) {
  SimBench bench(machine);
  const int i = bench.add(insn);
  bench.run();
  EXPECT_EQ(bench.start(i), kBegin);
  const std::int64_t cycles = bench.complete(i) - (kBegin + kGrant) - kVectorDepth;
  EXPECT_EQ(bench.unit("vector").busy, CycleCount(cycles));
  return cycles;
}

TEST(VectorUnit, TwoReadsAndAWriteARow) {
  const isa::Vector add = vector(op::kAdd, 48, 8);
  EXPECT_EQ(moving(add, vector_machine(1, 1)), 48 * 2);
  EXPECT_EQ(moving(add, vector_machine(2, 1)), 48 * 1);
  EXPECT_EQ(moving(add, vector_machine(1, 2)), 48 * 2);
  EXPECT_EQ(moving(add, vector_machine(4, 2)), 48 * 2 / 4);
}

// 0 ports: nobody is asked, and a row takes a cycle.
TEST(VectorUnit, WithoutALimitItMovesARowACycleEachWay) {
  SimBench bench(vector_machine(0, 0));
  const int a = bench.add(vector(op::kAdd, 48, 8));
  const int b = bench.add(vector(op::kFill, 10, 8));
  bench.run();
  EXPECT_EQ(bench.complete(a), kBegin + 48 * 2 + kVectorDepth);
  EXPECT_EQ(bench.complete(b), kBegin + 48 * 2 + 10 + kVectorDepth);
  EXPECT_TRUE(bench.unit("vector").waits.empty());
  EXPECT_EQ(moving(vector(op::kAdd, 48, 8), vector_machine(1, 0)), 48 * 2);
  EXPECT_EQ(moving(vector(op::kFill, 48, 8), vector_machine(0, 2)), 48 / 2);
}

TEST(VectorUnit, OperandsCountTheRowsTheyTouch) {
  const isa::Machine m = vector_machine();
  EXPECT_EQ(moving(vector(op::kConvert, 10, 8), m), 10);
  EXPECT_EQ(moving(vector(op::kLookup, 10, 8), m), 10);
  EXPECT_EQ(moving(vector(op::kFill, 10, 8), m), 10);
  isa::Vector broadcast = vector(op::kAdd, 10, 8);
  broadcast.broadcast = 1;
  EXPECT_EQ(moving(broadcast, m), 10 + 1);
  isa::Vector wide = vector(op::kConvert, 10, 8);
  wide.to_type = type::kS32;  // 32 bytes: 4 buffer rows a row
  EXPECT_EQ(moving(wide, m), 10 * 4);
  wide.to_lane = 1;
  EXPECT_EQ(moving(wide, m), 10 * 5);
  isa::Vector narrow = vector(op::kConvert, 10, 8);
  narrow.a_type = type::kS16;
  EXPECT_EQ(moving(narrow, m), 10 * 2);
}

TEST(VectorUnit, CopiesCostTheRowsOfTheDearerSide) {
  const isa::Machine m = vector_machine();
  EXPECT_EQ(moving(isa::Copy{0, 0, 3, 100, 0, 1, 40, 8}, m), 40);
  EXPECT_EQ(moving(isa::Copy{0, 0, 3, 100, 4, 2, 40, 8}, m), 40 * 2);
  EXPECT_EQ(moving(isa::Copy{0, 4, 3, 100, 0, 1, 40, 8}, m), 40 * 2);
}

isa::Pool pool(std::int64_t map, std::int64_t kernel, std::int64_t stride, std::int64_t pad,
               std::int64_t out) {
  isa::Pool i;
  i.n = 8;
  i.to = 200;
  i.in_height = i.in_width = map;
  i.out_height = i.out_width = out;
  i.kernel_y = i.kernel_x = kernel;
  i.stride_y = i.stride_x = stride;
  i.pad_top = i.pad_left = pad;
  return i;
}

TEST(VectorUnit, PoolingCostsTheValidRowsOfItsWindows) {
  const isa::Machine m = vector_machine();
  EXPECT_EQ(moving(pool(8, 2, 2, 0, 4), m), 4 * 4 * 4);
  // 3 x 3 with padding over 4 x 4: windows of 2, 3, 3, 2 rows and columns.
  EXPECT_EQ(moving(pool(4, 3, 1, 1, 4), m), (2 + 3 + 3 + 2) * (2 + 3 + 3 + 2));
  EXPECT_EQ(moving(pool(4, 1, 4, 0, 1), m), 1);
}

TEST(VectorUnit, InstructionsFollowEachOtherWithoutAGap) {
  SimBench bench(vector_machine());
  const int a = bench.add(vector(op::kConvert, 40, 8));
  const int b = bench.add(vector(op::kAdd, 3, 8));
  bench.run();
  const std::int64_t first = kBegin + kGrant;
  EXPECT_EQ(bench.complete(a), first + 40 + kVectorDepth);
  EXPECT_EQ(bench.start(b), first + 40 - kGrant);
  EXPECT_EQ(bench.complete(b), first + 40 + 3 * 2 + kVectorDepth);
  EXPECT_EQ(bench.unit("vector").waits.at(0),
            (std::pair<std::string, CycleCount>{"port", CycleCount(kGrant)}));
}

TEST(VectorUnit, SetsCostNothingAndCountNowhere) {
  SimBench bench(vector_machine());
  const int a = bench.add(vector(op::kConvert, 40, 8));
  const isa::Set zero{static_cast<std::int64_t>(Unit::kVector), isa::configuration::kToZero, 3};
  bench.add_plain(zero);
  bench.add_plain(zero);
  const int b = bench.add(vector(op::kConvert, 10, 8));
  bench.add_plain(sync(Unit::kMatrix, Unit::kVector, 1));  // waits for the first of two, not four
  bench.add(read_weights());
  const int pass = bench.add(matmul(1, true));
  const Report& report = bench.run();
  EXPECT_EQ(bench.start(b), kBegin + kGrant + 40 - kGrant);
  EXPECT_EQ(report.total.instructions, 2 + 2 + 2 + 1 + 2 + 2 + 1);
  EXPECT_EQ(bench.start(pass), bench.complete(a) + kVisible);
}

// The write port goes back and forth in chunks; vector comes after activation in units.def.
TEST(VectorUnit, SharesThePortsInChunks) {
  SimBench bench(vector_machine());
  isa::Activate act = activate(64, 4, type::kU8);
  bench.add_plain(act);
  bench.add_plain(vector(op::kFill, 64, 8));
  bench.run();
  // activation has rows [0, 32) first; one cycle later fill asks and waits for the chunk's end.
  EXPECT_EQ(bench.unit("activation").waits.at(0).second, CycleCount(kGrant + kChunk));
  EXPECT_EQ(bench.unit("vector").waits.at(0).second, CycleCount(kChunk - 1 + kGrant + kChunk));
}

TEST(StallTable, RawAndWarWaitForTheVectorUnit) {
  for (const std::int64_t why : {isa::why::kRaw, isa::why::kWar}) {
    SimBench bench(vector_machine());
    bench.add(read_weights());
    const int first = bench.add(matmul(2, true));
    const int work = bench.add(vector(op::kFill, 60, 8));
    bench.add_plain(sync(Unit::kMatrix, Unit::kVector, 0, why));
    bench.add(matmul(1, false));
    bench.run();
    const std::int64_t gap = bench.complete(work) + kVisible - (bench.start(first) + 2);
    EXPECT_EQ(bench.stalled(why == isa::why::kRaw ? Stall::kRaw : Stall::kWar), gap);
  }
}

isa::ActivatePool fused(const isa::Pool& p) {
  isa::ActivatePool i;
  i.n = 4;
  i.in_height = p.in_height;
  i.in_width = p.in_width;
  i.out_height = p.out_height;
  i.out_width = p.out_width;
  i.kernel_y = p.kernel_y;
  i.kernel_x = p.kernel_x;
  i.stride_y = p.stride_y;
  i.stride_x = p.stride_x;
  i.pad_top = p.pad_top;
  i.pad_left = p.pad_left;
  return i;
}

TEST(ActivationUnit, FusedPoolingCostsTheRowsItReads) {
  SimBench bench;
  const int a = bench.add(fused(pool(8, 2, 2, 0, 4)));  // reads 64, writes 16
  const int b = bench.add(fused(pool(4, 3, 1, 1, 4)));  // reads 100, writes 16
  const int c = bench.add(activate(5, 4, type::kU8));
  bench.run();
  // a's reads begin at once; its last 16 coincide with the rows it writes.
  const std::int64_t end_a = kBegin + 64;
  EXPECT_EQ(bench.complete(a), end_a + kDepth);
  EXPECT_EQ(bench.start(b), end_a - 1);
  EXPECT_EQ(bench.complete(b), end_a + 100 + kDepth);
  EXPECT_EQ(bench.complete(c), end_a + 100 + 5 + kDepth);
  EXPECT_EQ(bench.unit("activation").busy, CycleCount(64 + 100 + 5));
  EXPECT_TRUE(bench.unit("activation").waits.empty());
}

TEST(ActivationUnit, FusedPoolingCostsAtLeastTheRowsItWrites) {
  SimBench bench;
  isa::ActivatePool i = fused(pool(4, 1, 1, 0, 4));  // reads 16
  i.type = type::kS32;                               // 16 bytes: 2 buffer rows a row
  const int a = bench.add(i);
  bench.run();
  EXPECT_EQ(bench.complete(a), kBegin + kGrant + 2 * 16 + kDepth);
}

TEST(EvenShare, HandsOutTheFloorOfEachProportion) {
  for (const std::int64_t part : {0, 1, 7, 31, 100, 1000}) {
    EvenShare share(part, 37);
    std::int64_t handed = 0, done = 0;
    for (const std::int64_t steps : {1, 5, 32 - 6, 5}) {
      handed += share.take(steps);
      done += steps;
      EXPECT_EQ(handed, part * done / 37);
    }
    EXPECT_EQ(handed, part);
  }
}

}  // namespace
}  // namespace systole::sim
