// Operators of ONNX Runtime's own domain com.microsoft: integer forms that ONNX does not have. Each
// is written out as DequantizeLinear, the float operator and QuantizeLinear; the compiler's fusion
// makes one integer op of it. Source:
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
#include <limits>

#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_quant.h"
#include "compiler/frontend/onnx_window.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Input i with the scale and the zero point behind it, as floats.
ValueId dequantised(OnnxNode& node, int i, const std::string& what) {
  require_bytes(node, i, what);
  const ValueId x = node.input(i);
  const Shape shape = node.shape(i);
  const Quant quant = read_quant(node, {i + 1, i + 2}, node.builder().value(x).type, {1, what});
  return node.builder().emit(OpKind::kDequantise, {x}, DType::kFloat32, shape, QuantAttrs{quant});
}

// The node's result: the value quantised by the scale and the zero point at these inputs.
void quantised_result(OnnxNode& node, ValueId y, QuantInputs inputs) {
  ProductQuants quants;
  read_output_quant(node, inputs, quants);
  const Shape shape = node.builder().value(y).shape;
  node.result(node.builder().emit(OpKind::kQuantise, {y}, quants.output->type, shape,
                                  QuantAttrs{*quants.output}));
}

void qlinear_zip(OnnxNode& node, ZipFn fn) {
  node.require_arity(8, 8);
  const ValueId a = dequantised(node, 0, "A");
  const ValueId b = dequantised(node, 3, "B");
  const std::optional<Shape> shape = broadcast(node.shape(0), node.shape(3));
  node.require(
      shape.has_value(),
      fmt::format("shapes {} and {}", shape_text(node.shape(0)), shape_text(node.shape(3))),
      "shapes that broadcast");
  const ValueId y =
      node.builder().emit(OpKind::kZip, {a, b}, DType::kFloat32, *shape, ZipAttrs{fn});
  quantised_result(node, y, {6, 7});
}

void qlinear_map(OnnxNode& node, const MapAttrs& attrs) {
  node.require_arity(5, 5);
  const ValueId x = dequantised(node, 0, "X");
  const Shape shape = node.shape(0);
  quantised_result(node, node.builder().emit(OpKind::kMap, {x}, DType::kFloat32, shape, attrs),
                   {3, 4});
}

void qlinear_pool(OnnxNode& node, const PoolAttrs& attrs, const Shape& shape) {
  const ValueId x = dequantised(node, 0, "X");
  quantised_result(node, node.builder().emit(OpKind::kPool, {x}, DType::kFloat32, shape, attrs),
                   {3, 4});
}

Shape read_image(OnnxNode& node) {
  node.require_arity(5, 5);
  const Shape x = node.shape(0);
  node.require(x.size() == 4 && extent(x, 2, 4) >= 1, "X has shape " + shape_text(x),
               "[N, C, H, W], not empty");
  node.require(node.int_or("channels_last", 0) == 0, "channels_last is 1", "[N, C, H, W]");
  return x;
}

// The int32 C of a QGemm as a bias for each of n columns.
ValueId qgemm_bias(OnnxNode& node, int i, std::int64_t n) {
  const ValueId c = node.input(i);
  node.require_type("C", c, DType::kInt32);
  const Shape& shape = node.shape(i);
  const bool vector = !shape.empty() && shape.back() == n && element_count(shape) == n;
  node.require(vector, "C has shape " + shape_text(shape), fmt::format("[{}]", n));
  return node.builder().reshape(c, {n});
}

// Matrix i, transposed if the attribute says so.
ValueId qgemm_matrix(OnnxNode& node, int i, const std::string& what) {
  require_bytes(node, i, what);
  node.require(node.shape(i).size() == 2, what + " has shape " + shape_text(node.shape(i)),
               "a matrix");
  const ValueId x = node.input(i);
  return node.flag("trans" + what) ? node.builder().transpose(x, {1, 0}) : x;
}

}  // namespace

// Inputs: A, B and the result with scale and zero point each, the bias C before the result's.
void rewrite_qgemm(OnnxNode& node) {
  node.require_arity(6, 9);
  node.require(node.has(7) && node.has(8), "no scale and zero point of the result",
               "both; a float32 result is not supported by this version");
  GraphBuilder& builder = node.builder();
  std::vector<ValueId> inputs = {qgemm_matrix(node, 0, "A"), qgemm_matrix(node, 3, "B")};
  const Shape a = builder.value(inputs[0]).shape;
  const Shape b = builder.value(inputs[1]).shape;
  node.require(a[1] == b[0], fmt::format("shapes {} and {}", shape_text(a), shape_text(b)),
               "A [M, K] and B [K, N] with the same K");
  MatmulAttrs attrs;
  attrs.alpha = node.float_or("alpha", 1.0F);
  attrs.x_quant = read_quant(node, {1, 2}, builder.value(inputs[0]).type, {1, "A"});
  attrs.w_quant = read_quant(node, {4, 5}, builder.value(inputs[1]).type, {b[1], "B"});
  attrs.w_quant->axis = 1;
  read_output_quant(node, {7, 8}, attrs);
  if (node.has(6)) inputs.push_back(qgemm_bias(node, 6, b[1]));
  node.result(builder.emit(OpKind::kMatmul, inputs, attrs.output->type, {a[0], b[1]}, attrs));
}

void rewrite_qlinear_add(OnnxNode& node) { qlinear_zip(node, ZipFn::kAdd); }

void rewrite_qlinear_mul(OnnxNode& node) { qlinear_zip(node, ZipFn::kMul); }

void rewrite_qlinear_leaky_relu(OnnxNode& node) {
  MapAttrs attrs{MapFn::kLeakyRelu};
  attrs.alpha = node.float_or("alpha", 0.01F);
  qlinear_map(node, attrs);
}

void rewrite_qlinear_sigmoid(OnnxNode& node) { qlinear_map(node, MapAttrs{MapFn::kSigmoid}); }

void rewrite_qlinear_global_average_pool(OnnxNode& node) {
  const Shape x = read_image(node);
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.window.kernel = {x[2], x[3]};
  qlinear_pool(node, attrs, {x[0], x[1], 1, 1});
}

void rewrite_qlinear_average_pool(OnnxNode& node) {
  const Shape x = read_image(node);
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.count_padding = node.flag("count_include_pad");
  const PlacedWindow placed =
      read_window(node, read_kernel(node, false), x, {.dilations = false, .ceil_mode = true});
  attrs.window = placed.window;
  attrs.overhang = placed.overhang;
  qlinear_pool(node, attrs, {x[0], x[1], placed.steps[0], placed.steps[1]});
}

// Inputs: the result's scale and zero point, then each tensor with its own.
void rewrite_qlinear_concat(OnnxNode& node) {
  node.require_arity(5, std::numeric_limits<int>::max());
  node.require(node.input_count() % 3 == 2, fmt::format("{} inputs", node.input_count()),
               "two and three for each tensor");
  MoveAttrs attrs{MoveFn::kConcat};
  Shape shape = node.shape(2);
  attrs.axis = node.axis(node.int_or("axis", 0), shape.size());
  const auto at = static_cast<std::size_t>(attrs.axis);
  shape[at] = 0;
  std::vector<ValueId> inputs;
  for (int i = 2; i < node.input_count(); i += 3) {
    inputs.push_back(dequantised(node, i, "X"));
    Shape same = node.shape(i);
    node.require(same.size() == shape.size(), "shape " + shape_text(same), "as many dimensions");
    shape[at] += same[at];
    same[at] = shape[at];
    node.require(same == shape, "shape " + shape_text(node.shape(i)),
                 "shapes that differ along the axis only");
  }
  const ValueId y = node.builder().emit(OpKind::kMove, inputs, DType::kFloat32, shape, attrs);
  quantised_result(node, y, {0, 1});
}

}  // namespace systole::compiler
