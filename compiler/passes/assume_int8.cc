// Pass assume_int8: x, w, bias and the end of [add] [relu] each get a quantise/dequantise pair
// where `systole quantize` would put one, so that the quantised and the assumed graph take the same
// cycles.
#include "compiler/passes/assume_int8.h"

#include <algorithm>
#include <map>
#include <set>

#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

class Assumer {
 public:
  explicit Assumer(Graph& graph) : graph_(graph), uses_(graph) {}

  void run() {
    for (Node& node : graph_.nodes) {
      const bool is_float_matmul =
          node.kind == OpKind::kMatmul && !std::get<MatmulAttrs>(node.attrs).x_quant;
      if (is_float_matmul) assume(node);
      for (ValueId& id : node.inputs) {
        if (const auto renamed = renamed_.find(id); renamed != renamed_.end() && !is_float_matmul)
          id = renamed->second;
      }
      const std::vector<ValueId> made = node.outputs;
      nodes_.push_back(std::move(node));
      for (ValueId id : made) {
        if (ends_.contains(id)) add_pair(id);
      }
    }
    for (ValueId& id : graph_.outputs) {
      if (const auto renamed = renamed_.find(id); renamed != renamed_.end()) id = renamed->second;
    }
    graph_.nodes = std::move(nodes_);
  }

 private:
  static Quant unit_quant(DType type) { return Quant{{1.0F}, {0}, 0, type}; }

  void assume(Node& node) {
    const ValueId x = node.inputs[0];
    if (!renamed_.contains(x) && !is_dequantised(x)) add_pair(x);
    if (const auto renamed = renamed_.find(x); renamed != renamed_.end())
      node.inputs[0] = renamed->second;
    node.inputs[1] = quantised_constant(node.inputs[1], DType::kInt8);
    if (node.inputs.size() > 2) node.inputs[2] = quantised_constant(node.inputs[2], DType::kInt32);
    const ValueId end = end_of_chain(node.outputs[0]);
    if (!is_quantised_next(end)) ends_.insert(end);
  }

  bool is_dequantised(ValueId id) const {
    const int producer = uses_.producer(id);
    return producer >= 0 &&
           graph_.nodes[static_cast<std::size_t>(producer)].kind == OpKind::kDequantise;
  }

  bool is_quantised_next(ValueId id) const {
    const std::vector<int>& users = uses_.users(id);
    return uses_.single_use(id) &&
           graph_.nodes[static_cast<std::size_t>(users[0])].kind == OpKind::kQuantise;
  }

  // value -> quantise -> dequantise; later users read the dequantised twin.
  void add_pair(ValueId id) {
    const Value value = graph_.value(id);
    const ValueId q =
        graph_.add_value(Value{value.name + "_assumed_q", DType::kUint8, value.shape, {}});
    const ValueId dq =
        graph_.add_value(Value{value.name + "_assumed_dq", DType::kFloat32, value.shape, {}});
    const QuantAttrs attrs{unit_quant(DType::kUint8)};
    nodes_.push_back(
        Node{OpKind::kQuantise, value.name + "_assumed_q", "assumed", {id}, {q}, attrs});
    nodes_.push_back(
        Node{OpKind::kDequantise, value.name + "_assumed_dq", "assumed", {q}, {dq}, attrs});
    renamed_[id] = dq;
  }

  // A float constant becomes a zero-filled integer constant behind a dequantise.
  ValueId quantised_constant(ValueId id, DType type) {
    const Value value = graph_.value(id);
    if (!value.constant && !graph_.structure_only) return id;
    const ValueId q = graph_.add_value(
        Value{value.name + "_assumed", type, value.shape, Tensor(type, value.shape)});
    const ValueId dq =
        graph_.add_value(Value{value.name + "_assumed_dq", DType::kFloat32, value.shape, {}});
    nodes_.push_back(Node{OpKind::kDequantise,
                          value.name + "_assumed_dq",
                          "assumed",
                          {q},
                          {dq},
                          QuantAttrs{unit_quant(type)}});
    return dq;
  }

  ValueId end_of_chain(ValueId id) const {
    while (uses_.single_use(id)) {
      const Node& user = graph_.nodes[static_cast<std::size_t>(uses_.users(id)[0])];
      const bool relu =
          user.kind == OpKind::kMap && (std::get<MapAttrs>(user.attrs).fn == MapFn::kRelu ||
                                        std::get<MapAttrs>(user.attrs).fn == MapFn::kClip);
      const bool bias = user.kind == OpKind::kZip &&
                        std::any_of(user.inputs.begin(), user.inputs.end(), [&](ValueId v) {
                          return graph_.value(v).constant.has_value();
                        });
      if (!relu && !bias) return id;
      id = user.outputs[0];
      if (relu) return id;
    }
    return id;
  }

  Graph& graph_;
  UseMap uses_;
  std::vector<Node> nodes_;
  std::map<ValueId, ValueId> renamed_;
  std::set<ValueId> ends_;  // where a pair follows
};

}  // namespace

Graph assume_int8(Graph graph) {
  Assumer(graph).run();
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
