// Cosim case: a random program for the matrix unit and everything the unit meets while it runs.
//
// The program loads rows and zero points, then mixes passes, tile reads and pauses: fresh tiles
// back to back or far apart, passes of 1 to several R rows, overwriting and accumulating, bytes and
// 16-bit activations, partly filled tiles. It ends by writing every accumulator to output "y".
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/tensor.h"
#include "isa/machine.h"
#include "isa/program.h"

namespace systole::rtl {

struct CosimCase {
  isa::Machine machine;
  isa::Program program;  // instruction i is the only one of layer i + 1, or belongs to layer 0
  std::map<std::string, Tensor> inputs;
};

struct CosimShape {
  std::int64_t rows, columns;
  isa::WeightLoad load;
};

// The case of this seed with so many tiles.
[[nodiscard]] CosimCase random_cosim_case(const CosimShape& shape, std::uint64_t seed,
                                          std::int64_t tiles);

}  // namespace systole::rtl
