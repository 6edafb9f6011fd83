// Graph editing shared by the passes: who produces and uses a value, and dropping what nobody uses.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Producer and users of every value, by value id. Valid until nodes are added or removed.
class UseMap {
 public:
  explicit UseMap(const Graph& graph);
  // Index of the node that produces `id`, or -1 for inputs and constants.
  [[nodiscard]] int producer(ValueId id) const {
    return producer_.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] const std::vector<int>& users(ValueId id) const {
    return users_.at(static_cast<std::size_t>(id));
  }
  // Whether exactly one node reads `id` and the graph does not return it.
  [[nodiscard]] bool single_use(ValueId id) const;

 private:
  std::vector<int> producer_;
  std::vector<std::vector<int>> users_;
  std::vector<bool> returned_;
};

// Removes nodes none of whose outputs is used or returned.
void eliminate_dead(Graph& graph);

}  // namespace systole::compiler
