// ONNX operators on float tensors: element-wise ones of two or more inputs, and Softmax.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Throws unless the function takes the operands' one type, and their shapes broadcast.
void require_operands(const OnnxNode& node, ZipFn fn, const Value& a, const Value& b) {
  node.require(broadcast(a.shape, b.shape).has_value(),
               fmt::format("shapes {} and {}", shape_text(a.shape), shape_text(b.shape)),
               "shapes that broadcast");
  node.require(a.type == b.type && takes(fn, a.type),
               fmt::format("types {} and {}", dtype_name(a.type), dtype_name(b.type)),
               "both float32 or one integer type");
}

void zip(OnnxNode& node, ZipFn fn) {
  node.require_arity(2, 2);
  const ValueId a = node.input(0);
  const ValueId b = node.input(1);
  require_operands(node, fn, node.builder().value(a), node.builder().value(b));
  node.result(emit_zip(node.builder(), fn, a, b));
}

// All inputs, one after the other.
ValueId zip_all(OnnxNode& node, ZipFn fn) {
  node.require_arity(1, std::numeric_limits<int>::max());
  ValueId all = node.input(0);
  require_operands(node, fn, node.builder().value(all), node.builder().value(all));
  for (int i = 1; i < node.input_count(); ++i) {
    node.require(node.has(i), fmt::format("input {} is absent", i), "every input");
    const ValueId next = node.input(i);
    require_operands(node, fn, node.builder().value(all), node.builder().value(next));
    all = emit_zip(node.builder(), fn, all, next);
  }
  return all;
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
void rewrite_div(OnnxNode& node) { zip(node, ZipFn::kDiv); }

// The power may be of another type, the result has the base's: where one is a float both are.
void rewrite_pow(OnnxNode& node) {
  node.require_arity(2, 2);
  GraphBuilder& builder = node.builder();
  const DType type = builder.value(node.input(0)).type;
  const DType power = builder.value(node.input(1)).type;
  const bool mixed = type != power && power != DType::kBool && type != DType::kBool;
  const bool floats = type == DType::kFloat32 || power == DType::kFloat32;
  const DType common = mixed && floats ? DType::kFloat32 : type;
  const ValueId a = mixed ? emit_cast(builder, node.input(0), common) : node.input(0);
  const ValueId b = mixed ? emit_cast(builder, node.input(1), common) : node.input(1);
  require_operands(node, ZipFn::kPow, builder.value(a), builder.value(b));
  node.result(emit_cast(builder, emit_zip(builder, ZipFn::kPow, a, b), type));
}

void rewrite_prelu(OnnxNode& node) {
  node.require_arity(2, 2);
  node.require(broadcast(node.shape(0), node.shape(1)) == node.shape(0),
               "slope has shape " + shape_text(node.shape(1)),
               "one that broadcasts to " + shape_text(node.shape(0)));
  zip(node, ZipFn::kPRelu);
}

void rewrite_sum(OnnxNode& node) { node.result(zip_all(node, ZipFn::kAdd)); }
void rewrite_max(OnnxNode& node) { node.result(zip_all(node, ZipFn::kMax)); }
void rewrite_min(OnnxNode& node) { node.result(zip_all(node, ZipFn::kMin)); }

void rewrite_mean(OnnxNode& node) {
  node.require_type("the input", node.input(0), DType::kFloat32);
  const ValueId sum = zip_all(node, ZipFn::kAdd);
  if (node.input_count() == 1) return node.result(sum);
  GraphBuilder& builder = node.builder();
  const ValueId count = emit_scalar(builder, static_cast<float>(node.input_count()));
  node.result(emit_zip(builder, ZipFn::kDiv, sum, count));
}

void rewrite_relu(OnnxNode& node) {
  node.require_arity(1, 1);
  if (is_mapped_integer(node, 14)) return map_integers(node, MapAttrs{MapFn::kRelu});
  const DType type = input_type(node);
  if (node.opset() >= 14 && takes(ZipFn::kMax, type) && type != DType::kFloat32) {
    const ValueId zero = emit_number(node.builder(), type, 0.0);
    return node.result(emit_zip(node.builder(), ZipFn::kMax, node.input(0), zero));
  }
  map(node, MapAttrs{MapFn::kRelu});
}

namespace {

bool has_computed_limit(OnnxNode& node) {
  const auto is_computed = [&](int i) {
    return node.has(i) && node.builder().known(node.input(i)) == kNoValue;
  };
  return node.opset() >= 11 && (is_computed(1) || is_computed(2));
}

// Whether a Clip of this type has no form of its own here.
bool is_wide_integer(OnnxNode& node) {
  const DType type = input_type(node);
  return node.opset() >= 12 && !is_mapped_integer(node, 12) && type != DType::kFloat32 &&
         takes(ZipFn::kMax, type);
}

// The larger of x and min, then the smaller of that and max, whatever these are.
void clip_by_limits(OnnxNode& node) {
  ValueId y = node.input(0);
  for (int i = 1; i < 3; ++i) {
    if (!node.has(i)) continue;
    const ZipFn fn = i == 1 ? ZipFn::kMax : ZipFn::kMin;
    require_operands(node, fn, node.builder().value(y), node.builder().value(node.input(i)));
    node.require(element_count(node.shape(i)) == 1,
                 fmt::format("'{}' has shape {}", node.input_name(i), shape_text(node.shape(i))),
                 "one number");
    const ValueId limit = node.builder().reshape(node.input(i), {});
    y = emit_zip(node.builder(), fn, y, limit);
  }
  node.result(y);
}

}  // namespace

// Before opset 11 the limits are attributes; since then they are inputs.
void rewrite_clip(OnnxNode& node) {
  if (has_computed_limit(node) || is_wide_integer(node)) return clip_by_limits(node);
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

void rewrite_gelu(OnnxNode& node) {
  node.require_arity(1, 1);
  const std::string form = node.string_or("approximate", "none");
  node.require(form == "none" || form == "tanh", "approximate is '" + form + "'", "none or tanh");
  map(node, MapAttrs{form == "tanh" ? MapFn::kGeluTanh : MapFn::kGelu});
}

namespace {

// Before opset 13 the input is taken as a matrix whose columns are all dimensions from axis on.
struct SoftmaxAxes {
  std::int64_t first, end;
};
SoftmaxAxes softmax_axes(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("the input", node.input(0), DType::kFloat32);
  const Shape shape = node.shape(0);
  const bool one_axis = node.opset() >= 13;
  const std::int64_t axis = node.axis(node.int_or("axis", one_axis ? -1 : 1), shape.size());
  return {axis, one_axis ? axis + 1 : std::ssize(shape)};
}

}  // namespace

void rewrite_softmax(OnnxNode& node) {
  const auto [first, end] = softmax_axes(node);
  const Shape shape = node.shape(0);
  node.result(node.builder().emit(OpKind::kReduce, {node.input(0)}, DType::kFloat32, shape,
                                  ReduceAttrs{ReduceFn::kSoftmax, first, end}));
}

void rewrite_log_softmax(OnnxNode& node) {
  const auto [first, end] = softmax_axes(node);
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = first; axis < end; ++axis) axes.push_back(axis);
  node.result(emit_log_softmax(node.builder(), node.input(0), axes));
}

}  // namespace systole::compiler
