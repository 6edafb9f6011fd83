// ONNX Resize and Upsample: along each axis a product with a constant matrix whose column i holds
// the weights of the elements that result i is made of.
//
// Source: the text of ONNX's Resize (opsets 10 to 19) and of its reference for antialias, whose
// names of modes are used here.
#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_list.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

struct Modes {
  std::string mode = "nearest", coordinates = "half_pixel", nearest = "round_prefer_floor";
  float cubic = -0.75F;
  bool exclude_outside = false, antialias = false;
  float outside = 0.0F;  // what tf_crop_and_resize has beyond the ends
  [[nodiscard]] bool crops() const { return coordinates == "tf_crop_and_resize"; }
};

struct AxisResize {
  std::int64_t from = 1, to = 1;
  double scale = 1.0;
  double start = 0.0, end = 1.0;  // of the region that tf_crop_and_resize takes
};

// Where result `i` lies among the elements.
double source_of(const Modes& m, const AxisResize& a, std::int64_t i) {
  const auto x = static_cast<double>(i);
  const double length = static_cast<double>(a.from) * a.scale;  // of the result, not rounded
  if (m.coordinates == "align_corners")
    return length == 1.0 ? 0.0 : x * static_cast<double>(a.from - 1) / (length - 1.0);
  if (m.crops()) {
    const auto last = static_cast<double>(a.from - 1);
    if (a.to == 1) return 0.5 * (a.start + a.end) * last;
    return a.start * last + x * (a.end - a.start) * last / static_cast<double>(a.to - 1);
  }
  if (m.coordinates == "asymmetric") return x / a.scale;
  if (m.coordinates == "tf_half_pixel_for_nn") return (x + 0.5) / a.scale;
  if (m.coordinates == "pytorch_half_pixel" && a.to == 1) return 0.0;
  if (m.coordinates == "half_pixel_symmetric") {
    const double adjustment = static_cast<double>(a.to) / length;
    const double centre = static_cast<double>(a.from) / 2.0;
    return centre * (1.0 - adjustment) + (x + 0.5) / a.scale - 0.5;
  }
  return (x + 0.5) / a.scale - 0.5;
}

std::int64_t nearest_to(const std::string& mode, double x) {
  if (mode == "floor") return static_cast<std::int64_t>(std::floor(x));
  if (mode == "ceil") return static_cast<std::int64_t>(std::ceil(x));
  const bool half = x - std::floor(x) == 0.5;
  if (half) {
    return static_cast<std::int64_t>(mode == "round_prefer_ceil" ? std::ceil(x) : std::floor(x));
  }
  return static_cast<std::int64_t>(std::round(x));
}

// Weights of the elements from `first` on.
struct Taps {
  std::int64_t first = 0;
  std::vector<double> weights;
};

// The weight of an element at this distance: of a triangle, or by Keys' cubic convolution.
double weight_at(const Modes& m, double distance) {
  const double d = std::abs(distance);
  if (m.mode == "linear") return std::max(0.0, 1.0 - d);
  const auto a = double{m.cubic};
  if (d <= 1.0) return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
  return d < 2.0 ? ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a : 0.0;
}

// Where fewer results than elements are wanted, antialias stretches the function over as many more
// elements, and makes the weights' sum 1.
Taps antialiased(const Modes& m, double scale, double x) {
  const double reach = (m.mode == "linear" ? 1.0 : 2.0) / scale;
  Taps taps{static_cast<std::int64_t>(std::ceil(x - reach)), {}};
  const auto last = static_cast<std::int64_t>(std::floor(x + reach));
  double sum = 0.0;
  for (std::int64_t i = taps.first; i <= last; ++i) {
    taps.weights.push_back(weight_at(m, (static_cast<double>(i) - x) * scale));
    sum += taps.weights.back();
  }
  for (double& weight : taps.weights) weight /= sum;
  return taps;
}

Taps taps_at(const Modes& m, double scale, double x) {
  if (m.mode == "nearest") return {nearest_to(m.nearest, x), {1.0}};
  if (m.antialias && scale < 1.0) return antialiased(m, scale, x);
  const double floor = std::floor(x);
  const auto first = static_cast<std::int64_t>(floor);
  if (m.mode == "linear") return {first, {1.0 - (x - floor), x - floor}};
  Taps taps{first - 1, {}};
  for (std::int64_t i = -1; i <= 2; ++i)
    taps.weights.push_back(weight_at(m, static_cast<double>(i) - (x - floor)));
  return taps;
}

// Whether result `i` is of nothing that x has.
bool lies_outside(const Modes& m, const AxisResize& a, std::int64_t i) {
  const double x = source_of(m, a, i);
  return m.crops() && (x < 0.0 || x > static_cast<double>(a.from - 1));
}

// [from, to]; elements beyond the ends are those at the ends, or left out.
Tensor matrix_of(const Modes& m, const AxisResize& a) {
  Tensor matrix(DType::kFloat32, {a.from, a.to});
  const auto values = matrix.as<float>();
  std::vector<double> column(static_cast<std::size_t>(a.from));
  for (std::int64_t i = 0; i < a.to; ++i) {
    std::ranges::fill(column, 0.0);
    if (lies_outside(m, a, i)) continue;
    const Taps taps = taps_at(m, a.scale, source_of(m, a, i));
    double sum = 0.0;
    for (std::size_t k = 0; k < taps.weights.size(); ++k) {
      const std::int64_t at = taps.first + static_cast<std::int64_t>(k);
      const bool inside = at >= 0 && at < a.from;
      if (!inside && m.exclude_outside) continue;
      column[static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, a.from - 1))] +=
          taps.weights[k];
      sum += taps.weights[k];
    }
    for (std::int64_t k = 0; k < a.from; ++k) {
      const double weight = column[static_cast<std::size_t>(k)] / (m.exclude_outside ? sum : 1.0);
      values[static_cast<std::size_t>(k * a.to + i)] = static_cast<float>(weight);
    }
  }
  return matrix;
}

// x with `outside` for the results along the last axis that lie outside.
ValueId with_outside(GraphBuilder& builder, const Modes& m, const AxisResize& a, ValueId x) {
  Tensor added(DType::kFloat32, {a.to});
  bool any = false;
  for (std::int64_t i = 0; i < a.to; ++i) {
    const bool is_outside = lies_outside(m, a, i);
    added.as<float>()[static_cast<std::size_t>(i)] = is_outside ? m.outside : 0.0F;
    any = any || (is_outside && m.outside != 0.0F);
  }
  return any ? emit_zip(builder, ZipFn::kAdd, x, builder.add_constant("outside", added)) : x;
}

// The quantisation of what x was dequantised from, perhaps moved since; nothing if there is none.
std::optional<Quant> quant_of(GraphBuilder& builder, ValueId x) {
  for (;;) {
    const Node* node = builder.producer(x);
    if (node == nullptr) return std::nullopt;
    if (node->kind == OpKind::kDequantise) {
      const Quant& quant = std::get<QuantAttrs>(node->attrs).quant;
      return quant.per_tensor() ? std::optional(quant) : std::nullopt;
    }
    if (node->kind != OpKind::kMove || node->inputs.size() != 1) return std::nullopt;
    x = node->inputs[0];
  }
}

// The step of weights in 8 bits: a power of two in which all are exact, else what the largest
// needs.
float step_of(std::span<const float> weights) {
  float most = 0.0F;
  for (const float w : weights) most = std::max(most, std::abs(w));
  for (float step = 1.0F; step >= 1.0F / 64.0F; step /= 2.0F) {
    const auto exact = [step](float w) { return w / step == std::round(w / step); };
    if (most <= 127.0F * step && std::ranges::all_of(weights, exact)) return step;
  }
  return most / 127.0F;
}

// The matrix as integers behind a DequantizeLinear, as the weights of quantised models are.
ValueId quantised_matrix(GraphBuilder& builder, const Tensor& matrix) {
  const float step = step_of(matrix.as<float>());
  Tensor integers(DType::kInt8, matrix.shape);
  std::ranges::transform(matrix.as<float>(), integers.as<std::int8_t>().begin(), [step](float w) {
    return static_cast<std::int8_t>(std::round(w / step));
  });
  const ValueId stored = builder.add_constant("matrix", std::move(integers));
  return builder.emit(OpKind::kDequantise, {stored}, DType::kFloat32, matrix.shape,
                      QuantAttrs{Quant{{step}, {0}, 0, DType::kInt8}});
}

// x through QuantizeLinear and DequantizeLinear.
ValueId requantised(GraphBuilder& builder, ValueId x, const Quant& quant) {
  const Shape shape = builder.value(x).shape;
  const ValueId q = builder.emit(OpKind::kQuantise, {x}, quant.type, shape, QuantAttrs{quant});
  return builder.emit(OpKind::kDequantise, {q}, DType::kFloat32, shape, QuantAttrs{quant});
}

// Where x is dequantised, the products are of integers, and what lies between two has x's steps.
ValueId resized(OnnxNode& node, const Modes& m, const std::vector<AxisResize>& axes) {
  constexpr std::int64_t kMost = 1 << 14;
  GraphBuilder& builder = node.builder();
  ValueId y = node.input(0);
  const std::optional<Quant> quant = quant_of(builder, y);
  bool first = true;
  for (std::size_t d = 0; d < axes.size(); ++d) {
    const AxisResize& a = axes[d];
    const bool whole = a.start == 0.0 && a.end == 1.0;
    if (a.from == a.to && a.scale == 1.0 && (whole || !m.crops())) continue;
    const std::string what = fmt::format("{} elements to {} in dimension {}", a.from, a.to, d);
    node.require(a.from >= 1 && a.to >= 1 && a.from <= kMost && a.to <= kMost, what,
                 fmt::format("1 to {} each", kMost));
    std::vector<std::int64_t> order(axes.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
    std::swap(order[d], order.back());  // its own inverse
    if (quant && !first) y = requantised(builder, y, *quant);
    first = false;
    const Tensor matrix = matrix_of(m, a);
    const ValueId w =
        quant ? quantised_matrix(builder, matrix) : builder.add_constant("matrix", matrix);
    y = emit_product(builder, builder.transpose(y, order), w);
    y = builder.transpose(with_outside(builder, m, a, y), order);
  }
  return y;
}

// A constant list of numbers, one for each of the axes; nothing if it is absent or empty.
std::optional<std::vector<double>> numbers(OnnxNode& node, int i, const std::string& what,
                                           DType type, std::size_t count) {
  if (!node.has(i)) return std::nullopt;
  const Tensor& t = node.constant(i, what);
  if (t.count() == 0) return std::nullopt;
  node.require(t.type == type && t.count() == static_cast<std::int64_t>(count),
               fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
               fmt::format("{} numbers of {}", count, dtype_name(type)));
  if (type == DType::kFloat32)
    return std::vector<double>(t.as<float>().begin(), t.as<float>().end());
  return std::vector<double>(t.as<std::int64_t>().begin(), t.as<std::int64_t>().end());
}

void set_scale(const OnnxNode& node, AxisResize& a, double scale) {
  node.require(scale > 0.0 && scale <= 1 << 14, fmt::format("a scale of {}", scale),
               "more than 0, at most 16384");
  a.scale = scale;
  a.to = static_cast<std::int64_t>(std::floor(static_cast<double>(a.from) * scale));
}

std::vector<AxisResize> unchanged(const Shape& shape) {
  std::vector<AxisResize> axes;
  for (const std::int64_t extent : shape) axes.push_back({extent, extent});
  return axes;
}

void require_one_of(const OnnxNode& node, const std::string& what, const std::string& value,
                    std::initializer_list<const char*> known) {
  std::string list;
  for (const char* name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  node.require(std::ranges::find(known, value) != known.end(), what + " is '" + value + "'", list);
}

Modes read_modes(OnnxNode& node) {
  Modes m;
  m.mode = node.string_or("mode", m.mode);
  require_one_of(node, "mode", m.mode, {"nearest", "linear", "cubic"});
  if (node.opset() < 11) return {.mode = m.mode, .coordinates = "asymmetric", .nearest = "floor"};
  m.coordinates = node.string_or("coordinate_transformation_mode", m.coordinates);
  require_one_of(node, "coordinate_transformation_mode", m.coordinates,
                 {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                  "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"});
  m.nearest = node.string_or("nearest_mode", m.nearest);
  require_one_of(node, "nearest_mode", m.nearest,
                 {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  m.cubic = node.float_or("cubic_coeff_a", m.cubic);
  m.exclude_outside = node.flag("exclude_outside");
  m.outside = node.float_or("extrapolation_value", 0.0F);
  if (node.opset() >= 18) m.antialias = node.flag("antialias");
  return m;
}

}  // namespace

namespace {

// One scale for all axes: the one that makes none larger, or none smaller, than it was asked to be.
void keep_aspect_ratio(const std::string& policy, const std::vector<AxisResize*>& axes) {
  double scale = axes.front()->scale;
  for (const AxisResize* a : axes)
    scale = policy == "not_larger" ? std::min(scale, a->scale) : std::max(scale, a->scale);
  for (AxisResize* a : axes) {
    a->scale = scale;
    a->to = static_cast<std::int64_t>(std::floor(scale * static_cast<double>(a->from) + 0.5));
  }
}

void read_sizes(OnnxNode& node, const std::vector<double>& sizes,
                const std::vector<AxisResize*>& axes, const std::string& policy) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    AxisResize& a = *axes[i];
    a.to = static_cast<std::int64_t>(sizes[i]);
    node.require(a.to >= 1 && a.from >= 1, fmt::format("{} elements to {}", a.from, a.to),
                 "1 or more each");
    a.scale = static_cast<double>(a.to) / static_cast<double>(a.from);
  }
  if (policy != "stretch" && !axes.empty()) keep_aspect_ratio(policy, axes);
}

}  // namespace

void rewrite_resize(OnnxNode& node) {
  node.require_arity(node.opset() < 11 ? 2 : 1, node.opset() < 11 ? 2 : 4);
  node.require_type("X", node.input(0), DType::kFloat32);
  const Modes modes = read_modes(node);
  std::vector<AxisResize> axes = unchanged(node.shape(0));
  std::vector<std::int64_t> names =
      node.opset() >= 18 ? node.ints("axes") : std::vector<std::int64_t>{};
  static_cast<void>(named_axes(node, names, axes.size()));
  if (names.empty()) {
    for (std::size_t d = 0; d < axes.size(); ++d) names.push_back(static_cast<std::int64_t>(d));
  }
  std::vector<AxisResize*> named;
  for (const std::int64_t axis : names)
    named.push_back(&axes[static_cast<std::size_t>(node.axis(axis, axes.size()))]);
  const bool old = node.opset() < 11;
  const auto scales = numbers(node, old ? 1 : 2, "scales", DType::kFloat32, named.size());
  const auto sizes = old ? std::nullopt : numbers(node, 3, "sizes", DType::kInt64, named.size());
  node.require(scales.has_value() != sizes.has_value(), "scales and sizes", "one of them");
  for (std::size_t i = 0; scales && i < named.size(); ++i) set_scale(node, *named[i], (*scales)[i]);
  std::string policy = "stretch";
  if (node.opset() >= 18) policy = node.string_or("keep_aspect_ratio_policy", policy);
  require_one_of(node, "keep_aspect_ratio_policy", policy,
                 {"stretch", "not_larger", "not_smaller"});
  if (sizes) read_sizes(node, *sizes, named, policy);
  if (modes.crops()) {
    const auto roi = numbers(node, 1, "roi", DType::kFloat32, 2 * named.size());
    node.require(roi.has_value(), "roi is absent", "a start and an end for each axis");
    for (std::size_t i = 0; i < named.size(); ++i) {
      named[i]->start = (*roi)[i];
      named[i]->end = (*roi)[named.size() + i];
    }
  }
  node.result(resized(node, modes, axes));
}

void rewrite_upsample(OnnxNode& node) {
  node.require_arity(1, node.opset() < 9 ? 1 : 2);
  node.require_type("X", node.input(0), DType::kFloat32);
  const Modes modes{
      .mode = node.string_or("mode", "nearest"), .coordinates = "asymmetric", .nearest = "floor"};
  require_one_of(node, "mode", modes.mode, {"nearest", "linear"});
  std::vector<AxisResize> axes = unchanged(node.shape(0));
  std::vector<double> scales;
  if (node.opset() < 9) {
    for (const float s : node.floats("scales")) scales.push_back(double{s});
  } else {
    scales = numbers(node, 1, "scales", DType::kFloat32, axes.size()).value_or(scales);
  }
  node.require(scales.size() == axes.size(), fmt::format("{} scales", scales.size()),
               fmt::format("{}, one a dimension", axes.size()));
  for (std::size_t d = 0; d < axes.size(); ++d) set_scale(node, axes[d], scales[d]);
  node.result(resized(node, modes, axes));
}

}  // namespace systole::compiler
