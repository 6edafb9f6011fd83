// ONNX quantisation: QuantizeLinear, DequantizeLinear, and the scales of the integer operators.
#include <algorithm>
#include <cmath>

#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_quant.h"
#include "compiler/ir/integers.h"

namespace systole::compiler {
namespace {

std::vector<std::int32_t> as_integers(const OnnxNode& node, const Tensor& t) {
  const auto widen = [](auto values) {
    return std::vector<std::int32_t>(values.begin(), values.end());
  };
  switch (t.type) {
    case DType::kUint8:
      return widen(t.as<std::uint8_t>());
    case DType::kInt8:
      return widen(t.as<std::int8_t>());
    case DType::kUint16:
      return widen(t.as<std::uint16_t>());
    case DType::kInt16:
      return widen(t.as<std::int16_t>());
    case DType::kInt32:
      return widen(t.as<std::int32_t>());
    default:
      node.fail(fmt::format("a zero point of type {}", dtype_name(t.type)), "an integer");
  }
}

void check_channels(const OnnxNode& node, const Tensor& t, std::string_view role,
                    const Channels& channels) {
  const bool one = t.shape.size() <= 1 && t.count() == 1;
  const bool each = channels.count > 0 && t.shape == Shape{channels.count};
  node.require(one || each,
               fmt::format("{} {} has shape {}", channels.what, role, shape_text(t.shape)),
               channels.count <= 1 ? "a scalar" : fmt::format("a scalar or [{}]", channels.count));
}

std::vector<std::int32_t> zero_points(OnnxNode& node, int input, DType type,
                                      const Channels& channels) {
  if (!node.has(input)) return {0};
  const Tensor& t = node.constant(input, channels.what + " zero point");
  node.require(t.type == type,
               fmt::format("{} zero point is {}", channels.what, dtype_name(t.type)),
               std::string(dtype_name(type)));
  check_channels(node, t, "zero point", channels);
  std::vector<std::int32_t> values = as_integers(node, t);
  const bool zeros = std::all_of(values.begin(), values.end(), [](auto v) { return v == 0; });
  node.require(type != DType::kInt32 || zeros, channels.what + " has a zero point", "0 for int32");
  return values;
}

bool is_quantised_type(DType type) {
  return type == DType::kUint8 || type == DType::kInt8 || type == DType::kUint16 ||
         type == DType::kInt16;
}

// Attributes and axis that both directions share; returns the axis (0 for one scale).
std::int64_t read_axis(OnnxNode& node, const Shape& shape) {
  const bool has_axis = node.opset() >= 13 || !node.is_standard();
  const std::int64_t axis = has_axis ? node.int_or("axis", 1) : 0;
  if (node.opset() >= 21 && node.is_standard()) {
    node.require(node.int_or("block_size", 0) == 0, "blocked quantisation",
                 "per tensor or per axis; blocks are not supported by this version");
  }
  const bool per_tensor = node.constant(1, "scale").count() == 1;
  if (per_tensor) return 0;
  node.require(has_axis, "one scale per channel", "opset 13 or newer, or one scale");
  return node.axis(axis, shape.size());
}

Quant read_linear(OnnxNode& node, DType type) {
  const Shape shape = node.shape(0);
  const std::int64_t axis = read_axis(node, shape);
  const bool per_tensor = node.constant(1, "scale").count() == 1;
  const std::int64_t channels = per_tensor ? 1 : shape[static_cast<std::size_t>(axis)];
  Quant quant = read_quant(node, {1, 2}, type, {channels, "x"});
  quant.axis = axis;
  return quant;
}

DType quantize_type(OnnxNode& node) {
  std::optional<DType> wanted;
  if (node.opset() >= 21 && node.is_standard()) {
    const std::int64_t code = node.int_or("output_dtype", 0);
    node.require(code >= 0 && code < 64, fmt::format("output_dtype {}", code), "an element type");
    if (code != 0) wanted = graph_type(static_cast<int>(code), "output_dtype");
  }
  const DType type =
      node.has(2) ? node.constant(2, "zero point").type : wanted.value_or(DType::kUint8);
  node.require(!wanted || *wanted == type, "output_dtype differs from the zero point's type",
               "one type, or no output_dtype");
  node.require(is_quantised_type(type), fmt::format("the result is {}", dtype_name(type)),
               "uint8, int8, uint16 or int16");
  return type;
}

}  // namespace

Quant read_quant(OnnxNode& node, QuantInputs inputs, DType type, const Channels& channels) {
  const Tensor& scale = node.constant(inputs.scale, channels.what + " scale");
  node.require(scale.type == DType::kFloat32,
               fmt::format("{} scale is {}", channels.what, dtype_name(scale.type)), "float32");
  check_channels(node, scale, "scale", channels);
  Quant quant;
  quant.type = type;
  quant.scales.assign(scale.as<float>().begin(), scale.as<float>().end());
  for (const float s : quant.scales) {
    node.require(
        std::isfinite(s) && s >= 0.0F,
        fmt::format("{} scale '{}' holds {}", channels.what, node.input_name(inputs.scale), s),
        "finite and not negative");
  }
  quant.zero_points = zero_points(node, inputs.zero_point, type, channels);
  const std::size_t count = std::max(quant.scales.size(), quant.zero_points.size());
  if (quant.scales.size() == 1) quant.scales.resize(count, quant.scales[0]);
  if (quant.zero_points.size() == 1) quant.zero_points.resize(count, quant.zero_points[0]);
  return quant;
}

Quant read_zero_points(OnnxNode& node, int input, const Value& tensor, const Channels& channels) {
  Quant quant;
  quant.type = tensor.type;
  quant.axis = static_cast<std::int64_t>(tensor.shape.size()) - 1;
  quant.zero_points = zero_points(node, input, tensor.type, channels);
  quant.scales.assign(quant.zero_points.size(), 1.0F);
  return quant;
}

void require_bytes(OnnxNode& node, int input, std::string_view what) {
  const DType type = node.builder().value(node.input(input)).type;
  node.require(type == DType::kUint8 || type == DType::kInt8,
               fmt::format("{} is {}", what, dtype_name(type)), "uint8 or int8");
}

void read_output_quant(OnnxNode& node, QuantInputs inputs, ProductQuants& attrs) {
  const DType type = node.constant(inputs.zero_point, "y_zero_point").type;
  node.require(type == DType::kUint8 || type == DType::kInt8,
               fmt::format("y_zero_point is {}", dtype_name(type)), "uint8 or int8");
  attrs.output = read_quant(node, inputs, type, {1, "y"});
  node.require(attrs.output->scales[0] > 0.0F, "y_scale is 0", "a positive scale");
  attrs.lo = integer_range(type).lo;
  attrs.hi = integer_range(type).hi;
}

void rewrite_quantize(OnnxNode& node) {
  node.require_arity(2, 3);
  const ValueId x = node.input(0);
  node.require_type("x", x, DType::kFloat32);
  if (node.opset() >= 19 && node.is_standard()) static_cast<void>(node.flag("saturate"));
  const DType type = quantize_type(node);
  Quant quant = read_linear(node, type);
  for (const float s : quant.scales) node.require(s > 0.0F, "x scale is 0", "a positive scale");
  const Shape shape = node.shape(0);
  node.result(
      node.builder().emit(OpKind::kQuantise, {x}, type, shape, QuantAttrs{std::move(quant)}));
}

void rewrite_dequantize(OnnxNode& node) {
  node.require_arity(2, 3);
  const ValueId x = node.input(0);
  const DType type = node.builder().value(x).type;
  node.require(is_quantised_type(type) || type == DType::kInt32,
               fmt::format("x is {}", dtype_name(type)), "uint8, int8, uint16, int16 or int32");
  Quant quant = read_linear(node, type);
  const Shape shape = node.shape(0);
  node.result(node.builder().emit(OpKind::kDequantise, {x}, DType::kFloat32, shape,
                                  QuantAttrs{std::move(quant)}));
}

}  // namespace systole::compiler
