// The float32 model's own accuracy, to stand beside that of its quantised twin.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "compiler/ir/graph.h"
#include "report/accuracy.h"

namespace systole::cli {

// Top-1 accuracy of the graph's first output, by the compiler's reference evaluator, over inputs
// whose leading extents are a multiple of the graph's batch and hold at least as many rows as there
// are labels.
[[nodiscard]] report::Accuracy float_accuracy(const compiler::Graph& graph,
                                              const std::map<std::string, Tensor>& inputs,
                                              std::span<const std::int64_t> labels);

}  // namespace systole::cli
