// See onnx_emit.h. A slice is a pad by negative amounts; every n-th element is a slice of blocks.
#include "compiler/frontend/onnx_emit.h"

#include <algorithm>
#include <numeric>

#include "base/diag.h"
#include "base/units.h"
#include "compiler/ir/elements.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {

ValueId emit_zip(GraphBuilder& builder, ZipFn fn, ValueId a, ValueId b) {
  const std::optional<Shape> shape = broadcast(builder.value(a).shape, builder.value(b).shape);
  SYSTOLE_CHECK(shape.has_value(), "operands do not broadcast");
  const DType type = compares(fn) ? DType::kBool : builder.value(a).type;
  return builder.emit(OpKind::kZip, {a, b}, type, *shape, ZipAttrs{fn});
}

ValueId emit_map(GraphBuilder& builder, const MapAttrs& attrs, ValueId x) {
  const Shape shape = builder.value(x).shape;
  return builder.emit(OpKind::kMap, {x}, DType::kFloat32, shape, attrs);
}

ValueId emit_scalar(GraphBuilder& builder, float value) {
  return builder.add_constant("value", make_tensor<float>({}, std::span<const float>(&value, 1)));
}

ValueId emit_number(GraphBuilder& builder, DType type, double value) {
  const Tensor exact = make_tensor<double>({}, std::span<const double>(&value, 1));
  return builder.add_constant("value", evaluate_cast(exact, type));
}

ValueId emit_cast(GraphBuilder& builder, ValueId x, DType type) {
  if (builder.value(x).type == type) return x;
  const Shape shape = builder.value(x).shape;
  return builder.emit(OpKind::kCast, {x}, type, shape, std::monostate{});
}

ValueId emit_select(GraphBuilder& builder, ValueId c, ValueId a, ValueId b) {
  std::optional<Shape> shape = broadcast(builder.value(c).shape, builder.value(a).shape);
  if (shape) shape = broadcast(*shape, builder.value(b).shape);
  SYSTOLE_CHECK(shape.has_value(), "operands do not broadcast");
  const DType type = builder.value(a).type;
  return builder.emit(OpKind::kSelect, {c, a, b}, type, *shape, std::monostate{});
}

ValueId emit_not(GraphBuilder& builder, ValueId c) {
  return emit_zip(builder, ZipFn::kXor, c, emit_number(builder, DType::kBool, 1.0));
}

ValueId emit_product(GraphBuilder& builder, ValueId x, ValueId w) {
  Shape shape = builder.value(x).shape;
  const Shape& matrix = builder.value(w).shape;
  SYSTOLE_CHECK(shape.back() == matrix[0], "a product of other dimensions");
  shape.back() = matrix[1];
  return builder.emit(OpKind::kMatmul, {x, w}, DType::kFloat32, shape, MatmulAttrs{});
}

// The axes are brought to the end, where they are neighbours, unless they are neighbours already.
ValueId emit_reduce(GraphBuilder& builder, ReduceFn fn, ValueId x,
                    const std::vector<std::int64_t>& axes) {
  Shape kept = builder.value(x).shape;
  if (axes.empty()) return x;
  std::vector<std::int64_t> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  for (const std::int64_t axis : sorted) kept.at(static_cast<std::size_t>(axis)) = 1;
  const std::int64_t last = sorted.back() + 1;
  if (last - sorted.front() == std::ssize(sorted)) {
    return builder.emit(OpKind::kReduce, {x}, DType::kFloat32, kept,
                        ReduceAttrs{fn, sorted.front(), last});
  }
  std::vector<std::int64_t> order(kept.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_partition(order.begin(), order.end(), [&](std::int64_t axis) {
    return !std::binary_search(sorted.begin(), sorted.end(), axis);
  });
  const ValueId moved = builder.transpose(x, order);
  Shape reduced = builder.value(moved).shape;
  const std::int64_t first = std::ssize(order) - std::ssize(sorted);
  std::fill(reduced.begin() + first, reduced.end(), 1);
  const ValueId y = builder.emit(OpKind::kReduce, {moved}, DType::kFloat32, reduced,
                                 ReduceAttrs{fn, first, std::ssize(order)});
  return builder.reshape(y, kept);
}

ValueId emit_log_softmax(GraphBuilder& builder, ValueId x, const std::vector<std::int64_t>& axes) {
  const ValueId below =
      emit_zip(builder, ZipFn::kSub, x, emit_reduce(builder, ReduceFn::kMax, x, axes));
  const ValueId sum =
      emit_reduce(builder, ReduceFn::kSum, emit_map(builder, {MapFn::kExp}, below), axes);
  return emit_zip(builder, ZipFn::kSub, below, emit_map(builder, {MapFn::kLog}, sum));
}

ValueId emit_pad(GraphBuilder& builder, ValueId x, const std::vector<std::int64_t>& pads) {
  if (std::all_of(pads.begin(), pads.end(), [](auto p) { return p == 0; })) return x;
  const std::optional<Shape> shape = padded(builder.value(x).shape, pads);
  SYSTOLE_CHECK(shape.has_value(), "pads that cut off more than there is");
  const DType type = builder.value(x).type;
  MoveAttrs attrs{MoveFn::kPad};
  attrs.pads = pads;
  return builder.emit(OpKind::kMove, {x}, type, *shape, attrs);
}

ValueId emit_slice(GraphBuilder& builder, ValueId x, std::size_t axis, std::int64_t begin,
                   std::int64_t end) {
  const Shape shape = builder.value(x).shape;
  std::vector<std::int64_t> pads(2 * shape.size());
  pads.at(axis) = -begin;
  pads.at(shape.size() + axis) = end - shape[axis];
  return emit_pad(builder, x, pads);
}

ValueId emit_concat(GraphBuilder& builder, const std::vector<ValueId>& inputs, std::size_t axis) {
  if (inputs.size() == 1) return inputs[0];
  Shape shape = builder.value(inputs[0]).shape;
  shape.at(axis) = 0;
  for (const ValueId id : inputs) shape[axis] += builder.value(id).shape.at(axis);
  MoveAttrs attrs{MoveFn::kConcat};
  attrs.axis = static_cast<std::int64_t>(axis);
  const DType type = builder.value(inputs[0]).type;
  return builder.emit(OpKind::kMove, inputs, type, shape, attrs);
}

namespace {

// Every `step`-th element from `begin` on, `count` of them: the first ones of blocks of `step`.
ValueId every(GraphBuilder& builder, ValueId x, std::size_t axis, std::int64_t begin,
              std::int64_t step, std::int64_t count) {
  const Shape shape = builder.value(x).shape;
  std::vector<std::int64_t> pads(2 * shape.size());
  pads[axis] = -begin;
  pads[shape.size() + axis] = begin + count * step - shape[axis];
  const ValueId whole = emit_pad(builder, x, pads);
  Shape blocks = builder.value(whole).shape;
  blocks[axis] = count;
  blocks.insert(blocks.begin() + static_cast<std::ptrdiff_t>(axis) + 1, step);
  const ValueId firsts = emit_slice(builder, builder.reshape(whole, blocks), axis + 1, 0, 1);
  Shape taken = shape;
  taken[axis] = count;
  return builder.reshape(firsts, taken);
}

// All of them in one step of the host.
ValueId gather(GraphBuilder& builder, ValueId x, std::size_t axis,
               const std::vector<std::int64_t>& indices) {
  Tensor constant(DType::kInt64, {std::ssize(indices)});
  std::ranges::copy(indices, constant.as<std::int64_t>().begin());
  const ValueId at = builder.add_constant("indices", std::move(constant));
  Shape shape = builder.value(x).shape;
  shape.at(axis) = std::ssize(indices);
  isa::HostFunction attrs{HostFn::kGather, {static_cast<std::int64_t>(axis)}};
  return builder.emit(OpKind::kHost, {x, at}, builder.value(x).type, shape, std::move(attrs));
}

}  // namespace

ValueId emit_take(GraphBuilder& builder, ValueId x, std::size_t axis,
                  const std::vector<std::int64_t>& indices) {
  const auto count = indices.size();
  const std::int64_t step = count > 1 ? indices[1] - indices[0] : 1;
  bool even = count > 0 && step > 0;
  for (std::size_t i = 1; even && i < count; ++i) even = indices[i] - indices[i - 1] == step;
  if (even && step > 1) return every(builder, x, axis, indices[0], step, std::ssize(indices));
  std::vector<std::pair<std::int64_t, std::int64_t>> runs;  // [begin, end)
  for (const std::int64_t index : indices) {
    if (runs.empty() || runs.back().second != index) runs.emplace_back(index, index);
    runs.back().second = index + 1;
  }
  if (runs.empty()) return emit_slice(builder, x, axis, 0, 0);
  if (runs.size() > kMostSlices) return gather(builder, x, axis, indices);
  std::vector<ValueId> slices;
  for (const auto& [begin, end] : runs) slices.push_back(emit_slice(builder, x, axis, begin, end));
  return emit_concat(builder, slices, axis);
}

}  // namespace systole::compiler
