// One sweep in order, by the reference evaluator.
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
    Value& result = graph.value(node.outputs[0]);
    room -= element_count(result.shape);
    result.constant = evaluate_node(graph, node, result);
    node.outputs.clear();
  }
  std::erase_if(graph.nodes, [](const Node& node) { return node.outputs.empty(); });
  return graph;
}

}  // namespace systole::compiler
