// Float operators of domain com.microsoft, and its products of bytes with float results, which
// dynamically quantised models have. Source:
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include "compiler/frontend/onnx_dynamic.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_matmul.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_quant.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

ValueId given(OnnxNode& node, int i) { return node.has(i) ? node.input(i) : kNoValue; }

// Float32 that broadcasts to `shape`.
ValueId operand(OnnxNode& node, int i, const Shape& shape) {
  const std::string what = node.input_name(i);
  node.require_type(what, node.input(i), DType::kFloat32);
  node.require(broadcast(node.shape(i), shape) == shape,
               what + " has shape " + shape_text(node.shape(i)),
               "one that broadcasts to " + shape_text(shape));
  return node.input(i);
}

// int32 sums times both scales, plus the bias.
void scaled_sums(OnnxNode& node, ValueId sums, ValueId scale, int bias) {
  GraphBuilder& builder = node.builder();
  ValueId y = emit_zip(builder, ZipFn::kMul, as_float(builder, sums), scale);
  if (node.has(bias))
    y = emit_zip(builder, ZipFn::kAdd, y, operand(node, bias, builder.value(y).shape));
  node.result(y);
}

// Scale `a` (one) times the scale at input b: one, or one a column.
ValueId both_scales(OnnxNode& node, ValueId a, int b, std::int64_t columns) {
  node.require_type("the scale", node.input(b), DType::kFloat32);
  const std::int64_t count = element_count(node.shape(b));
  node.require(count == 1 || count == columns, "B scale has shape " + shape_text(node.shape(b)),
               fmt::format("one, or [{}]", columns));
  GraphBuilder& builder = node.builder();
  const ValueId scale = builder.reshape(node.input(b), count == 1 ? Shape{} : Shape{columns});
  return emit_zip(builder, ZipFn::kMul, scale, builder.reshape(a, {}));
}

// x with its last two dimensions exchanged if the flag says so.
ValueId matrices(OnnxNode& node, int i, const std::string& flag) {
  node.require_type(node.input_name(i), node.input(i), DType::kFloat32);
  const Shape shape = node.shape(i);
  const bool exchanged = node.flag(flag);
  node.require(!exchanged || shape.size() >= 2, "a vector to transpose", "two dimensions or more");
  if (!exchanged) return node.input(i);
  std::vector<std::int64_t> order(shape.size());
  for (std::size_t d = 0; d < order.size(); ++d) order[d] = static_cast<std::int64_t>(d);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return node.builder().transpose(node.input(i), order);
}

ValueId with_bias(OnnxNode& node) {
  node.require_type("the input", node.input(0), DType::kFloat32);
  if (!node.has(1)) return node.input(0);
  const Shape shape = node.shape(0);
  return emit_zip(node.builder(), ZipFn::kAdd, node.input(0), operand(node, 1, shape));
}

}  // namespace

void rewrite_dynamic_quantize_matmul(OnnxNode& node) {
  node.require_arity(3, 5);
  node.require_type("A", node.input(0), DType::kFloat32);
  require_bytes(node, 1, "B");
  node.require(node.shape(1).size() >= 2, "B has shape " + shape_text(node.shape(1)), "matrices");
  const std::int64_t columns = node.shape(1).back();
  const DynamicQuant a = emit_dynamic_quant(node, node.input(0));
  const ValueId scale = both_scales(node, a.scale, 2, columns);
  const ValueId sums = emit_matmul_integer(node, {a.y, node.input(1), a.zero, given(node, 3)});
  scaled_sums(node, sums, scale, 4);
}

void rewrite_matmul_integer_to_float(OnnxNode& node) {
  node.require_arity(4, 7);
  require_bytes(node, 0, "A");
  require_bytes(node, 1, "B");
  node.require(node.shape(1).size() >= 2, "B has shape " + shape_text(node.shape(1)), "matrices");
  node.require(element_count(node.shape(2)) == 1, "A scale has shape " + shape_text(node.shape(2)),
               "one");
  const std::int64_t columns = node.shape(1).back();
  const ValueId scale = both_scales(node, node.input(2), 3, columns);
  const ValueId sums =
      emit_matmul_integer(node, {node.input(0), node.input(1), given(node, 4), given(node, 5)});
  scaled_sums(node, sums, scale, 6);
}

void rewrite_fused_matmul(OnnxNode& node) {
  node.require_arity(2, 2);
  GraphBuilder& builder = node.builder();
  node.require(!node.flag("transBatchA") && !node.flag("transBatchB"), "a transposed batch",
               "matrices whose rows and columns are exchanged, at most");
  const float alpha = node.float_or("alpha", 1.0F);
  const ValueId a = matrices(node, 0, "transA");
  const ValueId y = emit_matmul(node, a, matrices(node, 1, "transB"));
  node.result(alpha == 1.0F ? y : emit_zip(builder, ZipFn::kMul, y, emit_scalar(builder, alpha)));
}

void rewrite_bias_gelu(OnnxNode& node) {
  node.require_arity(2, 2);
  node.result(emit_map(node.builder(), {MapFn::kGelu}, with_bias(node)));
}

void rewrite_contrib_gelu(OnnxNode& node) {
  node.require_arity(1, 1);
  node.result(emit_map(node.builder(), {MapFn::kGelu}, with_bias(node)));
}

void rewrite_fast_gelu(OnnxNode& node) {
  node.require_arity(1, 2);
  node.result(emit_map(node.builder(), {MapFn::kGeluTanh}, with_bias(node)));
}

// x times the sigmoid of alpha x.
void rewrite_quick_gelu(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("the input", node.input(0), DType::kFloat32);
  GraphBuilder& builder = node.builder();
  const ValueId alpha = emit_scalar(builder, node.float_or("alpha", 1.702F));
  const ValueId x = node.input(0);
  const ValueId by = emit_map(builder, {MapFn::kSigmoid}, emit_zip(builder, ZipFn::kMul, x, alpha));
  node.result(emit_zip(builder, ZipFn::kMul, x, by));
}

}  // namespace systole::compiler
