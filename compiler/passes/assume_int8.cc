// Pass assume_int8: pairs of quantisers where `systole quantize` would put them (quantise_graph.h),
// so that the quantised and the assumed graph take the same cycles. Each tensor has a scale of its
// own, as after calibration, so that no change of scale disappears.
#include "compiler/passes/assume_int8.h"

#include <algorithm>

#include "compiler/passes/fold_constants.h"
#include "compiler/passes/quantise_graph.h"

namespace systole::compiler {
namespace {

// Whether more than weights is in integers.
bool computes_in_integers(const Graph& graph) {
  return std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return node.kind == OpKind::kQuantise ||
           (node.kind == OpKind::kDequantise && !graph.value(node.inputs[0]).constant);
  });
}

}  // namespace

Graph assume_int8(Graph graph) {
  // Weights alone that are kept in integers are floats, as to `systole quantize`.
  if (!computes_in_integers(graph)) graph = fold_constants(std::move(graph));
  graph = absorb_biases(std::move(graph));
  const QuantisePlan plan = plan_quantisation(graph);
  Quantisations quantisations;
  quantisations.values = false;
  float scale = 1.0F;
  for (ValueId id : plan.tensors) {
    quantisations.tensors[id] = Quant{{scale}, {0}, 0, DType::kUint8};
    scale += 0x1p-8F;
  }
  return insert_quantisers(std::move(graph), plan, quantisations);
}

}  // namespace systole::compiler
