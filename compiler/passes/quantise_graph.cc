// Inserting quantisers: X -> Q -> DQ -> product(W: s8 -> DQ, bias: s32 -> DQ) [-> relu] -> Q -> DQ,
// which is the form that runtimes fuse into one integer op.
#include "compiler/passes/quantise_graph.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "compiler/passes/graph_edit.h"
#include "compiler/passes/quantise_weights.h"

namespace systole::compiler {
namespace {

// The constant times a factor, all of it finite.
Tensor scaled(const Value& v, float factor, const std::string& where) {
  Tensor t = *v.constant;
  for (float& x : t.as<float>()) {
    x *= factor;
    if (std::isfinite(x)) continue;
    throw InputError(where, fmt::format("constant '{}' holds inf or NaN", v.name), "numbers");
  }
  return t;
}

// What multiplies a product's weights and its bias.
struct Factors {
  float alpha = 1.0F, beta = 1.0F;
};

Factors factors(const Node& product) {
  const auto* matmul = std::get_if<MatmulAttrs>(&product.attrs);
  return matmul == nullptr ? Factors{} : Factors{matmul->alpha, matmul->beta};
}

class Inserter {
 public:
  Inserter(Graph& graph, const QuantisePlan& plan, const Quantisations& quantisations)
      : graph_(graph),
        quantisations_(quantisations),
        products_(plan.products.begin(), plan.products.end()) {
    for (ValueId id : plan.tensors) pairs_.emplace(id, quantisations.tensors.at(id));
    for (const auto& [id, source] : plan.copies) {
      const auto found = quantisations.tensors.find(source);
      if (found != quantisations.tensors.end()) pairs_.emplace(id, found->second);
    }
  }

  void run() {
    for (ValueId id : graph_.inputs) add_pair(id, true);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node node = graph_.nodes[n];
      for (ValueId& id : node.inputs) {
        if (const auto twin = twins_.find(id); twin != twins_.end()) id = twin->second;
      }
      if (products_.contains(static_cast<int>(n))) {
        quantise_product(node, graph_.nodes[n].inputs[0]);
      } else if (pairs_.contains(node.outputs[0])) {
        quantise_constants(node);
      }
      const ValueId made = node.outputs[0];
      nodes_.push_back(std::move(node));
      add_pair(made, false);
    }
    for (ValueId& id : graph_.outputs) {
      const bool passed = std::ranges::find(graph_.inputs, id) != graph_.inputs.end();
      const auto twin = twins_.find(id);
      if (twin != twins_.end() && !passed) id = twin->second;  // what is passed on stays as it is
    }
    graph_.nodes = std::move(nodes_);
  }

 private:
  void add_pair(ValueId id, bool is_input) {
    const auto found = pairs_.find(id);
    if (found == pairs_.end()) return;
    const Quant& quant = found->second;
    const std::string name = graph_.value(id).name;
    const Shape shape = graph_.value(id).shape;
    if (!is_input) graph_.value(id).name = name + "_unquantized";
    const std::string twin = is_input ? name + "_dequantized" : name;
    const ValueId q = graph_.add_value({name + "_quantized", quant.type, shape, {}});
    const ValueId dq = graph_.add_value({twin, DType::kFloat32, shape, {}});
    const QuantAttrs attrs{quant};
    nodes_.push_back({OpKind::kQuantise, name + "_quantized", "QuantizeLinear", {id}, {q}, attrs});
    nodes_.push_back(
        {OpKind::kDequantise, twin + "_dequantize", "DequantizeLinear", {q}, {dq}, attrs});
    twins_[id] = dq;
  }

  // A constant behind its dequantise.
  ValueId dequantised(const std::string& base, QuantisedConstant constant) {
    const Shape shape = constant.integers.shape;
    const ValueId q = graph_.add_value(
        {base + "_quantized", constant.quant.type, shape, std::move(constant.integers)});
    const ValueId dq = graph_.add_value({base + "_dequantized", DType::kFloat32, shape, {}});
    nodes_.push_back({OpKind::kDequantise,
                      base + "_dequantized",
                      "DequantizeLinear",
                      {q},
                      {dq},
                      QuantAttrs{std::move(constant.quant)}});
    return dq;
  }

  static QuantisedConstant without_values(DType type, const Shape& shape) {
    return {Tensor(type, shape), Quant{{1.0F}, {0}, 0, type}};
  }

  // alpha and beta go into weights and bias; `x` is the product's input before its pair.
  void quantise_product(Node& node, ValueId x) {
    const auto [alpha, beta] = factors(node);
    auto* matmul = std::get_if<MatmulAttrs>(&node.attrs);
    if (matmul != nullptr) matmul->alpha = matmul->beta = 1.0F;
    const bool biased = node.inputs.size() > 2;
    const Shape w_shape = graph_.value(node.inputs[1]).shape;
    if (quantisations_.floats) {
      node.inputs[1] = dequantised(node.name + "_weight", rounded(node.inputs[1], alpha));
      if (biased) node.inputs[2] = times(node.inputs[2], beta);
      return;
    }
    if (!quantisations_.values) {
      node.inputs[1] = dequantised(node.name + "_weight", without_values(DType::kInt8, w_shape));
      if (!biased) return;
      const Shape shape = graph_.value(node.inputs[2]).shape;
      node.inputs[2] = dequantised(node.name + "_bias", without_values(DType::kInt32, shape));
      return;
    }
    const float x_scale = pairs_.at(x).scales[0];
    const std::string where = fmt::format("{}: layer '{}'", quantisations_.where, node.name);
    std::optional<Tensor> bias;
    if (biased) bias = scaled(graph_.value(node.inputs[2]), beta, quantisations_.where);
    const std::vector<float> least =
        bias ? least_scales(*bias, x_scale, where) : std::vector<float>{};
    QuantisedConstant weights =
        quantise_weights(scaled(graph_.value(node.inputs[1]), alpha, quantisations_.where),
                         matmul != nullptr ? 1 : 0, least, quantisations_.weight_bits);
    const std::vector<float> scales = weights.quant.scales;
    node.inputs[1] = dequantised(node.name + "_weight", std::move(weights));
    if (bias)
      node.inputs[2] = dequantised(node.name + "_bias", quantise_bias(*bias, x_scale, scales));
  }

  // The constant times a factor, in bfloat16.
  [[nodiscard]] QuantisedConstant rounded(ValueId id, float factor) const {
    const Value& v = graph_.value(id);
    QuantisedConstant constant = without_values(DType::kBfloat16, v.shape);
    if (v.constant && !v.constant->data.empty()) {
      std::ranges::transform(v.constant->as<float>(), constant.integers.as<Bfloat16>().begin(),
                             [&](float x) { return Bfloat16(factor * x); });
    }
    return constant;
  }

  // The same in float32.
  ValueId times(ValueId id, float factor) {
    if (factor == 1.0F || graph_.value(id).constant->data.empty()) return id;
    Value v = graph_.value(id);
    for (float& x : v.constant->as<float>()) x *= factor;
    return graph_.add_value(std::move(v));
  }

  // Constant operands of what is no product.
  void quantise_constants(Node& node) {
    for (ValueId& id : node.inputs) {
      const Value& v = graph_.value(id);
      if (!v.constant || v.type != DType::kFloat32) continue;
      const std::string name = v.name;
      if (quantisations_.floats) {
        id = dequantised(name, rounded(id, 1.0F));
        continue;
      }
      id = dequantised(name, quantisations_.values
                                 ? quantise_whole(scaled(v, 1.0F, quantisations_.where))
                                 : without_values(DType::kUint8, v.shape));
    }
  }

  Graph& graph_;
  const Quantisations& quantisations_;
  std::set<int> products_;
  std::map<ValueId, Quant> pairs_;
  std::map<ValueId, ValueId> twins_;  // value -> what its pair gives
  std::vector<Node> nodes_;
};

}  // namespace

void check_constants(const Graph& graph, const QuantisePlan& plan, const std::string& where) {
  for (const int n : plan.products) {
    const Node& node = graph.nodes[static_cast<std::size_t>(n)];
    const auto [alpha, beta] = factors(node);
    static_cast<void>(scaled(graph.value(node.inputs[1]), alpha, where));
    if (node.inputs.size() > 2) static_cast<void>(scaled(graph.value(node.inputs[2]), beta, where));
  }
}

Graph insert_quantisers(Graph graph, const QuantisePlan& plan, const Quantisations& quantisations) {
  Inserter(graph, plan, quantisations).run();
  eliminate_dead(graph);
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
