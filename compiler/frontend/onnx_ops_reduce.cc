// ONNX reductions, and the normalisations that are made of them.
#include <cmath>
#include <numeric>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_list.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using Axes = std::vector<std::int64_t>;

Axes axes_from(std::size_t first, std::size_t rank) {
  Axes axes(rank - std::min(first, rank));
  std::iota(axes.begin(), axes.end(), static_cast<std::int64_t>(first));
  return axes;
}

ValueId square(GraphBuilder& builder, ValueId x) { return emit_zip(builder, ZipFn::kMul, x, x); }

// What a reduction is of and how: its axes as an attribute, since `input_since` as an input.
struct Reduction {
  ValueId x = kNoValue;
  Axes axes;
  Shape result;  // without the axes unless they are kept
};
Reduction read_reduction(OnnxNode& node, std::int64_t input_since) {
  node.require_arity(1, node.opset() >= input_since ? 2 : 1);
  Reduction r;
  r.x = node.input(0);
  node.require_type("the input", r.x, DType::kFloat32);
  const Shape shape = node.shape(0);
  const auto given = list_of(node, "axes", 1, input_since);
  const bool noop = node.opset() >= input_since && node.flag("noop_with_empty_axes");
  const bool keeps = node.int_or("keepdims", 1) != 0;
  std::vector<bool> named = named_axes(node, given.value_or(Axes{}), shape.size());
  const bool all = (!given || given->empty()) && !noop;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const bool reduced = all || named[d];
    if (reduced) r.axes.push_back(static_cast<std::int64_t>(d));
    if (reduced && keeps) r.result.push_back(1);
    if (!reduced) r.result.push_back(shape[d]);
  }
  return r;
}

void reduce(OnnxNode& node, ReduceFn fn, std::int64_t input_since) {
  const Reduction r = read_reduction(node, input_since);
  GraphBuilder& builder = node.builder();
  node.result(builder.reshape(emit_reduce(builder, fn, r.x, r.axes), r.result));
}

// after(sum of before(x))
template <typename Before, typename After>
void reduce_sum_of(OnnxNode& node, Before before, After after) {
  const Reduction r = read_reduction(node, 18);
  GraphBuilder& builder = node.builder();
  const ValueId sum = emit_reduce(builder, ReduceFn::kSum, before(builder, r.x), r.axes);
  node.result(builder.reshape(after(builder, sum), r.result));
}

ValueId itself(GraphBuilder& /*builder*/, ValueId x) { return x; }
template <MapFn fn>
ValueId mapped(GraphBuilder& builder, ValueId x) {
  return emit_map(builder, {fn}, x);
}

// (x - mean) / sqrt(variance + epsilon) over the axes.
struct Normalised {
  ValueId y, mean, deviation;
};
Normalised normalise(GraphBuilder& builder, ValueId x, const Axes& axes, float epsilon) {
  const ValueId mean = emit_reduce(builder, ReduceFn::kMean, x, axes);
  const ValueId centred = emit_zip(builder, ZipFn::kSub, x, mean);
  const ValueId variance = emit_reduce(builder, ReduceFn::kMean, square(builder, centred), axes);
  const ValueId above = emit_zip(builder, ZipFn::kAdd, variance, emit_scalar(builder, epsilon));
  const ValueId deviation = emit_map(builder, {MapFn::kSqrt}, above);
  return {emit_zip(builder, ZipFn::kDiv, centred, deviation), mean, deviation};
}

// A vector of one number a channel, dimension 1 of `rank`.
ValueId by_channel(OnnxNode& node, int i, std::int64_t channels, std::size_t rank) {
  const std::string what = node.input_name(i);
  node.require_type(what, node.input(i), DType::kFloat32);
  node.require(node.shape(i) == Shape{channels}, what + " has shape " + shape_text(node.shape(i)),
               shape_text({channels}));
  Shape shape(rank - 1, 1);
  shape[0] = channels;
  return node.builder().reshape(node.input(i), shape);
}

ValueId scaled(GraphBuilder& builder, ValueId x, ValueId scale, ValueId bias) {
  return emit_zip(builder, ZipFn::kAdd, emit_zip(builder, ZipFn::kMul, x, scale), bias);
}

// Float32 [N, C, ...].
Shape read_channels(OnnxNode& node) {
  node.require_type("the input", node.input(0), DType::kFloat32);
  const Shape shape = node.shape(0);
  node.require(shape.size() >= 3, "the input has shape " + shape_text(shape), "[N, C, ...]");
  return shape;
}

}  // namespace

void rewrite_reduce_mean(OnnxNode& node) { reduce(node, ReduceFn::kMean, 18); }
void rewrite_reduce_sum(OnnxNode& node) { reduce(node, ReduceFn::kSum, 13); }
void rewrite_reduce_prod(OnnxNode& node) { reduce(node, ReduceFn::kProd, 18); }
void rewrite_reduce_max(OnnxNode& node) { reduce(node, ReduceFn::kMax, 18); }
void rewrite_reduce_min(OnnxNode& node) { reduce(node, ReduceFn::kMin, 18); }
void rewrite_reduce_l1(OnnxNode& node) { reduce_sum_of(node, mapped<MapFn::kAbs>, itself); }
void rewrite_reduce_l2(OnnxNode& node) { reduce_sum_of(node, square, mapped<MapFn::kSqrt>); }
void rewrite_reduce_sum_square(OnnxNode& node) { reduce_sum_of(node, square, itself); }
void rewrite_reduce_log_sum(OnnxNode& node) { reduce_sum_of(node, itself, mapped<MapFn::kLog>); }

// max + log(sum(exp(x - max))), which does not overflow.
void rewrite_reduce_log_sum_exp(OnnxNode& node) {
  const Reduction r = read_reduction(node, 18);
  GraphBuilder& builder = node.builder();
  const ValueId top = emit_reduce(builder, ReduceFn::kMax, r.x, r.axes);
  const ValueId below = emit_zip(builder, ZipFn::kSub, r.x, top);
  const ValueId sum =
      emit_reduce(builder, ReduceFn::kSum, emit_map(builder, {MapFn::kExp}, below), r.axes);
  const ValueId log = emit_map(builder, {MapFn::kLog}, sum);
  node.result(builder.reshape(emit_zip(builder, ZipFn::kAdd, top, log), r.result));
}

void rewrite_instance_normalization(OnnxNode& node) {
  node.require_arity(3, 3);
  const Shape shape = read_channels(node);
  GraphBuilder& builder = node.builder();
  const float epsilon = node.float_or("epsilon", 1e-5F);
  const ValueId y = normalise(builder, node.input(0), axes_from(2, shape.size()), epsilon).y;
  node.result(scaled(builder, y, by_channel(node, 1, shape[1], shape.size()),
                     by_channel(node, 2, shape[1], shape.size())));
}

// Scale and bias are numbers a group in opset 18, a channel since 21.
void rewrite_group_normalization(OnnxNode& node) {
  node.require_arity(3, 3);
  const Shape shape = read_channels(node);
  const std::int64_t groups = node.int_or("num_groups", 0);
  node.require(groups >= 1 && shape[1] % groups == 0, fmt::format("num_groups is {}", groups),
               fmt::format("a divisor of {} channels", shape[1]));
  if (node.opset() >= 21) static_cast<void>(node.int_or("stash_type", 1));
  GraphBuilder& builder = node.builder();
  const bool each = node.opset() >= 21;
  const std::int64_t inner = extent(shape, 1, shape.size()) / groups;
  const ValueId grouped = builder.reshape(node.input(0), {shape[0], groups, inner});
  ValueId y = normalise(builder, grouped, {2}, node.float_or("epsilon", 1e-5F)).y;
  if (!each) y = scaled(builder, y, by_channel(node, 1, groups, 3), by_channel(node, 2, groups, 3));
  y = builder.reshape(y, shape);
  if (each) {
    y = scaled(builder, y, by_channel(node, 1, shape[1], shape.size()),
               by_channel(node, 2, shape[1], shape.size()));
  }
  node.result(y);
}

void rewrite_layer_normalization(OnnxNode& node) {
  node.require_arity(2, 3);
  const ValueId x = node.input(0);
  node.require_type("X", x, DType::kFloat32);
  const Shape shape = node.shape(0);
  const auto axis = static_cast<std::size_t>(node.axis(node.int_or("axis", -1), shape.size()));
  static_cast<void>(node.int_or("stash_type", 1));
  GraphBuilder& builder = node.builder();
  const auto [plain, mean, deviation] =
      normalise(builder, x, axes_from(axis, shape.size()), node.float_or("epsilon", 1e-5F));
  ValueId y = plain;
  for (int i = 1; i < 3 && node.has(i); ++i) {
    node.require_type(node.input_name(i), node.input(i), DType::kFloat32);
    node.require(broadcast(node.shape(i), shape) == shape,
                 node.input_name(i) + " has shape " + shape_text(node.shape(i)),
                 "one that broadcasts to " + shape_text(shape));
    y = emit_zip(builder, i == 1 ? ZipFn::kMul : ZipFn::kAdd, y, node.input(i));
  }
  node.result(y);
  if (node.is_used(1)) node.result(mean, 1);
  if (node.is_used(2)) node.result(emit_map(builder, {MapFn::kReciprocal}, deviation), 2);
}

// com.microsoft's: of the sum of input, skip and perhaps a bias, over the last dimension.
void rewrite_skip_layer_normalization(OnnxNode& node) {
  node.require_arity(3, 5);
  GraphBuilder& builder = node.builder();
  node.require_type("input", node.input(0), DType::kFloat32);
  const Shape shape = node.shape(0);
  node.require(!shape.empty(), "input is a scalar", "[..., N]");
  const auto with = [&](ZipFn fn, ValueId y, int i) {
    if (!node.has(i)) return y;
    node.require_type(node.input_name(i), node.input(i), DType::kFloat32);
    node.require(broadcast(node.shape(i), shape) == shape,
                 node.input_name(i) + " has shape " + shape_text(node.shape(i)),
                 "one that broadcasts to " + shape_text(shape));
    return emit_zip(builder, fn, y, node.input(i));
  };
  const ValueId sum = with(ZipFn::kAdd, with(ZipFn::kAdd, node.input(0), 1), 4);
  const auto [plain, mean, deviation] = normalise(
      builder, sum, axes_from(shape.size() - 1, shape.size()), node.float_or("epsilon", 1e-12F));
  node.result(with(ZipFn::kAdd, with(ZipFn::kMul, plain, 2), 3));
  if (node.is_used(1)) node.result(mean, 1);
  if (node.is_used(2)) node.result(emit_map(builder, {MapFn::kReciprocal}, deviation), 2);
  if (node.is_used(3)) node.result(sum, 3);
}

void rewrite_mean_variance_normalization(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("X", node.input(0), DType::kFloat32);
  const std::size_t rank = node.shape(0).size();
  Axes axes = node.has_attribute("axes") ? node.ints("axes") : Axes{0, 2, 3};
  const std::vector<bool> named = named_axes(node, axes, rank);
  axes.clear();
  for (std::size_t d = 0; d < rank; ++d) {
    if (named[d]) axes.push_back(static_cast<std::int64_t>(d));
  }
  GraphBuilder& builder = node.builder();
  const ValueId x = node.input(0);
  const ValueId mean = emit_reduce(builder, ReduceFn::kMean, x, axes);
  const ValueId centred = emit_zip(builder, ZipFn::kSub, x, mean);
  const ValueId variance = emit_reduce(builder, ReduceFn::kMean, square(builder, centred), axes);
  const ValueId deviation =
      emit_zip(builder, ZipFn::kAdd, emit_map(builder, {MapFn::kSqrt}, variance),
               emit_scalar(builder, 1e-9F));
  node.result(emit_zip(builder, ZipFn::kDiv, centred, deviation));
}

void rewrite_lp_normalization(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("the input", x, DType::kFloat32);
  const std::int64_t p = node.int_or("p", 2);
  node.require(p == 1 || p == 2, fmt::format("p is {}", p), "1 or 2");
  const Axes axes = {node.axis(node.int_or("axis", -1), node.shape(0).size())};
  GraphBuilder& builder = node.builder();
  const ValueId each = p == 1 ? emit_map(builder, {MapFn::kAbs}, x) : square(builder, x);
  ValueId norm = emit_reduce(builder, ReduceFn::kSum, each, axes);
  if (p == 2) norm = emit_map(builder, {MapFn::kSqrt}, norm);
  node.result(emit_zip(builder, ZipFn::kDiv, x, norm));
}

// x / (bias + alpha / size * sum of the squares of the channels around)^beta. The sum over `size`
// is an average of windows over the channels that counts its padding.
void rewrite_lrn(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  const Shape shape = read_channels(node);
  const std::int64_t size = node.int_or("size", 0);
  node.require(size >= 1, fmt::format("size is {}", size), "1 or more");
  GraphBuilder& builder = node.builder();
  const Shape rows = {shape[0], 1, shape[1], extent(shape, 2, shape.size())};
  PoolAttrs attrs{PoolFn::kAverage};
  attrs.window.kernel = {size, 1};
  attrs.window.pads = {(size - 1) / 2, 0, size / 2, 0};
  attrs.count_padding = true;
  const ValueId squares = builder.reshape(square(builder, x), rows);
  const ValueId around =
      builder.reshape(builder.emit(OpKind::kPool, {squares}, DType::kFloat32, rows, attrs), shape);
  const ValueId alpha = emit_scalar(builder, node.float_or("alpha", 1e-4F));
  const ValueId bias = emit_scalar(builder, node.float_or("bias", 1.0F));
  const ValueId base =
      emit_zip(builder, ZipFn::kAdd, emit_zip(builder, ZipFn::kMul, around, alpha), bias);
  const ValueId beta = emit_scalar(builder, node.float_or("beta", 0.75F));
  node.result(emit_zip(builder, ZipFn::kDiv, x, emit_zip(builder, ZipFn::kPow, base, beta)));
}

}  // namespace systole::compiler
