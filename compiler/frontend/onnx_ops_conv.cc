// ONNX convolutions: Conv and its integer forms, all rewritten to kConv, and BatchNormalization,
// which is folded into the convolution before it.
#include <cmath>

#include "compiler/frontend/onnx_dynamic.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_frames.h"
#include "compiler/frontend/onnx_host.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_quant.h"
#include "compiler/frontend/onnx_volume.h"
#include "compiler/frontend/onnx_window.h"

namespace systole::compiler {
namespace {

struct ConvInputs {
  int x = 0, w = 1, bias = -1;
};

// A convolution's shape and window; its quantisation is filled in by the caller.
struct ConvForm {
  ConvAttrs attrs;
  Shape shape;
};

ConvForm read_conv(OnnxNode& node, ConvInputs inputs) {
  const bool flat = node.shape(inputs.x).size() == 3;
  const std::string shapes =
      fmt::format("X has shape {} and W {}", shape_text(node.shape(inputs.x)),
                  shape_text(node.shape(inputs.w)));
  const bool same = node.shape(inputs.x).size() == node.shape(inputs.w).size();
  const Shape x = image_shape(node.shape(inputs.x));
  const Shape w = image_shape(node.shape(inputs.w));
  node.require(same && x.size() == 4, shapes,
               "X [N, C, H, W] and W [M, C/group, kH, kW], or both without H and kH");
  ConvForm form;
  const std::int64_t groups = node.int_or("group", 1);
  const bool divides = groups >= 1 && x[1] % groups == 0 && w[0] % groups == 0;
  node.require(divides && x[1] / groups == w[1], fmt::format("{} with group {}", shapes, groups),
               "W [M, C/group, kH, kW], and C and M multiples of group");
  node.require(w[2] >= 1 && w[3] >= 1, shapes, "a kernel of 1 or more each way");
  const PlacedWindow placed =
      read_window(node, read_kernel(node, flat, {{w[2], w[3]}}), x, {.flat = flat});
  form.attrs.window = placed.window;
  form.attrs.groups = groups;
  form.shape = {x[0], w[0], placed.steps[0], placed.steps[1]};
  return form;
}

// The operands and, if it is there, the bias [M] of this type.
std::vector<ValueId> operands(OnnxNode& node, ConvInputs inputs, DType bias_type) {
  GraphBuilder& builder = node.builder();
  std::vector<ValueId> ids = {
      builder.reshape(node.input(inputs.x), image_shape(node.shape(inputs.x))),
      builder.reshape(node.input(inputs.w), image_shape(node.shape(inputs.w)))};
  if (inputs.bias < 0 || !node.has(inputs.bias)) return ids;
  ids.push_back(node.input(inputs.bias));
  node.require_type("B", ids.back(), bias_type);
  const Shape expected = {node.shape(inputs.w)[0]};
  node.require(node.shape(inputs.bias) == expected,
               "B has shape " + shape_text(node.shape(inputs.bias)), shape_text(expected));
  return ids;
}

// The node's result [N, M, H, W], without a height where its input has none.
void give_image(OnnxNode& node, int x, ValueId y, const Shape& shape) {
  const bool flat = node.shape(x).size() == 3;
  node.result(flat ? node.builder().reshape(y, {shape[0], shape[1], shape[3]}) : y);
}

void emit_conv(OnnxNode& node, ConvInputs inputs, DType bias_type, DType type,
               const ConvForm& form) {
  const ValueId y = node.builder().emit(OpKind::kConv, operands(node, inputs, bias_type), type,
                                        form.shape, form.attrs);
  give_image(node, inputs.x, y, form.shape);
}

// The constants of a BatchNormalization as y = factor * x + shift for each channel.
struct Affine {
  std::vector<float> factor, shift;
};

Affine read_affine(OnnxNode& node, std::int64_t channels) {
  const float epsilon = node.float_or("epsilon", 1e-5F);
  const auto values = [&](int i, const std::string& what) {
    const Tensor& t = node.constant(i, what);
    node.require(t.type == DType::kFloat32 && t.shape == Shape{channels},
                 fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
                 fmt::format("float32 [{}]", channels));
    return t.as<float>();
  };
  const auto scale = values(1, "scale");
  const auto bias = values(2, "B");
  const auto mean = values(3, "mean");
  const auto variance = values(4, "var");
  Affine affine;
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const double factor = double{scale[c]} / std::sqrt(double{variance[c]} + double{epsilon});
    const double shift = double{bias[c]} - double{mean[c]} * factor;
    node.require(std::isfinite(factor) && std::isfinite(shift),
                 fmt::format("channel {} has variance {}", c, variance[c]),
                 "finite constants and a variance that is not negative");
    affine.factor.push_back(static_cast<float>(factor));
    affine.shift.push_back(static_cast<float>(shift));
  }
  return affine;
}

// The same where some of them are computed: (x - mean) * (scale / sqrt(var + epsilon)) + bias.
ValueId emit_computed_affine(OnnxNode& node, const Shape& shape) {
  GraphBuilder& builder = node.builder();
  Shape channel(shape.size() - 1, 1);
  channel[0] = shape[1];
  const auto vector = [&](int i) {
    node.require_type(node.input_name(i), node.input(i), DType::kFloat32);
    node.require(node.shape(i) == Shape{shape[1]},
                 node.input_name(i) + " has shape " + shape_text(node.shape(i)),
                 shape_text({shape[1]}));
    return builder.reshape(node.input(i), channel);
  };
  const ValueId epsilon = emit_scalar(builder, node.float_or("epsilon", 1e-5F));
  const ValueId deviation =
      emit_map(builder, {MapFn::kSqrt}, emit_zip(builder, ZipFn::kAdd, vector(4), epsilon));
  const ValueId factor = emit_zip(builder, ZipFn::kDiv, vector(1), deviation);
  const ValueId centred = emit_zip(builder, ZipFn::kSub, node.input(0), vector(3));
  return emit_zip(builder, ZipFn::kAdd, emit_zip(builder, ZipFn::kMul, centred, factor), vector(2));
}

bool has_computed_affine(OnnxNode& node) {
  bool computed = false;
  for (int i = 1; i < 5; ++i)
    computed = computed || node.builder().constant(node.input(i)) == nullptr;
  return computed;
}

// A twin of the float convolution with the factors in its weights and the shifts in its bias, under
// the convolution's name.
ValueId folded_conv(GraphBuilder& builder, const Node& source, const Affine& affine) {
  const Node conv = source;
  const std::string w_name = builder.value(conv.inputs[1]).name;
  Tensor weights = *builder.constant(conv.inputs[1]);
  Tensor bias(DType::kFloat32, {weights.shape[0]});
  const auto values = weights.as<float>();
  const std::size_t each = values.size() / affine.factor.size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= affine.factor[i / each];
  for (std::size_t c = 0; c < affine.factor.size(); ++c) {
    const float old =
        conv.inputs.size() > 2 ? builder.constant(conv.inputs[2])->as<float>()[c] : 0.0F;
    bias.as<float>()[c] = old * affine.factor[c] + affine.shift[c];
  }
  builder.begin_layer(conv.name, conv.origin);
  const ValueId w_id = builder.add_constant(w_name, std::move(weights));
  const ValueId b_id = builder.add_constant(conv.name + "_bias", std::move(bias));
  const Shape shape = builder.value(conv.outputs[0]).shape;
  return builder.emit(OpKind::kConv, {conv.inputs[0], w_id, b_id}, DType::kFloat32, shape,
                      conv.attrs);
}

// The convolution that alone makes the node's input, if its weights and bias are constants.
const Node* foldable_conv(OnnxNode& node) {
  const Node* conv = node.builder().producer(node.input(0));
  if (conv == nullptr || conv->kind != OpKind::kConv || !node.is_sole_use(0)) return nullptr;
  for (std::size_t i = 1; i < conv->inputs.size(); ++i) {
    const Tensor* t = node.builder().constant(conv->inputs[i]);
    if (t == nullptr || t->type != DType::kFloat32 || t->data.empty()) return nullptr;
  }
  return conv;
}

// What x's zero point adds is it times the same convolution of ones, whose padding is 0, too.
void convolve_with_computed_zero(OnnxNode& node, const ConvForm& form) {
  GraphBuilder& builder = node.builder();
  std::vector<ValueId> inputs = operands(node, {0, 1, -1}, DType::kInt32);
  const ValueId sums = builder.emit(OpKind::kConv, inputs, DType::kInt32, form.shape, form.attrs);
  Shape one_image = builder.value(inputs[0]).shape;
  one_image[0] = 1;
  inputs[0] = emit_bytes(node, builder.value(inputs[0]).type, one_image, 1);
  Shape of_ones = form.shape;
  of_ones[0] = 1;
  const ValueId ones = builder.emit(OpKind::kConv, inputs, DType::kInt32, of_ones, form.attrs);
  give_image(node, 0, without_zero(node, sums, node.input(2), ones), form.shape);
}

}  // namespace

void rewrite_conv(OnnxNode& node) {
  node.require_arity(2, 3);
  const ConvInputs inputs{0, 1, 2};
  node.require_type("X", node.input(0), DType::kFloat32);
  node.require_type("W", node.input(1), DType::kFloat32);
  if (is_volume(node.shape(0))) return convolve_volume(node);
  const ConvForm form = read_conv(node, inputs);
  if (const auto line = long_line(image_shape(node.shape(0)), form.attrs, form.shape)) {
    GraphBuilder& builder = node.builder();
    const ValueId y = convolve_line(builder, operands(node, inputs, DType::kFloat32), *line);
    return give_image(node, 0, builder.reshape(y, form.shape), form.shape);
  }
  emit_conv(node, inputs, DType::kFloat32, DType::kFloat32, form);
}

void rewrite_conv_integer(OnnxNode& node) {
  node.require_arity(2, 4);
  const ConvInputs inputs{0, 1, -1};
  require_bytes(node, 0, "x");
  require_bytes(node, 1, "w");
  ConvForm form = read_conv(node, inputs);
  const bool computed = has_computed_zero(node, 2, 2);
  const Value& x = node.builder().value(node.input(0));
  form.attrs.x_quant =
      computed ? Quant{{1.0F}, {0}, 0, x.type} : read_zero_points(node, 2, x, {1, "x"});
  form.attrs.w_quant =
      read_zero_points(node, 3, node.builder().value(node.input(1)), {form.shape[1], "w"});
  form.attrs.w_quant->axis = 0;
  if (computed) return convolve_with_computed_zero(node, form);
  emit_conv(node, inputs, DType::kInt32, DType::kInt32, form);
}

void rewrite_qlinear_conv(OnnxNode& node) {
  node.require_arity(8, 9);
  const ConvInputs inputs{0, 3, 8};
  require_bytes(node, 0, "x");
  require_bytes(node, 3, "w");
  ConvForm form = read_conv(node, inputs);
  form.attrs.x_quant = read_quant(node, {1, 2}, node.builder().value(node.input(0)).type, {1, "x"});
  form.attrs.w_quant =
      read_quant(node, {4, 5}, node.builder().value(node.input(3)).type, {form.shape[1], "w"});
  read_output_quant(node, {6, 7}, form.attrs);
  emit_conv(node, inputs, DType::kInt32, form.attrs.output->type, form);
}

void rewrite_batch_normalization(OnnxNode& node) {
  node.require_arity(5, 5);
  const ValueId x = node.input(0);
  node.require_type("X", x, DType::kFloat32);
  const Shape shape = node.shape(0);
  node.require(shape.size() >= 2, "X has shape " + shape_text(shape), "[N, C, ...]");
  static_cast<void>(node.float_or("momentum", 0.9F));
  if (node.opset() < 9) node.require(node.int_or("spatial", 1) == 1, "spatial is 0", "1");
  const std::string inference = "a model for inference (training computes the batch's statistics)";
  if (node.opset() >= 14) {
    node.require(!node.flag("training_mode"), "training_mode is 1", inference);
  } else {  // more outputs mean training, whether they are used or not
    node.require(node.output_count() == 1, fmt::format("{} outputs", node.output_count()),
                 inference);
  }
  if (has_computed_affine(node)) return node.result(emit_computed_affine(node, shape));
  const Affine affine = read_affine(node, shape[1]);
  GraphBuilder& builder = node.builder();
  if (const Node* conv = foldable_conv(node)) {
    return node.result(folded_conv(builder, *conv, affine));
  }
  Shape channel(shape.size() - 1, 1);
  channel[0] = shape[1];
  const auto constant = [&](const std::string& name, const std::vector<float>& values) {
    return builder.add_constant(name, make_tensor<float>(channel, values));
  };
  const ValueId scaled = builder.emit(OpKind::kZip, {x, constant("factor", affine.factor)},
                                      DType::kFloat32, shape, ZipAttrs{ZipFn::kMul});
  node.result(builder.emit(OpKind::kZip, {scaled, constant("shift", affine.shift)}, DType::kFloat32,
                           shape, ZipAttrs{ZipFn::kAdd}));
}

}  // namespace systole::compiler
