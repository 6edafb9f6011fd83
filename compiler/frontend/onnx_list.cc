// See onnx_list.h.
#include "compiler/frontend/onnx_list.h"

namespace systole::compiler {

std::optional<std::vector<std::int64_t>> list_of(OnnxNode& node, const std::string& name, int input,
                                                 std::int64_t input_since) {
  if (node.opset() < input_since) {
    std::vector<std::int64_t> found = node.ints(name);
    if (!node.has_attribute(name)) return std::nullopt;
    return found;
  }
  if (!node.has(input)) return std::nullopt;
  const Tensor& t = node.constant(input, name);
  node.require(t.type == DType::kInt64 && t.shape.size() <= 1,
               fmt::format("{} is {} {}", name, dtype_name(t.type), shape_text(t.shape)),
               "a list of int64");
  return std::vector<std::int64_t>(t.as<std::int64_t>().begin(), t.as<std::int64_t>().end());
}

std::vector<bool> named_axes(const OnnxNode& node, const std::vector<std::int64_t>& axes,
                             std::size_t rank) {
  std::vector<bool> named(rank);
  for (const std::int64_t given : axes) {
    const auto axis = static_cast<std::size_t>(node.axis(given, rank));
    node.require(!named[axis], fmt::format("axes {} name one twice", shape_text(axes)),
                 "each once");
    named[axis] = true;
  }
  return named;
}

}  // namespace systole::compiler
