// ConvTranspose: a convolution of stride 1 over the input with zeros between its elements and
// around it, by the weights turned round (Dumoulin and Visin, "A guide to convolution arithmetic
// for deep learning", 2016, section 4).
#include <algorithm>

#include "base/units.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_window.h"
#include "compiler/ir/integers.h"

namespace systole::compiler {
namespace {

using Pair = std::array<std::int64_t, 2>;

struct Form {
  Shape x, w;  // [N, C, H, W] and [C, M / groups, kH, kW]
  Pair strides = {1, 1}, dilations = {1, 1}, extra = {}, before = {}, behind = {};
  std::int64_t groups = 1;
  bool flat = false;  // X is [N, C, L]
};

// One number each way, `otherwise` where the attribute is absent.
Pair read_pair(OnnxNode& node, const std::string& name, bool flat, Pair otherwise) {
  std::vector<std::int64_t> found = node.ints(name);
  if (!node.has_attribute(name)) return otherwise;
  const bool known = found.size() == (flat ? 1U : 2U) &&
                     std::ranges::all_of(found, [](auto v) { return v >= 0 && v < (1 << 16); });
  node.require(known, fmt::format("attribute '{}' is {}", name, shape_text(found)),
               fmt::format("{} from 0 to 65535", flat ? "one number" : "two numbers"));
  if (flat) found.insert(found.begin(), otherwise[0]);
  return {found[0], found[1]};
}

// Elements along dimension d before the pads cut some off.
std::int64_t full_extent(const Form& f, std::size_t d) {
  return f.strides[d] * (f.x[d + 2] - 1) + (f.w[d + 2] - 1) * f.dilations[d] + 1 + f.extra[d];
}

void read_pads(OnnxNode& node, Form& f) {
  const std::string automatic = node.string_or("auto_pad", "NOTSET");
  const bool upper = automatic == "SAME_UPPER";
  const bool same = upper || automatic == "SAME_LOWER";
  node.require(same || automatic == "NOTSET" || automatic == "VALID",
               "auto_pad is '" + automatic + "'", "NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  const bool sized = node.has_attribute("output_shape");
  const Pair wanted = read_pair(node, "output_shape", f.flat, {1, 1});
  std::vector<std::int64_t> pads = node.ints("pads");
  if (node.has_attribute("pads")) {
    node.require(pads.size() == (f.flat ? 2U : 4U), "attribute 'pads' is " + shape_text(pads),
                 f.flat ? "two numbers" : "four numbers");
    if (f.flat) pads = {0, pads[0], 0, pads[1]};
    f.before = {pads[0], pads[1]};
    f.behind = {pads[2], pads[3]};
  }
  if (!same && !sized) return;
  for (std::size_t d = f.flat ? 1 : 0; d < 2; ++d) {
    const std::int64_t to = sized ? wanted[d] : f.x[d + 2] * f.strides[d];
    const std::int64_t total = std::max<std::int64_t>(0, full_extent(f, d) - to);
    f.extra[d] += std::max<std::int64_t>(0, to - full_extent(f, d));
    f.before[d] = upper ? total / 2 : total - total / 2;
    f.behind[d] = total - f.before[d];
  }
}

Form read_form(OnnxNode& node) {
  Form f;
  f.flat = node.shape(0).size() == 3;
  const std::string shapes =
      fmt::format("X has shape {} and W {}", shape_text(node.shape(0)), shape_text(node.shape(1)));
  const bool ranks = node.shape(0).size() == node.shape(1).size();
  f.x = image_shape(node.shape(0));
  f.w = image_shape(node.shape(1));
  f.groups = node.int_or("group", 1);
  node.require(ranks && f.x.size() == 4, shapes, "X [N, C, H, W] and W [C, M/group, kH, kW]");
  node.require(f.groups >= 1 && f.x[1] % f.groups == 0 && f.w[0] == f.x[1] && f.w[1] >= 1 &&
                   f.w[2] >= 1 && f.w[3] >= 1,
               fmt::format("{} with group {}", shapes, f.groups),
               "W [C, M/group, kH, kW], and C a multiple of group");
  static_cast<void>(read_kernel(node, f.flat, {{f.w[2], f.w[3]}}));
  f.strides = read_pair(node, "strides", f.flat, {1, 1});
  f.dilations = read_pair(node, "dilations", f.flat, {1, 1});
  f.extra = read_pair(node, "output_padding", f.flat, {0, 0});
  node.require(std::ranges::min(f.strides) >= 1 && std::ranges::min(f.dilations) >= 1,
               "strides or dilations of 0", "1 or more");
  read_pads(node, f);
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int64_t to = full_extent(f, d) - f.before[d] - f.behind[d];
    node.require(to >= 1 && f.x[d + 2] >= 1, fmt::format("a result of {} elements", to),
                 "pads that leave some");
  }
  return f;
}

// The convolution's kernel and its number of places, along dimension d.
std::int64_t kernel_of(const Form& f, std::size_t d) {
  return ceil_div((f.w[d + 2] - 1) * f.dilations[d] + 1, f.strides[d]);
}
std::int64_t places_of(const Form& f, std::size_t d) {
  return ceil_div(full_extent(f, d), f.strides[d]);
}

// [C, M / groups, kH, kW] as filters [M * sH * sW, C / groups, ...]: for each filter and each place
// of a block the weights that meet there, turned round.
template <typename T>
Tensor filters_of(const Tensor& w, const Form& f, T zero) {
  const std::int64_t c = f.x[1] / f.groups;
  const std::int64_t m = f.w[1];
  const Pair kernel = {kernel_of(f, 0), kernel_of(f, 1)};
  Tensor filters(w.type, {m * f.groups * f.strides[0] * f.strides[1], c, kernel[0], kernel[1]});
  const auto from = w.as<T>();
  const auto to = filters.as<T>();
  std::ranges::fill(to, zero);
  for (std::int64_t i = 0; i < std::ssize(from); ++i) {
    const std::int64_t y = i / f.w[3] % f.w[2] * f.dilations[0];
    const std::int64_t x = i % f.w[3] * f.dilations[1];
    const std::int64_t in = i / (f.w[2] * f.w[3]) / m;
    const std::int64_t out = in / c * m + i / (f.w[2] * f.w[3]) % m;
    const std::int64_t filter =
        (out * f.strides[0] + y % f.strides[0]) * f.strides[1] + x % f.strides[1];
    const std::int64_t row = kernel[0] - 1 - y / f.strides[0];
    const std::int64_t column = kernel[1] - 1 - x / f.strides[1];
    to[static_cast<std::size_t>(((filter * c + in % c) * kernel[0] + row) * kernel[1] + column)] =
        from[static_cast<std::size_t>(i)];
  }
  return filters;
}

// The filters: a constant, or integers behind a DequantizeLinear if W is dequantised. Its scales
// are W's, or one for each of W's second dimension, which filters are made of.
ValueId filters_value(OnnxNode& node, const Form& f) {
  GraphBuilder& builder = node.builder();
  const Node* made = builder.producer(node.input(1));
  const Tensor* integers = made != nullptr && made->kind == OpKind::kDequantise
                               ? builder.constant(made->inputs[0])
                               : nullptr;
  if (integers == nullptr)
    return builder.add_constant("filters", filters_of(node.constant(1, "W"), f, 0.0F));
  Quant quant = std::get<QuantAttrs>(made->attrs).quant;
  const bool each = quant.per_tensor() || quant.axis == 1;
  const bool symmetric = std::ranges::all_of(quant.zero_points, [](auto z) { return z == 0; });
  node.require(each && (quant.per_tensor() || symmetric),
               fmt::format("W has scales along dimension {}", quant.axis),
               "one scale, or one for each of dimension 1 with zero points of 0");
  if (!quant.per_tensor()) {
    const std::vector<float> own = quant.scales;
    quant.scales.clear();
    for (std::int64_t i = 0; i < f.w[1] * f.groups; ++i)
      quant.scales.insert(quant.scales.end(), static_cast<std::size_t>(f.strides[0] * f.strides[1]),
                          own[static_cast<std::size_t>(i % f.w[1])]);
    quant.zero_points.assign(quant.scales.size(), 0);
    quant.axis = 0;
  }
  Tensor filters;
  with_integers(*integers, [&](auto values) {
    using T = typename decltype(values)::value_type;
    filters = filters_of(*integers, f, static_cast<T>(quant.zero_points[0]));
  });
  const Shape shape = filters.shape;
  const ValueId stored = builder.add_constant("filters", std::move(filters));
  return builder.emit(OpKind::kDequantise, {stored}, DType::kFloat32, shape, QuantAttrs{quant});
}

// [N, M * sH * sW, H, W] as [N, M, H * sH, W * sW].
ValueId to_blocks(GraphBuilder& builder, ValueId y, const Form& f) {
  const Shape shape = builder.value(y).shape;
  const std::int64_t filters = f.w[1] * f.groups;
  y = builder.reshape(y, {shape[0], filters, f.strides[0], f.strides[1], shape[2], shape[3]});
  y = builder.transpose(y, {0, 1, 4, 2, 5, 3});
  return builder.reshape(y, {shape[0], filters, shape[2] * f.strides[0], shape[3] * f.strides[1]});
}

// The bias once for each place of a block.
ValueId bias_of_blocks(OnnxNode& node, const Form& f) {
  const std::int64_t filters = f.w[1] * f.groups;
  const Tensor& bias = node.constant(2, "B");
  node.require(bias.type == DType::kFloat32 && bias.shape == Shape{filters},
               fmt::format("B is {} {}", dtype_name(bias.type), shape_text(bias.shape)),
               "float32 " + shape_text({filters}));
  const std::int64_t places = f.strides[0] * f.strides[1];
  Tensor all(DType::kFloat32, {filters * places});
  for (std::int64_t i = 0; i < filters * places; ++i)
    all.as<float>()[static_cast<std::size_t>(i)] =
        bias.as<float>()[static_cast<std::size_t>(i / places)];
  return node.builder().add_constant("bias", std::move(all));
}

}  // namespace

void rewrite_conv_transpose(OnnxNode& node) {
  node.require_arity(2, 3);
  node.require_type("X", node.input(0), DType::kFloat32);
  node.require_type("W", node.input(1), DType::kFloat32);
  GraphBuilder& builder = node.builder();
  const Form f = read_form(node);
  ConvAttrs attrs;
  attrs.groups = f.groups;
  Shape shape = {f.x[0], f.w[1] * f.groups * f.strides[0] * f.strides[1], 0, 0};
  std::vector<std::int64_t> cut(8);
  for (std::size_t d = 0; d < 2; ++d) {
    attrs.window.kernel[d] = kernel_of(f, d);
    attrs.window.pads[d] = kernel_of(f, d) - 1;
    attrs.window.pads[d + 2] = places_of(f, d) - f.x[d + 2];
    shape[d + 2] = places_of(f, d);
    cut[d + 2] = -f.before[d];
    cut[d + 6] = full_extent(f, d) - f.strides[d] * places_of(f, d) - f.behind[d];
  }
  std::vector<ValueId> inputs = {builder.reshape(node.input(0), f.x), filters_value(node, f)};
  if (node.has(2)) inputs.push_back(bias_of_blocks(node, f));
  const ValueId blocks = builder.emit(OpKind::kConv, inputs, DType::kFloat32, shape, attrs);
  const ValueId y = emit_pad(builder, to_blocks(builder, blocks, f), cut);
  const Shape result = builder.value(y).shape;
  node.result(f.flat ? builder.reshape(y, {result[0], result[1], result[3]}) : y);
}

}  // namespace systole::compiler
