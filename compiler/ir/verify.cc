// Verify: the contract between frontends, passes and lowering. Each node's rule below states its
// arity, its attribute type and how its output follows from its inputs.
#include <algorithm>
#include <cmath>

#include "compiler/ir/graph.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

bool is_integer(DType type) {
  return type == DType::kUint8 || type == DType::kInt8 || type == DType::kUint16 ||
         type == DType::kInt16 || type == DType::kInt32;
}
bool is_quantised(DType type) { return is_integer(type) || type == DType::kBfloat16; }

// What is thrown from where a rule is broken to fault_of.
struct Fault {
  std::string text;
};

template <typename... Arguments>
void demand(bool invariant, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!invariant) throw Fault{fmt::format(format, std::forward<Arguments>(arguments)...)};
}

// One node being checked: its context for messages and short ways to its values.
class Checker {
 public:
  Checker(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}

  void check() const {
    switch (node_.kind) {
      case OpKind::kMatmul:
        return matmul(attrs<MatmulAttrs>());
      case OpKind::kConv:
        return conv(attrs<ConvAttrs>());
      case OpKind::kMap:
        return map(attrs<MapAttrs>());
      case OpKind::kZip:
        return zip(attrs<ZipAttrs>());
      case OpKind::kTable:
        return table(attrs<TableAttrs>());
      case OpKind::kReduce:
        return reduce(attrs<ReduceAttrs>());
      case OpKind::kPool:
        return pool(attrs<PoolAttrs>());
      case OpKind::kMove:
        return move(attrs<MoveAttrs>());
      case OpKind::kQuantise:
        return convert(attrs<QuantAttrs>().quant, DType::kFloat32, attrs<QuantAttrs>().quant.type);
      case OpKind::kDequantise:
        return convert(attrs<QuantAttrs>().quant, attrs<QuantAttrs>().quant.type, DType::kFloat32);
      case OpKind::kSelect:
        return select();
      case OpKind::kCast:
        arity(1, 1);
        return require(out().shape == in(0).shape, "result shape");
      case OpKind::kHost:
        return host(attrs<HostAttrs>());
    }
  }

 private:
  void require(bool invariant, std::string_view rule) const {
    demand(invariant, "node '{}' ({}): {}", node_.name, op_name(node_.kind), rule);
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
    require(is_quantised(q.type), "quantised type");
    if (q.type == DType::kBfloat16)
      require(q.scales == std::vector{1.0F} && q.zero_points == std::vector{0}, "no scale");
    if (q.per_tensor()) return;
    require(q.axis >= 0 && q.axis < static_cast<std::int64_t>(shape.size()), "quantisation axis");
    require(shape[static_cast<std::size_t>(q.axis)] == static_cast<std::int64_t>(q.scales.size()),
            "one scale for each index of the axis");
  }

  // Whether each matrix of x has a matrix of w of its own, both of floats.
  [[nodiscard]] bool is_batched(const Shape& x, const Shape& w) const {
    return w.size() > 2 && w.size() == x.size() && in(0).type == DType::kFloat32 &&
           node_.inputs.size() == 2 && std::equal(w.begin(), w.end() - 2, x.begin());
  }

  void matmul(const MatmulAttrs& a) const {
    arity(2, std::max<std::size_t>(3, node_.inputs.size()));
    for (std::size_t t = 0; t < term_count(node_); ++t) {
      const Shape& x = in(2 * t).shape;
      const Shape& w = in(2 * t + 1).shape;
      const bool matrix = w.size() == 2 || is_batched(x, w);
      require(!x.empty() && matrix && x.back() == w[w.size() - 2], "x [..., K] and w [K, N]");
      Shape y = x;
      y.back() = w.back();
      require(out().shape == y, "result [..., N]");
      const bool alike = in(2 * t).type == in(0).type && in(2 * t + 1).type == in(1).type;
      require(alike, "terms of the same types");
    }
    const bool integer = is_integer(in(0).type) && a.x_quant && a.w_quant;
    require(term_count(node_) == 1 || integer, "several terms are of integers");
    require(!a.output || (std::isfinite(a.alpha) && a.beta == 1.0F), "alpha finite and beta 1");
    product(a, out().shape.back());
  }

  void conv(const ConvAttrs& a) const {
    arity(2, 3);
    const Shape& x = in(0).shape;
    const Shape& w = in(1).shape;
    require(x.size() == 4 && w.size() == 4, "x [N, C, H, W] and w [M, C/groups, kH, kW]");
    require(a.groups >= 1 && x[1] == w[1] * a.groups && w[0] % a.groups == 0, "groups");
    require(w[2] == a.window.kernel[0] && w[3] == a.window.kernel[1], "kernel");
    window(a.window, w[0]);
    product(a, w[0]);
  }

  // What matmul and conv share; w has this many columns (filters).
  void product(const ProductQuants& a, std::int64_t columns) const {
    const bool biased = bias_of(node_) != kNoValue;
    const Value& bias = in(node_.inputs.size() - 1);
    if (biased) require(bias.shape == Shape{columns}, "one bias a column");
    if (a.x_quant) quant(*a.x_quant, in(0).shape);
    if (a.w_quant) quant(*a.w_quant, in(1).shape);
    const bool integer = is_integer(in(0).type);
    const bool rounded = in(0).type == DType::kBfloat16;
    require(integer == is_integer(in(1).type), "both operands integer or both float");
    require(rounded == (in(1).type == DType::kBfloat16), "both operands bfloat16 or none");
    const DType wide = integer ? DType::kInt32 : DType::kFloat32;
    if (biased) require(bias.type == wide, "bias type");
    if (a.lookup) table(*a.lookup, out().type);
    if (!a.output) return require(out().type == wide && !a.lookup, "result type");
    require((integer || rounded) && a.x_quant && a.w_quant, "quantised operands");
    require(!rounded || a.output->type == DType::kBfloat16, "bfloat16 of bfloat16");
    per_tensor(a.output, out());
    require(a.lo <= a.hi, "range");
  }

  // The result is what the window sees of x.
  void window(const Window& w, std::int64_t channels) const {
    const Shape& x = in(0).shape;
    Shape y = {x[0], channels, 0, 0};
    for (std::size_t d = 0; d < 2; ++d) {
      require(w.kernel[d] >= 1 && w.strides[d] >= 1 && w.dilations[d] >= 1, "window sizes");
      require(w.pads[d] >= 0 && w.pads[d + 2] >= 0, "pads");
      y[d + 2] = window_steps(x[d + 2] + w.pads[d] + w.pads[d + 2], w.kernel[d], w.strides[d],
                              w.dilations[d]);
    }
    require(out().shape == y, "result shape");
  }

  // A scale and zero point for the whole value, of its type.
  void per_tensor(const std::optional<Quant>& q, const Value& value) const {
    require(q.has_value() && q->per_tensor() && q->type == value.type, "quantisation of a value");
    require(dtype_bytes(q->type) <= 2, "8 or 16 bits");
    quant(*q, value.shape);
  }

  void map(const MapAttrs& a) const {
    arity(1, 1);
    require(out().shape == in(0).shape, "result shape");
    require(a.x_quant.has_value() == a.output.has_value(), "both quantisations or none");
    if (!a.output) {
      return require(in(0).type == DType::kFloat32 && out().type == DType::kFloat32, "float32");
    }
    per_tensor(a.x_quant, in(0));
    per_tensor(a.output, out());
  }

  void table(const TableAttrs& a) const {
    arity(1, 1);
    require(out().shape == in(0).shape, "result shape");
    require(dtype_bytes(out().type) == dtype_bytes(in(0).type), "result of as many bits");
    table(a, in(0).type);
  }
  void table(const TableAttrs& a, DType type) const {
    if (type == DType::kInt16)
      return require(a.points.size() == 257 && out().type == DType::kInt16, "257 points");
    require(dtype_bytes(type) == 1 && a.entries.size() == 256, "256 entries for bytes");
  }

  void zip(const ZipAttrs& a) const {
    arity(2, 2);
    const std::optional<Shape> shape = broadcast(in(0).shape, in(1).shape);
    require(shape && *shape == out().shape, "result is the broadcast of the inputs");
    if (!a.output) {
      require(in(0).type == in(1).type, "one element type");
      require(out().type == (compares(a.fn) ? DType::kBool : in(0).type), "result type");
      require(takes(a.fn, in(0).type), "element type");
      return require(!a.a_quant && !a.b_quant, "all quantisations or none");
    }
    require(!takes_bits(a.fn) && !compares(a.fn), "a function of quantised numbers");
    per_tensor(a.a_quant, in(0));
    per_tensor(a.b_quant, in(1));
    per_tensor(a.output, out());
    require(a.lo <= a.hi, "range");
  }

  void select() const {
    arity(3, 3);
    std::optional<Shape> shape = broadcast(in(0).shape, in(1).shape);
    if (shape) shape = broadcast(*shape, in(2).shape);
    require(shape && *shape == out().shape, "result is the broadcast of the inputs");
    require(in(0).type == DType::kBool, "a condition of bools");
    require(in(1).type == in(2).type && out().type == in(1).type, "one element type");
  }

  void pool(const PoolAttrs& a) const {
    arity(1, 1);
    require(in(0).shape.size() == 4, "x [N, C, H, W]");
    window(a.window, in(0).shape[1]);
    for (std::size_t d = 0; d < 2; ++d)
      require(a.overhang[d] >= 0 && a.overhang[d] <= a.window.pads[d + 2], "overhang");
    if (!a.output) require(out().type == in(0).type && !a.x_quant, "result like the input");
    switch (a.fn) {
      case PoolFn::kMax:
        return require(!a.output, "a largest value without quantisations");
      case PoolFn::kAverage:
        if (!a.output) return require(in(0).type == DType::kFloat32, "float32, or quantisations");
        per_tensor(a.x_quant, in(0));
        return per_tensor(a.output, out());
    }
  }

  void reduce(const ReduceAttrs& a) const {
    arity(1, 1);
    const auto rank = static_cast<std::int64_t>(in(0).shape.size());
    require(0 <= a.first_axis && a.first_axis <= a.end_axis && a.end_axis <= rank, "axes");
    Shape shape = in(0).shape;
    if (a.fn != ReduceFn::kSoftmax)
      std::fill(shape.begin() + a.first_axis, shape.begin() + a.end_axis, 1);
    require(out().shape == shape, "result shape");
    require(in(0).type == DType::kFloat32 && out().type == DType::kFloat32, "float32");
  }

  void move(const MoveAttrs& a) const {
    if (a.fn != MoveFn::kConcat) arity(1, 1);
    require(out().type == in(0).type, "one element type");
    switch (a.fn) {
      case MoveFn::kReshape:
        return require(element_count(out().shape) == element_count(in(0).shape), "element count");
      case MoveFn::kTranspose:
        require(is_permutation(a.permutation, in(0).shape.size()), "permutation");
        return require(out().shape == permute(in(0).shape, a.permutation), "result shape");
      case MoveFn::kConcat:
        return concat(a.axis);
      case MoveFn::kPad:
        return require(out().shape == padded(in(0).shape, a.pads), "result shape");
    }
  }

  void concat(std::int64_t axis) const {
    arity(1, node_.inputs.size());
    const auto at = static_cast<std::size_t>(axis);
    Shape sum = in(0).shape;
    require(axis >= 0 && at < sum.size(), "axis");
    for (std::size_t i = 1; i < node_.inputs.size(); ++i) {
      require(in(i).type == in(0).type && in(i).shape.size() == sum.size(), "inputs of one kind");
      sum[at] += in(i).shape[at];
      Shape same = in(i).shape;
      same[at] = sum[at];
      require(same == sum, "inputs that differ along the axis only");
    }
    require(out().shape == sum, "result shape");
  }

  void convert(const Quant& q, DType from, DType to) const {
    arity(1, 1);
    quant(q, in(0).shape);
    require(in(0).type == from && out().type == to, "element types");
    require(out().shape == in(0).shape, "result shape");
  }

  void host(const HostAttrs& a) const {
    arity(1, node_.inputs.size());
    std::vector<isa::TensorKind> inputs;
    for (const ValueId id : node_.inputs)
      inputs.push_back({graph_.value(id).type, graph_.value(id).shape});
    const std::optional<std::string> fault = isa::fault_of(a, inputs, {out().type, out().shape});
    if (fault) require(false, *fault);
  }

  const Graph& graph_;
  const Node& node_;
};

void check_constant(const Graph& graph, const Value& v) {
  demand(v.constant->type == v.type && v.constant->shape == v.shape, "constant '{}'", v.name);
  const bool empty = graph.structure_only && v.constant->data.empty();
  demand(empty || v.constant->bytes() == element_count(v.shape) * dtype_bytes(v.type),
         "constant '{}' has {} bytes", v.name, v.constant->bytes());
}

void check_graph(const Graph& graph) {
  std::vector<bool> defined(graph.values.size());
  const auto define = [&](ValueId id) {
    demand(id >= 0 && static_cast<std::size_t>(id) < defined.size(), "no value {}", id);
    demand(!defined[static_cast<std::size_t>(id)], "'{}' is defined twice", graph.value(id).name);
    defined[static_cast<std::size_t>(id)] = true;
  };
  const auto use = [&](ValueId id, const std::string& user) {
    demand(id >= 0 && static_cast<std::size_t>(id) < defined.size(), "no value {}", id);
    demand(defined[static_cast<std::size_t>(id)], "'{}' uses '{}' before it is defined", user,
           graph.value(id).name);
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

}  // namespace

std::optional<std::string> fault_of(const Graph& graph) {
  try {
    check_graph(graph);
    return std::nullopt;
  } catch (const Fault& fault) {
    return fault.text;
  }
}

void verify(const Graph& graph) {
  const std::optional<std::string> fault = fault_of(graph);
  SYSTOLE_CHECK(!fault, "{}", *fault);
}

}  // namespace systole::compiler
