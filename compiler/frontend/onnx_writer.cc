// ONNX writer: one function per op, the reverse of the rewrites in onnx_ops_*.cc.
#include "compiler/frontend/onnx_writer.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/diag.h"
#include "compiler/frontend/onnx_host_forms.h"
#include "compiler/ir/elements.h"
#include "compiler/ir/integers.h"
#include "compiler/ir/onnx_names.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using Ints = std::vector<std::int64_t>;

void set_int(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::INT);
  a.set_i(value);
}

void set_float(onnx::NodeProto& node, const std::string& name, float value) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::FLOAT);
  a.set_f(value);
}

void set_ints(onnx::NodeProto& node, const std::string& name, const Ints& values) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::INTS);
  for (const std::int64_t v : values) a.add_ints(v);
}

void set_string(onnx::NodeProto& node, const std::string& name, const std::string& value) {
  onnx::AttributeProto& a = *node.add_attribute();
  a.set_name(name);
  a.set_type(onnx::AttributeProto::STRING);
  a.set_s(value);
}

void store(onnx::TensorProto& proto, const std::string& name, const Tensor& t) {
  proto.set_name(name);
  proto.set_data_type(dtype_onnx_code(t.type));
  for (const std::int64_t dim : t.shape) proto.add_dims(dim);
  proto.set_raw_data(t.data.data(), t.data.size());
}

Tensor float_scalar(float v) { return make_tensor<float>({}, std::span<const float>(&v, 1)); }

Tensor int64_list(const Ints& values) {
  return make_tensor<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

class Writer {
 public:
  Writer(const Graph& graph, const OnnxStyle& style) : graph_(graph), style_(style) {
    for (const Node& node : graph.nodes) {
      const auto* map = std::get_if<MapAttrs>(&node.attrs);
      if (map != nullptr) style_.opset = std::max(style_.opset, first_opset(map->fn));
      const auto* zip = std::get_if<ZipAttrs>(&node.attrs);
      const bool bitwise = zip != nullptr && takes_bits(zip->fn) && !shifts(zip->fn) &&
                           type_of(node.inputs[0]) != DType::kBool;
      if (bitwise) style_.opset = std::max<std::int64_t>(style_.opset, 18);
    }
    if (style_.opset >= 18) style_.ir = std::max<std::int64_t>(style_.ir, 9);
    for (ValueId id : graph.inputs) names_[id] = fresh(graph.value(id).name);
    for (ValueId id : graph.outputs) {
      if (!names_.contains(id)) names_[id] = fresh(graph.value(id).name);  // else an input
    }
  }

  onnx::ModelProto run() {
    model_.set_ir_version(style_.ir);
    model_.set_producer_name("systole");
    onnx::OperatorSetIdProto& set = *model_.add_opset_import();
    set.set_version(style_.opset);
    out_ = model_.mutable_graph();
    out_->set_name(graph_.name);
    for (ValueId id : graph_.inputs) describe(id, *out_->add_input());
    for (ValueId id : graph_.outputs) describe(id, *out_->add_output());
    for (ValueId id : graph_.outputs) {
      if (graph_.value(id).constant) write_constant_output(id);
    }
    for (const Node& node : graph_.nodes) write(node);
    return std::move(model_);
  }

 private:
  void describe(ValueId id, onnx::ValueInfoProto& info) {
    const Value& v = graph_.value(id);
    info.set_name(name(id));
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(dtype_onnx_code(v.type));
    for (std::size_t i = 0; i < v.shape.size(); ++i) {
      auto& dim = *tensor.mutable_shape()->add_dim();
      if (i == 0 && style_.open_batch) {
        dim.set_dim_param("batch");
      } else {
        dim.set_dim_value(v.shape[i]);
      }
    }
  }

  std::string fresh(const std::string& base) {
    std::string unique = base;
    for (int n = 2; !taken_.insert(unique).second; ++n) unique = fmt::format("{}_{}", base, n);
    return unique;
  }

  // A value's name; a constant is stored when it is first named.
  const std::string& name(ValueId id) {
    const auto found = names_.find(id);
    if (found != names_.end()) return found->second;
    const Value& v = graph_.value(id);
    const std::string& unique = names_[id] = fresh(v.name);
    if (v.constant) store(*out_->add_initializer(), unique, *v.constant);
    return unique;
  }

  // A node's result, as not every reader takes an initialiser for an output.
  void write_constant_output(ValueId id) {
    const Value& v = graph_.value(id);
    onnx::NodeProto& made = *out_->add_node();
    made.set_op_type("Identity");
    made.set_name(fresh_node(v.name));
    made.add_input(constant(v.name + "_value", *v.constant));
    made.add_output(names_.at(id));
  }

  std::string constant(const std::string& base, const Tensor& t) {
    const std::string unique = fresh(base);
    store(*out_->add_initializer(), unique, t);
    return unique;
  }

  onnx::NodeProto& add(const std::string& op, const Node& node, std::vector<std::string> inputs,
                       const std::string& output) {
    onnx::NodeProto& made = *out_->add_node();
    made.set_op_type(op);
    made.set_name(fresh_node(node.name));
    for (std::string& input : inputs) made.add_input(std::move(input));
    made.add_output(output);
    return made;
  }
  // The node's operator over all its inputs.
  onnx::NodeProto& add(const std::string& op, const Node& node) {
    std::vector<std::string> inputs;
    for (ValueId id : node.inputs) inputs.push_back(name(id));
    return add(op, node, std::move(inputs), name(node.outputs[0]));
  }
  std::string fresh_node(const std::string& base) {
    std::string unique = base;
    for (int n = 2; !node_names_.insert(unique).second; ++n) unique = fmt::format("{}_{}", base, n);
    return unique;
  }

  void write(const Node& node) {
    switch (node.kind) {
      case OpKind::kMatmul:
        return matmul(node, std::get<MatmulAttrs>(node.attrs));
      case OpKind::kConv:
        return conv(node, std::get<ConvAttrs>(node.attrs));
      case OpKind::kMap:
        return map(node, std::get<MapAttrs>(node.attrs));
      case OpKind::kZip:
        return zip(node, std::get<ZipAttrs>(node.attrs).fn);
      case OpKind::kSelect:
        add("Where", node);
        return;
      case OpKind::kCast:
        return set_int(add("Cast", node), "to", dtype_onnx_code(type_of(node.outputs[0])));
      case OpKind::kReduce:
        return reduce(node, std::get<ReduceAttrs>(node.attrs));
      case OpKind::kPool:
        return pool(node, std::get<PoolAttrs>(node.attrs));
      case OpKind::kMove:
        return move(node, std::get<MoveAttrs>(node.attrs));
      case OpKind::kQuantise:
        return quantise(node, "QuantizeLinear");
      case OpKind::kDequantise:
        return quantise(node, "DequantizeLinear");
      case OpKind::kHost:
        return host(node);
      case OpKind::kTable:
        break;
    }
    SYSTOLE_CHECK(false, "node '{}': {} has no ONNX form", node.name, op_name(node.kind));
  }

  [[nodiscard]] DType type_of(ValueId id) const { return graph_.value(id).type; }

  // And, Or and Xor of integers have names of their own.
  void zip(const Node& node, ZipFn fn) {
    const bool bits = takes_bits(fn) && !shifts(fn) && type_of(node.inputs[0]) != DType::kBool;
    onnx::NodeProto& made = add((bits ? "Bitwise" : "") + onnx_operator(fn), node);
    if (fn == ZipFn::kFmod) set_int(made, "fmod", 1);
    const bool right = fn == ZipFn::kShiftRight;
    if (shifts(fn)) set_string(made, "direction", right ? "RIGHT" : "LEFT");
  }

  // A Gemm where there is a bias or a factor and x is a matrix, or where it was one.
  void matmul(const Node& node, const MatmulAttrs& a) {
    if (a.output) return static_cast<void>(qlinear("QLinearMatMul", node, a));
    SYSTOLE_CHECK(!a.x_quant, "node '{}' is fused", node.name);
    const bool matrix = graph_.value(node.inputs[0]).shape.size() == 2;
    const bool plain = node.inputs.size() == 2 && a.alpha == 1.0F;
    if (!matrix || (plain && node.origin != "Gemm")) {
      SYSTOLE_CHECK(plain, "node '{}' is no MatMul", node.name);
      add("MatMul", node);
      return;
    }
    onnx::NodeProto& made = add("Gemm", node);
    if (a.alpha != 1.0F) set_float(made, "alpha", a.alpha);
    if (a.beta != 1.0F) set_float(made, "beta", a.beta);
  }

  // The operands with their scales and zero points, the result's, then the bias if there is one.
  onnx::NodeProto& qlinear(const std::string& op, const Node& node, const ProductQuants& a) {
    SYSTOLE_CHECK(has_qlinear_form(node), "node '{}' has no {}", node.name, op);
    std::vector<std::string> inputs;
    const auto append = [&](const Quant& q, const std::string& base) {
      auto [scale, zero] = scale_and_zero(q, base);
      inputs.push_back(std::move(scale));
      inputs.push_back(std::move(zero));
    };
    inputs.push_back(name(node.inputs[0]));
    append(*a.x_quant, node.name + "_x");
    inputs.push_back(name(node.inputs[1]));
    append(*a.w_quant, node.name + "_w");
    append(*a.output, node.name + "_y");
    if (node.inputs.size() > 2) inputs.push_back(name(node.inputs[2]));
    return add(op, node, std::move(inputs), name(node.outputs[0]));
  }

  static void set_window(onnx::NodeProto& made, const Window& w, std::array<std::int64_t, 2> over) {
    const Window plain;
    set_ints(made, "kernel_shape", {w.kernel.begin(), w.kernel.end()});
    if (w.strides != plain.strides) set_ints(made, "strides", {w.strides.begin(), w.strides.end()});
    if (w.dilations != plain.dilations)
      set_ints(made, "dilations", {w.dilations.begin(), w.dilations.end()});
    if (w.pads == plain.pads) return;
    set_ints(made, "pads", {w.pads[0], w.pads[1], w.pads[2] - over[0], w.pads[3] - over[1]});
  }

  void conv(const Node& node, const ConvAttrs& a) {
    SYSTOLE_CHECK(!a.x_quant || a.output, "node '{}' is half fused", node.name);
    onnx::NodeProto& made = a.output ? qlinear("QLinearConv", node, a) : add("Conv", node);
    set_window(made, a.window, {});
    if (a.groups != 1) set_int(made, "group", a.groups);
  }

  // Of the type that the map works on.
  static Tensor limit(const MapAttrs& a, float value) {
    if (!a.output) return float_scalar(value);
    Tensor t(a.output->type, {});
    with_integers(t, [&](auto values) {
      values[0] = static_cast<typename decltype(values)::value_type>(value);
    });
    return t;
  }

  void map(const Node& node, const MapAttrs& a) {
    const bool plain =
        !a.output || (a.x_quant->scales[0] == 1.0F && a.x_quant->zero_points[0] == 0);
    SYSTOLE_CHECK(plain, "node '{}' is fused", node.name);
    const std::string op = onnx_operator(a.fn);
    switch (a.fn) {
      case MapFn::kClip: {
        const std::string lo = constant(node.name + "_min", limit(a, a.lo));
        const std::string hi = constant(node.name + "_max", limit(a, a.hi));
        add(op, node, {name(node.inputs[0]), lo, hi}, name(node.outputs[0]));
        return;
      }
      case MapFn::kRelu:
      case MapFn::kGelu:
        add(op, node);
        return;
      case MapFn::kGeluTanh:
        set_string(add(op, node), "approximate", "tanh");
        return;
#define SYSTOLE_ONNX_MAP(name, first, newest, function, attributes, text, example) \
  case MapFn::function:                                                            \
    return set_reals(add(op, node), {a.alpha, a.beta}, AttributeNames attributes);
#include "compiler/ir/onnx_maps.def"
    }
  }

  using AttributeNames = std::initializer_list<std::pair<const char*, float>>;
  static void set_reals(onnx::NodeProto& made, std::array<float, 2> values, AttributeNames names) {
    std::size_t i = 0;
    for (const auto& [name, otherwise] : names) set_float(made, name, values.at(i++));
  }

  void reduce(const Node& node, const ReduceAttrs& a) {
    if (a.fn == ReduceFn::kSoftmax) return softmax(node, a);
    Ints axes;
    for (std::int64_t axis = a.first_axis; axis < a.end_axis; ++axis) axes.push_back(axis);
    const std::string op = onnx_operator(a.fn);
    const bool input = a.fn == ReduceFn::kSum || style_.opset >= 18;
    if (!input) return set_ints(add(op, node), "axes", axes);
    add(op, node, {name(node.inputs[0]), constant(node.name + "_axes", int64_list(axes))},
        name(node.outputs[0]));
  }

  // A softmax over several dimensions works on them flattened.
  void softmax(const Node& node, const ReduceAttrs& a) {
    const Shape& shape = graph_.value(node.inputs[0]).shape;
    if (a.end_axis - a.first_axis == 1) {
      set_int(add("Softmax", node), "axis", a.first_axis);
      return;
    }
    Shape flat(shape.begin(), shape.begin() + a.first_axis);
    if (!flat.empty() && style_.open_batch) flat[0] = 0;
    flat.push_back(-1);
    flat.insert(flat.end(), shape.begin() + a.end_axis, shape.end());
    const std::string x = fresh(node.name + "_flat");
    const std::string y = fresh(node.name + "_softmax");
    add("Reshape", node,
        {name(node.inputs[0]), constant(node.name + "_flat_shape", int64_list(flat))}, x);
    set_int(add("Softmax", node, {x}, y), "axis", a.first_axis);
    add("Reshape", node, {y, constant(node.name + "_shape", int64_list(open_shape(shape, shape)))},
        name(node.outputs[0]));
  }

  void pool(const Node& node, const PoolAttrs& a) {
    const Shape& x = graph_.value(node.inputs[0]).shape;
    const std::string op = onnx_operator(a.fn);
    const bool whole = a.window.kernel == std::array<std::int64_t, 2>{x[2], x[3]} &&
                       a.window.pads == Window{}.pads &&
                       graph_.value(node.outputs[0]).shape[2] == 1;
    if (whole && graph_.value(node.outputs[0]).shape[3] == 1) {
      add("Global" + op, node);
      return;
    }
    onnx::NodeProto& made = add(op, node);
    set_window(made, a.window, a.overhang);
    if (a.overhang != std::array<std::int64_t, 2>{}) set_int(made, "ceil_mode", 1);
    if (a.count_padding) set_int(made, "count_include_pad", 1);
  }

  // 0 keeps a first dimension that stays, -1 lets another one follow the batch.
  [[nodiscard]] Shape open_shape(const Shape& from, Shape to) const {
    if (!style_.open_batch || to.empty() || std::count(to.begin(), to.end(), 0) > 0) return to;
    to[0] = !from.empty() && from[0] == to[0] ? 0 : -1;
    return to;
  }

  void move(const Node& node, const MoveAttrs& a) {
    const Shape& from = graph_.value(node.inputs[0]).shape;
    const Shape& to = graph_.value(node.outputs[0]).shape;
    const auto with_list = [&](const std::string& op, const std::string& base, const Ints& list,
                               std::vector<std::string> more = {}) {
      std::vector<std::string> inputs = {name(node.inputs[0]),
                                         constant(node.name + base, int64_list(list))};
      inputs.insert(inputs.end(), more.begin(), more.end());
      add(op, node, std::move(inputs), name(node.outputs[0]));
    };
    switch (a.fn) {
      case MoveFn::kReshape:
        if (to.size() == 2 && from.size() > 1 && from[0] == to[0]) {
          set_int(add("Flatten", node), "axis", 1);
          return;
        }
        return with_list("Reshape", "_shape", open_shape(from, to));
      case MoveFn::kTranspose:
        set_ints(add("Transpose", node), "perm", a.permutation);
        return;
      case MoveFn::kConcat:
        set_int(add("Concat", node), "axis", a.axis);
        return;
      case MoveFn::kPad:
        const Tensor fill =
            evaluate_cast(float_scalar(static_cast<float>(a.fill)), type_of(node.inputs[0]));
        return with_list("Pad", "_pads", a.pads, {constant(node.name + "_value", fill)});
    }
  }

  void host(const Node& node) {
    const HostForm form = host_form(graph_, node);
    std::vector<std::string> inputs;
    for (const HostForm::Input& input : form.inputs) {
      const auto* given = std::get_if<Tensor>(&input);
      inputs.push_back(given != nullptr ? constant(node.name + "_value", *given)
                                        : name(std::get<ValueId>(input)));
    }
    onnx::NodeProto& made = add(form.op, node, std::move(inputs), name(node.outputs[0]));
    if (form.slot > 0) {  // the outputs before it; the first one must have a name
      made.set_output(0, fresh(node.name + "_unused"));
      for (int i = 1; i < form.slot; ++i) made.add_output("");
      made.add_output(name(node.outputs[0]));
    }
    for (const auto& [attribute, value] : form.ints) set_int(made, attribute, value);
    if (!form.reduction.empty()) set_string(made, "reduction", form.reduction);
  }

  void quantise(const Node& node, const std::string& op) {
    const Quant& q = std::get<QuantAttrs>(node.attrs).quant;
    const auto [scale, zero] = scale_and_zero(q, graph_.value(node.outputs[0]).name);
    onnx::NodeProto& made =
        add(op, node, {name(node.inputs[0]), scale, zero}, name(node.outputs[0]));
    if (!q.per_tensor()) set_int(made, "axis", q.axis);
  }

  std::pair<std::string, std::string> scale_and_zero(const Quant& q, const std::string& base) {
    Shape shape;
    if (!q.per_tensor()) shape.push_back(static_cast<std::int64_t>(q.scales.size()));
    return {constant(base + "_scale", make_tensor<float>(shape, q.scales)),
            constant(base + "_zero_point", zero_points(q, shape))};
  }

  static Tensor zero_points(const Quant& q, const Shape& shape) {
    Tensor t(q.type, shape);
    const auto size = static_cast<std::size_t>(dtype_bytes(q.type));
    for (std::size_t i = 0; i < t.data.size(); ++i) {
      const auto zero = static_cast<std::uint32_t>(q.zero_points[i / size]);
      t.data[i] = static_cast<std::uint8_t>(zero >> (8 * (i % size)));
    }
    return t;
  }

  const Graph& graph_;
  OnnxStyle style_;
  onnx::ModelProto model_;
  onnx::GraphProto* out_ = nullptr;
  std::map<ValueId, std::string> names_;
  std::set<std::string> taken_, node_names_;
};

}  // namespace

bool has_qlinear_form(const Node& node) {
  const auto* const conv = std::get_if<ConvAttrs>(&node.attrs);
  const auto* const matmul = std::get_if<MatmulAttrs>(&node.attrs);
  const ProductQuants& a = conv != nullptr ? static_cast<const ProductQuants&>(*conv) : *matmul;
  if (!a.output || dtype_bytes(a.output->type) != 1 || dtype_bytes(a.x_quant->type) != 1)
    return false;
  const IntegerRange range = integer_range(a.output->type);
  const bool whole = a.lo == range.lo && a.hi == range.hi;
  return whole && (conv != nullptr || (node.inputs.size() == 2 && matmul->alpha == 1.0F));
}

onnx::ModelProto write_onnx(const Graph& graph, const OnnxStyle& style) {
  return Writer(graph, style).run();
}

std::vector<std::uint8_t> onnx_bytes(const onnx::ModelProto& model, const std::string& where) {
  std::string bytes;
  if (model.ByteSizeLong() >= std::size_t{1} << 31 || !model.SerializeToString(&bytes)) {
    throw InputError(where, "its ONNX form passes 2 GiB", "a smaller model");
  }
  return {bytes.begin(), bytes.end()};
}

}  // namespace systole::compiler
