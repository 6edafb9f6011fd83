// ONNX operators that compute nothing: shapes, constants and pass-through.
#include <algorithm>
#include <limits>
#include <utility>

#include "compiler/frontend/onnx_list.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// The dimensions of a Reshape: 0 copies (unless allow_zero), one -1 takes what is left.
Shape reshape_target(const OnnxNode& node, const Shape& from, Shape target, bool allow_zero) {
  const std::string wanted = shape_text(target);
  const std::string what = fmt::format("shape {} from {}", wanted, shape_text(from));
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < target.size(); ++i) {
    node.require(target[i] >= -1, what, "dimensions of -1, 0 or more");
    if (target[i] == -1) {
      node.require(!open, what, "one -1 at most");
      open = i;
    } else if (target[i] == 0 && !allow_zero) {
      node.require(i < from.size(), what, "no 0 beyond the input's dimensions");
      target[i] = from[i];
    }
  }
  const std::int64_t count = element_count(from);
  if (open) {
    target[*open] = 1;
    const std::int64_t rest = element_count(target, what);
    node.require(rest > 0 && count % rest == 0, what, "the same number of elements");
    target[*open] = count / rest;
  }
  node.require(element_count(target, what) == count, what, "the same number of elements");
  return target;
}

Tensor scalar_or_list(OnnxNode& node) {
  if (node.has_attribute("value")) return node.tensor("value");
  if (node.has_attribute("value_float")) {
    const float value = node.float_or("value_float", 0.0F);
    return make_tensor<float>({}, std::span<const float>(&value, 1));
  }
  if (node.has_attribute("value_int")) {
    const std::int64_t value = node.int_or("value_int", 0);
    return make_tensor<std::int64_t>({}, std::span<const std::int64_t>(&value, 1));
  }
  if (node.has_attribute("value_floats")) {
    const std::vector<float> values = node.floats("value_floats");
    return make_tensor<float>({static_cast<std::int64_t>(values.size())}, values);
  }
  node.require(node.has_attribute("value_ints"), "no value that is known",
               "value, value_float, value_floats, value_int or value_ints");
  const std::vector<std::int64_t> values = node.ints("value_ints");
  return make_tensor<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

// Of the constant input, of opset 12 or newer.
float dropout_ratio(OnnxNode& node) {
  if (!node.has(1)) return 0.5F;
  const Tensor& ratio = node.constant(1, "ratio");
  node.require(ratio.type == DType::kFloat32 && ratio.count() == 1, "malformed ratio", "one float");
  return ratio.as<float>()[0];
}

// At inference a Dropout's mask keeps everything.
void give_mask(OnnxNode& node) {
  constexpr std::int64_t kMaxMask = std::int64_t{1} << 26;
  const Shape shape = node.shape(0);
  node.require(node.opset() >= 10, "its mask is used", "opset 10 or newer, where it is bool");
  node.require(element_count(shape) <= kMaxMask, "a mask of shape " + shape_text(shape),
               fmt::format("at most {} elements", kMaxMask));
  Tensor mask(DType::kBool, shape);
  std::fill(mask.data.begin(), mask.data.end(), std::uint8_t{1});
  node.result(node.builder().add_constant("mask", std::move(mask)), 1);
}

}  // namespace

void rewrite_constant(OnnxNode& node) {
  node.require_arity(0, 0);
  node.result(node.builder().add_constant("constant", scalar_or_list(node)));
}

void rewrite_identity(OnnxNode& node) {
  node.require_arity(1, 1);
  node.result(node.input(0));
}

// Before opset 12 the ratio is an attribute; since then it and training_mode are inputs.
void rewrite_dropout(OnnxNode& node) {
  const bool inputs = node.opset() >= 12;
  node.require_arity(1, inputs ? 3 : 1);
  if (inputs) {
    static_cast<void>(node.int_or("seed", 0));
  } else {
    static_cast<void>(node.float_or("ratio", 0.5F));
  }
  if (node.has(2)) {
    const Tensor& training = node.constant(2, "training_mode");
    node.require(training.type == DType::kBool && training.count() == 1, "malformed training_mode",
                 "one bool");
    const bool drops = training.data[0] != 0 && dropout_ratio(node) != 0.0F;
    node.require(!drops, "training_mode is true", "a model for inference");
  }
  if (node.is_used(1)) give_mask(node);
  node.result(node.input(0));
}

void rewrite_flatten(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape shape = node.shape(0);
  const std::int64_t given = node.int_or("axis", 1);
  node.require(given >= 0 || node.opset() >= 11, "negative axis", "opset 11 or newer");
  const auto axis = static_cast<std::size_t>(node.axis(given, shape.size(), true));
  const Shape flat = {extent(shape, 0, axis), extent(shape, axis, shape.size())};
  node.result(node.builder().reshape(node.input(0), flat));
}

void rewrite_reshape(OnnxNode& node) {
  node.require_arity(2, 2);
  const bool allow_zero = node.opset() >= 14 && node.flag("allowzero");
  const ValueId x = node.input(0);
  const Shape from = node.builder().value(x).shape;
  const Tensor& wanted = node.constant(1, "shape");
  node.require(wanted.type == DType::kInt64 && wanted.shape.size() == 1, "malformed shape input",
               "a list of int64");
  Shape target(wanted.as<std::int64_t>().begin(), wanted.as<std::int64_t>().end());
  const bool computed = node.builder().constant(x) == nullptr;
  const bool follows = computed && node.batch() && !node.is_from_shapes(1) && !target.empty() &&
                       target[0] == node.batch()->from;
  if (follows) target[0] = node.batch()->to;
  node.result(node.builder().reshape(x, reshape_target(node, from, target, allow_zero)));
}

void rewrite_squeeze(OnnxNode& node) {
  node.require_arity(1, node.opset() >= 13 ? 2 : 1);
  const Shape shape = node.shape(0);
  const auto axes = list_of(node, "axes", 1, 13);
  const std::vector<bool> named = named_axes(node, axes.value_or(Shape{}), shape.size());
  Shape kept;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    node.require(!named[i] || shape[i] == 1, fmt::format("axis {} of {}", i, shape_text(shape)),
                 "a dimension of 1");
    if (axes ? !named[i] : shape[i] != 1) kept.push_back(shape[i]);
  }
  node.result(node.builder().reshape(node.input(0), kept));
}

void rewrite_unsqueeze(OnnxNode& node) {
  node.require_arity(1, node.opset() >= 13 ? 2 : 1);
  const Shape shape = node.shape(0);
  const auto axes = list_of(node, "axes", 1, 13);
  node.require(axes.has_value(), "axes are absent", "a list of int64");
  const std::vector<bool> named = named_axes(node, *axes, shape.size() + axes->size());
  Shape result;
  for (std::size_t i = 0, from = 0; i < named.size(); ++i) {
    result.push_back(named[i] ? 1 : shape[from++]);
  }
  node.result(node.builder().reshape(node.input(0), result));
}

void rewrite_concat(OnnxNode& node) {
  node.require_arity(1, std::numeric_limits<int>::max());
  node.require(node.has_attribute("axis"), "attribute 'axis' is absent", "a number");
  const std::int64_t given = node.int_or("axis", 0);
  node.require(given >= 0 || node.opset() >= 11, "negative axis", "opset 11 or newer");
  Shape shape = node.shape(0);
  MoveAttrs attrs{MoveFn::kConcat};
  attrs.axis = node.axis(given, shape.size());
  const auto at = static_cast<std::size_t>(attrs.axis);
  const DType type = node.builder().value(node.input(0)).type;
  std::vector<ValueId> inputs;
  for (int i = 0; i < node.input_count(); ++i) {
    node.require(node.has(i), fmt::format("input {} is absent", i), "every input");
    inputs.push_back(node.input(i));
    node.require_type("an input", inputs.back(), type);
    if (i == 0) continue;
    Shape same = node.shape(i);
    const bool ranks = same.size() == shape.size();
    if (ranks) shape[at] += std::exchange(same[at], shape[at] + same[at]);
    node.require(
        ranks && same == shape,
        fmt::format("inputs {} and {}", shape_text(node.shape(0)), shape_text(node.shape(i))),
        "shapes that differ along the axis only");
  }
  if (inputs.size() == 1) return node.result(inputs[0]);
  node.result(node.builder().emit(OpKind::kMove, inputs, type, shape, attrs));
}

void rewrite_transpose(OnnxNode& node) {
  node.require_arity(1, 1);
  const std::size_t rank = node.shape(0).size();
  std::vector<std::int64_t> permutation = node.ints("perm");
  if (!node.has_attribute("perm")) {
    for (std::size_t i = rank; i-- > 0;) permutation.push_back(static_cast<std::int64_t>(i));
  }
  node.require(is_permutation(permutation, rank), "perm " + shape_text(permutation),
               fmt::format("a permutation of {} dimensions", rank));
  node.result(node.builder().transpose(node.input(0), permutation));
}

}  // namespace systole::compiler
