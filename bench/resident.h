// Resident: the same program in three parts: all loads, the work, all stores. So its inputs are in
// the unified buffer before the first weight fetch and its results are there when the last
// activation ends: what a layer costs in the middle of a network.
#pragma once

#include <cstdint>

#include "isa/program.h"

namespace systole::bench {

struct Resident {
  isa::Program program;
  std::int64_t bytes_in = 0, bytes_out = 0;  // of the loads and the stores
};

// The program must hold no repeat, and give each value a place of its own.
[[nodiscard]] Resident make_resident(const isa::Program& program);

}  // namespace systole::bench
