// See onnx_host.h.
#include "compiler/frontend/onnx_host.h"

#include <algorithm>

namespace systole::compiler {

ValueId emit_host(OnnxNode& node, HostAttrs attrs, std::vector<ValueId> inputs, DType type,
                  const Shape& shape) {
  std::vector<isa::TensorKind> kinds;
  for (const ValueId id : inputs)
    kinds.push_back({node.builder().value(id).type, node.builder().value(id).shape});
  const std::optional<std::string> fault = isa::fault_of(attrs, kinds, {type, shape});
  if (fault) node.fail("its inputs do not fit together", *fault);
  return node.builder().emit(OpKind::kHost, std::move(inputs), type, shape, std::move(attrs));
}

ValueId emit_arg_extreme(OnnxNode& node, ValueId x, std::size_t axis, bool largest, bool last) {
  Shape shape = node.builder().value(x).shape;
  shape.at(axis) = 1;
  const auto along = static_cast<std::int64_t>(axis);
  return emit_host(node, {HostFn::kTopK, {along, largest, last}}, {x}, DType::kInt64, shape);
}

ValueId emit_bytes(OnnxNode& node, DType type, const Shape& shape, std::uint8_t value) {
  Tensor t(type, shape);
  std::ranges::fill(t.data, value);
  return node.builder().add_constant("value", std::move(t));
}

ValueId emit_int64(OnnxNode& node, const Shape& shape, const std::vector<std::int64_t>& values) {
  return node.builder().add_constant("indices", make_tensor<std::int64_t>(shape, values));
}

Shape data_dependent_shape(OnnxNode& node, int output, const Shape& most) {
  const std::optional<Shape> declared = node.declared_shape(output);
  if (declared && declared->size() == most.size()) return *declared;
  node.note(
      fmt::format("the size of its result depends on the data: {} are computed, what is left "
                  "of them is -1",
                  shape_text(most)));
  return most;
}

}  // namespace systole::compiler
