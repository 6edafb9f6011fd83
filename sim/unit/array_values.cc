// Array values: packing, zero points, dispatch and the portable kernel (story in array_values.h).
#include "sim/unit/array_values.h"

#include <algorithm>
#include <cstring>

#include "base/diag.h"
#include "base/numerics.h"
#include "base/units.h"
#include "sim/unit/array_kernels.h"

namespace systole::sim {
namespace {

constexpr std::uint8_t kSignFlip = 0x80;  // turns signed bytes + 128 and unsigned bytes - 128

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Scratch of one pass; kept between passes so that steady state allocates nothing.
struct Scratch {
  std::vector<std::int32_t> column_term, column_zero, row_sum;
  std::vector<std::uint8_t> x;
};

// Signed activations as unsigned ones, in the scratch's own rows.
void shift_to_unsigned(const PassValues& pass, ArrayJob& job, Scratch& scratch) {
  const std::int64_t stride = ceil_div(pass.tile.k, 64) * 64;
  scratch.x.resize(at(pass.rows * stride + 64));
  for (std::int64_t i = 0; i < pass.rows; ++i) {
    const std::uint8_t* from = pass.x + i * pass.x_stride;
    std::uint8_t* to = scratch.x.data() + i * stride;
    for (std::int64_t r = 0; r < pass.tile.k; ++r) {
      to[r] = static_cast<std::uint8_t>(from[r] ^ kSignFlip);
    }
  }
  job.x = scratch.x.data();
  job.x_stride = stride;
}

void sum_rows(const ArrayJob& job, std::int64_t k, std::vector<std::int32_t>& sums) {
  sums.resize(at(job.rows));
  for (std::int64_t i = 0; i < job.rows; ++i) {
    const std::uint8_t* x = job.x + i * job.x_stride;
    std::int32_t sum = 0;
    for (std::int64_t r = 0; r < k; ++r) sum += x[r];
    sums[at(i)] = sum;
  }
}

// The part of each column that does not depend on the row, and the zero points of packed weights.
void fold_zero_points(const PassValues& pass, ArrayJob& job, Scratch& scratch) {
  const PackedTile& tile = pass.tile;
  const std::int32_t x_zero = pass.zero_point + (pass.x_signed ? 128 : 0);
  const std::int32_t shift = tile.is_signed ? 0 : 128;
  bool any_zero = false;
  scratch.column_term.assign(tile.column_sum.size(), 0);
  scratch.column_zero.assign(tile.column_sum.size(), 0);
  for (std::int64_t c = 0; c < tile.n; ++c) {
    const std::int32_t w_zero = wrapping_add(pass.zero.empty() ? 0 : pass.zero[at(c)], -shift);
    const std::int32_t both =
        wrapping_mul(wrapping_mul(static_cast<std::int32_t>(tile.k), x_zero), w_zero);
    scratch.column_zero[at(c)] = w_zero;
    scratch.column_term[at(c)] = wrapping_add(both, wrapping_mul(-x_zero, tile.column_sum[at(c)]));
    any_zero = any_zero || w_zero != 0;
  }
  job.column_term = scratch.column_term.data();
  if (!any_zero) return;
  job.column_zero = scratch.column_zero.data();
  sum_rows(job, tile.k, scratch.row_sum);
  job.row_sum = scratch.row_sum.data();
}

// Where up to 4 rows of up to 16 weights start, and how many of each there are.
struct Corner {
  const std::uint8_t* first;
  std::int64_t stride, rows, columns;
};

// Packs them to [16][4] and adds them to the columns' sums; what is not there is 0.
void pack_quad(const Corner& from, std::uint8_t flip, std::int8_t* to, std::int32_t* column_sum) {
  std::uint8_t quad[kQuad][kGroup];
  std::memset(quad, flip, sizeof(quad));
  for (std::int64_t q = 0; q < from.rows; ++q) {
    const std::uint8_t* row = from.first + q * from.stride;
    if (from.columns == kGroup) {
      std::memcpy(quad[q], row, kGroup);
    } else {
      std::memcpy(quad[q], row, at(from.columns));
    }
  }
  for (std::int64_t j = 0; j < kGroup; ++j) {
    std::int32_t sum = 0;
    for (std::int64_t q = 0; q < kQuad; ++q) {
      to[j * kQuad + q] = static_cast<std::int8_t>(quad[q][j] ^ flip);
      sum += to[j * kQuad + q];
    }
    column_sum[j] += sum;
  }
}

std::int32_t packed_weight(const PackedTile& tile, std::int64_t r, std::int64_t c) {
  const std::int64_t quads = ceil_div(tile.k, kQuad);
  const std::int64_t quad = (c / kGroup) * quads + r / kQuad;
  return tile.weights[at((quad * kGroup + c % kGroup) * kQuad + r % kQuad)];
}

// int8 weights x int16 activations: sums may leave int32 before the accumulator, so in 64 bits.
std::int64_t compute_wide(const PassValues& pass) {
  const PackedTile& tile = pass.tile;
  const std::int32_t shift = tile.is_signed ? 0 : 128;
  std::int64_t wraps = 0;
  for (std::int64_t i = 0; i < pass.rows; ++i) {
    for (std::int64_t c = 0; c < tile.n; ++c) {
      const std::int64_t zero = (pass.zero.empty() ? 0 : std::int64_t{pass.zero[at(c)]}) - shift;
      std::int32_t& acc = pass.acc[i * pass.acc_stride + c];
      std::int64_t sum = pass.accumulate ? acc : 0;
      for (std::int64_t r = 0; r < tile.k; ++r) {
        std::int16_t x;
        std::memcpy(&x, pass.x + i * pass.x_stride + 2 * r, sizeof(x));
        sum += std::int64_t{x - pass.zero_point} * (packed_weight(tile, r, c) - zero);
      }
      acc = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum));
      wraps += acc != sum;
    }
  }
  return wraps;
}

}  // namespace

PackedTile pack_tile(const std::uint8_t* rows, std::int64_t stride, std::int64_t k, std::int64_t n,
                     bool is_signed) {
  PackedTile tile{k, n, is_signed, {}, {}};
  const std::int64_t quads = ceil_div(k, kQuad);
  const std::int64_t groups = ceil_div(n, kGroup);
  tile.weights.resize(at(groups * quads * kGroup * kQuad));
  tile.column_sum.resize(at(groups * kGroup));
  std::int8_t* to = tile.weights.data();
  for (std::int64_t c = 0; c < n; c += kGroup) {
    for (std::int64_t r = 0; r < k; r += kQuad, to += kGroup * kQuad) {
      const Corner corner{rows + r * stride + c, stride, std::min(kQuad, k - r),
                          std::min(kGroup, n - c)};
      pack_quad(corner, is_signed ? 0 : kSignFlip, to, &tile.column_sum[at(c)]);
    }
  }
  return tile;
}

Simd best_simd() {
  static const Simd best = [] {
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) {
      return Simd::kAvx512;
    }
    return __builtin_cpu_supports("avx2") ? Simd::kAvx2 : Simd::kPortable;
  }();
  return best;
}

std::int64_t compute_pass(const PassValues& pass, Simd simd) {
  if (pass.x_bytes == 2) return compute_wide(pass);
  thread_local Scratch scratch;
  ArrayJob job{};
  job.weights = pass.tile.weights.data();
  job.quads = ceil_div(pass.tile.k, kQuad);
  job.n = pass.tile.n;
  job.rows = pass.rows;
  job.x = pass.x;
  job.x_stride = pass.x_stride;
  job.acc = pass.acc;
  job.acc_stride = pass.acc_stride;
  job.accumulate = pass.accumulate;
  if (pass.x_signed) shift_to_unsigned(pass, job, scratch);
  fold_zero_points(pass, job, scratch);
  switch (simd) {
    case Simd::kAvx512:
      return multiply_avx512(job);
    case Simd::kAvx2:
      return multiply_avx2(job);
    case Simd::kPortable:
      break;
  }
  return multiply_portable(job);
}

std::int64_t finish_row(const ArrayJob& job, std::int64_t row, std::int64_t c, std::int64_t count,
                        const std::int32_t* sums) {
  std::int32_t* acc = job.acc + row * job.acc_stride + c;
  const std::int32_t row_sum = job.column_zero != nullptr ? job.row_sum[row] : 0;
  std::int64_t wraps = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    std::int32_t value = wrapping_add(sums[j], job.column_term[c + j]);
    if (row_sum != 0) value = wrapping_add(value, wrapping_mul(-row_sum, job.column_zero[c + j]));
    if (job.accumulate) {
      const std::int32_t sum = wrapping_add(acc[j], value);
      wraps += ((acc[j] ^ sum) & (value ^ sum)) < 0;
      value = sum;
    }
    acc[j] = value;
  }
  return wraps;
}

std::int64_t multiply_portable(const ArrayJob& job) {
  std::int64_t wraps = 0;
  for (std::int64_t i = 0; i < job.rows; ++i) {
    const std::uint8_t* x = job.x + i * job.x_stride;
    for (std::int64_t c = 0; c < job.n; c += kGroup) {
      const std::int8_t* w = job.weights + c * job.quads * kQuad;
      std::int32_t sums[kGroup] = {};
      for (std::int64_t r = 0; r < job.quads * kQuad; r += kQuad, w += kGroup * kQuad) {
        for (std::int64_t j = 0; j < kGroup * kQuad; ++j)
          sums[j / kQuad] += x[r + j % kQuad] * w[j];
      }
      wraps += finish_row(job, i, c, std::min(kGroup, job.n - c), sums);
    }
  }
  return wraps;
}

}  // namespace systole::sim
