// Array values: packing, zero points, dispatch and the portable kernel (story in array_values.h).
#include "sim/unit/array_values.h"

#include <algorithm>
#include <array>
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

// The same for 16-bit activations: low and high half of each, and terms in 64 bits.
struct WideScratch {
  std::array<std::vector<std::uint8_t>, 2> x;
  std::array<std::vector<std::int32_t>, 2> sum;
  std::vector<std::int64_t> column_term, column_zero, row_sum;
  std::vector<std::int32_t> no_term;
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

// A row of kGroup columns, and what four of them add up to.
using Row [[gnu::vector_size(kGroup)]] = std::uint8_t;
using SignedRow [[gnu::vector_size(kGroup)]] = std::int8_t;
using Sums [[gnu::vector_size(2 * kGroup)]] = std::int16_t;

// The four bytes of each column one after the other.
std::array<Row, kQuad> interleave(const std::array<Row, kQuad>& row) {
  const auto low = [](const Row& a, const Row& b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  };
  const auto high = [](const Row& a, const Row& b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                   31);
  };
  // Rows 0 and 2, then 1 and 3, so that interleaving these gives 0, 1, 2, 3.
  const Row low_even = low(row[0], row[2]), low_odd = low(row[1], row[3]);
  const Row high_even = high(row[0], row[2]), high_odd = high(row[1], row[3]);
  return {low(low_even, low_odd), high(low_even, low_odd), low(high_even, high_odd),
          high(high_even, high_odd)};
}

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
  std::array<Row, kQuad> row{};
  Sums sums{};
  for (std::size_t q = 0; q < row.size(); ++q) {
    std::memcpy(&row[q], quad[q], sizeof(Row));
    row[q] ^= flip;
    sums += __builtin_convertvector(reinterpret_cast<const SignedRow&>(row[q]), Sums);
  }
  const std::array<Row, kQuad> words = interleave(row);
  std::memcpy(to, words.data(), sizeof(words));
  for (std::size_t j = 0; j < kGroup; ++j) column_sum[j] += sums[j];
}

// Both halves of 16-bit activations as unsigned bytes, high + 128, and the rows' sums of
// low + 256 * (high + 128).
void split_bytes(const PassValues& pass, std::int64_t stride, WideScratch& scratch) {
  for (auto& half : scratch.x) half.resize(at(pass.rows * stride + 64));
  scratch.row_sum.assign(at(pass.rows), 0);
  for (std::int64_t i = 0; i < pass.rows; ++i) {
    const std::uint8_t* from = pass.x + i * pass.x_stride;
    std::uint8_t* low = scratch.x[0].data() + i * stride;
    std::uint8_t* high = scratch.x[1].data() + i * stride;
    std::int64_t sum = 0;
    for (std::int64_t r = 0; r < pass.tile.k; ++r) {
      low[r] = from[2 * r];
      high[r] = static_cast<std::uint8_t>(from[2 * r + 1] ^ kSignFlip);
      sum += low[r] + 256 * high[r];
    }
    scratch.row_sum[at(i)] = sum;
  }
}

// The terms of the identity that do not depend on the row, and the packed weights' zero points.
void fold_wide(const PassValues& pass, WideScratch& scratch) {
  const PackedTile& tile = pass.tile;
  const std::int64_t x_zero = pass.zero_point + 256 * 128;
  const std::int64_t shift = tile.is_signed ? 0 : 128;
  scratch.column_term.resize(at(tile.n));
  scratch.column_zero.resize(at(tile.n));
  for (std::int64_t c = 0; c < tile.n; ++c) {
    const std::int64_t w_zero = (pass.zero.empty() ? 0 : pass.zero[at(c)]) - shift;
    scratch.column_zero[at(c)] = w_zero;
    scratch.column_term[at(c)] = x_zero * (tile.k * w_zero - tile.column_sum[at(c)]);
  }
}

// A row's halves and terms into the accumulators.
std::int64_t finish_wide(const PassValues& pass, std::int64_t row, const WideScratch& scratch) {
  const std::int64_t n = pass.tile.n;
  const std::int32_t* low = scratch.sum[0].data() + row * n;
  const std::int32_t* high = scratch.sum[1].data() + row * n;
  const std::int64_t* term = scratch.column_term.data();
  const std::int64_t* zero = scratch.column_zero.data();
  const std::int64_t row_sum = scratch.row_sum[at(row)];
  const std::int64_t weight = std::int64_t{1} << pass.shift;
  std::int32_t* acc = pass.acc + row * pass.acc_stride;
  std::int64_t wraps = 0;
  for (std::int64_t c = 0; c < n; ++c) {
    const std::int64_t sum = low[c] + std::int64_t{256} * high[c] + term[c] - row_sum * zero[c];
    const std::int64_t exact = (pass.accumulate ? acc[c] : 0) + sum * weight;
    acc[c] = static_cast<std::int32_t>(static_cast<std::uint32_t>(exact));
    wraps += acc[c] != exact;
  }
  return wraps;
}

std::int64_t multiply(const ArrayJob& job, Simd simd) {
  switch (simd) {
    case Simd::kVnni:
      return multiply_vnni(job);
    case Simd::kAvx512:
    case Simd::kAvx2:
      return multiply_avx2(job);
    case Simd::kPortable:
      break;
  }
  return multiply_portable(job);
}

// One-byte sums that count more than once are made aside and then added.
std::int64_t multiply_aside(const PassValues& pass, ArrayJob job, Simd simd) {
  thread_local std::vector<std::int32_t> sums;
  sums.resize(at(job.rows * job.n));
  job.acc = sums.data();
  job.acc_stride = job.n;
  job.accumulate = false;
  multiply(job, simd);
  std::int64_t wraps = 0;
  for (std::int64_t i = 0; i < job.rows * job.n; ++i) {
    std::int32_t& acc = pass.acc[i / job.n * pass.acc_stride + i % job.n];
    const std::int64_t exact =
        (pass.accumulate ? acc : 0) + sums[at(i)] * (std::int64_t{1} << pass.shift);
    acc = static_cast<std::int32_t>(static_cast<std::uint32_t>(exact));
    wraps += acc != exact;
  }
  return wraps;
}

std::int64_t compute_wide(const PassValues& pass, Simd simd) {
  thread_local WideScratch scratch;
  const std::int64_t stride = ceil_div(pass.tile.k, 64) * 64;
  split_bytes(pass, stride, scratch);
  fold_wide(pass, scratch);
  scratch.no_term.assign(pass.tile.column_sum.size(), 0);
  ArrayJob job{};
  job.weights = pass.tile.weights.data();
  job.quads = ceil_div(pass.tile.k, kQuad);
  job.n = pass.tile.n;
  job.rows = pass.rows;
  job.x_stride = stride;
  job.column_term = scratch.no_term.data();
  job.acc_stride = job.n;
  for (std::size_t half = 0; half < 2; ++half) {
    scratch.sum[half].resize(at(job.rows * job.n));
    job.x = scratch.x[half].data();
    job.acc = scratch.sum[half].data();
    multiply(job, simd);
  }
  std::int64_t wraps = 0;
  for (std::int64_t i = 0; i < pass.rows; ++i) wraps += finish_wide(pass, i, scratch);
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

PackedTile part_of(const PackedTile& tile, std::int64_t k, std::int64_t n) {
  PackedTile part{k, n, tile.is_signed, {}, {}};
  const std::int64_t quads = ceil_div(k, kQuad), all_quads = ceil_div(tile.k, kQuad);
  const std::int64_t groups = ceil_div(n, kGroup);
  part.weights.resize(at(groups * quads * kGroup * kQuad));
  part.column_sum.resize(at(groups * kGroup));
  for (std::int64_t i = 0; i < std::ssize(part.weights); ++i) {
    const std::int64_t block = i / (kGroup * kQuad), within = i % (kGroup * kQuad);
    const std::int64_t group = block / quads, quad = block % quads;
    const std::int64_t column = group * kGroup + within / kQuad;
    if (quad * kQuad + within % kQuad >= k || column >= n) continue;
    const std::int64_t from = (group * all_quads + quad) * kGroup * kQuad + within;
    part.weights[at(i)] = tile.weights[at(from)];
    part.column_sum[at(column)] += part.weights[at(i)];
  }
  return part;
}

std::int64_t compute_pass(const PassValues& pass, Simd simd) {
  if (pass.x_bytes == 2) return compute_wide(pass, simd);
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
  return pass.shift == 0 ? multiply(job, simd) : multiply_aside(pass, job, simd);
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
