// ONNX operators that are a function of each element: the rows of ir/onnx_maps.def.
#include <array>
#include <optional>
#include <utility>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

using NamedReals = std::initializer_list<std::pair<const char*, float>>;

// Of integers, in functions of two; nothing if it has no such form.
std::optional<ValueId> of_integers(GraphBuilder& builder, MapFn fn, ValueId x) {
  const DType type = builder.value(x).type;
  if (!takes(ZipFn::kSub, type)) return std::nullopt;
  const ValueId zero = emit_number(builder, type, 0.0);
  const auto below = [&](ValueId a, ValueId b) {
    return emit_cast(builder, emit_zip(builder, ZipFn::kLess, a, b), type);
  };
  switch (fn) {
    case MapFn::kNeg:
      return emit_zip(builder, ZipFn::kSub, zero, x);
    case MapFn::kAbs:
      return emit_select(builder, emit_zip(builder, ZipFn::kLess, x, zero),
                         emit_zip(builder, ZipFn::kSub, zero, x), x);
    case MapFn::kSign:
      return emit_zip(builder, ZipFn::kSub, below(zero, x), below(x, zero));
    default:
      return std::nullopt;
  }
}

// The attributes are the function's alpha and beta, in this order.
void map_floats(OnnxNode& node, MapFn fn, NamedReals attributes) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  if (node.builder().value(x).type != DType::kFloat32) {
    if (const auto y = of_integers(node.builder(), fn, x)) return node.result(*y);
  }
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
