// One sweep in order, by the reference evaluator. A graph's output stays the result of a node.
#include "compiler/passes/fold_constants.h"

#include <algorithm>

#include "compiler/ir/fold.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 26;  // of all results together

bool has_value(const Graph& graph, ValueId id) {
  if (id == kNoValue) return false;
  const std::optional<Tensor>& t = graph.value(id).constant;
  return t && (!t->data.empty() || t->count() == 0);
}

bool may_fold(const Graph& graph, const Node& node, std::int64_t room) {
  const Shape& shape = graph.value(node.outputs[0]).shape;
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return has_value(graph, id); }) &&
         element_count(shape) <= room && work_of(graph, node, shape) <= kMostFoldedWork;
}

}  // namespace

Graph fold_constants(Graph graph) {
  std::int64_t room = kMostElements;
  for (Node& node : graph.nodes) {
    if (!may_fold(graph, node, room)) continue;
    const ValueId id = node.outputs[0];
    const bool returned = std::count(graph.outputs.begin(), graph.outputs.end(), id) > 0;
    if (returned && node.kind == OpKind::kMove) continue;
    Value result = graph.value(id);
    room -= element_count(result.shape);
    Tensor value = evaluate_node(graph, node, result);
    if (!returned) {
      graph.value(id).constant = std::move(value);
      node.outputs.clear();
      continue;
    }
    result.name += ":constant";
    result.constant = std::move(value);
    node.kind = OpKind::kMove;
    node.attrs = MoveAttrs{MoveFn::kReshape};
    node.inputs = {graph.add_value(std::move(result))};
  }
  std::erase_if(graph.nodes, [](const Node& node) { return node.outputs.empty(); });
  return graph;
}

}  // namespace systole::compiler
