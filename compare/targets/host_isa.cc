// See host_isa.h.
#include "compare/targets/host_isa.h"

#include <fmt/core.h>

#include <algorithm>
#include <dnnl.hpp>

namespace systole::compare {
namespace {

using sim::Simd;

HostIsa allowed_to_onednn() {
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::avx512_core_amx:
      return {"AMX", {}, true, true, Simd::kVnni};
    case dnnl::cpu_isa::avx512_core_bf16:
      return {"AVX-512 VNNI, bf16", {}, true, true, Simd::kVnni};
    case dnnl::cpu_isa::avx512_core_vnni:
      return {"AVX-512 VNNI", {}, true, true, Simd::kVnni};
    case dnnl::cpu_isa::avx512_core:
      return {"AVX-512", {}, false, true, Simd::kAvx512};
    case dnnl::cpu_isa::avx512_mic:
    case dnnl::cpu_isa::avx512_mic_4ops:
      return {"AVX-512 of Xeon Phi", {}, false, false, Simd::kAvx2};
    case dnnl::cpu_isa::avx2_vnni:
      return {"AVX2 VNNI", {}, false, false, Simd::kAvx2};
    case dnnl::cpu_isa::avx2:
      return {"AVX2", {}, false, false, Simd::kAvx2};
    case dnnl::cpu_isa::avx:
      return {"AVX", {}, false, false, Simd::kPortable};
    case dnnl::cpu_isa::sse41:
      return {"SSE4.1", {}, false, false, Simd::kPortable};
    default:
      return {"SSE2", {}, false, false, Simd::kPortable};
  }
}

std::string simd_text(Simd simd) {
  switch (simd) {
    case Simd::kVnni:
      return "AVX-512 VNNI";
    case Simd::kAvx512:
      return "AVX-512";
    case Simd::kAvx2:
      return "AVX2";
    case Simd::kPortable:
      break;
  }
  return "less than AVX2";
}

}  // namespace

const HostIsa& host_isa() {
  static const HostIsa host = [] {
    HostIsa isa = allowed_to_onednn();
    // It asks the processor, obeys no limit and knows no VNNI.
    isa.xnnpack = simd_text(std::min(sim::processor_simd(), Simd::kAvx512));
    isa.simd = std::min(isa.simd, sim::best_simd());
    return isa;
  }();
  return host;
}

std::string onednn_text() {
  const dnnl::version_t* v = dnnl::version();
  return fmt::format("oneDNN {}.{}.{} ({})", v->major, v->minor, v->patch, host_isa().onednn);
}

std::string xnnpack_text() {
  return fmt::format("XNNPACK{} ({})", SYSTOLE_XNNPACK_VERSION, host_isa().xnnpack);
}

std::string array_loops_text() {
  return fmt::format("Systole's array loops ({})", simd_text(host_isa().simd));
}

std::vector<std::string> host_libraries() {
  if (host_isa().exact_int8) return {onednn_text()};
  return {onednn_text(), xnnpack_text()};
}

std::optional<std::string> host_lacks(const std::string& precision) {
  if (precision == "tf32" || precision == "fp16") return "the CPU has no such arithmetic";
  if (precision == "bf16" && !host_isa().bf16) {
    return fmt::format("oneDNN has bf16 from AVX-512 on; this host has {}", host_isa().onednn);
  }
  return std::nullopt;
}

}  // namespace systole::compare
