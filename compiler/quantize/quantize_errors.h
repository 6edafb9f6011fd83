// What each quantised layer costs in accuracy.
#pragma once

#include <vector>

#include "compiler/passes/quantise_graph.h"
#include "compiler/quantize/quantize.h"

namespace systole::compiler {

// Of a float graph over one sample: each product of the plan quantised alone, and all of it.
[[nodiscard]] QuantisationErrors layer_errors(const Graph& graph, const QuantisePlan& plan,
                                              const Quantisations& quantisations,
                                              const std::vector<Tensor>& sample);

}  // namespace systole::compiler
