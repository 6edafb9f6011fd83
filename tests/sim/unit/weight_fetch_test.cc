// Tiles from the unified buffer and the laws of time that a machine may have beside the plain ones:
// exact cycles.
#include <gtest/gtest.h>

#include "tests/support/sim_bench.h"

namespace systole::sim {
namespace {

// R = 8, C = 4, 16-byte buffer rows: a row of a bf16 tile is one of them.
isa::Machine float_machine() {
  isa::Machine m = bench_machine();
  m.array_operands = isa::Operands::kBf16;
  m.dram_holds = isa::MemoryHolds::kEverything;
  m.unified_buffer_row_bytes = 16;
  return m;
}

isa::ReadTile read_tile(std::int64_t k) { return {.ub = 0, .lane = 0, .k = k, .n = 4}; }
isa::Matmul pass(std::int64_t rows, std::int64_t k, bool switch_tile) {
  isa::Matmul i = matmul(rows, switch_tile, isa::precision::kBf16);
  i.k = k;
  return i;
}

TEST(ReadTile, TakesACycleARowAndNoLatency) {
  SimBench bench(float_machine());
  const int a = bench.add(read_tile(8));
  const int b = bench.add(read_tile(3));
  bench.add(pass(1, 8, true));
  bench.add(pass(1, 3, true));
  bench.run();
  EXPECT_EQ(bench.complete(a), bench.start(a) + 8);
  EXPECT_EQ(bench.start(b), bench.start(a) + 8);
  EXPECT_EQ(bench.complete(b), bench.start(b) + 3);
  EXPECT_EQ(bench.layer(a).counters.ub_read, Bytes(8 * 8));
  EXPECT_EQ(bench.layer(a).counters.weights_read, Bytes(0));
}

TEST(ReadTile, SeveralRowsACycle) {
  isa::Machine machine = float_machine();
  machine.array_shift_rows = 3;
  SimBench bench(machine);
  const int a = bench.add(read_tile(8));
  const int p = bench.add(pass(1, 8, true));
  bench.run();
  EXPECT_EQ(bench.complete(a), bench.start(a) + 3);
  // Seen a cycle after it is whole; its shift takes ceil(8 / 3).
  EXPECT_EQ(bench.start(p), bench.complete(a) + 1 + 3);
}

// Tiles come into use in the order of their reads, wherever they come from.
TEST(ReadTile, ComesAfterTheTileAheadOfIt) {
  SimBench bench(float_machine());
  isa::ReadWeights slow = read_weights();
  slow.weights = isa::weight_type::kBf16;
  const int a = bench.add(slow);
  const int b = bench.add(read_tile(1));
  bench.add(pass(1, 8, true));
  bench.add(pass(1, 1, true));
  bench.run();
  EXPECT_GE(bench.complete(b), bench.complete(a));
}

// From one pass's start to the next's, of 6 rows.
std::int64_t held(const isa::Machine& machine, std::int64_t k) {
  SimBench bench(machine);
  bench.add(read_tile(8));
  const int a = bench.add(pass(6, k, true));
  const int b = bench.add(pass(6, k, false));
  bench.run();
  return bench.start(b) - bench.start(a);
}

TEST(Pass, HoldsTheLeftEdgeAsTheMachineSays) {
  isa::Machine machine = float_machine();
  EXPECT_EQ(held(machine, 8), 6);
  machine.array_efficiency = 700;
  EXPECT_EQ(held(machine, 8), 9);  // ceil(6000 / 700)
  machine.array_split = 2;
  EXPECT_EQ(held(machine, 8), 9);
  EXPECT_EQ(held(machine, 4), 5);  // ceil(3000 / 700)
}

TEST(Pass, RegistersKeepOnlyThePlainLaws) {
  isa::Machine machine = float_machine();
  machine.array_split = 2;
  RunOptions options;
  options.engine = Engine::kRegister;
  isa::Program program;
  program.machine = machine;
  program.layers.push_back({"(none)", "none", 0, 0});
  program.code.emplace_back(isa::Halt{});
  EXPECT_THROW(Chip(program, machine, options, {}, {}), InputError);
}

TEST(Sequencer, BeginsWhenTheMachineSays) {
  isa::Machine machine = float_machine();
  const auto start = [](const isa::Machine& m) {
    SimBench bench(m);
    const int a = bench.add(read_tile(8));
    bench.add(pass(1, 8, true));
    bench.run();
    return bench.start(a);
  };
  const std::int64_t plain = start(machine);
  machine.sequencer_start_cycles = 100;
  EXPECT_EQ(start(machine), plain + 100);
}

// Lanes of 32 bits: two of bf16 share one; the widest of operand and result counts.
TEST(Vector, TakesTheCyclesOfItsLanes) {
  isa::Machine machine = float_machine();
  const auto busy = [&](std::int64_t from, std::int64_t to) {
    SimBench bench(machine);
    bench.add(isa::Vector{.op = isa::vector_op::kConvert,
                          .a = 0,
                          .a_type = from,
                          .b_type = from,
                          .to = 32,
                          .to_type = to,
                          .rows = 6,
                          .n = 4});
    bench.run();
    return bench.unit("vector").busy;
  };
  EXPECT_EQ(busy(isa::type::kBf16, isa::type::kBf16), CycleCount(6));
  machine.vector_lanes = 1;
  EXPECT_EQ(busy(isa::type::kBf16, isa::type::kBf16), CycleCount(12));
  EXPECT_EQ(busy(isa::type::kF32, isa::type::kBf16), CycleCount(24));
  EXPECT_EQ(busy(isa::type::kBf16, isa::type::kF32), CycleCount(24));
}

TEST(Memory, DeliversAShareOfItsPeak) {
  isa::Machine machine = float_machine();
  machine.dram_efficiency = 500;  // 8 bytes a cycle
  SimBench bench(machine);
  isa::Load load;
  load.rows = 4;
  load.bytes = load.stride = 16;
  bench.add(load);
  bench.run();
  EXPECT_EQ(bench.unit("load").busy, CycleCount(8));
}

}  // namespace
}  // namespace systole::sim
