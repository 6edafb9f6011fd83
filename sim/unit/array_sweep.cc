// Array sweep: one body, three instruction sets (story in array_sweep.h).
#include "sim/unit/array_sweep.h"

#include <algorithm>

namespace systole::sim {
namespace {

[[gnu::always_inline]] inline void sweep_rows(const SweepJob& job) {
  for (std::int64_t r = job.rows - 1; r >= 0; --r) {
    const std::int64_t begin = std::max<std::int64_t>(0, job.first - r);
    const std::int64_t end = std::min(job.columns, job.last - r + 1);
    const std::int32_t* __restrict from = job.psums + r * job.columns;
    std::int32_t* __restrict to = job.psums + (r + 1) * job.columns;
    const std::int16_t* __restrict a = job.activations + r * job.activation_stride + r;
    const std::int16_t* __restrict w = job.weights + r * job.columns;
    for (std::int64_t c = begin; c < end; ++c) to[c] = from[c] + a[c] * w[c];
  }
}

void sweep_portable(const SweepJob& job) { sweep_rows(job); }
#if defined(__x86_64__)
[[gnu::target("avx2")]] void sweep_avx2(const SweepJob& job) { sweep_rows(job); }
[[gnu::target("avx512f,avx512bw,avx512vl,prefer-vector-width=512")]] void sweep_avx512(
    const SweepJob& job) {
  sweep_rows(job);
}
#endif

}  // namespace

void sweep(const SweepJob& job, [[maybe_unused]] Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::kAvx512) return sweep_avx512(job);
  if (simd == Simd::kAvx2) return sweep_avx2(job);
#endif
  sweep_portable(job);
}

}  // namespace systole::sim
