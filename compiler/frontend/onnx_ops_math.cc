// ONNX operators on float tensors: element-wise ones and Softmax.
#include <cmath>
#include <limits>

#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

void zip(OnnxNode& node, ZipFn fn) {
  node.require_arity(2, 2);
  const Value a = node.builder().value(node.input(0));
  const Value& b = node.builder().value(node.input(1));
  const std::optional<Shape> shape = broadcast(a.shape, b.shape);
  node.require(shape.has_value(),
               fmt::format("shapes {} and {}", shape_text(a.shape), shape_text(b.shape)),
               "shapes that broadcast");
  const bool known = a.type == DType::kFloat32 || a.type == DType::kInt32;
  node.require(a.type == b.type && known,
               fmt::format("types {} and {}", dtype_name(a.type), dtype_name(b.type)),
               "both float32 or both int32");
  node.result(node.builder().emit(OpKind::kZip, {node.input(0), node.input(1)}, a.type, *shape,
                                  ZipAttrs{fn}));
}

DType input_type(OnnxNode& node) { return node.builder().value(node.input(0)).type; }

// Of integers as they are: in steps of 1 from 0.
void map_integers(OnnxNode& node, MapAttrs attrs) {
  const DType type = input_type(node);
  attrs.x_quant = attrs.output = Quant{{1.0F}, {0}, 0, type};
  const Shape shape = node.shape(0);
  node.result(node.builder().emit(OpKind::kMap, {node.input(0)}, type, shape, attrs));
}

void map(OnnxNode& node, const MapAttrs& attrs) {
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  const Shape shape = node.shape(0);
  node.result(node.builder().emit(OpKind::kMap, {x}, DType::kFloat32, shape, attrs));
}

// A limit of a Clip, of the input's type; absent means none.
float limit(OnnxNode& node, int i, float otherwise) {
  if (!node.has(i)) return otherwise;
  const DType type = input_type(node);
  const Tensor& t = node.constant(i, i == 1 ? "min" : "max");
  const std::string found =
      fmt::format("'{}' is {} {}", node.input_name(i), dtype_name(t.type), shape_text(t.shape));
  node.require(t.type == type && t.count() == 1, found, fmt::format("one {}", dtype_name(type)));
  if (type != DType::kFloat32) {
    float value = 0.0F;
    with_integers(t, [&](auto values) { value = static_cast<float>(values[0]); });
    return value;
  }
  node.require(!std::isnan(t.as<float>()[0]), fmt::format("'{}' is NaN", node.input_name(i)),
               "a number");
  return t.as<float>()[0];
}

// Whether a Clip or Relu of this type exists since `opset`: 8 bits, and 16 with a sign.
bool is_mapped_integer(OnnxNode& node, std::int64_t opset) {
  const DType type = input_type(node);
  const bool known = type == DType::kInt8 || type == DType::kUint8 || type == DType::kInt16;
  return known && node.opset() >= opset;
}

}  // namespace

void rewrite_add(OnnxNode& node) { zip(node, ZipFn::kAdd); }

void rewrite_sub(OnnxNode& node) { zip(node, ZipFn::kSub); }

void rewrite_mul(OnnxNode& node) { zip(node, ZipFn::kMul); }

void rewrite_relu(OnnxNode& node) {
  node.require_arity(1, 1);
  if (is_mapped_integer(node, 14)) return map_integers(node, MapAttrs{MapFn::kRelu});
  map(node, MapAttrs{MapFn::kRelu});
}

// Before opset 11 the limits are attributes; since then they are inputs.
void rewrite_clip(OnnxNode& node) {
  MapAttrs attrs{MapFn::kClip};
  float lowest = std::numeric_limits<float>::lowest();
  float highest = std::numeric_limits<float>::max();
  node.require_arity(1, 3);
  const bool integers = is_mapped_integer(node, 12);
  if (!integers) node.require_type("the input", node.input(0), DType::kFloat32);
  if (integers) {
    const IntegerRange range = integer_range(input_type(node));
    lowest = static_cast<float>(range.lo);
    highest = static_cast<float>(range.hi);
  }
  if (node.opset() < 11) {
    node.require_arity(1, 1);
    attrs.lo = node.float_or("min", lowest);
    attrs.hi = node.float_or("max", highest);
  } else {
    attrs.lo = limit(node, 1, lowest);
    attrs.hi = limit(node, 2, highest);
  }
  integers ? map_integers(node, attrs) : map(node, attrs);
}

void rewrite_leaky_relu(OnnxNode& node) {
  node.require_arity(1, 1);
  MapAttrs attrs{MapFn::kLeakyRelu};
  attrs.alpha = node.float_or("alpha", 0.01F);
  map(node, attrs);
}

void rewrite_sigmoid(OnnxNode& node) {
  node.require_arity(1, 1);
  map(node, MapAttrs{MapFn::kSigmoid});
}

void rewrite_tanh(OnnxNode& node) {
  node.require_arity(1, 1);
  map(node, MapAttrs{MapFn::kTanh});
}

// Before opset 13 the input is taken as a matrix whose columns are all dimensions from axis on.
void rewrite_softmax(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  const Shape shape = node.shape(0);
  const bool one_axis = node.opset() >= 13;
  const std::int64_t axis = node.axis(node.int_or("axis", one_axis ? -1 : 1), shape.size());
  const std::int64_t end = one_axis ? axis + 1 : static_cast<std::int64_t>(shape.size());
  node.result(node.builder().emit(OpKind::kReduce, {x}, DType::kFloat32, shape,
                                  ReduceAttrs{ReduceFn::kSoftmax, axis, end}));
}

}  // namespace systole::compiler
