// Graph: building and the text form.
#include "compiler/ir/graph.h"

#include <array>

#include "base/clean.h"

namespace systole::compiler {
namespace {

constexpr auto kOpNames = std::to_array<std::string_view>({
#define SYSTOLE_OP(name, text, meaning) text,
#include "compiler/ir/ops.def"
});

std::string value_text(const Value& v) {
  return fmt::format("{}: {}{}", clean(v.name), dtype_name(v.type), shape_text(v.shape));
}

std::string quant_text(const Quant& q) {
  if (q.per_tensor()) return fmt::format("{} * (q - {})", q.scales[0], q.zero_points[0]);
  return fmt::format("{} scales of axis {}", q.scales.size(), q.axis);
}

std::string quant_text(std::string_view name, const std::optional<Quant>& q) {
  return q ? fmt::format(" {}={}", name, quant_text(*q)) : "";
}

std::string product_text(const ProductQuants& a) {
  const std::string range = a.output ? fmt::format(" in [{}, {}]", a.lo, a.hi) : "";
  return quant_text("x", a.x_quant) + quant_text("w", a.w_quant) + quant_text("y", a.output) +
         range;
}

std::string pair_text(const std::array<std::int64_t, 2>& pair) {
  return fmt::format("{}x{}", pair[0], pair[1]);
}

// What differs from the plain window.
std::string window_text(const Window& w) {
  const Window plain;
  std::string text;
  if (w.strides != plain.strides) text += " strides=" + pair_text(w.strides);
  if (w.dilations != plain.dilations) text += " dilations=" + pair_text(w.dilations);
  if (w.pads != plain.pads) text += " pads=" + shape_text({w.pads.begin(), w.pads.end()});
  return text;
}

std::string_view fn_name(MapFn fn) {
  switch (fn) {
    case MapFn::kRelu:
      return "relu";
    case MapFn::kClip:
      return "clip";
    case MapFn::kLeakyRelu:
      return "leaky_relu";
    case MapFn::kSigmoid:
      return "sigmoid";
    case MapFn::kTanh:
      return "tanh";
  }
  SYSTOLE_CHECK(false, "map function {}", static_cast<int>(fn));
}

std::string_view fn_name(ZipFn fn) {
  switch (fn) {
    case ZipFn::kAdd:
      return "add";
    case ZipFn::kMul:
      return "mul";
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
}

std::string_view fn_name(ReduceFn fn) {
  switch (fn) {
    case ReduceFn::kSoftmax:
      return "softmax";
    case ReduceFn::kMean:
      return "mean";
  }
  SYSTOLE_CHECK(false, "reduction {}", static_cast<int>(fn));
}

std::string_view fn_name(PoolFn fn) {
  switch (fn) {
    case PoolFn::kMax:
      return "max";
    case PoolFn::kAverage:
      return "average";
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(fn));
}

struct AttrsText {
  std::string operator()(const std::monostate&) const { return {}; }
  std::string operator()(const MatmulAttrs& a) const {
    std::string text;
    if (a.alpha != 1.0F || a.beta != 1.0F)
      text += fmt::format(" alpha={} beta={}", a.alpha, a.beta);
    return text + product_text(a);
  }
  std::string operator()(const ConvAttrs& a) const {
    const std::string groups = a.groups == 1 ? "" : fmt::format(" groups={}", a.groups);
    return window_text(a.window) + groups + product_text(a);
  }
  std::string operator()(const MapAttrs& a) const {
    std::string text = fmt::format(" {}", fn_name(a.fn));
    if (a.fn == MapFn::kClip) text += fmt::format(" lo={} hi={}", a.lo, a.hi);
    if (a.fn == MapFn::kLeakyRelu) text += fmt::format(" alpha={}", a.alpha);
    return text + quant_text("x", a.x_quant) + quant_text("y", a.output);
  }
  std::string operator()(const ZipAttrs& a) const {
    const std::string range = a.output ? fmt::format(" in [{}, {}]", a.lo, a.hi) : "";
    return fmt::format(" {}", fn_name(a.fn)) + quant_text("a", a.a_quant) +
           quant_text("b", a.b_quant) + quant_text("y", a.output) + range;
  }
  std::string operator()(const TableAttrs&) const { return {}; }
  std::string operator()(const ReduceAttrs& a) const {
    return fmt::format(" {} axes=[{}, {})", fn_name(a.fn), a.first_axis, a.end_axis);
  }
  std::string operator()(const PoolAttrs& a) const {
    std::string text = fmt::format(" {} kernel={}", fn_name(a.fn), pair_text(a.window.kernel)) +
                       window_text(a.window);
    if (a.count_padding) text += " counting padding";
    if (a.overhang != std::array<std::int64_t, 2>{}) text += " but " + pair_text(a.overhang);
    return text + quant_text("x", a.x_quant) + quant_text("y", a.output);
  }
  std::string operator()(const MoveAttrs& a) const {
    switch (a.fn) {
      case MoveFn::kReshape:
        return " reshape";
      case MoveFn::kTranspose:
        return fmt::format(" transpose {}", shape_text(a.permutation));
      case MoveFn::kConcat:
        return fmt::format(" concat axis={}", a.axis);
      case MoveFn::kPad:
        return fmt::format(" pad {} with {}", shape_text(a.pads), a.fill);
    }
    return {};
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

std::string to_text(const Graph& graph) {
  std::string text = fmt::format("graph {}\n", clean(graph.name));
  for (ValueId id : graph.inputs) text += fmt::format("  input {}\n", value_text(graph.value(id)));
  for (const Value& v : graph.values) {
    if (v.constant) text += fmt::format("  constant {}\n", value_text(v));
  }
  for (const Node& node : graph.nodes) {
    std::string inputs;
    for (ValueId id : node.inputs)
      inputs += (inputs.empty() ? "" : ", ") + clean(graph.value(id).name);
    text += fmt::format("  {} = {}({}){}  # {} ({})\n", value_text(graph.value(node.outputs.at(0))),
                        op_name(node.kind), inputs, std::visit(AttrsText{}, node.attrs),
                        clean(node.name), clean(node.origin));
  }
  for (ValueId id : graph.outputs)
    text += fmt::format("  output {}\n", clean(graph.value(id).name));
  return text;
}

}  // namespace systole::compiler
