// Relu and clip behind an op whose result is quantised: limits in real numbers and in steps.
#pragma once

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

  // Quantising is monotone, so clamping to these after it gives the same integers as clamping to
  // lo and hi before it. A clip with lo > hi gives hi.
  [[nodiscard]] IntegerRange steps(const Quant& q) const {
    const IntegerRange all = integer_range(q.type);
    const auto limit = [&](float v) {
      return quantise(v, q.scales[0], q.zero_points[0], all.lo, all.hi);
    };
    return {limit(std::min(lo, hi)), limit(hi)};
  }
};

}  // namespace systole::compiler
