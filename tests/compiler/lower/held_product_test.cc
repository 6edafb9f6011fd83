// Held products and blocks: valid programs for any shape, each operand read from memory as often as
// the rule says, and times within their bounds.
#include "compiler/lower/held_product.h"

#include <gtest/gtest.h>

#include "base/diag.h"
#include "compiler/lower/memory_block.h"
#include "compiler/lower/memory_product.h"
#include "isa/verify.h"
#include "sim/run.h"
#include "tests/support/random_choice.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kSide = 8;

isa::Machine small_machine(std::int64_t units, std::int64_t operand_bytes) {
  isa::Machine m;
  m.array_rows = m.array_columns = kSide;
  m.array_units = units;
  m.array_operands = isa::Operands::kBf16;
  m.accumulators_rows = 32;
  m.unified_buffer_row_bytes = 16;
  m.unified_buffer_bytes = 16 * 2048;
  m.unified_buffer_read_ports = m.unified_buffer_write_ports = 8;
  m.unified_buffer_operand_bytes = operand_bytes;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.dram_holds = isa::MemoryHolds::kEverything;
  m.dram_bytes = 1 << 20;
  m.dram_bytes_per_second = 100'000'000'000;
  return m;
}

// Of a run, timing only; the register engine agrees.
sim::Report report_of(const isa::Program& program, const isa::Machine& machine) {
  for (const isa::Finding& f : isa::verify(program, machine)) ADD_FAILURE() << f.text;
  sim::RunOptions options;
  options.timing_only = true;
  sim::Report report = sim::run(program, machine, {}, options).report;
  options.engine = sim::Engine::kRegister;
  EXPECT_EQ(sim::run(program, machine, {}, options).report.total.cycles, report.total.cycles);
  return report;
}

TEST(HeldProduct, IsValidForAnyShape) {
  RandomChoice random(7);
  for (int i = 0; i < 16; ++i) {
    const isa::Machine machine = small_machine(random.pick(1, 3), random.pick(1, 12) * 1'024);
    const MemoryProduct shape{random.pick(1, 90), random.pick(1, 40), random.pick(1, 50)};
    SCOPED_TRACE(fmt::format("{} units, {} held, {} x {} x {}", machine.array_units,
                             machine.unified_buffer_operand_bytes, shape.m, shape.k, shape.n));
    const sim::Report report = report_of(memory_product(machine, shape), machine);
    EXPECT_EQ(report.total.macs_useful, shape.m * shape.k * shape.n);
    EXPECT_EQ(report.total.memory_written, Bytes(2 * shape.m * shape.n));
  }
}

// Bytes that a product of 32 x 16 x 32 reads: A has 1,024 and B as many.
std::int64_t read_by(std::int64_t m, std::int64_t operand_bytes) {
  const isa::Machine machine = small_machine(2, operand_bytes);
  return report_of(memory_product(machine, {m, 16, 32}), machine).total.memory_read.value;
}

TEST(HeldProduct, ReadsWhatItHoldsOnce) {
  EXPECT_EQ(read_by(32, 2'048), 2'048);  // both
  EXPECT_EQ(read_by(32, 1'024), 2'048);  // A; B streams past all of it
  // Neither: a panel has a row of the array for each row of each unit, 16 rows, so B comes twice.
  EXPECT_EQ(read_by(32, 512), 1'024 + 2 * 1'024);
  EXPECT_EQ(read_by(64, 512), 2'048 + 4 * 1'024);
}

// Operands that are held are multiplied when all of them are there; those that stream, before.
TEST(HeldProduct, WaitsForWhatItHolds) {
  isa::Machine held = small_machine(1, 8'192), streams = small_machine(1, 600);
  held.dram_bytes_per_second = streams.dram_bytes_per_second = 4'000'000'000;
  const MemoryProduct shape{16, 16, 64};
  const auto both = report_of(memory_product(held, shape), held).total.cycles;
  const auto one = report_of(memory_product(streams, shape), streams).total.cycles;
  EXPECT_GT(both, one);
}

TEST(FeedForward, IsValidAndKeepsWhatLiesBetween) {
  RandomChoice random(9);
  for (int i = 0; i < 12; ++i) {
    const isa::Machine machine = small_machine(random.pick(1, 2), random.pick(1, 12) * 1'024);
    const FeedForward shape{random.pick(1, 60), random.pick(1, 30), random.pick(1, 40),
                            random.chance(50)};
    SCOPED_TRACE(fmt::format("{} units, {} held, {} x {} x {}", machine.array_units,
                             machine.unified_buffer_operand_bytes, shape.m, shape.k, shape.hidden));
    const sim::Report report = report_of(memory_feed_forward(machine, shape), machine);
    const std::int64_t products = shape.gated ? 3 : 2;
    EXPECT_EQ(report.total.macs_useful, products * shape.m * shape.k * shape.hidden);
    EXPECT_EQ(report.total.memory_written, Bytes(2 * shape.m * shape.k));
  }
}

TEST(HeldProduct, SaysThatTheBufferIsTooSmall) {
  isa::Machine small = small_machine(1, 1'024);
  small.unified_buffer_bytes = 16 * 16;
  EXPECT_THROW(static_cast<void>(memory_feed_forward(small, {4, 64, 64, false})), InputError);
}

}  // namespace
}  // namespace systole::compiler
