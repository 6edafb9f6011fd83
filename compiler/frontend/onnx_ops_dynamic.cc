// Quantisation whose scale and zero point are computed when the network runs:
// DynamicQuantizeLinear, and products of bytes with such zero points. A product by constant weights
// stays one on the device: sum (a - za) (b - zb) = sum a (b - zb) - za sum (b - zb), whose last sum
// is a constant.
#include <algorithm>
#include <limits>

#include "compiler/frontend/onnx_dynamic.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_host.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

QuantAttrs unit_quant(DType type) { return {{{1.0F}, {0}, 0, type}}; }

// float32 to a whole number and back, which a scale of 1 does.
ValueId rounded(GraphBuilder& builder, ValueId x, DType type) {
  const Shape shape = builder.value(x).shape;
  return builder.emit(OpKind::kQuantise, {x}, type, shape, unit_quant(type));
}

// A byte as int32.
ValueId widened(OnnxNode& node, ValueId byte) {
  GraphBuilder& builder = node.builder();
  const DType type = builder.value(byte).type;
  const std::int64_t count = element_count(builder.value(byte).shape);
  const ValueId zero = emit_bytes(node, type, {}, 0);
  const ValueId one = emit_bytes(node, type, {1, 1}, 1);
  return emit_host(node, {HostFn::kMatmulInteger},
                   {builder.reshape(byte, {count, 1}), one, zero, zero}, DType::kInt32, {count, 1});
}

bool is_computed(OnnxNode& node, ValueId id) {
  return id != kNoValue && node.builder().constant(id) == nullptr;
}

}  // namespace

ValueId as_float(GraphBuilder& builder, ValueId x) {
  const DType type = builder.value(x).type;
  const Shape shape = builder.value(x).shape;
  return builder.emit(OpKind::kDequantise, {x}, DType::kFloat32, shape, unit_quant(type));
}

bool has_computed_zero(OnnxNode& node, int x, int w) {
  return (node.has(x) && is_computed(node, node.input(x))) ||
         (node.has(w) && is_computed(node, node.input(w)));
}

// zero times the product of ones with the weights, as the product itself has it.
ValueId without_zero(OnnxNode& node, ValueId sums, ValueId zero, ValueId ones_product) {
  GraphBuilder& builder = node.builder();
  node.require(element_count(builder.value(zero).shape) == 1, "several zero points of x",
               "one number");
  const ValueId z = builder.reshape(widened(node, zero), {});
  return emit_zip(builder, ZipFn::kSub, sums, emit_zip(builder, ZipFn::kMul, ones_product, z));
}

namespace {

ValueId zero_or(OnnxNode& node, ValueId given, ValueId of) {
  return given != kNoValue ? given : emit_bytes(node, node.builder().value(of).type, {}, 0);
}

// A constant's zero points, or 0: one, or one a column.
Quant constant_zero(OnnxNode& node, ValueId zero, DType type) {
  Quant quant{{1.0F}, {0}, 0, type};
  if (zero == kNoValue) return quant;
  with_integers(*node.builder().constant(zero),
                [&](auto values) { quant.zero_points.assign(values.begin(), values.end()); });
  quant.scales.assign(quant.zero_points.size(), 1.0F);
  quant.axis = 1;
  return quant;
}

ValueId on_host(OnnxNode& node, const IntegerProduct& p) {
  GraphBuilder& builder = node.builder();
  const Shape x = builder.value(p.a).shape;
  const Shape w = builder.value(p.b).shape;
  const std::string shapes = fmt::format("shapes {} and {}", shape_text(x), shape_text(w));
  node.require(x.size() >= 2 && w.size() >= 2, shapes, "two dimensions or more");
  std::optional<Shape> shape =
      broadcast(Shape(x.begin(), x.end() - 2), Shape(w.begin(), w.end() - 2));
  node.require(shape.has_value(), shapes, "leading dimensions that broadcast");
  shape->push_back(x[x.size() - 2]);
  shape->push_back(w.back());
  return emit_host(node, {HostFn::kMatmulInteger},
                   {p.a, p.b, zero_or(node, p.a_zero, p.a), zero_or(node, p.b_zero, p.b)},
                   DType::kInt32, *shape);
}

// By a constant matrix.
ValueId on_device(OnnxNode& node, const IntegerProduct& p) {
  GraphBuilder& builder = node.builder();
  const DType type = builder.value(p.a).type;
  const Shape w = builder.value(p.b).shape;
  const bool computed = is_computed(node, p.a_zero);
  MatmulAttrs attrs;
  attrs.x_quant = constant_zero(node, computed ? kNoValue : p.a_zero, type);
  attrs.w_quant = constant_zero(node, p.b_zero, builder.value(p.b).type);
  const auto product = [&](ValueId a) {
    Shape shape = builder.value(a).shape;
    shape.back() = w[1];
    return builder.emit(OpKind::kMatmul, {a, p.b}, DType::kInt32, shape, attrs);
  };
  const ValueId sums = product(p.a);
  if (!computed) return sums;
  return without_zero(node, sums, p.a_zero, product(emit_bytes(node, type, {1, w[0]}, 1)));
}

// Each matrix of a by its own of b.
ValueId by_matrices(OnnxNode& node, const IntegerProduct& p) {
  GraphBuilder& builder = node.builder();
  const Shape x = builder.value(p.a).shape;
  const Shape w = builder.value(p.b).shape;
  const std::int64_t count = extent(w, 0, w.size() - 2);
  const auto matrix = [&](ValueId id, const Shape& shape, std::int64_t i) {
    const Shape own(shape.end() - 2, shape.end());
    const ValueId all = builder.reshape(id, {count, own[0], own[1]});
    return builder.reshape(emit_slice(builder, all, 0, i, i + 1), own);
  };
  Shape shape = x;
  shape.back() = w.back();
  std::vector<ValueId> products;
  for (std::int64_t i = 0; i < count; ++i) {
    const ValueId y =
        emit_matmul_integer(node, {matrix(p.a, x, i), matrix(p.b, w, i), p.a_zero, p.b_zero});
    products.push_back(builder.reshape(y, {1, x[x.size() - 2], w.back()}));
  }
  return builder.reshape(emit_concat(builder, products, 0), shape);
}

}  // namespace

// What is by constant matrices runs on the device, the rest on the host.
ValueId emit_matmul_integer(OnnxNode& node, const IntegerProduct& p) {
  GraphBuilder& builder = node.builder();
  const Shape x = builder.value(p.a).shape;
  const Shape w = builder.value(p.b).shape;
  node.require(!x.empty() && w.size() >= 2 && x.back() == w[w.size() - 2],
               fmt::format("shapes {} and {}", shape_text(x), shape_text(w)),
               "A [..., M, K] and B [..., K, N] with the same K");
  const auto is_one = [&](ValueId zero) {
    return zero == kNoValue || element_count(builder.value(zero).shape) == 1;
  };
  constexpr std::int64_t kMostMatrices = 1024;
  const bool alike = x.size() == w.size() && std::equal(x.begin(), x.end() - 2, w.begin());
  const std::int64_t matrices = extent(w, 0, w.size() - 2);
  if (is_computed(node, p.b) || is_computed(node, p.b_zero) || !is_one(p.a_zero))
    return on_host(node, p);
  if (w.size() == 2) return on_device(node, p);
  const bool apart = alike && is_one(p.b_zero) && matrices >= 1 && matrices <= kMostMatrices;
  return apart ? by_matrices(node, p) : on_host(node, p);
}

// y = saturate(round(x / scale) + zero), scale = (max - min) / 255 over x and 0, as ONNX writes it.
// ONNX divides by 0 where x is 0 everywhere; a scale that is not quite 0 gives the zeros of ONNX
// Runtime.
void rewrite_dynamic_quantize(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("x", node.input(0), DType::kFloat32);
  const DynamicQuant q = emit_dynamic_quant(node, node.input(0));
  node.result(q.y);
  if (node.is_used(1)) node.result(q.scale, 1);
  if (node.is_used(2)) node.result(q.zero, 2);
}

DynamicQuant emit_dynamic_quant(OnnxNode& node, ValueId x) {
  GraphBuilder& builder = node.builder();
  std::vector<std::int64_t> axes;
  for (std::int64_t d = 0; d < std::ssize(builder.value(x).shape); ++d) axes.push_back(d);
  const ValueId none = emit_scalar(builder, 0.0F);
  const auto extreme = [&](ReduceFn reduce, ZipFn with) {
    const ValueId found = builder.reshape(emit_reduce(builder, reduce, x, axes), {});
    return emit_zip(builder, with, found, none);
  };
  const ValueId lowest = extreme(ReduceFn::kMin, ZipFn::kMin);
  const ValueId highest = extreme(ReduceFn::kMax, ZipFn::kMax);
  const ValueId steps =
      emit_zip(builder, ZipFn::kDiv, emit_zip(builder, ZipFn::kSub, highest, lowest),
               emit_scalar(builder, 255.0F));
  const ValueId least = emit_scalar(builder, std::numeric_limits<float>::min());
  DynamicQuant q;
  q.scale = emit_zip(builder, ZipFn::kMax, steps, least);
  const ValueId from_zero =
      emit_zip(builder, ZipFn::kSub, none, emit_zip(builder, ZipFn::kDiv, lowest, q.scale));
  q.zero = rounded(builder, from_zero, DType::kUint8);
  const ValueId in_steps =
      emit_map(builder, {MapFn::kRound}, emit_zip(builder, ZipFn::kDiv, x, q.scale));
  q.y = rounded(builder, emit_zip(builder, ZipFn::kAdd, in_steps, as_float(builder, q.zero)),
                DType::kUint8);
  return q;
}

}  // namespace systole::compiler
