// Array cases: random programs that work the systolic array hard and nothing else.
//
// Passes of 1 row to several times R, with fresh tiles back to back or many passes a tile, partial
// tiles (k < R, n < C), accumulating and overwriting, int8 and 16-bit activations, at a memory fast
// enough never to stall or slow enough to stall often. All accumulators are the output.
#pragma once

#include <cstdint>

#include "tests/support/random_program.h"

namespace systole {

// An array of at most `largest` rows and columns with the given weight_load.
[[nodiscard]] RandomCase array_case(std::uint64_t seed, isa::WeightLoad load,
                                    std::int64_t largest = 24);

}  // namespace systole
