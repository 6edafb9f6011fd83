// Array sweep: the one loop over all PEs of a cycle.
//
// psum(r, c) = psum(r-1, c) + activation * weight for the PEs on the diagonals r + c in
// [first, last], rows from the bottom up, so that each reads its upper neighbour before that
// changes. The loop is plain; it is compiled for several instruction sets and vectorised.
#pragma once

#include <cstdint>

#include "sim/unit/array_values.h"

namespace systole::sim {

struct SweepJob {
  std::int32_t* psums;              // (rows + 1) x columns; row 0 is what enters PE(0, c)
  const std::int16_t* activations;  // what PE(r, c) takes is [r * activation_stride + r + c]
  std::int64_t activation_stride;
  const std::int16_t* weights;  // rows x columns
  std::int64_t rows, columns;
  std::int64_t first = 0, last = 0;  // diagonals
  bool floats = false;               // bf16 (float_pe.h)
};

// `simd` must be something this processor has.
void sweep(const SweepJob& job, Simd simd = best_simd());

}  // namespace systole::sim
