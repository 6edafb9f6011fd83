// See planned.h. tests/compiler/planned_test.cc changes each of these parameters and compiles.
#include "compiler/planned.h"

namespace systole::compiler {
namespace {

// What no prediction looks at: a memory's banks and rows, its chunks on their way, operands brought
// in whole (memory_product.h), the host's prices and the questions that are put to the cycle
// engine.
constexpr std::int64_t isa::Machine::*kUnread[] = {
    &isa::Machine::dram_banks,
    &isa::Machine::dram_row_bytes,
    &isa::Machine::dram_buffer_chunks,
    &isa::Machine::unified_buffer_operand_bytes,
    &isa::Machine::host_bytes_per_second,
    &isa::Machine::host_call_nanoseconds,
    &isa::Machine::what_if_decode,
    &isa::Machine::what_if_array,
    &isa::Machine::what_if_shift,
    &isa::Machine::what_if_fill,
    &isa::Machine::what_if_activation,
    &isa::Machine::what_if_vector,
};

}  // namespace

isa::Machine planned(isa::Machine machine) {
  const isa::Machine standard;
  for (const auto parameter : kUnread) machine.*parameter = standard.*parameter;
  return machine;
}

}  // namespace systole::compiler
