// Quantised constants: the formulas of docs/quantisation.md, all in float32 unless said.
#include "compiler/passes/quantise_weights.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numerics.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr float kActivationSteps = 255.0F;
constexpr double kBiasSteps = 0x1p30;  // half of int32, the other half is for the sums

}  // namespace

QuantisedConstant quantise_weights(const Tensor& weights, std::int64_t axis,
                                   const std::vector<float>& least, int bits) {
  const auto steps = static_cast<float>((1 << (bits - 1)) - 1);  // 127 or 63 either way
  const auto at = static_cast<std::size_t>(axis);
  const auto columns = static_cast<std::size_t>(weights.shape[at]);
  const auto inner = static_cast<std::size_t>(extent(weights.shape, at + 1, weights.shape.size()));
  const auto values = weights.as<float>();
  QuantisedConstant result{Tensor(DType::kInt8, weights.shape), {}};
  result.quant.type = DType::kInt8;
  result.quant.axis = axis;
  std::vector<float>& scales = result.quant.scales;
  scales.assign(columns, 0.0F);
  result.quant.zero_points.assign(columns, 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float& largest = scales[i / inner % columns];
    largest = std::max(largest, std::fabs(values[i]));
  }
  for (std::size_t c = 0; c < columns; ++c) {
    scales[c] /= steps;
    if (!std::isnormal(scales[c])) scales[c] = 1.0F;
    if (!least.empty()) scales[c] = std::max(scales[c], least[c]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float q = round_half_even(values[i] / scales[i / inner % columns]);
    result.integers.as<std::int8_t>()[i] = static_cast<std::int8_t>(std::clamp(q, -steps, steps));
  }
  return result;
}

// A bias that is wider than this is so large that the weights hardly count beside it; nor may the
// bias's scale be no normal float.
std::vector<float> least_scales(const Tensor& bias, float x_scale, const std::string& where) {
  std::vector<float> scales;
  for (const float b : bias.as<float>()) {
    const double least = std::max(std::fabs(double{b}) / kBiasSteps, 0x1p-125) / double{x_scale};
    if (least > double{std::numeric_limits<float>::max()}) {
      throw InputError(
          where, fmt::format("bias {} has no int32 form beside inputs of scale {}", b, x_scale),
          "a bias nearer to the inputs");
    }
    scales.push_back(static_cast<float>(least));
  }
  return scales;
}

QuantisedConstant quantise_bias(const Tensor& bias, float x_scale,
                                const std::vector<float>& weight_scales) {
  QuantisedConstant result{Tensor(DType::kInt32, bias.shape), {}};
  result.quant.type = DType::kInt32;
  result.quant.zero_points.assign(weight_scales.size(), 0);
  for (std::size_t c = 0; c < weight_scales.size(); ++c) {
    const float scale = weight_scales[c] * x_scale;
    result.quant.scales.push_back(scale);
    const double q = std::nearbyint(double{bias.as<float>()[c]} / double{scale});
    result.integers.as<std::int32_t>()[c] = static_cast<std::int32_t>(q);  // see least_scales
  }
  return result;
}

Quant quant_of_range(float low, float high) {
  Quant quant{{1.0F}, {0}, 0, DType::kUint8};
  low = std::min(low, 0.0F);
  const float scale = (std::max(high, 0.0F) - low) / kActivationSteps;
  if (!std::isnormal(scale)) return quant;
  quant.scales[0] = scale;
  const float zero = round_half_even(-low / scale);
  quant.zero_points[0] = static_cast<std::int32_t>(std::clamp(zero, 0.0F, kActivationSteps));
  return quant;
}

QuantisedConstant quantise_whole(const Tensor& t) {
  const auto values = t.as<float>();
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const bool empty = values.empty();
  QuantisedConstant result{Tensor(DType::kUint8, t.shape),
                           quant_of_range(empty ? 0.0F : *low, empty ? 0.0F : *high)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    result.integers.data[i] = static_cast<std::uint8_t>(
        quantise(values[i], result.quant.scales[0], result.quant.zero_points[0], 0, 255));
  }
  return result;
}

}  // namespace systole::compiler
