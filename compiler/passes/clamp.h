// Relu and clip behind an op whose result is quantised: limits in real numbers and in steps.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numerics.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/integers.h"

namespace systole::compiler {

struct Clamp {
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();

  // The clamp a map is, if it is one.
  [[nodiscard]] static std::optional<Clamp> of(const MapAttrs& map) {
    switch (map.fn) {
      case MapFn::kRelu:
        return Clamp{.lo = 0.0F};
      case MapFn::kClip:
        return Clamp{map.lo, map.hi};
      default:
        return std::nullopt;
    }
  }

  // Whether it has limits in steps: always, but as limits of bfloat16 only whole numbers of 16
  // bits.
  [[nodiscard]] bool has_steps(const Quant& q) const {
    const auto whole = [](float v) {
      return is_none(v) || (std::abs(v) < 32'768.0F && v == std::trunc(v));
    };
    return q.type != DType::kBfloat16 || (whole(std::min(lo, hi)) && whole(hi));
  }

  // Quantising is monotone, so clamping to these after it gives the same integers as clamping to
  // lo and hi before it. A clip with lo > hi gives hi.
  [[nodiscard]] IntegerRange steps(const Quant& q) const {
    const IntegerRange all = integer_range(q.type);
    if (q.type == DType::kBfloat16) {
      const float low = std::min(lo, hi);
      return {is_none(low) ? all.lo : static_cast<std::int32_t>(low),
              is_none(hi) ? all.hi : static_cast<std::int32_t>(hi)};
    }
    const auto limit = [&](float v) {
      return quantise(v, q.scales[0], q.zero_points[0], all.lo, all.hi);
    };
    return {limit(std::min(lo, hi)), limit(hi)};
  }

 private:
  // What rounds to infinity limits no bfloat16.
  static bool is_none(float v) { return std::isinf(float{Bfloat16(v)}); }
};

}  // namespace systole::compiler
