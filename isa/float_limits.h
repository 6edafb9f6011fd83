// Float limits: what lowest and highest value mean where a result is a float.
//
// Limits are integers, as those of integer results are; the least and the largest that their place
// holds are none. NaN passes, as it does through ONNX's Clip.
#pragma once

#include <cstdint>
#include <limits>

#include "isa/operand.h"
#include "isa/registers.h"

namespace systole::isa {

struct FloatLimits {
  float lo = -std::numeric_limits<float>::infinity();
  float hi = std::numeric_limits<float>::infinity();

  [[nodiscard]] float apply(float x) const {
    const float y = x < lo ? lo : x;
    return hi < y ? hi : y;
  }
};

// Of a place that holds `range`.
constexpr FloatLimits float_limits(const OperandRange& range, std::int64_t lo, std::int64_t hi) {
  FloatLimits limits;
  if (lo != range.low) limits.lo = static_cast<float>(lo);
  if (hi != range.high) limits.hi = static_cast<float>(hi);
  return limits;
}

// Of activate and activate_pool; relu lifts the lower one.
template <typename Activation>
[[nodiscard]] FloatLimits float_limits_of(const Activation& insn) {
  FloatLimits limits = float_limits(operand_range(Operand::Limit), insn.lo, insn.hi);
  if (insn.function == function::kRelu && limits.lo < 0.0F) limits.lo = 0.0F;
  return limits;
}
[[nodiscard]] inline FloatLimits float_limits_of(const Registers& registers) {
  using Word = std::numeric_limits<std::int32_t>;
  return float_limits({Word::min(), Word::max()}, registers.integer(configuration::kLo),
                      registers.integer(configuration::kHi));
}

}  // namespace systole::isa
