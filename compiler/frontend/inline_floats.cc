// Node by node: constants are dequantised, quantisations dropped, relus made nodes of their own.
#include "compiler/frontend/inline_floats.h"

#include <algorithm>
#include <utility>

#include "base/diag.h"

namespace systole::compiler {
namespace {

// Elements times a scale; absent ones stay absent.
template <typename T>
Tensor times(const Tensor& from, float scale) {
  Tensor to;
  to.shape = from.shape;
  if (from.data.empty()) return to;
  to = Tensor(DType::kFloat32, from.shape);
  std::ranges::transform(from.as<T>(), to.as<float>().begin(),
                         [&](T v) { return static_cast<float>(v) * scale; });
  return to;
}

class Maker {
 public:
  explicit Maker(Graph graph) : graph_(std::move(graph)) {}

  Graph run() {
    std::vector<Node> nodes = std::move(graph_.nodes);
    for (ValueId id : graph_.inputs) graph_.value(id).type = DType::kFloat32;
    for (Node& node : nodes) {
      graph_.value(node.outputs[0]).type = DType::kFloat32;
      if (quants_of(node) != nullptr) {
        product(std::move(node));
      } else {
        node.attrs = ZipAttrs{.fn = std::get<ZipAttrs>(node.attrs).fn};
        graph_.nodes.push_back(std::move(node));
      }
    }
    verify(graph_);
    return std::move(graph_);
  }

 private:
  static ProductQuants* quants_of(Node& node) {
    if (auto* matmul = std::get_if<MatmulAttrs>(&node.attrs)) return matmul;
    return std::get_if<ConvAttrs>(&node.attrs);
  }

  void product(Node node) {
    const ProductQuants given = std::exchange(*quants_of(node), ProductQuants{});
    const float x_scale = given.x_quant->scales[0], w_scale = given.w_quant->scales[0];
    const bool relu = given.output->zero_points[0] == 0;
    replace<std::int8_t>(node.inputs[1], w_scale);
    if (node.inputs.size() > 2) replace<std::int32_t>(node.inputs[2], x_scale * w_scale);
    const ValueId result = node.outputs[0];
    if (!relu) return graph_.nodes.push_back(std::move(node));
    const std::string name = node.name + ".relu", origin = node.origin;
    Value sums = graph_.value(result);
    sums.name += ".sums";
    const ValueId made = graph_.add_value(std::move(sums));
    node.outputs = {made};
    graph_.nodes.push_back(std::move(node));
    graph_.nodes.push_back({OpKind::kMap, name, origin, {made}, {result}, MapAttrs{}});
  }

  template <typename T>
  void replace(ValueId id, float scale) {
    Value& value = graph_.value(id);
    value.constant = times<T>(*value.constant, scale);
    value.type = DType::kFloat32;
  }

  Graph graph_;
};

}  // namespace

Graph inline_floats(Graph graph) { return Maker(std::move(graph)).run(); }

}  // namespace systole::compiler
