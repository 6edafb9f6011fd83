// Array sweep: one story, three instruction sets (array_sweep.h).
#include "sim/unit/array_sweep.h"

#include <algorithm>

#include "sim/unit/float_pe.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace systole::sim {
namespace {

// The PEs of one row whose turn it is.
struct Row {
  const std::int32_t* from;
  std::int32_t* to;
  const std::int16_t* a;
  const std::int16_t* w;
  std::int64_t count;
};

[[gnu::always_inline]] inline Row row_of(const SweepJob& job, std::int64_t r) {
  const std::int64_t begin = std::max<std::int64_t>(0, job.first - r);
  const std::int64_t end = std::min(job.columns, job.last - r + 1);
  std::int32_t* const from = job.psums + r * job.columns + begin;
  return {from, from + job.columns, job.activations + r * (job.activation_stride + 1) + begin,
          job.weights + r * job.columns + begin, end - begin};
}

[[gnu::always_inline]] inline void sweep_rows(const SweepJob& job) {
  for (std::int64_t r = job.rows - 1; r >= 0; --r) {
    const Row row = row_of(job, r);
    std::int32_t* __restrict to = row.to;
    for (std::int64_t i = 0; i < row.count; ++i) to[i] = row.from[i] + row.a[i] * row.w[i];
  }
}

[[gnu::always_inline]] inline void sweep_float_rows(const SweepJob& job) {
  for (std::int64_t r = job.rows - 1; r >= 0; --r) {
    const Row row = row_of(job, r);
    std::int32_t* __restrict to = row.to;
    for (std::int64_t i = 0; i < row.count; ++i) {
      to[i] = float_step(row.from[i], row.a[i], row.w[i]);
    }
  }
}

void sweep_portable(const SweepJob& job) { sweep_rows(job); }
void sweep_floats_portable(const SweepJob& job) { sweep_float_rows(job); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void sweep_floats_avx2(const SweepJob& job) { sweep_float_rows(job); }
[[gnu::target("avx2")]] void sweep_avx2(const SweepJob& job) { sweep_rows(job); }

#define SYSTOLE_TARGET [[gnu::target("avx512f,avx512bw,avx512vl")]]
constexpr std::int64_t kLanes = 16;

// PEs [i, i + 16) of a row, those of the mask.
SYSTOLE_TARGET inline __m512i sums(const Row& row, std::int64_t i, __mmask16 mask) {
  const __m512i a = _mm512_maskz_cvtepi16_epi32(mask, _mm256_maskz_loadu_epi16(mask, row.a + i));
  const __m512i w = _mm512_maskz_cvtepi16_epi32(mask, _mm256_maskz_loadu_epi16(mask, row.w + i));
  const __m512i from = _mm512_maskz_loadu_epi32(mask, row.from + i);
  return _mm512_add_epi32(from, _mm512_mullo_epi32(a, w));
}

// By hand, as rows are short: one masked vector instead of a scalar rest.
SYSTOLE_TARGET void sweep_avx512(const SweepJob& job) {
  constexpr __mmask16 kAll = 0xFFFF;
  for (std::int64_t r = job.rows - 1; r >= 0; --r) {
    const Row row = row_of(job, r);
    std::int64_t i = 0;
    for (; i + kLanes <= row.count; i += kLanes) {
      _mm512_storeu_si512(row.to + i, sums(row, i, kAll));
    }
    if (i >= row.count) continue;
    const auto rest = static_cast<__mmask16>((1U << (row.count - i)) - 1);
    _mm512_mask_storeu_epi32(row.to + i, rest, sums(row, i, rest));
  }
}
#endif

}  // namespace

void sweep(const SweepJob& job, [[maybe_unused]] Simd simd) {
#if defined(__x86_64__)
  if (job.floats && simd >= Simd::kAvx2) return sweep_floats_avx2(job);
  if (job.floats) return sweep_floats_portable(job);
  if (simd >= Simd::kAvx512) return sweep_avx512(job);
  if (simd >= Simd::kAvx2) return sweep_avx2(job);
#endif
  if (job.floats) return sweep_floats_portable(job);
  sweep_portable(job);
}

}  // namespace systole::sim
