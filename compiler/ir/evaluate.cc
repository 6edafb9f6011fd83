// Reference evaluator: one function per op, straight from its meaning in ops.def. Slow enough to be
// plain, except the products (matmul.cc, conv.cc), which calibration runs over whole data sets.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/numerics.h"
#include "compiler/ir/conv.h"
#include "compiler/ir/elements.h"
#include "compiler/ir/elementwise.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/matmul.h"
#include "compiler/ir/moves.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

float map_one(const MapAttrs& a, float x) {
  [[maybe_unused]] const auto& [fn, lo, hi, alpha, beta, x_quant, output] = a;
  switch (a.fn) {
#define SYSTOLE_MAP(name, text, host_op, reals, of_float, exact) \
  case MapFn::name:                                              \
    return of_float;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(a.fn));
}

// Elements that are reduced together: `count` of them, `stride` apart.
struct Line {
  std::size_t count, stride;
};

void softmax_line(const float* x, float* y, Line line) {
  float top = -std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < line.count; ++i) top = std::max(top, x[i * line.stride]);
  float sum = 0.0F;
  for (std::size_t i = 0; i < line.count; ++i) {
    y[i * line.stride] = std::exp(x[i * line.stride] - top);
    sum += y[i * line.stride];
  }
  for (std::size_t i = 0; i < line.count; ++i) y[i * line.stride] /= sum;
}

// Sums and products in float64, as there may be many elements.
template <typename Combine>
double fold_line(const float* x, Line line, double start, Combine combine) {
  for (std::size_t i = 0; i < line.count; ++i) start = combine(start, double{x[i * line.stride]});
  return start;
}

double reduced(ReduceFn fn, const float* x, Line line) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  switch (fn) {
    case ReduceFn::kSoftmax:
      break;
    case ReduceFn::kMean:
      return fold_line(x, line, 0.0, std::plus()) / static_cast<double>(line.count);
    case ReduceFn::kSum:
      return fold_line(x, line, 0.0, std::plus());
    case ReduceFn::kProd:
      return fold_line(x, line, 1.0, std::multiplies());
    case ReduceFn::kMax:
      return fold_line(x, line, -kInfinite,
                       [](double a, double b) { return b > a || b != b ? b : a; });
    case ReduceFn::kMin:
      return fold_line(x, line, kInfinite,
                       [](double a, double b) { return b < a || b != b ? b : a; });
  }
  SYSTOLE_CHECK(false, "reduction {}", static_cast<int>(fn));
}

Tensor reduce(const ReduceAttrs& a, const Tensor& x, const Shape& shape) {
  Tensor y(x.type, shape);
  const auto first = static_cast<std::size_t>(a.first_axis);
  const auto end = static_cast<std::size_t>(a.end_axis);
  const auto outer = static_cast<std::size_t>(extent(x.shape, 0, first));
  const Line line{static_cast<std::size_t>(extent(x.shape, first, end)),
                  static_cast<std::size_t>(extent(x.shape, end, x.shape.size()))};
  const float* from = x.as<float>().data();
  float* to = y.as<float>().data();
  for (std::size_t i = 0; i < outer * line.stride; ++i) {
    const std::size_t start = i / line.stride * line.count * line.stride + i % line.stride;
    if (a.fn == ReduceFn::kSoftmax) {
      softmax_line(from + start, to + start, line);
    } else {
      to[i] = static_cast<float>(reduced(a.fn, from + start, line));
    }
  }
  return y;
}

// Calls each(index, channel) for every element, where channel picks its scale.
template <typename Each>
void for_channels(const Quant& q, const Shape& shape, std::int64_t count, Each each) {
  if (q.per_tensor()) {
    for (std::int64_t i = 0; i < count; ++i) each(static_cast<std::size_t>(i), std::size_t{0});
    return;
  }
  const std::int64_t inner = extent(shape, static_cast<std::size_t>(q.axis) + 1, shape.size());
  const auto channels = static_cast<std::int64_t>(q.scales.size());
  for (std::int64_t i = 0; i < count; ++i) {
    each(static_cast<std::size_t>(i), static_cast<std::size_t>(i / inner % channels));
  }
}

// Saturated into the range.
Tensor quantise_tensor(const Quant& q, const Tensor& x, IntegerRange range) {
  Tensor y(q.type, x.shape);
  if (q.type == DType::kBfloat16) {
    std::ranges::transform(x.as<float>(), y.as<Bfloat16>().begin(),
                           [&](float v) { return Bfloat16(limited(v, range)); });
    return y;
  }
  with_integers(y, [&](auto values) {
    using T = typename decltype(values)::value_type;
    for_channels(q, x.shape, x.count(), [&](std::size_t i, std::size_t c) {
      values[i] = static_cast<T>(
          quantise(x.as<float>()[i], q.scales[c], q.zero_points[c], range.lo, range.hi));
    });
  });
  return y;
}

Tensor dequantise_tensor(const Quant& q, const Tensor& x) {
  Tensor y(DType::kFloat32, x.shape);
  if (q.type == DType::kBfloat16) {
    std::ranges::copy(x.as<Bfloat16>(), y.as<float>().begin());
    return y;
  }
  with_integers(x, [&](auto values) {
    for_channels(q, x.shape, x.count(), [&](std::size_t i, std::size_t c) {
      const std::int64_t centred = std::int64_t{values[i]} - q.zero_points[c];
      y.as<float>()[i] = static_cast<float>(centred) * q.scales[c];
    });
  });
  return y;
}

Tensor map(const MapAttrs& a, const Tensor& x) {
  Tensor y = a.x_quant ? dequantise_tensor(*a.x_quant, x) : x;
  for (float& v : y.as<float>()) v = a.output ? map_exact(a, v) : map_one(a, v);
  return a.output ? quantise_tensor(*a.output, y, integer_range(a.output->type)) : y;
}

Tensor zip(const ZipAttrs& attrs, const Tensor& x, const Tensor& z, const Shape& shape) {
  if (!attrs.output) return evaluate_zip(attrs.fn, x, z, shape);
  const Tensor y = evaluate_zip(attrs.fn, dequantise_tensor(*attrs.a_quant, x),
                                dequantise_tensor(*attrs.b_quant, z), shape);
  return quantise_tensor(*attrs.output, y, {attrs.lo, attrs.hi});
}

Tensor look_up(const TableAttrs& a, const Tensor& x, DType type) {
  Tensor y(type, x.shape);
  if (a.points.empty()) {
    for (std::size_t i = 0; i < x.data.size(); ++i) y.data[i] = a.entries[x.data[i]];
    return y;
  }
  const auto results = y.as<std::int16_t>();
  for (std::size_t i = 0; i < results.size(); ++i) {
    const std::int16_t v = x.as<std::int16_t>()[i];
    const std::size_t at = static_cast<std::size_t>(v >> 8) + 128;  // modulo 2^64
    results[i] = static_cast<std::int16_t>(interpolate(a.points[at], a.points[at + 1], v));
  }
  return y;
}

// The values known so far; each computed one is dropped after its last use.
class Evaluation {
 public:
  Evaluation(const Graph& graph, const std::vector<ValueId>& wanted)
      : graph_(graph), known_(graph.values.size()), uses_(graph.values.size()) {
    for (const Node& node : graph.nodes) {
      for (ValueId id : node.inputs) ++uses(id);
    }
    for (ValueId id : wanted) ++uses(id);
  }

  void set(ValueId id, Tensor t) { known_[static_cast<std::size_t>(id)] = std::move(t); }

  [[nodiscard]] const Tensor& get(ValueId id) const {
    const Value& v = graph_.value(id);
    const std::optional<Tensor>& t = v.constant ? v.constant : known_[static_cast<std::size_t>(id)];
    SYSTOLE_CHECK(t && (!t->data.empty() || t->count() == 0), "'{}' has no value", v.name);
    return *t;
  }

  void set_inputs(const std::vector<Tensor>& inputs) {
    SYSTOLE_CHECK(inputs.size() == graph_.inputs.size(), "{} inputs", inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Value& v = graph_.value(graph_.inputs[i]);
      SYSTOLE_CHECK(inputs[i].type == v.type && inputs[i].shape == v.shape, "input '{}'", v.name);
      set(graph_.inputs[i], inputs[i]);
    }
  }

  void compute(const Node& node) { set(node.outputs.at(0), result(node)); }

  // Forgets what nothing reads after this node.
  void drop(const Node& node) {
    for (ValueId id : node.inputs) {
      if (--uses(id) == 0) known_[static_cast<std::size_t>(id)].reset();
    }
    if (uses(node.outputs[0]) == 0) known_[static_cast<std::size_t>(node.outputs[0])].reset();
  }

  void run(const Node& node) {
    compute(node);
    drop(node);
  }

 private:
  int& uses(ValueId id) { return uses_.at(static_cast<std::size_t>(id)); }

  // Without elements there is nothing to compute, however many loops the other dimensions make.
  [[nodiscard]] Tensor result(const Node& node) const {
    const Tensor& x = get(node.inputs.at(0));
    const Value& y = graph_.value(node.outputs.at(0));
    if (element_count(y.shape) == 0) return Tensor(y.type, y.shape);
    switch (node.kind) {
      case OpKind::kMatmul:
        return looked_up(std::get<MatmulAttrs>(node.attrs), matmul(node));
      case OpKind::kConv:
        return looked_up(std::get<ConvAttrs>(node.attrs), conv(node, y.shape));
      case OpKind::kMap:
        return map(std::get<MapAttrs>(node.attrs), x);
      case OpKind::kZip:
        return zip(std::get<ZipAttrs>(node.attrs), x, get(node.inputs.at(1)), y.shape);
      case OpKind::kTable:
        return look_up(std::get<TableAttrs>(node.attrs), x, y.type);
      case OpKind::kReduce:
        return reduce(std::get<ReduceAttrs>(node.attrs), x, y.shape);
      case OpKind::kPool:
        return evaluate_pool(std::get<PoolAttrs>(node.attrs), x, y.type, y.shape);
      case OpKind::kMove:
        return move(node, y.shape);
      case OpKind::kQuantise:
        return quantise_tensor(std::get<QuantAttrs>(node.attrs).quant, x, integer_range(y.type));
      case OpKind::kDequantise:
        return dequantise_tensor(std::get<QuantAttrs>(node.attrs).quant, x);
      case OpKind::kSelect:
        return evaluate_select(x, get(node.inputs.at(1)), get(node.inputs.at(2)), y.shape);
      case OpKind::kCast:
        return evaluate_cast(x, y.type);
      case OpKind::kHost:
        return isa::compute(std::get<HostAttrs>(node.attrs), operands(node), {y.type, y.shape},
                            "node " + node.name);
    }
    SYSTOLE_CHECK(false, "node '{}': {} has no meaning here", node.name, op_name(node.kind));
  }

  [[nodiscard]] const Tensor* bias(const Node& product) const {
    const ValueId id = bias_of(product);
    return id == kNoValue ? nullptr : &get(id);
  }

  [[nodiscard]] Tensor matmul(const Node& node) const {
    std::vector<MatmulTerm> terms;
    for (std::size_t t = 0; t < term_count(node); ++t)
      terms.push_back({get(node.inputs[2 * t]), get(node.inputs[2 * t + 1])});
    return evaluate_matmul(std::get<MatmulAttrs>(node.attrs), terms, bias(node));
  }

  [[nodiscard]] Tensor conv(const Node& node, const Shape& shape) const {
    return evaluate_conv(std::get<ConvAttrs>(node.attrs), get(node.inputs.at(0)),
                         get(node.inputs.at(1)), bias(node), shape);
  }

  static Tensor looked_up(const ProductQuants& a, const Tensor& y) {
    return a.lookup ? look_up(*a.lookup, y, y.type) : y;
  }

  [[nodiscard]] Tensor move(const Node& node, const Shape& shape) const {
    return evaluate_move(std::get<MoveAttrs>(node.attrs), operands(node), shape);
  }

  [[nodiscard]] std::vector<const Tensor*> operands(const Node& node) const {
    std::vector<const Tensor*> inputs;
    for (ValueId id : node.inputs) inputs.push_back(&get(id));
    return inputs;
  }

  const Graph& graph_;
  std::vector<std::optional<Tensor>> known_;
  std::vector<int> uses_;
};

}  // namespace

float map_exact(const MapAttrs& a, float x) {
  [[maybe_unused]] const double d = x;
  [[maybe_unused]] const auto& [fn, lo, hi, alpha, beta, x_quant, output] = a;
  switch (a.fn) {
#define SYSTOLE_MAP(name, text, host_op, reals, of_float, exact) \
  case MapFn::name:                                              \
    return static_cast<float>(exact);
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(a.fn));
}

IntegerRange integer_range(DType type) {
  IntegerRange range{std::numeric_limits<std::int32_t>::min(),
                     std::numeric_limits<std::int32_t>::max()};
  if (type == DType::kBfloat16) return range;  // no limits
  with_integer_type(type, [&](auto zero) {
    using Limits = std::numeric_limits<decltype(zero)>;
    range = {Limits::min(), Limits::max()};
  });
  return range;
}

std::vector<Tensor> evaluate(const Graph& graph, const std::vector<Tensor>& inputs,
                             const std::vector<ValueId>& wanted) {
  const std::vector<ValueId>& ids = wanted.empty() ? graph.outputs : wanted;
  Evaluation evaluation(graph, ids);
  evaluation.set_inputs(inputs);
  for (const Node& node : graph.nodes) evaluation.run(node);
  std::vector<Tensor> results;
  for (ValueId id : ids) results.push_back(evaluation.get(id));
  return results;
}

void evaluate_each(const Graph& graph, const std::vector<Tensor>& inputs,
                   const std::function<void(ValueId, const Tensor&)>& observe) {
  Evaluation evaluation(graph, {});
  evaluation.set_inputs(inputs);
  for (ValueId id : graph.inputs) observe(id, evaluation.get(id));
  for (const Node& node : graph.nodes) {
    evaluation.compute(node);
    observe(node.outputs[0], evaluation.get(node.outputs[0]));
    evaluation.drop(node);
  }
}

}  // namespace systole::compiler
