// Graph: building, the invariants every pass may rely on, and the text form.
//
// verify() is the contract between frontends, passes and lowering: each node's rule below states
// its arity, its attribute type and how its output follows from its inputs.
#include "compiler/ir/graph.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr auto kOpNames = std::to_array<std::string_view>({
#define SYSTOLE_OP(name, text, meaning) text,
#include "compiler/ir/ops.def"
});

bool is_integer(DType type) {
  return type == DType::kUint8 || type == DType::kInt8 || type == DType::kUint16 ||
         type == DType::kInt16 || type == DType::kInt32;
}

// One node being checked: its context for messages and short ways to its values.
class Checker {
 public:
  Checker(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  void check() const {
    switch (node_.kind) {
      case OpKind::kMatmul:
        return matmul(attrs<MatmulAttrs>());
      case OpKind::kMap:
        attrs<MapAttrs>();
        return same_as_input();
      case OpKind::kZip:
        return zip(attrs<ZipAttrs>());
      case OpKind::kReduce:
        return reduce(attrs<ReduceAttrs>());
      case OpKind::kMove:
        return move(attrs<MoveAttrs>());
      case OpKind::kQuantise:
        return convert(attrs<QuantAttrs>().quant, DType::kFloat32, attrs<QuantAttrs>().quant.type);
      case OpKind::kDequantise:
        return convert(attrs<QuantAttrs>().quant, attrs<QuantAttrs>().quant.type, DType::kFloat32);
      case OpKind::kConv:
      case OpKind::kPool:
        require(false, "has no rule");
    }
  }

 private:
  void require(bool invariant, std::string_view rule) const {
    SYSTOLE_CHECK(invariant, "node '{}' ({}): {}", node_.name, op_name(node_.kind), rule);
  }

  template <typename T>
  const T& attrs() const {
    const T* found = std::get_if<T>(&node_.attrs);
    require(found != nullptr, "attributes of another op");
    return *found;
  }

  const Value& in(std::size_t i) const { return graph_.value(node_.inputs.at(i)); }
  const Value& out() const { return graph_.value(node_.outputs.at(0)); }

  void arity(std::size_t low, std::size_t high) const {
    require(node_.inputs.size() >= low && node_.inputs.size() <= high, "number of inputs");
    require(node_.outputs.size() == 1, "number of outputs");
  }

  void quant(const Quant& q, const Shape& shape) const {
    require(!q.scales.empty() && q.scales.size() == q.zero_points.size(), "scales and zero points");
    require(is_integer(q.type), "quantised type");
    if (q.per_tensor()) return;
    require(q.axis >= 0 && q.axis < static_cast<std::int64_t>(shape.size()), "quantisation axis");
    require(shape[static_cast<std::size_t>(q.axis)] == static_cast<std::int64_t>(q.scales.size()),
            "one scale for each index of the axis");
  }

  void matmul(const MatmulAttrs& a) const {
    arity(2, 3);
    const Shape& x = in(0).shape;
    const Shape& w = in(1).shape;
    require(!x.empty() && w.size() == 2 && x.back() == w[0], "x [..., K] and w [K, N]");
    Shape y = x;
    y.back() = w[1];
    require(out().shape == y, "result [..., N]");
    if (node_.inputs.size() == 3) require(in(2).shape == Shape{w[1]}, "bias [N]");
    if (a.x_quant) quant(*a.x_quant, x);
    if (a.w_quant) quant(*a.w_quant, w);
    const bool integer = is_integer(in(0).type);
    require(integer == is_integer(in(1).type), "both operands integer or both float");
    const DType wide = integer ? DType::kInt32 : DType::kFloat32;
    if (node_.inputs.size() == 3) require(in(2).type == wide, "bias type");
    if (!a.output) return require(out().type == wide, "result type");
    quant(*a.output, y);
    require(integer && a.x_quant && a.w_quant && a.output->per_tensor(), "quantised operands");
    require(std::isfinite(a.alpha) && a.beta == 1.0F, "alpha finite and beta 1");
    require(out().type == a.output->type && a.lo <= a.hi, "result type and range");
  }

  void same_as_input() const {
    arity(1, 1);
    require(out().shape == in(0).shape && out().type == in(0).type, "result like the input");
  }

  void zip(const ZipAttrs&) const {
    arity(2, 2);
    require(in(0).type == in(1).type && out().type == in(0).type, "one element type");
    const std::optional<Shape> shape = broadcast(in(0).shape, in(1).shape);
    require(shape && *shape == out().shape, "result is the broadcast of the inputs");
  }

  void reduce(const ReduceAttrs& a) const {
    arity(1, 1);
    const auto rank = static_cast<std::int64_t>(in(0).shape.size());
    require(0 <= a.first_axis && a.first_axis <= a.end_axis && a.end_axis <= rank, "axes");
    Shape shape = in(0).shape;
    if (a.fn == ReduceFn::kMean) {
      std::fill(shape.begin() + a.first_axis, shape.begin() + a.end_axis, 1);
    }
    require(out().shape == shape && out().type == in(0).type, "result shape");
  }

  void move(const MoveAttrs& a) const {
    arity(1, 1);
    require(out().type == in(0).type, "one element type");
    if (a.fn == MoveFn::kReshape) {
      return require(element_count(out().shape) == element_count(in(0).shape), "element count");
    }
    require(is_permutation(a.permutation, in(0).shape.size()), "permutation");
    require(out().shape == permute(in(0).shape, a.permutation), "result shape");
  }

  void convert(const Quant& q, DType from, DType to) const {
    arity(1, 1);
    quant(q, in(0).shape);
    require(in(0).type == from && out().type == to, "element types");
    require(out().shape == in(0).shape, "result shape");
  }

  const Graph& graph_;
  const Node& node_;
};

void check_constant(const Graph& graph, const Value& v) {
  SYSTOLE_CHECK(v.constant->type == v.type && v.constant->shape == v.shape, "constant '{}'",
                v.name);
  const bool empty = graph.structure_only && v.constant->data.empty();
  SYSTOLE_CHECK(empty || v.constant->bytes() == element_count(v.shape) * dtype_bytes(v.type),
                "constant '{}' has {} bytes", v.name, v.constant->bytes());
}

std::string value_text(const Value& v) {
  return fmt::format("{}: {}{}", v.name, dtype_name(v.type), shape_text(v.shape));
}

std::string quant_text(const Quant& q) {
  if (q.per_tensor()) return fmt::format("{} * (q - {})", q.scales[0], q.zero_points[0]);
  return fmt::format("{} scales of axis {}", q.scales.size(), q.axis);
}

struct AttrsText {
  std::string operator()(const std::monostate&) const { return {}; }
  std::string operator()(const MatmulAttrs& a) const {
    std::string text;
    if (a.alpha != 1.0F || a.beta != 1.0F)
      text += fmt::format(" alpha={} beta={}", a.alpha, a.beta);
    if (a.x_quant) text += fmt::format(" x={}", quant_text(*a.x_quant));
    if (a.w_quant) text += fmt::format(" w={}", quant_text(*a.w_quant));
    if (a.output) text += fmt::format(" y={} in [{}, {}]", quant_text(*a.output), a.lo, a.hi);
    return text;
  }
  std::string operator()(const MapAttrs& a) const {
    constexpr std::array<std::string_view, 5> kNames = {"relu", "clip", "leaky_relu", "sigmoid",
                                                        "tanh"};
    std::string text = fmt::format(" {}", kNames.at(static_cast<std::size_t>(a.fn)));
    if (a.fn == MapFn::kClip) text += fmt::format(" lo={} hi={}", a.lo, a.hi);
    if (a.fn == MapFn::kLeakyRelu) text += fmt::format(" alpha={}", a.alpha);
    return text;
  }
  std::string operator()(const ZipAttrs& a) const { return a.fn == ZipFn::kAdd ? " add" : " mul"; }
  std::string operator()(const ReduceAttrs& a) const {
    return fmt::format(" {} axes=[{}, {})", a.fn == ReduceFn::kSoftmax ? "softmax" : "mean",
                       a.first_axis, a.end_axis);
  }
  std::string operator()(const MoveAttrs& a) const {
    if (a.fn == MoveFn::kReshape) return " reshape";
    return fmt::format(" transpose {}", shape_text(a.permutation));
  }
  std::string operator()(const QuantAttrs& a) const {
    return fmt::format(" {}", quant_text(a.quant));
  }
};

}  // namespace

std::string_view op_name(OpKind kind) { return kOpNames.at(static_cast<std::size_t>(kind)); }

ValueId Graph::add_value(Value v) {
  values.push_back(std::move(v));
  return static_cast<ValueId>(values.size()) - 1;
}

void verify(const Graph& graph) {
  std::vector<bool> defined(graph.values.size());
  const auto define = [&](ValueId id) {
    SYSTOLE_CHECK(id >= 0 && static_cast<std::size_t>(id) < defined.size(), "no value {}", id);
    SYSTOLE_CHECK(!defined[static_cast<std::size_t>(id)], "'{}' is defined twice",
                  graph.value(id).name);
    defined[static_cast<std::size_t>(id)] = true;
  };
  const auto use = [&](ValueId id, const std::string& user) {
    SYSTOLE_CHECK(id >= 0 && static_cast<std::size_t>(id) < defined.size(), "no value {}", id);
    SYSTOLE_CHECK(defined[static_cast<std::size_t>(id)], "'{}' uses '{}' before it is defined",
                  user, graph.value(id).name);
  };
  for (ValueId id : graph.inputs) define(id);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (!graph.values[i].constant) continue;
    define(static_cast<ValueId>(i));
    check_constant(graph, graph.values[i]);
  }
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.inputs) use(id, node.name);
    for (ValueId id : node.outputs) define(id);
    Checker(graph, node).check();
  }
  for (ValueId id : graph.outputs) use(id, "output");
}

std::string to_text(const Graph& graph) {
  std::string text = fmt::format("graph {}\n", graph.name);
  for (ValueId id : graph.inputs) text += fmt::format("  input {}\n", value_text(graph.value(id)));
  for (const Value& v : graph.values) {
    if (v.constant) text += fmt::format("  constant {}\n", value_text(v));
  }
  for (const Node& node : graph.nodes) {
    std::string inputs;
    for (ValueId id : node.inputs) inputs += (inputs.empty() ? "" : ", ") + graph.value(id).name;
    text += fmt::format("  {} = {}({}){}  # {} ({})\n", value_text(graph.value(node.outputs.at(0))),
                        op_name(node.kind), inputs, std::visit(AttrsText{}, node.attrs), node.name,
                        node.origin);
  }
  for (ValueId id : graph.outputs) text += fmt::format("  output {}\n", graph.value(id).name);
  return text;
}

}  // namespace systole::compiler
