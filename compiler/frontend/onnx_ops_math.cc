// ONNX operators on float tensors: element-wise ones and Softmax.
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
void rewrite_add(OnnxNode& node) {
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
                                  ZipAttrs{ZipFn::kAdd}));
}

void rewrite_relu(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  const Shape shape = node.shape(0);
  node.result(node.builder().emit(OpKind::kMap, {x}, DType::kFloat32, shape,
                                  MapAttrs{MapFn::kRelu, 0.0F, 0.0F, 0.0F}));
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
