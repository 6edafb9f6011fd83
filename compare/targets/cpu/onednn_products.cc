// Matrix products and convolutions: weights packed for the primitive, bias, activation function and
// requantisation fused.
//
// Integers: u8 or s8 activations, s8 symmetric weights, int32 bias. Without padding the
// activations' zero point is folded into the bias exactly, as sum_k (x - z) w = sum_k x w - z sum_k
// w; with padding oneDNN is told the zero point, as padded pixels are real zeros.
#include <fmt/core.h>

#include <algorithm>

#include "compare/targets/cpu/onednn_builder.h"

namespace systole::compare {

using dnnl::memory;

namespace {

// w with its results' dimension last, as folded_bias wants it: [M, K...] becomes [K..., M].
Tensor results_last(const Tensor& w) {
  const std::int64_t results = w.shape[0];
  const std::int64_t depth = w.count() / std::max<std::int64_t>(results, 1);
  Tensor turned(w.type, {depth, results});
  for (std::int64_t r = 0; r < results; ++r) {
    for (std::int64_t d = 0; d < depth; ++d) {
      turned.data[static_cast<std::size_t>(d * results + r)] =
          w.data[static_cast<std::size_t>(r * depth + d)];
    }
  }
  return turned;
}

Tensor scaled(const Tensor& tensor, float factor) {
  Tensor result = tensor;
  for (float& x : result.as<float>()) x *= factor;
  return result;
}

}  // namespace

// alpha x w + beta b: the factors go into the constants, so the product itself is plain.
OnednnBuilder::Product OnednnBuilder::float_product(const Node& node, const Node* map, float alpha,
                                                    float beta) {
  const auto kind = options_.bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  const Tensor& w = constant(node, 1);
  if (w.type != DType::kFloat32) refuse(node, "integer weights", "scales, or float32 weights");
  Product product;
  product.weights = constant_memory(scaled(w, alpha), kind);
  product.result = kind;
  if (compiler::bias_of(node) != compiler::kNoValue) {
    product.bias = constant_memory(scaled(constant(node, 2), beta), memory::data_type::f32);
  }
  if (map != nullptr) {
    dnnl::post_ops ops;
    append(ops, eltwise(*map));
    product.attributes.set_post_ops(ops);
    product.map = map;
    fused_.insert(map->outputs[0]);
  }
  precisions.insert(options_.bf16 ? "bf16" : "fp32");
  return product;
}

// With `fold` the zero point of x goes into the bias.
OnednnBuilder::Product OnednnBuilder::integer_product(const Node& node,
                                                      const compiler::ProductQuants& quants,
                                                      float alpha, bool fold) {
  const Tensor& w = constant(node, 1);
  check_integer_product(node, quants, w);
  Product product;
  product.weights = constant_memory(w, memory::data_type::s8);
  if (quants.output) {
    product.attributes = requantisation(quants, alpha);
    product.result = dnnl_type(quants.output->type, node.name);
  } else {
    product.result = memory::data_type::s32;
  }
  const std::int32_t zero = quants.x_quant->zero_points[0];
  const bool biased = compiler::bias_of(node) != compiler::kNoValue;
  const Tensor* bias = biased ? &constant(node, 2) : nullptr;
  if (!fold && zero != 0) product.attributes.set_zero_points(DNNL_ARG_SRC, 0, {zero});
  if (bias != nullptr || (fold && zero != 0)) {
    const bool matrix = node.kind == compiler::OpKind::kMatmul;
    const auto sums = folded_bias(matrix ? w : results_last(w), bias, fold ? zero : 0);
    product.bias = constant_memory(
        make_tensor<std::int32_t>({std::ssize(sums)}, std::span<const std::int32_t>(sums)),
        memory::data_type::s32);
  }
  precisions.insert("int8");
  return product;
}

void OnednnBuilder::finish_product(const Node& node, const Product& product, const memory& result) {
  set_product(product.map != nullptr ? product.map->outputs[0] : node.outputs[0], result);
}

void OnednnBuilder::set_product(ValueId id, const memory& result) {
  last_product_value = id;
  last_product = result;
  set_value(id, result);
}

void OnednnBuilder::add_matmul(const Node& node, const Node* map) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
  if (attrs.x_quant && options_.xnnpack) return add_exact_matmul(node);
  const Product product = attrs.x_quant ? integer_product(node, attrs, attrs.alpha, true)
                                        : float_product(node, map, attrs.alpha, attrs.beta);
  const memory::dims w = product.weights.get_desc().dims();
  if (w.size() != 2) refuse(node, fmt::format("weights of rank {}", w.size()), "a matrix");
  const memory x = plain(node, node.inputs[0]);
  const memory::dims shape = dims(node.outputs[0]);
  const memory y(row_major_desc(shape, product.result), engine_);
  const std::int64_t rows = std::max<std::int64_t>(1, elements(shape) / w[1]);
  const memory::desc source({rows, w[0]}, x.get_desc().data_type(), memory::format_tag::ab);
  const memory::desc result({rows, w[1]}, product.result, memory::format_tag::ab);
  const memory::desc any(w, product.weights.get_desc().data_type(), memory::format_tag::any);
  const auto describe = [&] {
    if (!product.bias) return dnnl::matmul::desc(source, any, result);
    const memory::desc bias({1, w[1]}, product.bias.get_desc().data_type(), memory::format_tag::ab);
    return dnnl::matmul::desc(source, any, bias, result);
  };
  const dnnl::matmul::primitive_desc chosen(describe(), product.attributes, engine_);
  Args args{{DNNL_ARG_SRC, view(x, source)},
            {DNNL_ARG_WEIGHTS, packed(product.weights, chosen.weights_desc())},
            {DNNL_ARG_DST, view(y, result)}};
  if (product.bias) args[DNNL_ARG_BIAS] = view(product.bias, chosen.bias_desc());
  push(node, chosen.impl_info_str(), dnnl::matmul(chosen), std::move(args));
  finish_product(node, product, attrs.lookup ? looked_up(node, *attrs.lookup, y) : y);
}

namespace {

// [M, C/g, kH, kW] as [g, M/g, C/g, kH, kW], which is what oneDNN wants of groups.
memory::dims grouped(memory::dims w, std::int64_t groups) {
  if (groups == 1) return w;
  w[0] /= groups;
  w.insert(w.begin(), groups);
  return w;
}

struct WindowDims {
  memory::dims strides, dilations, before, behind;
};

WindowDims window_dims(const compiler::Window& w) {
  return {{w.strides[0], w.strides[1]},
          {w.dilations[0] - 1, w.dilations[1] - 1},
          {w.pads[0], w.pads[1]},
          {w.pads[2], w.pads[3]}};
}

}  // namespace

void OnednnBuilder::add_conv(const Node& node, const Node* map) {
  const auto& attrs = std::get<compiler::ConvAttrs>(node.attrs);
  if (attrs.x_quant && options_.xnnpack) return add_exact_conv(node);
  const bool padded = std::ranges::any_of(attrs.window.pads, [](auto pad) { return pad != 0; });
  Product product = attrs.x_quant ? integer_product(node, attrs, 1.0F, !padded)
                                  : float_product(node, map, 1.0F, 1.0F);
  const memory::dims w = grouped(product.weights.get_desc().dims(), attrs.groups);
  const memory::data_type weight_type = product.weights.get_desc().data_type();
  const WindowDims window = window_dims(attrs.window);
  const memory::dims shape = dims(node.outputs[0]);
  const auto any = memory::format_tag::any;
  const memory::desc source = any_desc(node.inputs[0]);
  const memory::desc result(shape, product.result, any);
  const auto describe = [&] {
    constexpr auto kind = dnnl::prop_kind::forward_inference;
    constexpr auto algorithm = dnnl::algorithm::convolution_direct;
    const memory::desc weights(w, weight_type, any);
    if (!product.bias) {
      return dnnl::convolution_forward::desc(kind, algorithm, source, weights, result,
                                             window.strides, window.dilations, window.before,
                                             window.behind);
    }
    return dnnl::convolution_forward::desc(kind, algorithm, source, weights,
                                           product.bias.get_desc(), result, window.strides,
                                           window.dilations, window.before, window.behind);
  };
  const dnnl::convolution_forward::primitive_desc chosen(describe(), product.attributes, engine_);
  const memory y(chosen.dst_desc(), engine_);
  const memory weights = view(product.weights, row_major_desc(w, weight_type));
  Args args{{DNNL_ARG_SRC, in_layout(node, value(node.inputs[0]), chosen.src_desc())},
            {DNNL_ARG_WEIGHTS, packed(weights, chosen.weights_desc())},
            {DNNL_ARG_DST, y}};
  if (product.bias) args[DNNL_ARG_BIAS] = product.bias;
  push(node, chosen.impl_info_str(), dnnl::convolution_forward(chosen), std::move(args));
  finish_product(node, product, attrs.lookup ? looked_up(node, *attrs.lookup, y) : y);
}

}  // namespace systole::compare
