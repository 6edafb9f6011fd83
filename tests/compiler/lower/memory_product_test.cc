// Products from memory: valid programs for any shape and machine, and times within their bounds.
#include "compiler/lower/memory_product.h"

#include <gtest/gtest.h>

#include "base/diag.h"
#include "isa/verify.h"
#include "sim/run.h"
#include "tests/support/random_choice.h"

namespace systole::compiler {
namespace {

isa::Machine small_machine(std::int64_t units) {
  isa::Machine m;
  m.array_rows = m.array_columns = 8;
  m.array_units = units;
  m.array_operands = isa::Operands::kBf16;
  m.accumulators_rows = 32;
  m.unified_buffer_row_bytes = 16;
  m.unified_buffer_bytes = 16 * 1024;
  m.unified_buffer_read_ports = m.unified_buffer_write_ports = 8;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.dram_holds = isa::MemoryHolds::kEverything;
  m.dram_bytes = 1 << 20;
  m.dram_bytes_per_second = 100'000'000'000;
  return m;
}

std::int64_t cycles_of(const isa::Machine& machine, const MemoryProduct& shape) {
  const isa::Program program = memory_product(machine, shape);
  for (const isa::Finding& f : isa::verify(program, machine)) ADD_FAILURE() << f.text;
  sim::RunOptions options;
  options.timing_only = true;
  const sim::Report report = sim::run(program, machine, {}, options).report;
  EXPECT_EQ(report.total.macs_useful, shape.m * shape.k * shape.n);
  EXPECT_EQ(report.total.memory_written, Bytes(2 * shape.m * shape.n));
  options.engine = sim::Engine::kRegister;
  EXPECT_EQ(sim::run(program, machine, {}, options).report.total.cycles, report.total.cycles);
  return report.total.cycles.value;
}

TEST(MemoryProduct, IsValidForAnyShape) {
  RandomChoice random(5);
  for (int i = 0; i < 12; ++i) {
    const isa::Machine machine = small_machine(random.pick(1, 3));
    const MemoryProduct shape{random.pick(1, 70), random.pick(1, 40), random.pick(1, 50)};
    SCOPED_TRACE(
        fmt::format("{} units, {} x {} x {}", machine.array_units, shape.m, shape.k, shape.n));
    const double bytes = 2.0 * static_cast<double>(shape.m * (shape.k + shape.n));
    const double cycles = static_cast<double>(cycles_of(machine, shape));
    EXPECT_GE(cycles, bytes / 100e9 * 700e6);
    EXPECT_GE(cycles * static_cast<double>(machine.array_units * machine.pe_count()),
              static_cast<double>(shape.m * shape.k * shape.n));
  }
}

// Where the array is what takes time, two units take half of it.
TEST(MemoryProduct, SeveralUnitsShareTheColumns) {
  isa::Machine one = small_machine(1), two = small_machine(2);
  one.dram_bytes_per_second = two.dram_bytes_per_second = 10'000'000'000'000;
  const MemoryProduct shape{256, 64, 128};
  const double single = static_cast<double>(cycles_of(one, shape));
  const double both = static_cast<double>(cycles_of(two, shape));
  EXPECT_GE(single, 256.0 * 8 * 16);
  EXPECT_LT(single, 1.15 * 256 * 8 * 16);
  EXPECT_LT(both, 0.58 * single);
}

TEST(MemoryProduct, SaysWhatTheMachineLacks) {
  const auto refusal = [](const isa::Machine& machine, const MemoryProduct& shape) -> std::string {
    try {
      static_cast<void>(memory_product(machine, shape));
      return "";
    } catch (const InputError& error) {
      return error.what();
    }
  };
  isa::Machine integers = small_machine(1), weights = small_machine(1), small = small_machine(1);
  integers.array_operands = isa::Operands::kIntegers;
  weights.dram_holds = isa::MemoryHolds::kWeights;
  small.unified_buffer_bytes = 16 * 8;
  EXPECT_NE(refusal(integers, {1, 1, 1}).find("array.operands"), std::string::npos);
  EXPECT_NE(refusal(weights, {1, 1, 1}).find("dram.holds"), std::string::npos);
  EXPECT_NE(refusal(small, {1, 64, 1}).find("unified_buffer.bytes"), std::string::npos);
  EXPECT_NE(refusal(small_machine(1), {4, 1000, 1000}).find("dram.bytes"), std::string::npos);
  EXPECT_NE(refusal(small_machine(1), {0, 1, 1}).find("too small"), std::string::npos);
}

}  // namespace
}  // namespace systole::compiler
