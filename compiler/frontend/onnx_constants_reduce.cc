// Constant operators over whole dimensions: reductions, positions of extremes, running sums.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_constants.h"

namespace systole::compiler {
namespace {

struct Reduction {
  std::vector<bool> axes;  // by dimension: whether it is reduced
  bool keep = true;        // as a dimension of 1
};

// Axes are an attribute before `input_since`, then an input; none means all, or none at all with
// noop_with_empty_axes.
Reduction read_reduction(OnnxNode& node, std::int64_t input_since) {
  const bool input = node.opset() >= input_since;
  node.require_arity(1, input ? 2 : 1);
  const std::size_t rank = node.shape(0).size();
  const auto given = attribute_or_input(node, "axes", 1, input_since);
  const bool none = input && node.flag("noop_with_empty_axes");
  Reduction reduction;
  reduction.keep = node.int_or("keepdims", 1) != 0;
  const bool all = !given || given->empty();
  reduction.axes.assign(rank, all && !none);
  for (const std::int64_t axis : given.value_or(Shape{}))
    reduction.axes[static_cast<std::size_t>(node.axis(axis, rank))] = true;
  return reduction;
}

// The result's shape with reduced dimensions of 1, and as it is given.
std::pair<Shape, Shape> reduced_shapes(const Shape& shape, const Reduction& reduction) {
  Shape ones = shape;
  Shape given;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (reduction.axes[d]) ones[d] = 1;
    if (!reduction.axes[d] || reduction.keep) given.push_back(ones[d]);
  }
  return {ones, given};
}

// y = fn(y, x) over all elements that belong together, from the first of them on. Sums of floats
// are kept in float64 and rounded once, those of integers in int64 and wrapped once.
template <typename Fn, typename Finish>
void reduce(OnnxNode& node, std::int64_t input_since, Fn fn, Finish finish) {
  const Reduction reduction = read_reduction(node, input_since);
  const Tensor& x = node.constant(0, "the data");
  const auto shapes = reduced_shapes(x.shape, reduction);
  const Shape& ones = shapes.first;
  const std::int64_t results = element_count(ones);
  node.require(x.count() > 0 || results == 0, "reduces no elements", "at least one");
  node.require(x.type != DType::kBool, "the data are bool", "numbers");
  const std::int64_t each = results > 0 ? x.count() / results : 0;  // elements of one result
  Tensor y = new_constant(node, x.type, shapes.second);
  with_number(x.type, [&](auto zero) {
    using T = decltype(zero);
    using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
    std::vector<Sum> sums(static_cast<std::size_t>(results));
    std::vector<bool> fresh(sums.size(), true);
    BroadcastWalk walk(x.shape, {ones});
    for (const T v : x.as<T>()) {
      const std::size_t at = walk.at(0);
      sums[at] =
          fresh[at] ? static_cast<Sum>(v) : static_cast<Sum>(fn(sums[at], static_cast<Sum>(v)));
      fresh[at] = false;
      walk.next();
    }
    for (std::size_t i = 0; i < sums.size(); ++i)
      y.as<T>()[i] = static_cast<T>(finish(sums[i], static_cast<Sum>(each)));
  });
  give_constant(node, std::move(y));
}

constexpr auto kSame = [](auto sum, auto /*count*/) { return sum; };

// Index of the extreme along one axis.
template <typename Better>
void arg_extreme(OnnxNode& node, Better better) {
  node.require_arity(1, 1);
  const Tensor& x = node.constant(0, "the data");
  const auto axis = static_cast<std::size_t>(node.axis(node.int_or("axis", 0), x.shape.size()));
  const bool last = node.opset() >= 12 && node.flag("select_last_index");
  Reduction reduction{std::vector<bool>(x.shape.size()), node.int_or("keepdims", 1) != 0};
  reduction.axes[axis] = true;
  node.require(x.shape[axis] > 0, "the axis has no elements", "at least one");
  node.require(x.type != DType::kBool, "the data are bool", "numbers");
  Tensor y = new_constant(node, DType::kInt64, reduced_shapes(x.shape, reduction).second);
  const std::int64_t inner = extent(x.shape, axis + 1, x.shape.size());
  with_number(x.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < y.count(); ++i) {
      const std::int64_t base = i / inner * inner * x.shape[axis] + i % inner;
      const auto at = [&](std::int64_t k) {
        return x.as<T>()[static_cast<std::size_t>(base + k * inner)];
      };
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < x.shape[axis]; ++k) {
        if (better(at(k), at(best)) || (last && at(k) == at(best))) best = k;
      }
      y.as<std::int64_t>()[static_cast<std::size_t>(i)] = best;
    }
  });
  give_constant(node, std::move(y));
}

}  // namespace

void fold_reduce_sum(OnnxNode& node) {
  reduce(
      node, 13, [](auto a, auto b) { return wrapped(a, b, std::plus<>()); }, kSame);
}
void fold_reduce_prod(OnnxNode& node) {
  reduce(
      node, 18, [](auto a, auto b) { return wrapped(a, b, std::multiplies<>()); }, kSame);
}
void fold_reduce_min(OnnxNode& node) {
  reduce(
      node, 18, [](auto a, auto b) { return std::min(a, b); }, kSame);
}
void fold_reduce_max(OnnxNode& node) {
  reduce(
      node, 18, [](auto a, auto b) { return std::max(a, b); }, kSame);
}
void fold_reduce_mean(OnnxNode& node) {
  reduce(
      node, 18, [](auto a, auto b) { return wrapped(a, b, std::plus<>()); },
      [](auto sum, auto count) { return sum / count; });
}

void fold_arg_max(OnnxNode& node) { arg_extreme(node, std::greater<>()); }
void fold_arg_min(OnnxNode& node) { arg_extreme(node, std::less<>()); }

void fold_cum_sum(OnnxNode& node) {
  node.require_arity(2, 2);
  const bool exclusive = node.flag("exclusive");
  const bool reverse = node.flag("reverse");
  const std::vector<std::int64_t> given = integers(node, 1, "axis");
  node.require(given.size() == 1, "axis is a list", "one number");
  const Tensor& x = node.constant(0, "x");
  node.require(x.type != DType::kBool, "x is bool", "numbers");
  const auto axis = static_cast<std::size_t>(node.axis(given[0], x.shape.size()));
  const std::int64_t length = x.shape[axis];
  const std::int64_t inner = extent(x.shape, axis + 1, x.shape.size());
  Tensor y = new_constant(node, x.type, x.shape);
  with_number(x.type, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t line = 0; line < (length == 0 ? 0 : x.count() / length); ++line) {
      T sum{};
      for (std::int64_t k = 0; k < length; ++k) {
        const std::int64_t step = reverse ? length - 1 - k : k;
        const std::int64_t base = line / inner * inner * length + line % inner;
        const auto at = static_cast<std::size_t>(base + step * inner);
        const T before = sum;
        sum = wrapped(sum, x.as<T>()[at], std::plus<>());
        y.as<T>()[at] = exclusive ? before : sum;
      }
    }
  });
  give_constant(node, std::move(y));
}

}  // namespace systole::compiler
