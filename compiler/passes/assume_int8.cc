// Pass assume_int8: pairs of quantisers where `systole quantize` would put them (quantise_graph.h),
// so that the quantised and the assumed graph take the same cycles. Each tensor has a scale of its
// own, as after calibration, so that no change of scale disappears.
#include "compiler/passes/assume_int8.h"

#include "compiler/passes/quantise_graph.h"

namespace systole::compiler {

Graph assume_int8(Graph graph) {
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
