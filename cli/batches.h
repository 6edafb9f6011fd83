// Batches: what a command measures or compares a model with, cut to whole batches of its input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/tensor.h"
#include "compiler/ir/graph.h"

namespace systole::cli {

struct BatchData {
  Tensor inputs;                     // [rows, ...] of the graph's input type
  std::vector<std::int64_t> labels;  // one a row, or empty
};

// Reads --input arguments (random:0 if there are none) and --labels for a graph of one input. Rows
// that fill no batch are left out, said in a note. Throws InputError: several inputs, files that do
// not fit, less than a batch.
[[nodiscard]] BatchData read_batches(const std::string& model,
                                     const std::vector<std::string>& inputs,
                                     const std::string& labels, const compiler::Graph& graph);

}  // namespace systole::cli
