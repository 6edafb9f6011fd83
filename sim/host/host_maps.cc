// Host operations of one float32 element, as ONNX defines them: the oracle's own bodies of what
// isa/elementwise.def and isa/maps.def list.
#include <algorithm>
#include <cmath>

#include "sim/host/host_map.h"

namespace systole::sim::host {
namespace {

using isa::HostOp;

float clamp_01(float x) { return x < 0.0F ? 0.0F : x > 1.0F ? 1.0F : x; }
float soft_plus(float x) { return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0F); }
float gelu(float x) { return 0.5F * x * (1.0F + std::erf(x * 0.70710678F)); }
float gelu_tanh(float x) {
  constexpr float kSlope = 0.79788456F;  // sqrt(2 / pi)
  return 0.5F * x * (1.0F + std::tanh(kSlope * (x + 0.044715F * x * x * x)));
}
float sign(float x) {
  if (x > 0.0F) return 1.0F;
  return x < 0.0F ? -1.0F : x;
}

}  // namespace

// r: the step's reals.
#define SYSTOLE_BODY(op, count, ...)                                                          \
  template <>                                                                                 \
  void apply<HostOp::op>(const Call& call) {                                                  \
    map_floats(call, count, [r = call.step.reals.data()]([[maybe_unused]] float x) -> float { \
      static_cast<void>(r);                                                                   \
      return __VA_ARGS__;                                                                     \
    });                                                                                       \
  }

SYSTOLE_BODY(kClip, 2, std::min(std::max(x, r[0]), r[1]))
SYSTOLE_BODY(kLeakyRelu, 1, x < 0.0F ? r[0] * x : x)
SYSTOLE_BODY(kSigmoid, 0, 1.0F / (1.0F + std::exp(-x)))
SYSTOLE_BODY(kTanh, 0, std::tanh(x))
SYSTOLE_BODY(kExp, 0, std::exp(x))
SYSTOLE_BODY(kLog, 0, std::log(x))
SYSTOLE_BODY(kSqrt, 0, std::sqrt(x))
SYSTOLE_BODY(kReciprocal, 0, 1.0F / x)
SYSTOLE_BODY(kNeg, 0, -x)
SYSTOLE_BODY(kAbs, 0, std::abs(x))
SYSTOLE_BODY(kSign, 0, sign(x))
SYSTOLE_BODY(kFloor, 0, std::floor(x))
SYSTOLE_BODY(kCeil, 0, std::ceil(x))
SYSTOLE_BODY(kRound, 0, std::rint(x))
SYSTOLE_BODY(kErf, 0, std::erf(x))
SYSTOLE_BODY(kElu, 1, x < 0.0F ? r[0] * std::expm1(x) : x)
SYSTOLE_BODY(kSelu, 2, r[1] * (x < 0.0F ? r[0] * std::expm1(x) : x))
SYSTOLE_BODY(kCelu, 1, x < 0.0F ? r[0] * std::expm1(x / r[0]) : x)
SYSTOLE_BODY(kSoftplus, 0, soft_plus(x))
SYSTOLE_BODY(kSoftsign, 0, x / (std::abs(x) + 1.0F))
SYSTOLE_BODY(kHardSigmoid, 2, clamp_01(r[0] * x + r[1]))
SYSTOLE_BODY(kHardSwish, 0, x* clamp_01(x / 6.0F + 0.5F))
SYSTOLE_BODY(kThresholdedRelu, 1, x > r[0] ? x : 0.0F)
SYSTOLE_BODY(kGelu, 0, gelu(x))
SYSTOLE_BODY(kGeluTanh, 0, gelu_tanh(x))
SYSTOLE_BODY(kMish, 0, x* std::tanh(soft_plus(x)))
SYSTOLE_BODY(kSin, 0, std::sin(x))
SYSTOLE_BODY(kCos, 0, std::cos(x))
SYSTOLE_BODY(kTan, 0, std::tan(x))
SYSTOLE_BODY(kAsin, 0, std::asin(x))
SYSTOLE_BODY(kAcos, 0, std::acos(x))
SYSTOLE_BODY(kAtan, 0, std::atan(x))
SYSTOLE_BODY(kSinh, 0, std::sinh(x))
SYSTOLE_BODY(kCosh, 0, std::cosh(x))
SYSTOLE_BODY(kAsinh, 0, std::asinh(x))
SYSTOLE_BODY(kAcosh, 0, std::acosh(x))
SYSTOLE_BODY(kAtanh, 0, std::atanh(x))
SYSTOLE_BODY(kShrink, 2, x<-r[0] ? x + r[1] : x> r[0] ? x - r[1] : 0.0F)

#undef SYSTOLE_BODY

}  // namespace systole::sim::host
