// Array kernel for AVX-512 VNNI: vpdpbusd adds 4 unsigned x signed products to each of 16 sums.
// Blocks of 6 rows x 64 columns keep 24 sums in registers, so that a quad of k costs 24 vpdpbusd
// for 4 loads of weights and 6 broadcasts of activations.
#include <cstddef>
#include <cstring>
#include <utility>

#include "sim/unit/array_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SYSTOLE_TARGET [[gnu::target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,popcnt")]]
#define SYSTOLE_INLINE SYSTOLE_TARGET [[gnu::always_inline]] inline

namespace systole::sim {
namespace {

constexpr std::int64_t kRowsOfBlock = 6;
constexpr std::int64_t kGroupsOfBlock = 4;

// One row's 16 sums into the accumulators.
SYSTOLE_TARGET inline std::int64_t finish(const ArrayJob& job, std::int64_t row, std::int64_t c,
                                          __m512i value) {
  const std::int64_t left = job.n - c;
  const auto mask = static_cast<__mmask16>(left >= kGroup ? 0xFFFF : (1U << left) - 1);
  value = _mm512_add_epi32(value, _mm512_loadu_si512(job.column_term + c));
  if (job.column_zero != nullptr) {
    const __m512i zero = _mm512_loadu_si512(job.column_zero + c);
    value = _mm512_sub_epi32(value, _mm512_mullo_epi32(zero, _mm512_set1_epi32(job.row_sum[row])));
  }
  std::int32_t* acc = job.acc + row * job.acc_stride + c;
  std::int64_t wraps = 0;
  if (job.accumulate) {
    const __m512i old = _mm512_maskz_loadu_epi32(mask, acc);
    const __m512i sum = _mm512_add_epi32(old, value);
    const __m512i wrapped =
        _mm512_and_si512(_mm512_xor_si512(old, sum), _mm512_xor_si512(value, sum));
    wraps = _mm_popcnt_u32(_mm512_movepi32_mask(wrapped) & mask);
    value = sum;
  }
  _mm512_mask_storeu_epi32(acc, mask, value);
  return wraps;
}

// One block's rows and columns at a step of k: where its operands are.
struct Operands {
  const std::uint8_t* x;
  std::int64_t stride;
  const std::int8_t* weights;
  std::int64_t group_bytes;
};

// sum += x * w by quads. GCC 12 copies the sums of the intrinsic around in every step of the loop;
// said this way they stay where they are.
SYSTOLE_INLINE void accumulate(__m512i& sum, __m512i x, __m512i w) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(w));
}

// The loops over a block's rows and groups are pack expansions: with constant indices from the
// start GCC keeps the sums in registers, where an unrolled loop would store them in every step.
template <std::size_t kGroups, std::size_t... kGroupIndex>
SYSTOLE_INLINE void step_row(const Operands& at, std::size_t row, const __m512i (&weights)[kGroups],
                             __m512i* sum, std::index_sequence<kGroupIndex...>) {
  std::int32_t quad;
  std::memcpy(&quad, at.x + static_cast<std::int64_t>(row) * at.stride, sizeof(quad));
  const __m512i activations = _mm512_set1_epi32(quad);
  (accumulate(sum[kGroupIndex], activations, weights[kGroupIndex]), ...);
}

template <std::size_t... kRow, std::size_t... kGroupIndex>
SYSTOLE_INLINE void step(const Operands& at,
                         __m512i (&sum)[sizeof...(kRow)][sizeof...(kGroupIndex)],
                         std::index_sequence<kRow...>, std::index_sequence<kGroupIndex...> groups) {
  const __m512i weights[] = {
      _mm512_loadu_si512(at.weights + static_cast<std::int64_t>(kGroupIndex) * at.group_bytes)...};
  (step_row(at, kRow, weights, sum[kRow], groups), ...);
}

// Rows [row, row + kRows) of columns [c, c + 16 * kGroups).
template <std::size_t kRows, std::size_t kGroups>
SYSTOLE_TARGET std::int64_t block(const ArrayJob& job, std::int64_t row, std::int64_t c) {
  const std::int64_t group_bytes = job.quads * kGroup * kQuad;
  Operands at{job.x + row * job.x_stride, job.x_stride, job.weights + c / kGroup * group_bytes,
              group_bytes};
  __m512i sum[kRows][kGroups] = {};
  for (std::int64_t q = 0; q < job.quads; ++q) {
    step(at, sum, std::make_index_sequence<kRows>(), std::make_index_sequence<kGroups>());
    at.x += kQuad;
    at.weights += kGroup * kQuad;
  }
  std::int64_t wraps = 0;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < kRows; ++i) {
#pragma GCC unroll 8
    for (std::size_t g = 0; g < kGroups; ++g) {
      wraps += finish(job, row + static_cast<std::int64_t>(i),
                      c + static_cast<std::int64_t>(g) * kGroup, sum[i][g]);
    }
  }
  return wraps;
}

// All rows of kGroups groups of columns.
template <std::size_t kGroups>
std::int64_t columns(const ArrayJob& job, std::int64_t c) {
  std::int64_t wraps = 0;
  std::int64_t row = 0;
  for (; row + kRowsOfBlock <= job.rows; row += kRowsOfBlock) {
    wraps += block<kRowsOfBlock, kGroups>(job, row, c);
  }
  switch (job.rows - row) {
    case 5:
      return wraps + block<5, kGroups>(job, row, c);
    case 4:
      return wraps + block<4, kGroups>(job, row, c);
    case 3:
      return wraps + block<3, kGroups>(job, row, c);
    case 2:
      return wraps + block<2, kGroups>(job, row, c);
    case 1:
      return wraps + block<1, kGroups>(job, row, c);
    default:
      return wraps;
  }
}

}  // namespace

std::int64_t multiply_vnni(const ArrayJob& job) {
  constexpr std::int64_t kColumns = kGroupsOfBlock * kGroup;
  std::int64_t wraps = 0;
  std::int64_t c = 0;
  for (; c + kColumns - kGroup < job.n; c += kColumns) wraps += columns<kGroupsOfBlock>(job, c);
  if (c >= job.n) return wraps;
  switch ((job.n - c + kGroup - 1) / kGroup) {
    case 3:
      return wraps + columns<3>(job, c);
    case 2:
      return wraps + columns<2>(job, c);
    default:
      return wraps + columns<1>(job, c);
  }
}

}  // namespace systole::sim

#else

namespace systole::sim {
std::int64_t multiply_vnni(const ArrayJob& job) { return multiply_portable(job); }
}  // namespace systole::sim

#endif
