// See quantize_errors.h. A layer alone is quantised as in the whole: its input, its constants and,
// where the whole has a pair there, its result or that of the function that alone reads it.
#include "compiler/quantize/quantize_errors.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

double decibels(const std::vector<Tensor>& right, const std::vector<Tensor>& found) {
  double signal = 0.0;
  double noise = 0.0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (right[i].type != DType::kFloat32) continue;
    const auto a = right[i].as<float>();
    const auto b = found[i].as<float>();
    for (std::size_t k = 0; k < a.size(); ++k) {
      signal += double{a[k]} * double{a[k]};
      noise += (double{a[k]} - double{b[k]}) * (double{a[k]} - double{b[k]});
    }
  }
  if (noise == 0.0) return std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(signal / noise);
}

// The tensor behind the product that the whole plan gives a pair, if there is one.
ValueId quantised_result(const Graph& graph, const UseMap& uses, const Quantisations& all,
                         ValueId id) {
  while (!all.tensors.contains(id)) {
    if (!uses.single_use(id)) return kNoValue;
    const Node& user = graph.nodes[static_cast<std::size_t>(uses.users(id)[0])];
    if (user.kind != OpKind::kMap) return kNoValue;
    id = user.outputs[0];
  }
  return id;
}

}  // namespace

QuantisationErrors layer_errors(const Graph& graph, const QuantisePlan& plan,
                                const Quantisations& quantisations,
                                const std::vector<Tensor>& sample) {
  const std::vector<Tensor> right = evaluate(graph, sample);
  const UseMap uses(graph);
  const auto error = [&](const QuantisePlan& part, const Quantisations& of) {
    return decibels(right, evaluate(insert_quantisers(graph, part, of), sample));
  };
  QuantisationErrors errors;
  errors.all = error(plan, quantisations);
  for (const int n : plan.products) {
    const Node& node = graph.nodes[static_cast<std::size_t>(n)];
    const ValueId x = node.inputs[0];
    const auto copied = plan.copies.find(x);
    Quantisations alone = quantisations;
    alone.tensors[x] = quantisations.tensors.at(copied == plan.copies.end() ? x : copied->second);
    QuantisePlan part;
    part.products = {n};
    part.tensors = {x};
    const ValueId y = quantised_result(graph, uses, quantisations, node.outputs[0]);
    if (y != kNoValue) part.tensors.push_back(y);
    errors.layers.push_back({node.name, node.origin, error(part, alone)});
  }
  std::ranges::stable_sort(errors.layers, {}, &LayerError::decibels);
  return errors;
}

}  // namespace systole::compiler
