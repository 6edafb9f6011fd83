// Array kernel for AVX2. vpmaddubsw would saturate, so even and odd bytes are widened to 16 bit and
// multiplied with vpmaddwd, which is exact: 2 of them for 8 columns x 4 rows. Blocks of 3 rows x 16
// columns keep sums and weights in the 16 registers.
#include <algorithm>
#include <cstring>

#include "sim/unit/array_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define SYSTOLE_TARGET [[gnu::target("avx2")]]

namespace systole::sim {
namespace {

SYSTOLE_TARGET inline __m256i load(const std::int8_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

// Rows [row, row + kRows) of columns [c, c + 16).
template <int kRows>
SYSTOLE_TARGET std::int64_t block(const ArrayJob& job, std::int64_t row, std::int64_t c) {
  const __m256i low_bytes = _mm256_set1_epi16(0x00FF);
  const std::int8_t* w = job.weights + c * job.quads * kQuad;
  __m256i sum[std::size_t{kRows}][2];
  for (auto& s : sum) s[0] = s[1] = _mm256_setzero_si256();
  for (std::int64_t q = 0; q < job.quads; ++q, w += kGroup * kQuad) {
    const __m256i w0 = load(w), w1 = load(w + 32);
    const __m256i even[2] = {_mm256_srai_epi16(_mm256_slli_epi16(w0, 8), 8),
                             _mm256_srai_epi16(_mm256_slli_epi16(w1, 8), 8)};
    const __m256i odd[2] = {_mm256_srai_epi16(w0, 8), _mm256_srai_epi16(w1, 8)};
#pragma GCC unroll 3
    for (int i = 0; i < kRows; ++i) {
      std::int32_t quad;
      std::memcpy(&quad, job.x + (row + i) * job.x_stride + q * kQuad, sizeof(quad));
      const __m256i x = _mm256_set1_epi32(quad);
      const __m256i x_even = _mm256_and_si256(x, low_bytes);
      const __m256i x_odd = _mm256_srli_epi16(x, 8);
#pragma GCC unroll 2
      for (int h = 0; h < 2; ++h) {
        sum[i][h] = _mm256_add_epi32(sum[i][h], _mm256_madd_epi16(even[h], x_even));
        sum[i][h] = _mm256_add_epi32(sum[i][h], _mm256_madd_epi16(odd[h], x_odd));
      }
    }
  }
  std::int64_t wraps = 0;
  for (int i = 0; i < kRows; ++i) {
    std::int32_t sums[kGroup];
    std::memcpy(sums, sum[i], sizeof(sums));
    wraps += finish_row(job, row + i, c, std::min(kGroup, job.n - c), sums);
  }
  return wraps;
}

}  // namespace

std::int64_t multiply_avx2(const ArrayJob& job) {
  std::int64_t wraps = 0;
  for (std::int64_t c = 0; c < job.n; c += kGroup) {
    std::int64_t row = 0;
    for (; row + 3 <= job.rows; row += 3) wraps += block<3>(job, row, c);
    for (; row < job.rows; ++row) wraps += block<1>(job, row, c);
  }
  return wraps;
}

}  // namespace systole::sim

#else

namespace systole::sim {
std::int64_t multiply_avx2(const ArrayJob& job) { return multiply_portable(job); }
}  // namespace systole::sim

#endif
