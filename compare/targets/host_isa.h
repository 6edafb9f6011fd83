// What this host can compute, and in which library: the one place that decides it, from what the
// processor has and from what oneDNN may use of it (DNNL_MAX_CPU_ISA lowers that, so that any
// machine shows what runs on lesser ones).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/unit/simd.h"

namespace systole::compare {

struct HostIsa {
  std::string onednn;   // the instruction set that oneDNN may use: "AVX-512 VNNI, bf16"
  std::string xnnpack;  // the one that XNNPACK chooses: "AVX2"
  // Sums of 8-bit products are exact in oneDNN. Without VNNI it adds pairs of them in 16 bits,
  // which saturates, and XNNPACK multiplies in its place.
  bool exact_int8 = false;
  bool bf16 = false;                      // oneDNN has bfloat16 primitives
  sim::Simd simd = sim::Simd::kPortable;  // for loops of our own: no more than oneDNN may use
};
[[nodiscard]] const HostIsa& host_isa();

// A library with its version and the instruction set that it uses here: "oneDNN 2.6.3 (AVX2)",
// "XNNPACK 20220216 (AVX2)", "Systole's array loops (AVX2)".
[[nodiscard]] std::string onednn_text();
[[nodiscard]] std::string xnnpack_text();
[[nodiscard]] std::string array_loops_text();
// Those that measure this host.
[[nodiscard]] std::vector<std::string> host_libraries();

// Why this host computes nothing in `precision`, whatever the model; nothing if it does.
[[nodiscard]] std::optional<std::string> host_lacks(const std::string& precision);

}  // namespace systole::compare
