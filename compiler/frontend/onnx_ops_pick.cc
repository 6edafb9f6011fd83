// ONNX operators that pick, place and order elements by what is only known when they run: functions
// of the host (isa/host_functions.def).
#include <algorithm>
#include <limits>
#include <numeric>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_host.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using Ints = std::vector<std::int64_t>;

DType type_of(OnnxNode& node, int i = 0) { return node.builder().value(node.input(i)).type; }

std::size_t axis_or(OnnxNode& node, std::int64_t otherwise, std::size_t rank) {
  return static_cast<std::size_t>(node.axis(node.int_or("axis", otherwise), rank));
}

Shape with(Shape shape, std::size_t axis, std::int64_t extent) {
  shape.at(axis) = extent;
  return shape;
}

// The one number of a constant input.
std::int64_t number(OnnxNode& node, int i, const std::string& what) {
  const Tensor& t = node.constant(i, what);
  const bool known =
      t.type == DType::kInt64 || t.type == DType::kInt32 || t.type == DType::kFloat32;
  node.require(known && t.count() == 1,
               fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
               "one number");
  if (t.type == DType::kInt64) return t.as<std::int64_t>()[0];
  return t.type == DType::kInt32 ? t.as<std::int32_t>()[0]
                                 : static_cast<std::int64_t>(t.as<float>()[0]);
}

float real_or(OnnxNode& node, int i, const std::string& what, float otherwise) {
  if (!node.has(i)) return otherwise;
  const Tensor& t = node.constant(i, what);
  node.require(t.type == DType::kFloat32 && t.count() == 1,
               fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
               "one float32");
  return t.as<float>()[0];
}

void arg_extreme(OnnxNode& node, bool largest) {
  node.require_arity(1, 1);
  const Shape shape = node.shape(0);
  const std::size_t axis = axis_or(node, 0, shape.size());
  node.require(shape[axis] > 0, "no elements along the axis", "one at least");
  const bool last = node.opset() >= 12 && node.flag("select_last_index");
  const bool keeps = node.int_or("keepdims", 1) != 0;
  const ValueId y = emit_arg_extreme(node, node.input(0), axis, largest, last);
  Shape result = with(shape, axis, 1);
  if (!keeps) result.erase(result.begin() + static_cast<std::ptrdiff_t>(axis));
  node.result(node.builder().reshape(y, result));
}

// Of a scatter: since opset 16 updates may be combined with what is there.
std::int64_t scatter_reduction(OnnxNode& node) {
  if (node.opset() < 16) return 0;
  const std::string how = node.string_or("reduction", "none");
  const std::vector<std::string> names = {"none", "add", "mul", "max", "min"};
  const auto found = std::ranges::find(names, how);
  const bool newer = found - names.begin() >= 3;
  node.require(found != names.end() && (!newer || node.opset() >= 18), "reduction is '" + how + "'",
               "none, add, mul, or since opset 18 max or min");
  return found - names.begin();
}

}  // namespace

void rewrite_arg_max(OnnxNode& node) { arg_extreme(node, true); }
void rewrite_arg_min(OnnxNode& node) { arg_extreme(node, false); }

// The places of the largest elements, and what is there.
void rewrite_top_k(OnnxNode& node) {
  node.require_arity(1, node.opset() >= 10 ? 2 : 1);
  const Shape shape = node.shape(0);
  const std::size_t axis = axis_or(node, -1, shape.size());
  const std::int64_t k = node.opset() >= 10 ? number(node, 1, "K") : node.int_or("k", 0);
  node.require(k >= 0 && k <= shape[axis], fmt::format("K is {}", k),
               fmt::format("0 to {}", shape[axis]));
  const bool largest = node.opset() < 11 || node.int_or("largest", 1) != 0;
  if (node.opset() >= 11) static_cast<void>(node.int_or("sorted", 1));
  const auto along = static_cast<std::int64_t>(axis);
  const ValueId at = emit_host(node, {HostFn::kTopK, {along, largest, 0}}, {node.input(0)},
                               DType::kInt64, with(shape, axis, k));
  node.result(at, 1);
  if (!node.is_used(0)) return;
  node.result(emit_host(node, {HostFn::kGatherElements, {along}}, {node.input(0), at},
                        type_of(node), with(shape, axis, k)));
}

void rewrite_gather_elements(OnnxNode& node) {
  node.require_arity(2, 2);
  const std::size_t axis = axis_or(node, 0, node.shape(0).size());
  const Shape shape = node.shape(1);
  node.result(emit_host(node, {HostFn::kGatherElements, {static_cast<std::int64_t>(axis)}},
                        {node.input(0), node.input(1)}, type_of(node), shape));
}

void rewrite_gather_nd(OnnxNode& node) {
  node.require_arity(2, 2);
  const std::int64_t shared = node.opset() >= 12 ? node.int_or("batch_dims", 0) : 0;
  const Shape x = node.shape(0);
  const Shape at = node.shape(1);
  const bool fits = !at.empty() && shared >= 0 && at.back() >= 0 &&
                    shared + at.back() <= std::ssize(x) && shared < std::ssize(at);
  node.require(fits, fmt::format("shapes {} and {}", shape_text(x), shape_text(at)),
               "tuples of indices no longer than the data has dimensions");
  Shape shape(at.begin(), at.end() - 1);
  shape.insert(shape.end(), x.begin() + shared + at.back(), x.end());
  node.result(emit_host(node, {HostFn::kGatherNd, {shared}}, {node.input(0), node.input(1)},
                        type_of(node), shape));
}

void rewrite_scatter_elements(OnnxNode& node) {
  node.require_arity(3, 3);
  const Shape shape = node.shape(0);
  const auto axis = static_cast<std::int64_t>(axis_or(node, 0, shape.size()));
  node.result(emit_host(node, {HostFn::kScatterElements, {axis, scatter_reduction(node)}},
                        {node.input(0), node.input(1), node.input(2)}, type_of(node), shape));
}

void rewrite_scatter_nd(OnnxNode& node) {
  node.require_arity(3, 3);
  const Shape shape = node.shape(0);
  node.result(emit_host(node, {HostFn::kScatterNd, {scatter_reduction(node)}},
                        {node.input(0), node.input(1), node.input(2)}, type_of(node), shape));
}

void rewrite_one_hot(OnnxNode& node) {
  node.require_arity(3, 3);
  const std::int64_t depth = number(node, 1, "depth");
  node.require(depth >= 0, fmt::format("depth is {}", depth), "0 or more");
  Shape shape = node.shape(0);
  const std::size_t axis = axis_or(node, -1, shape.size() + 1);
  shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  node.result(emit_host(node, {HostFn::kOneHot, {static_cast<std::int64_t>(axis)}},
                        {node.input(0), node.input(2)}, type_of(node, 2), shape));
}

void rewrite_cum_sum(OnnxNode& node) {
  node.require_arity(2, 2);
  const Shape shape = node.shape(0);
  const std::int64_t axis = node.axis(number(node, 1, "axis"), shape.size());
  const bool exclusive = node.flag("exclusive");
  const bool reverse = node.flag("reverse");
  node.result(emit_host(node, {HostFn::kCumSum, {axis, exclusive, reverse}}, {node.input(0)},
                        type_of(node), shape));
}

// 1 where the largest element is; before opset 13 of all dimensions from axis on.
void rewrite_hardmax(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape shape = node.shape(0);
  const bool one_axis = node.opset() >= 13;
  const std::size_t axis = axis_or(node, one_axis ? -1 : 1, shape.size());
  GraphBuilder& builder = node.builder();
  Shape lines = shape;
  if (!one_axis) lines = {extent(shape, 0, axis), extent(shape, axis, shape.size())};
  const std::size_t along = one_axis ? axis : 1;
  node.require(lines[along] > 0, "no elements along the axis", "one at least");
  const ValueId x = builder.reshape(node.input(0), lines);
  const ValueId at = emit_arg_extreme(node, x, along, true, false);
  Shape index = lines;
  index.erase(index.begin() + static_cast<std::ptrdiff_t>(along));
  const std::vector<float> values = {0.0F, 1.0F};
  const ValueId pair = builder.add_constant("values", make_tensor<float>({2}, values));
  const ValueId y = emit_host(node, {HostFn::kOneHot, {static_cast<std::int64_t>(along)}},
                              {builder.reshape(at, index), pair}, DType::kFloat32, lines);
  node.result(builder.reshape(y, shape));
}

void rewrite_det(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape x = node.shape(0);
  node.require(x.size() >= 2, "X has shape " + shape_text(x), "[..., n, n]");
  node.result(emit_host(node, {HostFn::kDet}, {node.input(0)}, DType::kFloat32,
                        Shape(x.begin(), x.end() - 2)));
}

void rewrite_reverse_sequence(OnnxNode& node) {
  node.require_arity(2, 2);
  const std::int64_t batch = node.int_or("batch_axis", 1);
  const std::int64_t time = node.int_or("time_axis", 0);
  const Shape shape = node.shape(0);
  node.result(emit_host(node, {HostFn::kReverseSequence, {batch, time}},
                        {node.input(0), node.input(1)}, type_of(node), shape));
}

void rewrite_non_zero(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape x = node.shape(0);
  const Shape shape = data_dependent_shape(node, 0, {std::ssize(x), element_count(x)});
  node.result(emit_host(node, {HostFn::kNonZero}, {node.input(0)}, DType::kInt64, shape));
}

// Each output is a function of its own.
void rewrite_unique(OnnxNode& node) {
  node.require_arity(1, 1);
  const Shape x = node.shape(0);
  const bool flat = !node.has_attribute("axis");
  const std::int64_t axis = flat ? -1 : node.axis(node.int_or("axis", 0), x.size());
  const bool sorted = node.int_or("sorted", 1) != 0;
  const std::int64_t all = flat ? element_count(x) : x[static_cast<std::size_t>(axis)];
  for (int part = 0; part < 4; ++part) {
    if (!node.is_used(part)) continue;
    Shape shape = {all};
    if (part == 0 && !flat) shape = x;
    if (part != 2) shape = data_dependent_shape(node, part, shape);
    node.result(emit_host(node, {HostFn::kUnique, {axis, sorted, part}}, {node.input(0)},
                          part == 0 ? type_of(node) : DType::kInt64, shape),
                part);
  }
}

void rewrite_non_max_suppression(OnnxNode& node) {
  node.require_arity(2, 5);
  const Shape scores = node.shape(1);
  node.require(scores.size() == 3, "scores have shape " + shape_text(scores),
               "[batch, classes, boxes]");
  std::int64_t most = node.has(2) ? number(node, 2, "max_output_boxes_per_class") : 0;
  most = std::clamp<std::int64_t>(most, 0, scores[2]);
  const float overlap = real_or(node, 3, "iou_threshold", 0.0F);
  const float least = real_or(node, 4, "score_threshold", std::numeric_limits<float>::lowest());
  const std::int64_t centre = node.flag("center_point_box") ? 1 : 0;
  const Shape shape = data_dependent_shape(node, 0, {scores[0] * scores[1] * most, 3});
  node.result(emit_host(node, {HostFn::kNonMaxSuppression, {centre, most}, {overlap, least}},
                        {node.input(0), node.input(1)}, DType::kInt64, shape));
}

}  // namespace systole::compiler
