// ONNX operators that are a function of each element: the rows of ir/onnx_maps.def.
#include <array>
#include <utility>

#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

using NamedReals = std::initializer_list<std::pair<const char*, float>>;

// The attributes are the function's alpha and beta, in this order.
void map_floats(OnnxNode& node, MapFn fn, NamedReals attributes) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  MapAttrs attrs{fn};
  float* to = &attrs.alpha;
  for (const auto& [name, otherwise] : attributes) {
    *to = node.float_or(name, otherwise);
    to = &attrs.beta;
  }
  const Shape shape = node.shape(0);
  node.result(node.builder().emit(OpKind::kMap, {x}, DType::kFloat32, shape, attrs));
}

}  // namespace

#define SYSTOLE_ONNX_MAP(name, first, newest, function, attributes, text, example) \
  template <>                                                                      \
  void rewrite_map<MapFn::function>(OnnxNode & node) {                             \
    map_floats(node, MapFn::function, NamedReals attributes);                      \
  }
#include "compiler/ir/onnx_maps.def"

}  // namespace systole::compiler
