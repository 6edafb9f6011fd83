// ONNX operators that take, repeat or rearrange elements.
#include <algorithm>
#include <limits>
#include <numeric>

#include "base/units.h"
#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_host.h"
#include "compiler/frontend/onnx_list.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using Ints = std::vector<std::int64_t>;

// A constant list of int32 or int64.
Ints constant_ints(OnnxNode& node, int i, const std::string& what) {
  const Tensor& t = node.constant(i, what);
  node.require((t.type == DType::kInt64 || t.type == DType::kInt32) && t.shape.size() <= 1,
               fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
               "a list of int32 or int64");
  if (t.type == DType::kInt32) return {t.as<std::int32_t>().begin(), t.as<std::int32_t>().end()};
  return {t.as<std::int64_t>().begin(), t.as<std::int64_t>().end()};
}

// --- Slice ---

struct Cut {
  Ints starts, ends, axes, steps;
};

Cut read_cut(OnnxNode& node, std::size_t rank) {
  Cut cut;
  if (node.opset() < 10) {
    node.require_arity(1, 1);
    cut.starts = node.ints("starts");
    cut.ends = node.ints("ends");
    cut.axes = node.ints("axes");
  } else {
    node.require_arity(3, 5);
    cut.starts = constant_ints(node, 1, "starts");
    cut.ends = constant_ints(node, 2, "ends");
    if (node.has(3)) cut.axes = constant_ints(node, 3, "axes");
    if (node.has(4)) cut.steps = constant_ints(node, 4, "steps");
  }
  const std::size_t count = cut.starts.size();
  if (cut.axes.empty()) {
    cut.axes.resize(count);
    std::iota(cut.axes.begin(), cut.axes.end(), 0);
  }
  if (cut.steps.empty()) cut.steps.assign(count, 1);
  const bool fits = cut.ends.size() == count && cut.axes.size() == count &&
                    cut.steps.size() == count && count <= rank;
  node.require(fits,
               fmt::format("{} starts, {} ends, {} axes and {} steps for {} dimensions", count,
                           cut.ends.size(), cut.axes.size(), cut.steps.size(), rank),
               "as many of each, one a dimension at most");
  static_cast<void>(named_axes(node, cut.axes, rank));
  return cut;
}

// The indices of x[start:end:step] in a dimension, as Python and ONNX count them.
Ints indices_of(const OnnxNode& node, std::int64_t start, std::int64_t end, std::int64_t step,
                std::int64_t extent) {
  node.require(step != 0, "a step of 0", "another");
  const auto place = [&](std::int64_t at) {
    if (at < 0) at = std::max<std::int64_t>(at, -extent - 1) + extent;
    return step > 0 ? std::clamp<std::int64_t>(at, 0, extent)
                    : std::clamp<std::int64_t>(at, -1, extent - 1);
  };
  const std::int64_t last = place(end);
  Ints indices;
  for (std::int64_t i = place(start); step > 0 ? i < last : i > last;) {
    indices.push_back(i);
    if (step > 0 ? step > extent - i : step < -1 - i) break;
    i += step;
  }
  return indices;
}

// --- Gather ---

// Positions along an axis, from its end if negative.
Ints gathered(OnnxNode& node, std::int64_t extent) {
  const Tensor& t = node.constant(1, "indices");
  node.require(t.type == DType::kInt64 || t.type == DType::kInt32,
               fmt::format("indices are {}", dtype_name(t.type)), "int32 or int64");
  Ints indices;
  const auto take = [&](auto values) {
    for (const std::int64_t i : values) {
      node.require(i >= -extent && i < extent, fmt::format("index {} of {}", i, extent),
                   fmt::format("{} to {}", -extent, extent - 1));
      indices.push_back(i < 0 ? i + extent : i);
    }
  };
  t.type == DType::kInt64 ? take(t.as<std::int64_t>()) : take(t.as<std::int32_t>());
  return indices;
}

// --- repeats ---

// Ones where `to` is longer than `from`, else an extent of 1; both have one rank.
ValueId ones(GraphBuilder& builder, DType type, const Shape& from, const Shape& to) {
  Shape shape(to.size(), 1);
  for (std::size_t d = 0; d < to.size(); ++d) {
    if (from[d] != to[d]) shape[d] = to[d];
  }
  Tensor t(type, shape);
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    std::ranges::fill(t.as<T>(), T{1});
  });
  return builder.add_constant("ones", std::move(t));
}

// x broadcast to a shape of its rank.
ValueId expanded(OnnxNode& node, ValueId x, const Shape& to) {
  GraphBuilder& builder = node.builder();
  const Shape from = builder.value(x).shape;
  const DType type = builder.value(x).type;
  if (from == to) return x;
  node.require(element_count(to) > 0, "a result of shape " + shape_text(to),
               "one that has elements");
  const ZipFn keep = type == DType::kBool ? ZipFn::kAnd : ZipFn::kMul;
  return emit_zip(builder, keep, x, ones(builder, type, from, to));
}

Shape read_image(OnnxNode& node, std::int64_t block) {
  const Shape x = node.shape(0);
  node.require(x.size() == 4, "the input has shape " + shape_text(x), "[N, C, H, W]");
  node.require(block >= 1, fmt::format("blocksize is {}", block), "1 or more");
  return x;
}

}  // namespace

void rewrite_slice(OnnxNode& node) {
  const Shape shape = node.shape(0);
  const Cut cut = read_cut(node, shape.size());
  ValueId y = node.input(0);
  for (std::size_t i = 0; i < cut.axes.size(); ++i) {
    const auto axis = static_cast<std::size_t>(node.axis(cut.axes[i], shape.size()));
    const Ints indices = indices_of(node, cut.starts[i], cut.ends[i], cut.steps[i], shape[axis]);
    if (std::ssize(indices) == shape[axis] && cut.steps[i] > 0) continue;
    y = emit_take(node.builder(), y, axis, indices);
  }
  node.result(y);
}

void rewrite_gather(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape shape = node.shape(0);
  const auto axis = static_cast<std::size_t>(node.axis(node.int_or("axis", 0), shape.size()));
  Shape result(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const Shape inner = node.shape(1);
  result.insert(result.end(), inner.begin(), inner.end());
  result.insert(result.end(), shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end());
  if (node.builder().constant(node.input(1)) == nullptr) {
    return node.result(emit_host(node, {HostFn::kGather, {static_cast<std::int64_t>(axis)}},
                                 {node.input(0), node.input(1)},
                                 node.builder().value(node.input(0)).type, result));
  }
  const Ints indices = gathered(node, shape[axis]);
  const ValueId taken = emit_take(node.builder(), node.input(0), axis, indices);
  node.result(node.builder().reshape(taken, result));
}

// The elements (opset 9: of all, flattened; else along an axis) where a constant condition holds.
void rewrite_compress(OnnxNode& node) {
  node.require_arity(2, 2);
  const Tensor condition = node.constant(1, "condition");  // the graph grows below
  node.require(
      condition.type == DType::kBool && condition.shape.size() == 1,
      fmt::format("condition is {} {}", dtype_name(condition.type), shape_text(condition.shape)),
      "a list of bools");
  GraphBuilder& builder = node.builder();
  ValueId x = node.input(0);
  const bool flat = !node.has_attribute("axis");
  if (flat) x = builder.reshape(x, {element_count(node.shape(0))});
  const Shape shape = builder.value(x).shape;
  const auto axis = static_cast<std::size_t>(node.axis(node.int_or("axis", 0), shape.size()));
  const auto holds = condition.as<bool>();
  Ints indices;
  for (std::size_t i = 0; i < holds.size(); ++i) {
    if (!holds[i]) continue;
    const auto at = static_cast<std::int64_t>(i);
    node.require(at < shape[axis], fmt::format("condition {} of {} elements", i, shape[axis]),
                 "one an element");
    indices.push_back(at);
  }
  node.result(emit_take(builder, x, axis, indices));
}

void rewrite_split(OnnxNode& node) {
  node.require_arity(1, node.opset() >= 13 ? 2 : 1);
  const Shape shape = node.shape(0);
  const auto axis = static_cast<std::size_t>(node.axis(node.int_or("axis", 0), shape.size()));
  const auto outputs = static_cast<std::int64_t>(node.output_slots());
  Ints parts = list_of(node, "split", 1, 13).value_or(Ints{});
  const std::int64_t asked = node.opset() >= 18 ? node.int_or("num_outputs", outputs) : outputs;
  node.require(asked == outputs, fmt::format("num_outputs is {} for {} outputs", asked, outputs),
               "the number of outputs");
  if (parts.empty()) {  // equal ones, since opset 18 with a smaller last one
    const std::int64_t each = ceil_div(shape[axis], outputs);
    const bool fits =
        node.opset() >= 18 ? each * (outputs - 1) <= shape[axis] : shape[axis] % outputs == 0;
    node.require(fits, fmt::format("{} elements in {} parts", shape[axis], outputs),
                 "parts of one size");
    parts.assign(static_cast<std::size_t>(outputs), each);
    parts.back() = shape[axis] - each * (outputs - 1);
  }
  const bool whole = std::ssize(parts) == outputs &&
                     std::all_of(parts.begin(), parts.end(), [](auto p) { return p >= 0; }) &&
                     std::accumulate(parts.begin(), parts.end(), std::int64_t{0}) == shape[axis];
  node.require(whole, "split is " + shape_text(parts),
               fmt::format("{} parts of {} elements", outputs, shape[axis]));
  std::int64_t begin = 0;
  for (int i = 0; i < outputs; ++i) {
    const std::int64_t end = begin + parts[static_cast<std::size_t>(i)];
    if (node.is_used(i))
      node.result(emit_slice(node.builder(), node.input(0), axis, begin, end), i);
    begin = end;
  }
}

void rewrite_expand(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape shape = node.shape(0);
  const Ints wanted = constant_ints(node, 1, "shape");
  const std::optional<Shape> to = broadcast(shape, Shape(wanted.begin(), wanted.end()));
  node.require(to.has_value(), fmt::format("{} to {}", shape_text(shape), shape_text(wanted)),
               "shapes that broadcast");
  Shape padded_shape = shape;
  padded_shape.insert(padded_shape.begin(), to->size() - shape.size(), 1);
  node.result(expanded(node, node.builder().reshape(node.input(0), padded_shape), *to));
}

// Each dimension of n becomes [1, n], the first is repeated.
void rewrite_tile(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape shape = node.shape(0);
  const Ints repeats = constant_ints(node, 1, "repeats");
  node.require(repeats.size() == shape.size(),
               fmt::format("repeats {} of {}", shape_text(repeats), shape_text(shape)),
               "one a dimension");
  Shape apart;
  Shape many;
  Shape result;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    node.require(repeats[d] >= 1, "repeats " + shape_text(repeats), "1 or more each");
    apart.insert(apart.end(), {1, shape[d]});
    many.insert(many.end(), {repeats[d], shape[d]});
    result.push_back(repeats[d] * shape[d]);
  }
  static_cast<void>(element_count(result, node.name()));
  GraphBuilder& builder = node.builder();
  const ValueId y = expanded(node, builder.reshape(node.input(0), apart), many);
  node.result(builder.reshape(y, result));
}

void rewrite_depth_to_space(OnnxNode& node) {
  node.require_arity(1, 1);
  const std::int64_t b = node.int_or("blocksize", 0);
  const Shape x = read_image(node, b);
  const std::string mode = node.opset() >= 11 ? node.string_or("mode", "DCR") : "DCR";
  node.require(mode == "DCR" || mode == "CRD", "mode is '" + mode + "'", "DCR or CRD");
  node.require(x[1] % (b * b) == 0, fmt::format("{} channels", x[1]),
               fmt::format("a multiple of {}", b * b));
  const std::int64_t c = x[1] / (b * b);
  GraphBuilder& builder = node.builder();
  const bool depth_first = mode == "DCR";
  const ValueId blocks =
      builder.reshape(node.input(0), depth_first ? Shape{x[0], b, b, c, x[2], x[3]}
                                                 : Shape{x[0], c, b, b, x[2], x[3]});
  const ValueId moved =
      builder.transpose(blocks, depth_first ? Ints{0, 3, 4, 1, 5, 2} : Ints{0, 1, 4, 2, 5, 3});
  node.result(builder.reshape(moved, {x[0], c, x[2] * b, x[3] * b}));
}

void rewrite_space_to_depth(OnnxNode& node) {
  node.require_arity(1, 1);
  const std::int64_t b = node.int_or("blocksize", 0);
  const Shape x = read_image(node, b);
  node.require(x[2] % b == 0 && x[3] % b == 0, "the input has shape " + shape_text(x),
               fmt::format("rows and columns in multiples of {}", b));
  GraphBuilder& builder = node.builder();
  const ValueId blocks = builder.reshape(node.input(0), {x[0], x[1], x[2] / b, b, x[3] / b, b});
  const ValueId moved = builder.transpose(blocks, {0, 3, 5, 1, 2, 4});
  node.result(builder.reshape(moved, {x[0], x[1] * b * b, x[2] / b, x[3] / b}));
}

}  // namespace systole::compiler
