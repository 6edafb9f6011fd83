// ONNX's Pad: with one value a move of the graph, else the elements of each axis in another order.
#include <algorithm>
#include <cstdlib>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_list.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// What a Pad adds: an attribute before opset 11, since then a constant of the data's type.
double pad_value(OnnxNode& node) {
  if (node.opset() < 11) return double{node.float_or("value", 0.0F)};
  if (!node.has(2)) return 0.0;
  const Tensor& t = node.constant(2, "constant_value");
  node.require_type("constant_value", node.input(2), node.builder().value(node.input(0)).type);
  node.require(t.count() == 1, "constant_value has shape " + shape_text(t.shape), "one value");
  double value = 0.0;
  with_type(t.type, [&](auto zero) { value = static_cast<double>(t.as<decltype(zero)>()[0]); });
  return value;
}

// Pads of every dimension; since opset 18 they may be given for some axes only.
std::vector<std::int64_t> pad_amounts(OnnxNode& node, std::size_t rank) {
  const auto given = list_of(node, "pads", 1, 11);
  node.require(given.has_value(), "pads are absent", "two numbers a dimension");
  const auto axes = node.opset() >= 18 ? list_of(node, "axes", 3, 18) : std::nullopt;
  const std::size_t count = axes ? axes->size() : rank;
  node.require(given->size() == 2 * count, "pads are " + shape_text(*given),
               fmt::format("{} numbers", 2 * count));
  if (axes) static_cast<void>(named_axes(node, *axes, rank));
  std::vector<std::int64_t> pads(2 * rank);
  for (std::size_t i = 0; i < count; ++i) {
    const auto axis = axes ? static_cast<std::size_t>(node.axis((*axes)[i], rank)) : i;
    pads[axis] = (*given)[i];
    pads[rank + axis] = (*given)[count + i];
  }
  constexpr std::int64_t kMaxPad = std::int64_t{1} << 31;
  const bool known =
      std::all_of(pads.begin(), pads.end(), [](auto p) { return p >= -kMaxPad && p <= kMaxPad; });
  node.require(known, "pads are " + shape_text(pads), "-2^31 to 2^31");
  return pads;
}

// The element that stands at `place` of an axis of `extent` elements, which it may lie before or
// behind.
std::int64_t reflected(std::int64_t place, std::int64_t extent) {
  const std::int64_t period = std::max<std::int64_t>(1, 2 * (extent - 1));
  const std::int64_t at = (place % period + period) % period;
  return std::min(at, period - at);
}
std::int64_t wrapped_around(std::int64_t place, std::int64_t extent) {
  return (place % extent + extent) % extent;
}
std::int64_t nearest(std::int64_t place, std::int64_t extent) {
  return std::clamp<std::int64_t>(place, 0, extent - 1);
}

using Source = std::int64_t (*)(std::int64_t place, std::int64_t extent);

Source source_of(const OnnxNode& node, const std::string& mode) {
  if (mode == "reflect") return reflected;
  if (mode == "edge") return nearest;
  const bool wraps = mode == "wrap" && node.opset() >= 19;
  node.require(wraps, "mode is '" + mode + "'", "constant, reflect, edge, or wrap since opset 19");
  return wrapped_around;
}

// Each axis gets elements of its own.
void pad_from_itself(OnnxNode& node, const std::vector<std::int64_t>& pads, Source source) {
  const Shape shape = node.shape(0);
  ValueId y = node.input(0);
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::int64_t before = pads[d];
    const std::int64_t length = shape[d] + before + pads[shape.size() + d];
    if (before == 0 && length == shape[d]) continue;
    node.require(shape[d] >= 1 && length >= 0,
                 fmt::format("pads {} of {}", shape_text(pads), shape_text(shape)),
                 "elements to take, and no more cut off than there is");
    std::vector<std::int64_t> indices;
    for (std::int64_t i = 0; i < length; ++i) indices.push_back(source(i - before, shape[d]));
    y = emit_take(node.builder(), y, d, indices);
  }
  node.result(y);
}

}  // namespace

void rewrite_pad(OnnxNode& node) {
  const int most = node.opset() >= 18 ? 4 : 3;
  node.require_arity(1, node.opset() >= 11 ? most : 1);
  const std::string mode = node.string_or("mode", "constant");
  const Shape shape = node.shape(0);
  const DType type = node.builder().value(node.input(0)).type;
  if (mode != "constant")
    return pad_from_itself(node, pad_amounts(node, shape.size()), source_of(node, mode));
  MoveAttrs attrs{MoveFn::kPad};
  attrs.pads = pad_amounts(node, shape.size());
  attrs.fill = pad_value(node);
  const std::optional<Shape> result = padded(shape, attrs.pads);
  node.require(result.has_value(),
               fmt::format("pads {} of {}", shape_text(attrs.pads), shape_text(shape)),
               "no more cut off than there is");
  node.result(node.builder().emit(OpKind::kMove, {node.input(0)}, type, *result, attrs));
}

}  // namespace systole::compiler
