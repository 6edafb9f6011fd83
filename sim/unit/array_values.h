// Array values: what a pass adds to the accumulators, fast.
//
//   acc[i][c] (=|+=) sum over r < k of (x[i][r] - zero_point) * (w[r][c] - zero[c])
//
// A tile is packed once, when it is read: groups of 16 columns, in them 4 rows at a time, signed
// bytes (unsigned weights less 128), so that one vector instruction (AVX-512 VNNI's vpdpbusd)
// multiplies 4 unsigned activations with 16 x 4 weights. Zero points and the shifts to unsigned and
// signed bytes leave the inner loop through the identity
//   sum (x - zx)(w - zw) = sum x*w - zx * sum w - zw * sum x + k*zx*zw
// as in Jacob et al., CVPR 2018, section 2.3. Only valid lanes are computed. All versions give the
// same bits: operands have 9 bits and k <= 1024, so that nothing overflows before the accumulator.
//
// 16-bit activations are x = low + 256 * high, bytes both, so the same loops run twice: each half's
// sum is below 2^10 * 2^8 * 2^7 = 2^25. The halves meet in 64 bits: x - zero_point has 17 bits, a
// weight 9, so a row's sum stays below 2^10 * 2^16 * 2^8 = 2^34, and below 2^42 shifted by 8.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/unit/simd.h"

namespace systole::sim {

// A tile's valid part: w[r][c], r < k, c < n, as signed bytes, padded with zeros.
struct PackedTile {
  std::int64_t k = 0, n = 0;
  bool is_signed = false;                // of the weights as stored in memory
  std::vector<std::int8_t> weights;      // [n / 16][k / 4][16][4]
  std::vector<std::int32_t> column_sum;  // of the packed bytes; n rounded up to 16
  std::vector<float> floats = {};        // instead of these, of bfloat16 (float_values.h)
  [[nodiscard]] std::int64_t bytes() const {
    return static_cast<std::int64_t>(weights.size() + 4 * (column_sum.size() + floats.size()));
  }
};

// Packs k rows of n bytes that lie `stride` bytes apart.
[[nodiscard]] PackedTile pack_tile(const std::uint8_t* rows, std::int64_t stride, std::int64_t k,
                                   std::int64_t n, bool is_signed);

// The first k rows and n columns of a tile: what a pass that uses less than its tile sees.
[[nodiscard]] PackedTile part_of(const PackedTile& tile, std::int64_t k, std::int64_t n);

// A pass: rows of activations times a tile.
struct PassValues {
  const PackedTile& tile;
  std::span<const std::int32_t> zero;  // the weights' zero points, n of them, or empty
  const std::uint8_t* x;               // 64 bytes past the last row must be readable
  std::int64_t x_stride;               // bytes from one row to the next
  std::int64_t rows;
  std::int64_t x_bytes;  // per activation: 1, or 2 (little endian, signed; int8x16)
  bool x_signed;         // of one-byte activations
  std::int32_t zero_point;
  std::int32_t* acc;
  std::int64_t acc_stride;  // elements from one accumulator row to the next
  bool accumulate;          // false: overwrite
  int shift = 0;            // sums are added 2^shift-fold
};

// Computes a pass; returns how many accumulators wrapped around int32 in it. `simd` must be
// something this processor has.
std::int64_t compute_pass(const PassValues& pass, Simd simd = best_simd());

}  // namespace systole::sim
