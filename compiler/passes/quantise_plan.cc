// Which tensors are quantised: one sweep in topological order, from the products outwards.
#include <algorithm>
#include <set>

#include "compiler/passes/clamp.h"
#include "compiler/passes/graph_edit.h"
#include "compiler/passes/quantise_graph.h"

namespace systole::compiler {
namespace {

bool is_product(const Node& node) {
  return node.kind == OpKind::kMatmul || node.kind == OpKind::kConv;
}

// The dimension along which a product's columns are in its result.
std::size_t column_dimension(const Node& node, const Shape& result) {
  return node.kind == OpKind::kConv ? 1 : result.size() - 1;
}

class Planner {
 public:
  Planner(const Graph& graph, const std::set<std::string>& excluded)
      : graph_(graph), uses_(graph), excluded_(excluded) {}

  QuantisePlan run() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      const ValueId result = node.outputs[0];
      if (excluded_.contains(node.name)) continue;
      if (quantised_.contains(result) || graph_.value(result).type != DType::kFloat32) continue;
      if (is_product(node)) {
        product(static_cast<int>(n));
      } else {
        follow(node);
      }
    }
    return std::move(plan_);
  }

 private:
  bool constant(ValueId id) const { return graph_.value(id).constant.has_value(); }

  // Why a float product stays float; empty if it does not.
  std::string obstacle(const Node& node) const {
    const auto name = [&](std::size_t i) { return graph_.value(node.inputs[i]).name; };
    const ValueId w = node.inputs[1];
    if (constant(node.inputs[0])) return fmt::format("A '{}' is constant", name(0));
    if (!constant(w)) return fmt::format("B '{}' is computed", name(1));
    if (element_count(graph_.value(w).shape) == 0) return fmt::format("B '{}' is empty", name(1));
    if (node.inputs.size() > 2 && !constant(node.inputs[2]))
      return fmt::format("C '{}' is computed", name(2));
    return {};
  }

  void product(int n) {
    const Node& node = graph_.nodes[static_cast<std::size_t>(n)];
    if (graph_.value(node.inputs[0]).type != DType::kFloat32 || is_dequantised(node.inputs[1]))
      return;
    const std::string why = obstacle(node);
    if (!why.empty()) {
      if (plan_.obstacle.empty()) plan_.obstacle_node = node.name;
      if (plan_.obstacle.empty()) plan_.obstacle = why;
      return;
    }
    plan_.products.push_back(n);
    own(node.inputs[0]);
    own_end(node.outputs[0]);
  }

  bool is_dequantised(ValueId id) const {
    const int from = uses_.producer(id);
    return from >= 0 && graph_.nodes[static_cast<std::size_t>(from)].kind == OpKind::kDequantise;
  }

  void own(ValueId id) {
    if (!is_dequantised(id) && quantised_.insert(id).second) plan_.tensors.push_back(id);
  }

  // The result, or that of the relu or clip that alone reads it.
  void own_end(ValueId id) {
    if (uses_.single_use(id)) {
      const Node& user = graph_.nodes[static_cast<std::size_t>(uses_.users(id)[0])];
      if (user.kind == OpKind::kQuantise) return;
      const bool clamps =
          user.kind == OpKind::kMap && Clamp::of(std::get<MapAttrs>(user.attrs)).has_value();
      if (clamps) return own_end(user.outputs[0]);
    }
    own(id);
  }

  // What is no product is quantised where what it reads is.
  void follow(const Node& node) {
    bool any = false;
    for (ValueId id : node.inputs) {
      any = any || quantised_.contains(id);
      if (!quantised_.contains(id) && !constant(id)) return;
    }
    if (!any) return;
    const ValueId result = node.outputs[0];
    const auto* pool = std::get_if<PoolAttrs>(&node.attrs);
    const auto* move = std::get_if<MoveAttrs>(&node.attrs);
    const bool mixes = move != nullptr && (move->fn == MoveFn::kConcat || move->fill != 0.0);
    const bool copies =
        (pool != nullptr && pool->fn == PoolFn::kMax) || (move != nullptr && !mixes);
    if (copies) {
      quantised_.insert(result);
      const ValueId source = node.inputs[0];
      const auto found = plan_.copies.find(source);
      plan_.copies[result] = found == plan_.copies.end() ? source : found->second;
    } else if (graph_.value(result).type != DType::kFloat32) {
      return;
    } else if (node.kind == OpKind::kZip) {
      own_end(result);
    } else if (node.kind == OpKind::kMap || pool != nullptr || mixes) {
      own(result);
    }
  }

  const Graph& graph_;
  UseMap uses_;
  const std::set<std::string>& excluded_;  // names of layers
  QuantisePlan plan_;
  std::set<ValueId> quantised_;
};

// Whether the constant is one number for each column of the result.
bool is_bias(const Value& c, const Value& result, std::size_t dimension) {
  const std::size_t rank = result.shape.size();
  const std::int64_t columns = result.shape[dimension];
  if (!c.constant || c.type != DType::kFloat32 || c.shape.size() > rank) return false;
  const std::size_t from_end = rank - dimension;
  return c.shape.size() >= from_end && c.shape[c.shape.size() - from_end] == columns &&
         element_count(c.shape) == columns;
}

// The addition as a product that has the addition's other input as its bias, if input `side` is a
// product without one.
std::optional<Node> product_with(Graph& graph, const UseMap& uses, const Node& add,
                                 std::size_t side) {
  const auto* zip = std::get_if<ZipAttrs>(&add.attrs);
  if (zip == nullptr || zip->fn != ZipFn::kAdd) return std::nullopt;
  const ValueId sum = add.inputs[side];
  const ValueId other = add.inputs[1 - side];
  const int from = uses.producer(sum);
  if (from < 0 || !uses.single_use(sum)) return std::nullopt;
  Node product = graph.nodes[static_cast<std::size_t>(from)];
  const Shape shape = graph.value(sum).shape;
  const bool known = is_product(product) && product.inputs.size() == 2 &&
                     graph.value(sum).type == DType::kFloat32 &&
                     (product.kind == OpKind::kConv || shape.size() == 2);
  if (!known || graph.value(add.outputs[0]).shape != shape) return std::nullopt;
  const std::size_t dimension = column_dimension(product, shape);
  if (!is_bias(graph.value(other), graph.value(sum), dimension)) return std::nullopt;
  const std::string name = graph.value(other).name;
  Tensor bias = *graph.value(other).constant;
  bias.shape = {shape[dimension]};
  product.inputs.push_back(
      graph.add_value({name, DType::kFloat32, {shape[dimension]}, std::move(bias)}));
  product.outputs = add.outputs;
  if (product.kind == OpKind::kMatmul) product.origin = "Gemm";
  return product;
}

}  // namespace

QuantisePlan plan_quantisation(const Graph& graph, const std::set<std::string>& excluded) {
  return Planner(graph, excluded).run();
}

Graph absorb_biases(Graph graph) {
  const UseMap uses(graph);
  for (Node& node : graph.nodes) {
    std::optional<Node> made = product_with(graph, uses, node, 0);
    if (!made) made = product_with(graph, uses, node, 1);
    if (made) node = std::move(*made);
  }
  eliminate_dead(graph);
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
