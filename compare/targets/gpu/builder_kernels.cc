// Every op that one generic kernel does: element by element, reduced or moved.
#include <algorithm>
#include <utility>

#include "compare/targets/gpu/builder.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/shapes.h"

namespace systole::compare::gpu {

using compiler::Node;
using compiler::OpKind;
using compiler::Quant;
using compiler::Value;
using compiler::ValueId;

namespace {

// A value's strides, one per dimension of the shape it is broadcast to.
std::vector<std::int64_t> broadcast_to(const Placed& value, const Shape& shape) {
  const std::vector<std::int64_t> own = strides_of(value.shape, value.channels_last);
  std::vector<std::int64_t> strides(shape.size(), 0);
  const std::size_t shift = shape.size() - value.shape.size();
  for (std::size_t d = 0; d < own.size(); ++d) {
    strides[shift + d] = value.shape[d] == 1 ? 0 : own[d];
  }
  return strides;
}

MapKind map_kind(compiler::MapFn fn) {
  switch (fn) {
#define SYSTOLE_MAP(name, ...) \
  case compiler::MapFn::name:  \
    return MapKind::name;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(fn));
}

ZipKind zip_kind(compiler::ZipFn fn) {
  switch (fn) {
#define SYSTOLE_ZIP(name, ...) \
  case compiler::ZipFn::name:  \
    return ZipKind::name;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
}

ReduceKind reduce_kind(compiler::ReduceFn fn) {
  switch (fn) {
#define SYSTOLE_REDUCTION(name, text) \
  case compiler::ReduceFn::name:      \
    return ReduceKind::name;
#include "isa/reductions.def"
  }
  SYSTOLE_CHECK(false, "reduction {}", static_cast<int>(fn));
}

}  // namespace

void Builder::add_map(const Node& node) {
  const auto& attrs = std::get<compiler::MapAttrs>(node.attrs);
  if (attrs.output) refuse(node, "a map of integers", "floats, or 8 bits between quantisers");
  const Placed x = read(node, 0);
  const Placed y = place(x.element, x.shape, x.channels_last);
  Map work;
  work.kind = map_kind(attrs.fn);
  work.from = work.to = x.element;
  work.lo = attrs.lo;
  work.hi = attrs.hi;
  work.alpha = attrs.alpha;
  work.beta = attrs.beta;
  work.count = x.count();
  work.x = x.memory.get();
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

void Builder::add_zip(const Node& node) {
  const auto& attrs = std::get<compiler::ZipAttrs>(node.attrs);
  const Value& result = graph_.value(node.outputs[0]);
  if (compiler::takes_bits(attrs.fn) || compiler::compares(attrs.fn))
    refuse(node, "bits or a comparison", "arithmetic");
  const Placed a = read(node, 0);
  const Placed b = read(node, 1);
  if (a.element == Element::kS32) refuse(node, "a sum or product of int32", "floats or 8 bits");
  if (a.element != b.element) refuse(node, "operands of two types", "one type");
  if (result.shape.size() > kMaxRank) refuse(node, "too many dimensions", "6 at most on the GPU");
  const Placed y = place(a.element, result.shape, a.channels_last || b.channels_last);
  const auto order = memory_order(y.shape.size(), y.channels_last);
  Zip work;
  work.kind = zip_kind(attrs.fn);
  work.element = a.element;
  work.shape = extents(picked(y.shape, order), 1);
  work.a_strides = extents(picked(broadcast_to(a, y.shape), order), 0);
  work.b_strides = extents(picked(broadcast_to(b, y.shape), order), 0);
  work.count = y.count();
  if (attrs.output) {
    work.a_steps = steps_of(*attrs.a_quant, node);
    work.b_steps = steps_of(*attrs.b_quant, node);
    work.y_steps = steps_of(*attrs.output, node);
    work.y_steps.lo = attrs.lo;
    work.y_steps.hi = attrs.hi;
  }
  work.a = a.memory.get();
  work.b = b.memory.get();
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

void Builder::add_table(const Node& node) {
  const Placed x = read(node, 0);
  const Value& result = graph_.value(node.outputs[0]);
  const Placed y = place(element_of(result.type, result.name), x.shape, x.channels_last);
  Table work;
  std::ranges::copy(std::get<compiler::TableAttrs>(node.attrs).entries, work.entries.begin());
  work.count = x.count();
  work.x = x.memory.get();
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

void Builder::add_reduce(const Node& node) {
  const auto& attrs = std::get<compiler::ReduceAttrs>(node.attrs);
  const Placed x = arranged(node, read(node, 0), false);
  const Placed y = place(x.element, graph_.value(node.outputs[0]).shape);
  const auto first = static_cast<std::size_t>(attrs.first_axis);
  const auto end = static_cast<std::size_t>(attrs.end_axis);
  Reduce work;
  work.kind = reduce_kind(attrs.fn);
  work.element = x.element;
  work.length = compiler::extent(x.shape, first, end);
  work.stride = compiler::extent(x.shape, end, x.shape.size());
  work.count = work.length == 0 ? 0 : x.count() / work.length;
  work.x = x.memory.get();
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

void Builder::add_move(const Node& node) {
  const auto& attrs = std::get<compiler::MoveAttrs>(node.attrs);
  switch (attrs.fn) {
    case compiler::MoveFn::kReshape:
      return reshape(node);
    case compiler::MoveFn::kTranspose:
      return transpose(node, attrs);
    case compiler::MoveFn::kConcat:
    case compiler::MoveFn::kPad:
      refuse(node, "not run on the GPU", "conv, matmul, pool, map, zip, table, reduce, reshape");
  }
}

void Builder::reshape(const Node& node) {
  Placed x = arranged(node, read(node, 0), false);
  x.shape = graph_.value(node.outputs[0]).shape;
  set(node.outputs[0], std::move(x));
}

void Builder::transpose(const Node& node, const compiler::MoveAttrs& attrs) {
  const Shape& shape = graph_.value(node.outputs[0]).shape;
  if (shape.size() > kMaxRank) refuse(node, "too many dimensions", "6 at most on the GPU");
  const Placed x = read(node, 0);
  const Placed y = place(x.element, shape);
  const auto strides = strides_of(x.shape, x.channels_last);
  std::vector<std::int64_t> permuted;
  for (const std::int64_t d : attrs.permutation) {
    permuted.push_back(strides[static_cast<std::size_t>(d)]);
  }
  Reorder work;
  work.from = work.to = x.element;
  work.shape = extents(shape, 1);
  work.strides = extents(permuted, 0);
  work.count = x.count();
  work.x = x.memory.get();
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

void Builder::add_quantiser(const Node& node) {
  const Quant& quant = std::get<compiler::QuantAttrs>(node.attrs).quant;
  const bool quantise = node.kind == OpKind::kQuantise;
  // A scale per channel finds its channel by the graph's order.
  const Placed x = quant.per_tensor() ? read(node, 0) : arranged(node, read(node, 0), false);
  const Value& result = graph_.value(node.outputs[0]);
  const Placed y = place(element_of(result.type, result.name), x.shape, x.channels_last);
  const compiler::IntegerRange range = compiler::integer_range(quant.type);
  Map work;
  work.from = x.element;
  work.to = y.element;
  (quantise ? work.y_steps : work.x_steps) = {quant.scales[0], quant.zero_points[0], range.lo,
                                              range.hi};
  if (!quant.per_tensor()) {
    work.scales = upload(quant.scales);
    work.zeros = upload(quant.zero_points);
    work.channels = std::ssize(quant.scales);
    work.inner =
        compiler::extent(x.shape, static_cast<std::size_t>(quant.axis) + 1, x.shape.size());
  }
  work.count = x.count();
  work.x = x.memory.get();
  work.y = y.memory.get();
  push(node, work);
  set(node.outputs[0], y);
}

}  // namespace systole::compare::gpu
