// ONNX matrix products: Gemm, MatMul and their integer forms, all rewritten to kMatmul.
#include <algorithm>

#include "compiler/frontend/onnx_dynamic.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_matmul.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_quant.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// [..., K] times [K, N]; throws unless the inner dimensions agree.
Shape product_shape(const OnnxNode& node, const Shape& a, const Shape& b) {
  node.require(!a.empty(), "A is a scalar", "one dimension or more");
  node.require(b.size() == 2, "B has shape " + shape_text(b),
               "a matrix [K, N]; batches of B are not supported by this version");
  node.require(a.back() == b[0], fmt::format("shapes {} and {}", shape_text(a), shape_text(b)),
               "A [..., K] and B [K, N] with the same K");
  Shape shape = a;
  shape.back() = b[1];
  return shape;
}

ValueId add(GraphBuilder& builder, ValueId a, ValueId b) {
  const Shape shape = builder.value(a).shape;
  return builder.emit(OpKind::kZip, {a, b}, DType::kFloat32, shape, ZipAttrs{ZipFn::kAdd});
}

ValueId scale(GraphBuilder& builder, ValueId x, float factor) {
  if (factor == 1.0F) return x;
  const ValueId by =
      builder.add_constant("scale", make_tensor<float>({}, std::span<const float>(&factor, 1)));
  const Shape shape = builder.value(x).shape;
  return builder.emit(OpKind::kZip, {x, by}, DType::kFloat32, shape, ZipAttrs{ZipFn::kMul});
}

// C as a vector [N], or kNoValue if it is not one. A constant scalar is spread out.
ValueId bias_vector(GraphBuilder& builder, ValueId c, std::int64_t n) {
  const Shape& shape = builder.value(c).shape;
  const std::int64_t count = element_count(shape);
  if (!shape.empty() && shape.back() == n && count == n) return builder.reshape(c, {n});
  const Tensor* constant = builder.constant(c);
  constexpr std::int64_t kMaxSpread = std::int64_t{1} << 24;
  if (constant == nullptr || count != 1 || n == 0 || n > kMaxSpread) return kNoValue;
  const std::vector<float> spread(static_cast<std::size_t>(n), constant->as<float>()[0]);
  return builder.add_constant("bias", make_tensor<float>({n}, spread));
}

// Dimensions are taken as they are, but a matrix has two.
ValueId matrix_input(OnnxNode& node, int i, const std::string& transpose) {
  const ValueId x = node.input(i);
  node.require_type(i == 0 ? "A" : "B", x, DType::kFloat32);
  const Shape& shape = node.shape(i);
  node.require(shape.size() == 2,
               fmt::format("{} has shape {}", i == 0 ? "A" : "B", shape_text(shape)), "a matrix");
  return node.flag(transpose) ? node.builder().transpose(x, {1, 0}) : x;
}

// x with its leading dimensions, in front of the last two, broadcast to these.
ValueId with_leading(GraphBuilder& builder, ValueId x, Shape leading) {
  const Shape own = builder.value(x).shape;
  leading.insert(leading.end(), own.end() - 2, own.end());
  Shape aligned = own;
  aligned.insert(aligned.begin(), leading.size() - own.size(), 1);
  const ValueId y = builder.reshape(x, aligned);
  if (aligned == leading) return y;
  Shape repeats(leading.size(), 1);
  for (std::size_t d = 0; d < leading.size(); ++d) {
    if (aligned[d] != leading[d]) repeats[d] = leading[d];
  }
  Tensor ones(DType::kFloat32, repeats);
  std::ranges::fill(ones.as<float>(), 1.0F);
  return emit_zip(builder, ZipFn::kMul, y, builder.add_constant("ones", std::move(ones)));
}

// A [..., M, K] times B [..., K, N], whose leading dimensions are broadcast.
ValueId batched_product(OnnxNode& node, ValueId from, ValueId by) {
  GraphBuilder& builder = node.builder();
  const Shape own = builder.value(from).shape;
  const bool row = own.size() == 1;
  const ValueId a = row ? builder.reshape(from, {1, own[0]}) : from;
  const Shape x = builder.value(a).shape;
  const Shape w = builder.value(by).shape;
  const std::string shapes = fmt::format("shapes {} and {}", shape_text(own), shape_text(w));
  node.require(!x.empty() && x.back() == w[w.size() - 2], shapes,
               "A [..., M, K] and B [..., K, N] with the same K");
  const std::optional<Shape> leading =
      broadcast(Shape(x.begin(), x.end() - 2), Shape(w.begin(), w.end() - 2));
  node.require(leading.has_value(), shapes, "leading dimensions that broadcast");
  const ValueId left = with_leading(builder, a, *leading);
  const ValueId right = with_leading(builder, by, *leading);
  Shape shape = builder.value(left).shape;
  shape.back() = w.back();
  const ValueId y =
      builder.emit(OpKind::kMatmul, {left, right}, DType::kFloat32, shape, MatmulAttrs{});
  if (!row) return y;
  shape.erase(shape.end() - 2);
  return builder.reshape(y, shape);
}

}  // namespace

void rewrite_gemm(OnnxNode& node) {
  node.require_arity(2, 3);
  GraphBuilder& builder = node.builder();
  node.require(node.has(2) || node.opset() >= 11, "C is absent", "C, or opset 11 or newer");
  const ValueId a = matrix_input(node, 0, "transA");
  const ValueId b = matrix_input(node, 1, "transB");
  MatmulAttrs attrs;
  attrs.alpha = node.float_or("alpha", 1.0F);
  attrs.beta = node.float_or("beta", 1.0F);
  const Shape shape = product_shape(node, builder.value(a).shape, builder.value(b).shape);
  if (!node.has(2) || attrs.beta == 0.0F) {
    attrs.beta = 1.0F;
    return node.result(builder.emit(OpKind::kMatmul, {a, b}, DType::kFloat32, shape, attrs));
  }
  const ValueId c = node.input(2);
  node.require_type("C", c, DType::kFloat32);
  node.require(broadcast(builder.value(c).shape, shape) == shape,
               fmt::format("C has shape {}", shape_text(builder.value(c).shape)),
               "one that broadcasts to " + shape_text(shape));
  const ValueId bias = bias_vector(builder, c, shape[1]);
  if (bias != kNoValue) {
    return node.result(builder.emit(OpKind::kMatmul, {a, b, bias}, DType::kFloat32, shape, attrs));
  }
  const ValueId addend = scale(builder, c, attrs.beta);
  attrs.beta = 1.0F;
  const ValueId product = builder.emit(OpKind::kMatmul, {a, b}, DType::kFloat32, shape, attrs);
  node.result(add(builder, product, addend));
}

ValueId emit_matmul(OnnxNode& node, ValueId a, ValueId b) {
  GraphBuilder& builder = node.builder();
  const Shape w = builder.value(b).shape;
  const bool vector = w.size() == 1;
  if (w.size() > 2) return batched_product(node, a, b);
  if (vector) b = builder.reshape(b, {w[0], 1});
  Shape shape = product_shape(node, builder.value(a).shape, builder.value(b).shape);
  const ValueId product =
      builder.emit(OpKind::kMatmul, {a, b}, DType::kFloat32, shape, MatmulAttrs{});
  if (!vector) return product;
  shape.pop_back();
  return builder.reshape(product, shape);
}

void rewrite_matmul(OnnxNode& node) {
  node.require_arity(2, 2);
  const ValueId a = node.input(0);
  const ValueId b = node.input(1);
  node.require_type("A", a, DType::kFloat32);
  node.require_type("B", b, DType::kFloat32);
  node.result(emit_matmul(node, a, b));
}

void rewrite_matmul_integer(OnnxNode& node) {
  node.require_arity(2, 4);
  GraphBuilder& builder = node.builder();
  const ValueId a = node.input(0);
  const ValueId b = node.input(1);
  require_bytes(node, 0, "A");
  require_bytes(node, 1, "B");
  const auto given = [&](int i) { return node.has(i) ? node.input(i) : kNoValue; };
  if (node.shape(1).size() != 2 || builder.constant(b) == nullptr || has_computed_zero(node, 2, 3))
    return node.result(emit_matmul_integer(node, {a, b, given(2), given(3)}));
  const Shape shape = product_shape(node, node.shape(0), node.shape(1));
  MatmulAttrs attrs;
  attrs.x_quant = read_zero_points(node, 2, builder.value(a), {1, "A"});
  attrs.w_quant = read_zero_points(node, 3, builder.value(b), {shape.back(), "B"});
  node.result(builder.emit(OpKind::kMatmul, {a, b}, DType::kInt32, shape, attrs));
}

void rewrite_qlinear_matmul(OnnxNode& node) {
  node.require_arity(8, 8);
  GraphBuilder& builder = node.builder();
  const ValueId a = node.input(0);
  const ValueId b = node.input(3);
  require_bytes(node, 0, "A");
  require_bytes(node, 3, "B");
  const Shape shape = product_shape(node, node.shape(0), node.shape(3));
  MatmulAttrs attrs;
  attrs.x_quant = read_quant(node, {1, 2}, builder.value(a).type, {1, "A"});
  attrs.w_quant = read_quant(node, {4, 5}, builder.value(b).type, {shape.back(), "B"});
  attrs.w_quant->axis = 1;
  read_output_quant(node, {6, 7}, attrs);
  node.result(builder.emit(OpKind::kMatmul, {a, b}, attrs.output->type, shape, attrs));
}

}  // namespace systole::compiler
