// Law 3: MACs are the program's plus named padding, bytes are at least the compulsory ones, and no
// run is faster than any single resource allows.
#include <gtest/gtest.h>

#include <algorithm>

#include "isa/precisions.h"
#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

// What a program asks for, counted from its instructions alone.
struct Demand {
  std::int64_t rows = 0;        // array rows of all passes
  std::int64_t row_cycles = 0;  // the same times cycles per row (T6), and filling delay lines
  std::int64_t useful = 0;
  std::int64_t tiles = 0;
  std::int64_t in_bytes = 0, out_bytes = 0;
  std::int64_t activation_rows = 0;
  std::int64_t vector_rows = 0;  // written by the vector unit
  std::int64_t instructions = 0;
};

void add(const isa::Insn& insn, const isa::Machine& machine, Demand& d) {
  ++d.instructions;
  if (const auto* m = std::get_if<isa::Matmul>(&insn)) {
    const std::int64_t p = isa::precision_info(m->precision).row_cycles;
    d.rows += m->rows;
    d.row_cycles += m->rows * p;
    d.useful += m->rows * m->k * m->n;
  }
  if (const auto* m = std::get_if<isa::Convolve>(&insn)) {
    const std::int64_t p = isa::precision_info(m->precision).row_cycles;
    const std::int64_t line = (m->taps - 1) * m->dilation_x + 1;
    const std::int64_t rows = m->out_height * m->out_width;
    d.rows += rows;
    d.row_cycles += m->out_height * (line - 1) + rows * std::max(p, std::min(m->stride_x, line));
    d.useful += rows * m->k * m->n;
  }
  if (std::holds_alternative<isa::ReadWeights>(insn)) ++d.tiles;
  if (const auto* r = std::get_if<isa::ReadHost>(&insn)) d.in_bytes += r->rows * r->bytes;
  if (const auto* r = std::get_if<isa::ReadParams>(&insn)) {
    d.in_bytes += r->rows * machine.param_row_bytes();
  }
  if (const auto* w = std::get_if<isa::WriteHost>(&insn)) d.out_bytes += w->rows * w->bytes;
  if (const auto* a = std::get_if<isa::Activate>(&insn)) d.activation_rows += a->rows;
  if (const auto* a = std::get_if<isa::ActivatePool>(&insn)) {
    d.activation_rows += a->out_height * a->out_width;
  }
  if (const auto* v = std::get_if<isa::Vector>(&insn)) d.vector_rows += v->rows;
  if (const auto* p = std::get_if<isa::Pool>(&insn)) d.vector_rows += p->out_height * p->out_width;
  if (const auto* c = std::get_if<isa::Copy>(&insn)) d.vector_rows += c->rows;
}

Demand demand(const RandomCase& c) {
  Demand d;
  const std::vector<isa::Insn>& code = c.program.code;
  for (std::size_t i = 0; i < code.size(); ++i) {
    add(code[i], c.machine, d);
    const auto* repeat = std::get_if<isa::Repeat>(&code[i]);
    if (repeat == nullptr) continue;
    const auto length = static_cast<std::size_t>(repeat->length);
    for (std::int64_t n = 0; n < repeat->count; ++n) {
      for (std::size_t j = i + 1; j <= i + length; ++j) add(code[j], c.machine, d);
    }
    i += length;
  }
  return d;
}

// Whole cycles that `bytes` take at `bytes_per_second`, rounded down.
std::int64_t transfer_cycles(std::int64_t bytes, std::int64_t bytes_per_second,
                             const isa::Machine& machine) {
  return bytes * machine.clock_hertz / bytes_per_second;
}

class Law3 : public testing::TestWithParam<std::uint64_t> {
 protected:
  Law3()
      : case_(random_case(GetParam())),
        demand_(demand(case_)),
        total_(run(case_, {.timing_only = true}).report.total) {}
  RandomCase case_;
  Demand demand_;
  sim::Counters total_;
};

TEST_P(Law3, MacsAreUsefulOrNamedPadding) {
  SCOPED_TRACE("random_case seed " + std::to_string(GetParam()));
  EXPECT_EQ(total_.macs_useful, demand_.useful);
  EXPECT_EQ(total_.macs_useful + total_.macs_padded, demand_.rows * case_.machine.pe_count());
  EXPECT_EQ(total_.matrix.at(static_cast<std::size_t>(sim::Stall::kActive)),
            CycleCount(demand_.row_cycles));
}

TEST_P(Law3, BytesAreAtLeastTheCompulsoryOnes) {
  SCOPED_TRACE("random_case seed " + std::to_string(GetParam()));
  EXPECT_EQ(total_.instructions, demand_.instructions);
  EXPECT_EQ(total_.tiles, demand_.tiles);
  EXPECT_GE(total_.weights_read, Bytes(demand_.tiles * isa::tile_bytes(case_.machine)));
  EXPECT_GE(total_.host_in, Bytes(demand_.in_bytes));
  EXPECT_GE(total_.host_out, Bytes(demand_.out_bytes));
}

TEST_P(Law3, CyclesRespectEveryPhysicalLimit) {
  SCOPED_TRACE("random_case seed " + std::to_string(GetParam()));
  const isa::Machine& m = case_.machine;
  const std::int64_t cycles = total_.cycles.value;
  const std::int64_t fill = m.r() + m.c();  // the last pass through the array (T2)
  EXPECT_GE(cycles, demand_.row_cycles + fill) << "rows injected";
  EXPECT_GE(cycles, demand_.tiles * m.r()) << "tiles shifted in";
  EXPECT_GE(cycles,
            demand_.instructions * m.sequencer_decode_cycles - (m.sequencer_decode_cycles - 1))
      << "instructions decoded";
  EXPECT_GE(cycles, demand_.activation_rows) << "rows activated";
  EXPECT_GE(cycles * std::max<std::int64_t>(1, m.unified_buffer_write_ports), demand_.vector_rows)
      << "rows of the vector unit";
  const std::int64_t weight_bytes = demand_.tiles * isa::tile_bytes(m);
  EXPECT_GE(cycles, transfer_cycles(weight_bytes, m.dram_bytes_per_second, m)) << "weights";
  EXPECT_GE(cycles, transfer_cycles(demand_.in_bytes, m.link_in_bytes_per_second, m)) << "link in";
  EXPECT_GE(cycles, transfer_cycles(demand_.out_bytes, m.link_out_bytes_per_second, m))
      << "link out";
}

INSTANTIATE_TEST_SUITE_P(Random, Law3, testing::Range<std::uint64_t>(2'001, 2'101));

}  // namespace
}  // namespace systole::laws
