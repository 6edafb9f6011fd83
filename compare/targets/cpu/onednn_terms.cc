// See onednn_terms.h; the API is oneDNN 2.6's (output scales and zero points as attributes).
#include "compare/targets/cpu/onednn_terms.h"

#include <fmt/core.h>

#include <utility>

#include "base/numerics.h"

namespace systole::compare {

using compiler::Node;
using compiler::Quant;
using dnnl::memory;

namespace {

// [lo, hi] of an integer type of 8 bits.
std::pair<std::int32_t, std::int32_t> limits(DType type) {
  return type == DType::kInt8 ? std::pair{-128, 127} : std::pair{0, 255};
}

}  // namespace

memory::desc row_major_desc(const memory::dims& dims, memory::data_type type) {
  memory::dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return {dims, type, strides};
}

memory::desc with_type(memory::desc desc, memory::data_type type) {
  desc.data.data_type = static_cast<dnnl_data_type_t>(type);
  return desc;
}

std::int64_t elements(const memory::dims& dims) {
  std::int64_t count = 1;
  for (const std::int64_t d : dims) count *= d;
  return count;
}

void refuse(const Node& node, std::string what, std::string expected) {
  throw InputError(node.name, std::move(what), std::move(expected));
}

memory::data_type dnnl_type(DType type, const std::string& where) {
  switch (type) {
    case DType::kFloat32:
      return memory::data_type::f32;
    case DType::kUint8:
      return memory::data_type::u8;
    case DType::kInt8:
      return memory::data_type::s8;
    case DType::kInt32:
      return memory::data_type::s32;
    default:
      throw InputError(where, fmt::format("a tensor of {}", dtype_name(type)),
                       "float32, uint8, int8 or int32 for the CPU comparison");
  }
}

Eltwise eltwise(const Node& node) {
  const auto& map = std::get<compiler::MapAttrs>(node.attrs);
  switch (map.fn) {
    case compiler::MapFn::kRelu:
      return {dnnl::algorithm::eltwise_relu};
    case compiler::MapFn::kLeakyRelu:
      return {dnnl::algorithm::eltwise_relu, map.alpha};
    case compiler::MapFn::kClip:
      return {dnnl::algorithm::eltwise_clip, map.lo, map.hi};
    case compiler::MapFn::kSigmoid:
      return {dnnl::algorithm::eltwise_logistic};
    case compiler::MapFn::kTanh:
      return {dnnl::algorithm::eltwise_tanh};
    case compiler::MapFn::kExp:
      return {dnnl::algorithm::eltwise_exp};
    case compiler::MapFn::kLog:
      return {dnnl::algorithm::eltwise_log};
    case compiler::MapFn::kSqrt:
      return {dnnl::algorithm::eltwise_sqrt};
    case compiler::MapFn::kAbs:
      return {dnnl::algorithm::eltwise_abs};
    case compiler::MapFn::kRound:
      return {dnnl::algorithm::eltwise_round};
    case compiler::MapFn::kNeg:
      return {dnnl::algorithm::eltwise_linear, -1.0F, 0.0F};
    case compiler::MapFn::kReciprocal:
      return {dnnl::algorithm::eltwise_pow, 1.0F, -1.0F};
    case compiler::MapFn::kElu:
      return {dnnl::algorithm::eltwise_elu, map.alpha};
    case compiler::MapFn::kHardSwish:
      return {dnnl::algorithm::eltwise_hardswish};
    case compiler::MapFn::kGelu:
      return {dnnl::algorithm::eltwise_gelu_erf};
    case compiler::MapFn::kGeluTanh:
      return {dnnl::algorithm::eltwise_gelu_tanh};
    default:
      refuse(node, "an element-wise function that oneDNN does not have",
             "another target for this model");
  }
}

void append(dnnl::post_ops& ops, const Eltwise& fn) {
  ops.append_eltwise(1.0F, fn.algorithm, fn.alpha, fn.beta);
}

const Quant& per_tensor(const Quant& quant, const Node& node) {
  if (!quant.per_tensor()) {
    refuse(node, "activations with a scale per channel", "one scale for the CPU comparison");
  }
  return quant;
}

std::vector<std::int32_t> folded_bias(const Tensor& w, const Tensor* bias,
                                      std::int32_t zero_point) {
  const auto columns = static_cast<std::size_t>(w.shape.back());
  std::vector<std::int32_t> folded(columns, 0);
  if (bias != nullptr) {
    const auto given = bias->as<std::int32_t>();
    std::copy(given.begin(), given.end(), folded.begin());
  }
  const auto weights = w.as<std::int8_t>();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    std::int32_t& sum = folded[i % columns];
    sum = wrapping_add(sum, wrapping_mul(-zero_point, weights[i]));
  }
  return folded;
}

std::vector<float> requantise_multipliers(const compiler::ProductQuants& attrs, float alpha) {
  std::vector<float> result;
  for (const float scale : attrs.w_quant->scales) {
    result.push_back(
        requantise_multiplier(alpha * attrs.x_quant->scales[0], scale, attrs.output->scales[0]));
  }
  return result;
}

void check_integer_product(const Node& node, const compiler::ProductQuants& quants,
                           const Tensor& w) {
  if (!quants.x_quant || !quants.w_quant) refuse(node, "no scales", "scales of x and w");
  if (compiler::term_count(node) > 1) refuse(node, "a sum of products", "one product");
  per_tensor(*quants.x_quant, node);
  if (quants.output) per_tensor(*quants.output, node);
  if (w.type != DType::kInt8) {
    refuse(node, fmt::format("weights of {}", dtype_name(w.type)), "int8 for the CPU comparison");
  }
  for (const std::int32_t zero : quants.w_quant->zero_points) {
    if (zero != 0) refuse(node, fmt::format("a weight zero point of {}", zero), "0");
  }
}

dnnl::primitive_attr requantisation(const compiler::ProductQuants& attrs, float alpha) {
  const Quant& y = *attrs.output;
  const std::int32_t zero_point = y.zero_points[0];
  const auto scales = requantise_multipliers(attrs, alpha);
  dnnl::primitive_attr result;
  result.set_output_scales(scales.size() == 1 ? 0 : 1 << 1, scales);

  const auto [low, high] = limits(y.type);
  dnnl::post_ops ops;
  if (attrs.lo == zero_point && attrs.hi >= high && attrs.lo > low) {
    append(ops, {dnnl::algorithm::eltwise_relu});
  } else if (attrs.lo > low || attrs.hi < high) {
    append(ops, {dnnl::algorithm::eltwise_clip, static_cast<float>(attrs.lo - zero_point),
                 static_cast<float>(attrs.hi - zero_point)});
  }
  result.set_post_ops(ops);
  if (zero_point != 0) result.set_zero_points(DNNL_ARG_DST, 0, {zero_point});
  return result;
}

}  // namespace systole::compare
