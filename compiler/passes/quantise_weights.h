// Weights and biases as integers: s8 symmetric per column, int32 at the scale of the product.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace systole::compiler {

struct QuantisedConstant {
  Tensor integers;
  Quant quant;
};

// Per index of `axis`: largest magnitude / 127; where it would be no normal number, or `least` is
// larger, that.
[[nodiscard]] QuantisedConstant quantise_weights(const Tensor& weights, std::int64_t axis,
                                                 const std::vector<float>& least, int bits = 8);

// The least weight scales for which the bias at x_scale * scale fits half of int32. Throws
// InputError if there are none.
[[nodiscard]] std::vector<float> least_scales(const Tensor& bias, float x_scale,
                                              const std::string& where);
[[nodiscard]] QuantisedConstant quantise_bias(const Tensor& bias, float x_scale,
                                              const std::vector<float>& weight_scales);

// u8 asymmetric for values in [low, high] and 0; scale 1 if they are all but 0.
[[nodiscard]] Quant quant_of_range(float low, float high);
[[nodiscard]] QuantisedConstant quantise_whole(const Tensor& t);

}  // namespace systole::compiler
