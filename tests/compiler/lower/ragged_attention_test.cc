// Ragged attention: valid programs, blocks of queries across sequences, keys read once a block.
#include "compiler/lower/ragged_attention.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "isa/verify.h"
#include "sim/run.h"

namespace systole::compiler {
namespace {

isa::Machine machine_of(std::int64_t buffer_rows) {
  isa::Machine m;
  m.array_rows = m.array_columns = 128;
  m.array_units = 2;
  m.array_operands = isa::Operands::kBf16;
  m.accumulators_rows = 512;
  m.unified_buffer_row_bytes = 256;
  m.unified_buffer_bytes = 256 * buffer_rows;
  m.unified_buffer_read_ports = m.unified_buffer_write_ports = 8;
  m.vector_lanes = 64;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.dram_holds = isa::MemoryHolds::kEverything;
  m.dram_bytes = 1 << 26;
  m.dram_bytes_per_second = 100'000'000'000;
  return m;
}

sim::Report report_of(const RaggedAttention& shape, const RaggedBlocks& blocks,
                      std::int64_t buffer_rows = 65'536) {
  const isa::Machine machine = machine_of(buffer_rows);
  const isa::Program program = memory_ragged_attention(machine, shape, blocks);
  for (const isa::Finding& f : isa::verify(program, machine)) ADD_FAILURE() << f.text;
  sim::RunOptions options;
  options.timing_only = true;
  return sim::run(program, machine, {}, options).report;
}

TEST(RaggedAttention, IsValidForAnyShape) {
  for (const RaggedAttention& shape :
       {RaggedAttention{1, 1, 100, 2, 4, 128}, RaggedAttention{5, 3, 300, 3, 2, 32},
        RaggedAttention{2, 40, 130, 1, 3, 64}, RaggedAttention{3, 20, 257, 8, 1, 128}}) {
    SCOPED_TRACE(fmt::format("{} x {} queries, {} keys, {} heads of {}", shape.sequences,
                             shape.queries, shape.keys, shape.heads, shape.width));
    EXPECT_GT(report_of(shape, {.queries = 16, .keys = 128}).total.cycles, CycleCount(0));
  }
}

// A block of queries reads the keys and values of every sequence that it has queries of.
TEST(RaggedAttention, ReadsKeysOnceForEachBlockOfQueries) {
  const auto read = [](std::int64_t sequences, std::int64_t queries) {
    return report_of({sequences, queries, 128, 2, 1, 128}, {.queries = 16, .keys = 128})
        .total.memory_read.value;
  };
  const std::int64_t keys = 2 * 2 * 2 * 128 * 128, block = 2 * 16 * 2 * 128;
  EXPECT_EQ(read(1, 16), keys + block);
  EXPECT_EQ(read(1, 32), 2 * (keys + block));
  EXPECT_EQ(read(16, 1), 16 * keys + block);
  EXPECT_EQ(read(2, 24), 4 * keys + 3 * block);
}

// All rows of a block are computed: one query of each of many sequences costs a block each.
TEST(RaggedAttention, ComputesWholeBlocks) {
  const auto macs = [](std::int64_t sequences) {
    return report_of({sequences, 1, 128, 2, 1, 128}, {.queries = 8, .keys = 128}).total.macs_useful;
  };
  EXPECT_EQ(macs(8), 8 * 8 * macs(1));
}

TEST(RaggedAttention, SaysWhatTheMachineLacks) {
  isa::Machine narrow = machine_of(65'536);
  narrow.array_columns = 64;
  const RaggedAttention shape{1, 8, 128, 2, 1, 32};
  EXPECT_THROW(static_cast<void>(memory_ragged_attention(narrow, shape, {8, 128})), InputError);
  EXPECT_THROW(static_cast<void>(memory_ragged_attention(machine_of(64), shape, {8, 128})),
               InputError);
}

}  // namespace
}  // namespace systole::compiler
