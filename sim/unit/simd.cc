// See simd.h.
#include "sim/unit/simd.h"

#include <algorithm>

namespace systole::sim {
namespace {

#if defined(__x86_64__)
Simd asked_of_processor() {
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (wide && __builtin_cpu_supports("avx512vnni")) return Simd::kVnni;
  if (wide) return Simd::kAvx512;
  const bool half = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return half ? Simd::kAvx2 : Simd::kPortable;
}
#else
Simd asked_of_processor() { return Simd::kPortable; }
#endif

#if defined(SYSTOLE_NO_AVX512)
constexpr Simd kMost = Simd::kAvx2;
#else
constexpr Simd kMost = Simd::kVnni;
#endif

}  // namespace

Simd processor_simd() {
  static const Simd has = asked_of_processor();
  return has;
}

Simd best_simd() { return std::min(processor_simd(), kMost); }

}  // namespace systole::sim
