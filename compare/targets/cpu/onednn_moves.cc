// Moves: the same elements in another shape, order or place. A reshape of row-major elements is
// free; the others are reorders between views of strided memory.
#include <fmt/core.h>

#include <algorithm>

#include "compare/targets/cpu/onednn_builder.h"

namespace systole::compare {

using dnnl::memory;

void OnednnBuilder::add_move(const Node& node) {
  const auto& move = std::get<compiler::MoveAttrs>(node.attrs);
  switch (move.fn) {
    case compiler::MoveFn::kReshape:
      return set_value(node.outputs[0],
                       view(plain(node, node.inputs[0]), plain_desc(node.outputs[0])));
    case compiler::MoveFn::kTranspose:
      return add_transpose(node, move);
    case compiler::MoveFn::kConcat:
      return add_concat(node, move);
    case compiler::MoveFn::kPad:
      return add_pad(node, move);
  }
  refuse(node, "an unknown move", "reshape, transpose, concat or pad");
}

// The source is seen with its dimensions in the result's order, each with its own stride.
void OnednnBuilder::add_transpose(const Node& node, const compiler::MoveAttrs& move) {
  const memory x = plain(node, node.inputs[0]);
  const memory::dims shape = dims(node.inputs[0]);
  memory::dims strides(shape.size(), 1), order, order_strides;
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  for (const std::int64_t from : move.permutation) {
    order.push_back(shape[static_cast<std::size_t>(from)]);
    order_strides.push_back(strides[static_cast<std::size_t>(from)]);
  }
  const memory seen = view(x, {order, type(node.inputs[0]), order_strides});
  set_value(node.outputs[0], converted(node, seen, plain_desc(node.outputs[0]), {}, true));
}

void OnednnBuilder::add_concat(const Node& node, const compiler::MoveAttrs& move) {
  std::vector<memory::desc> parts;
  Args args;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const memory part = plain(node, node.inputs[i]);
    parts.push_back(part.get_desc());
    args[DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i)] = part;
  }
  const dnnl::concat::primitive_desc chosen(plain_desc(node.outputs[0]),
                                            static_cast<int>(move.axis), parts, engine_);
  const memory y(chosen.dst_desc(), engine_);
  args[DNNL_ARG_DST] = y;
  push(node, chosen.impl_info_str(), dnnl::concat(chosen), std::move(args));
  set_value(node.outputs[0], y);
}

namespace {

// What a pad leaves of x along each dimension, where it starts in x, and where it lands in y.
struct Kept {
  memory::dims size, from, to;
};

Kept kept(const memory::dims& shape, const std::vector<std::int64_t>& pads) {
  Kept k;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::int64_t before = pads[d], behind = pads[shape.size() + d];
    k.from.push_back(std::max<std::int64_t>(0, -before));
    k.to.push_back(std::max<std::int64_t>(0, before));
    k.size.push_back(shape[d] + std::min<std::int64_t>(0, before) +
                     std::min<std::int64_t>(0, behind));
  }
  return k;
}

// All of y's elements, which are float32 or 8 bits wide.
void fill(const memory& y, double value) {
  const std::size_t bytes = y.get_desc().get_size();
  if (y.get_desc().data_type() == memory::data_type::f32) {
    auto* first = static_cast<float*>(y.get_data_handle());
    std::fill_n(first, bytes / sizeof(float), static_cast<float>(value));
  } else {
    auto* first = static_cast<std::uint8_t*>(y.get_data_handle());
    std::fill_n(first, bytes, static_cast<std::uint8_t>(static_cast<int>(value)));
  }
}

}  // namespace

// The padding is written once, here: no step ever touches it again.
void OnednnBuilder::add_pad(const Node& node, const compiler::MoveAttrs& move) {
  const Kept k = kept(dims(node.inputs[0]), move.pads);
  if (std::ranges::any_of(k.size, [](std::int64_t size) { return size <= 0; })) {
    refuse(node, "a pad that leaves nothing", "a kept element");
  }
  const memory::desc wanted = plain_desc(node.outputs[0]);
  const bool bf16 = wanted.data_type() == memory::data_type::bf16;
  if (wanted.data_type() == memory::data_type::s32)
    refuse(node, "int32 padded", "8 bits or floats");
  memory y(bf16 ? row_major_desc(wanted.dims(), memory::data_type::f32) : wanted, engine_);
  fill(y, move.fill);
  if (bf16) y = packed(y, wanted);
  const memory from = plain(node, node.inputs[0]);
  const memory inner = view(from, from.get_desc().submemory_desc(k.size, k.from));
  const memory outer = view(y, y.get_desc().submemory_desc(k.size, k.to));
  const dnnl::reorder::primitive_desc chosen(inner, outer);
  push(node, chosen.impl_info_str(), dnnl::reorder(chosen),
       {{DNNL_ARG_FROM, inner}, {DNNL_ARG_TO, outer}});
  set_value(node.outputs[0], y);
}

}  // namespace systole::compare
