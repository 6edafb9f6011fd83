// Footprint: how much of each on-chip memory a program touches, so that an engine needs no memory
// for what stays unused (a machine may have gigabytes of it).
#pragma once

#include <cstdint>
#include <optional>

#include "isa/machine.h"
#include "isa/program.h"

namespace systole::isa {

// Rows of each memory, or bytes of the device's, from 0 to the last one that an instruction
// touches.
struct Footprint {
  std::int64_t ub_rows = 0, accumulator_rows = 0, parameter_rows = 0, memory_bytes = 0;
};

// Of a program that verify() found sound.
[[nodiscard]] Footprint footprint(const Program& program, const Machine& machine);

}  // namespace systole::isa
