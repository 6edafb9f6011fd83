// The batch of a graph: which inputs hold rows of it along their leading dimension, and whether
// each row is computed as it would be alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// A node that makes one row's result depend on other rows, or on which row it is.
struct RowMixer {
  std::string node, how;
};

// Rows are what the leading dimension of the first input counts, and of every input that has as
// many, as long as no node mixes them: then there are no rows, and shapes are just shapes.
struct Batch {
  std::int64_t rows = 1;
  std::vector<bool> inputs;   // by input of the graph: whether it has rows; others serve all alike
  std::vector<bool> outputs;  // by output: whether it depends on an input that has rows
  std::optional<RowMixer> mixer = {};  // why there are none; of one row it is not known
};
[[nodiscard]] Batch batch_of(const Graph& graph);

}  // namespace systole::compiler
