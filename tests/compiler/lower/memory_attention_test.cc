// Attention from memory: valid programs, and scores that leave the buffer only where they must.
#include "compiler/lower/memory_attention.h"

#include <gtest/gtest.h>

#include "base/diag.h"
#include "isa/verify.h"
#include "sim/run.h"

namespace systole::compiler {
namespace {

// The smallest that has lines of 128 numbers.
isa::Machine machine_of(std::int64_t buffer_rows) {
  isa::Machine m;
  m.array_rows = m.array_columns = 128;
  m.array_units = 2;
  m.array_operands = isa::Operands::kBf16;
  m.accumulators_rows = 512;
  m.unified_buffer_row_bytes = 256;
  m.unified_buffer_bytes = 256 * buffer_rows;
  m.unified_buffer_read_ports = m.unified_buffer_write_ports = 8;
  m.sequencer_delivery = isa::Delivery::kPreloaded;
  m.dram_kind = isa::DramKind::kSimple;
  m.dram_holds = isa::MemoryHolds::kEverything;
  m.dram_bytes = 1 << 26;
  m.dram_bytes_per_second = 100'000'000'000;
  return m;
}

sim::Report report_of(const isa::Program& program, const isa::Machine& machine) {
  for (const isa::Finding& f : isa::verify(program, machine)) ADD_FAILURE() << f.text;
  sim::RunOptions options;
  options.timing_only = true;
  return sim::run(program, machine, {}, options).report;
}

TEST(MemoryAttention, ScoresThatFitAreNotWritten) {
  const Attention shape{4, 64, 128, 32};
  const isa::Machine large = machine_of(8'192), small = machine_of(900);
  const std::int64_t results = 2 * 4 * 64 * 32, scores = 4 * 4 * 64 * 128;
  EXPECT_EQ(report_of(memory_attention(large, shape), large).total.memory_written, Bytes(results));
  EXPECT_EQ(report_of(memory_attention(small, shape), small).total.memory_written,
            Bytes(results + scores));
}

// Eight times the buffer holds the scores of eight times the heads.
TEST(MemoryAttention, TheCliffMovesWithTheBuffer) {
  const auto heads_held = [](std::int64_t rows) {
    const isa::Machine machine = machine_of(rows);
    std::int64_t heads = 0;
    for (std::int64_t next = 2; next <= 256; next += 2) {
      const Attention shape{next, 64, 128, 32};
      const auto written =
          report_of(memory_attention(machine, shape), machine).total.memory_written;
      if (written > Bytes(2 * next * 64 * 32)) break;
      heads = next;
    }
    return heads;
  };
  const std::int64_t few = heads_held(4'096), many = heads_held(8 * 4'096);
  EXPECT_GT(few, 0);
  EXPECT_NEAR(static_cast<double>(many), 8.0 * static_cast<double>(few), 16.0);
}

TEST(MemoryAttention, FusedWritesNoScores) {
  const isa::Machine machine = machine_of(8'192);
  for (const Attention& shape :
       {Attention{2, 300, 300, 64}, Attention{3, 1, 500, 128}, Attention{1, 200, 90, 32}}) {
    SCOPED_TRACE(fmt::format("{} queries, {} keys", shape.queries, shape.keys));
    const auto report =
        report_of(memory_fused_attention(machine, shape, {.queries = 128, .keys = 256}), machine);
    EXPECT_EQ(report.total.memory_written, Bytes(2 * shape.heads * shape.queries * shape.width));
  }
}

TEST(MemoryAttention, SaysWhatTheMachineLacks) {
  isa::Machine narrow = machine_of(8'192);
  narrow.array_columns = 64;
  EXPECT_THROW(static_cast<void>(memory_attention(narrow, {1, 8, 8, 8})), InputError);
}

}  // namespace
}  // namespace systole::compiler
