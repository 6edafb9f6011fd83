// Pass round_to_bf16: the plan is that of integers; a quantisation is the type alone.
#include "compiler/passes/round_to_bf16.h"

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

void set_sum_rows(Node& node, std::int64_t rows) {
  if (auto* matmul = std::get_if<MatmulAttrs>(&node.attrs)) matmul->sum_rows = rows;
  if (auto* conv = std::get_if<ConvAttrs>(&node.attrs)) conv->sum_rows = rows;
}

}  // namespace

bool rounds_to_bf16(const Graph& graph, const isa::Machine* machine) {
  return machine != nullptr && machine->array_operands != isa::Operands::kIntegers &&
         !computes_in_integers(graph);
}

Graph round_to_bf16(Graph graph, const isa::Machine& machine) {
  graph = absorb_biases(fold_constants(std::move(graph)));
  const QuantisePlan plan = plan_quantisation(graph);
  Quantisations quantisations;
  quantisations.floats = true;
  for (ValueId id : plan.tensors)
    quantisations.tensors[id] = Quant{{1.0F}, {0}, 0, DType::kBfloat16};
  const std::int64_t rows = std::min(machine.r(), machine.c());  // of a block (layout.h)
  for (const int product : plan.products)
    set_sum_rows(graph.nodes[static_cast<std::size_t>(product)], rows);
  return insert_quantisers(std::move(graph), plan, quantisations);
}

}  // namespace systole::compiler
