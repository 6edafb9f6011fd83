// Random machines: every parameter that a small program can feel.
#include "tests/support/random_machine.h"

#include <algorithm>

#include "isa/access.h"

namespace systole {

std::int64_t table_rows(const isa::Machine& m) {
  return ceil_div(isa::table_words(isa::type::kS16), m.c());
}

isa::Machine random_machine(RandomChoice& r) {
  isa::Machine m;
  m.name = "random";
  m.text = "a small machine for tests";
  m.array_rows = r.pick(2, 24);
  m.array_columns = r.pick(2, 24);
  m.array_weight_load = static_cast<isa::WeightLoad>(r.pick(0, 2));
  m.accumulators_rows = r.pick(8, 40);
  m.weight_fifo_tiles = r.pick(1, 4);
  m.unified_buffer_row_bytes = r.pick(4, 40);
  m.unified_buffer_bytes = m.unified_buffer_row_bytes * r.pick(256, 300);
  m.unified_buffer_read_ports = r.pick(0, 2);
  m.unified_buffer_write_ports = r.pick(0, 2);
  m.parameters_rows = r.pick(8, 16) + table_rows(m);
  m.vector_depth = r.pick(1, 10);
  m.activation_depth = r.pick(1, 10);
  m.sequencer_queue = r.pick(1, 16);
  m.sequencer_decode_cycles = r.pick(1, 3);
  m.sequencer_delivery = static_cast<isa::Delivery>(r.pick(0, 1));
  m.sequencer_buffer_bytes = r.pick(1'024, 4'096);
  m.dram_bytes_per_second = r.pick(1, 200) * 1'000'000'000;
  m.dram_kind = static_cast<isa::DramKind>(r.pick(0, 1));
  m.dram_channels = r.pick(1, 3);
  m.dram_banks = r.pick(1, 4);
  m.dram_row_bytes = 64 * r.pick(1, 8);
  m.dram_latency = r.pick(1, 100);
  m.link_in_bytes_per_second = r.pick(1, 40) * 1'000'000'000;
  m.link_out_bytes_per_second = r.pick(1, 40) * 1'000'000'000;
  m.link_latency = r.pick(1, 100);
  m.link_buffer_chunks = r.pick(2, 4);
  m.array_taps = r.pick(1, 8);
  return m;
}

void widen(isa::Machine& machine, RandomChoice& random) {
  machine.array_units = random.pick(1, 3);
  machine.dram_holds = isa::MemoryHolds::kEverything;
  machine.dram_buffer_chunks = random.pick(2, 4);
  machine.sequencer_start_cycles = random.pick(0, 20);
  machine.vector_lanes = random.pick(0, 9);
  machine.dram_efficiency = random.pick(500, 1'000);
}

void add_floats(isa::Machine& machine, RandomChoice& random) {
  machine.array_operands = random.chance(50) ? isa::Operands::kBoth : isa::Operands::kBf16;
  const std::int64_t rows = machine.unified_buffer_bytes / machine.unified_buffer_row_bytes;
  machine.unified_buffer_row_bytes =
      std::max(machine.unified_buffer_row_bytes, 2 * machine.array_rows);
  machine.unified_buffer_bytes = rows * machine.unified_buffer_row_bytes;
}

}  // namespace systole
