// Float values: what a bf16 pass adds to the accumulators, fast.
//
// Bit for bit what PEs do one after the other (float_pe.h): each column's chain of fused
// multiply-adds runs from the top down, many columns and rows at a time. Weights are widened once,
// when a tile is read. Rows with masked lanes go alone, in runs of lanes that are not.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/unit/simd.h"

namespace systole::sim {

// k rows of n bfloat16 weights, `stride` bytes apart, as binary32: [n / 16][k][16], padded with 0.
[[nodiscard]] std::vector<float> pack_floats(const std::uint8_t* rows, std::int64_t stride,
                                             std::int64_t k, std::int64_t n);

struct FloatPass {
  const float* weights;   // of a tile
  std::int64_t tile_k;    // rows that the tile has
  std::int64_t k, n;      // of these, what the pass uses
  const std::uint8_t* x;  // rows of k bfloat16
  std::int64_t x_stride;  // bytes from one row to the next
  std::int64_t rows;
  bool may_mask;            // lanes may be kMasked
  std::int32_t* acc;        // bits of binary32
  std::int64_t acc_stride;  // elements from one accumulator row to the next
  bool accumulate;          // false: overwrite
};
// `simd` must be something this processor has.
void compute_floats(const FloatPass& pass, Simd simd = best_simd());

}  // namespace systole::sim
