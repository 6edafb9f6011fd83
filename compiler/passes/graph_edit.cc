// Graph editing: use lists by one sweep, dead nodes by a sweep from the back.
#include "compiler/passes/graph_edit.h"

#include <algorithm>

namespace systole::compiler {

UseMap::UseMap(const Graph& graph)
    : producer_(graph.values.size(), -1),
      users_(graph.values.size()),
      returned_(graph.values.size()) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    for (ValueId id : graph.nodes[n].inputs) {
      if (id != kNoValue) users_[static_cast<std::size_t>(id)].push_back(static_cast<int>(n));
    }
    for (ValueId id : graph.nodes[n].outputs)
      producer_[static_cast<std::size_t>(id)] = static_cast<int>(n);
  }
  for (ValueId id : graph.outputs) returned_[static_cast<std::size_t>(id)] = true;
}

bool UseMap::single_use(ValueId id) const {
  return users(id).size() == 1 && !returned_[static_cast<std::size_t>(id)];
}

void eliminate_dead(Graph& graph) {
  std::vector<bool> live(graph.values.size());
  for (ValueId id : graph.outputs) live[static_cast<std::size_t>(id)] = true;
  std::vector<Node> kept;
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const bool used = std::any_of(node->outputs.begin(), node->outputs.end(),
                                  [&](ValueId id) { return live[static_cast<std::size_t>(id)]; });
    if (!used) continue;
    for (ValueId id : node->inputs) {
      if (id != kNoValue) live[static_cast<std::size_t>(id)] = true;
    }
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
}

}  // namespace systole::compiler
