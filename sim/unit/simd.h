// Which vector instructions the hot loops may use: the one place that asks the processor.
#pragma once

#include <cstdint>

namespace systole::sim {

// Each has all that the ones before it have. kAvx2: with FMA; kAvx512: F, BW, VL and DQ; kVnni:
// AVX-512's vpdpbusd.
enum class Simd : std::uint8_t { kPortable, kAvx2, kAvx512, kVnni };

// What this processor has.
[[nodiscard]] Simd processor_simd();
// The best that loops may choose: the processor's, but for a build with SYSTOLE_AVX512=OFF, which
// stays at AVX2 and so shows on any machine what runs where there is no more.
[[nodiscard]] Simd best_simd();

}  // namespace systole::sim
