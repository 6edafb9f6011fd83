// Counting by op; the shapes are the graph's.
#include "compare/model/work.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "compiler/ir/batch.h"

namespace systole::compare {
namespace {

using compiler::Graph;
using compiler::Node;
using compiler::OpKind;
using compiler::ValueId;

std::int64_t count_of(const Graph& graph, ValueId id) {
  return element_count(graph.value(id).shape, graph.value(id).name);
}

bool moves_nothing(const Node& node) {
  return node.kind == OpKind::kMove &&
         std::get<compiler::MoveAttrs>(node.attrs).fn == compiler::MoveFn::kReshape;
}

// Ops that work element by element on the result of a product before them cost nothing of their
// own.
bool is_fused(const Node& node, const std::map<ValueId, bool>& from_product) {
  if (moves_nothing(node)) return true;
  switch (node.kind) {
    case OpKind::kQuantise:
    case OpKind::kDequantise:
      return true;
    case OpKind::kMap:
    case OpKind::kTable: {
      const auto found = from_product.find(node.inputs.at(0));
      return found != from_product.end() && found->second;
    }
    case OpKind::kMatmul:
    case OpKind::kConv:
    case OpKind::kZip:
    case OpKind::kReduce:
    case OpKind::kPool:
    case OpKind::kMove:
    case OpKind::kSelect:
    case OpKind::kCast:
    case OpKind::kHost:
      return false;
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
}

void set_product(const Graph& graph, const Node& node, LayerWork& work) {
  if (node.kind != OpKind::kMatmul && node.kind != OpKind::kConv) return;
  const Shape& w = graph.value(node.inputs.at(1)).shape;
  const Shape& y = graph.value(node.outputs.at(0)).shape;
  if (node.kind == OpKind::kMatmul) {
    work.n = w.at(1);
    for (std::size_t term = 0; term < compiler::term_count(node); ++term) {
      work.k += graph.value(node.inputs.at(2 * term + 1)).shape.at(0);
    }
    work.m = work.n == 0 ? 0 : count_of(graph, node.outputs[0]) / work.n;
  } else {
    work.count = std::get<compiler::ConvAttrs>(node.attrs).groups;
    work.k = w.at(1) * w.at(2) * w.at(3);
    work.n = w.at(0) / work.count;
    work.m = y.at(0) * y.at(2) * y.at(3);
    const Shape& x = graph.value(node.inputs.at(0)).shape;
    const compiler::Window& window = std::get<compiler::ConvAttrs>(node.attrs).window;
    work.convolution = {.groups = work.count,
                        .images = x.at(0),
                        .channels = w.at(1),
                        .height = x.at(2),
                        .width = x.at(3),
                        .filters = work.n,
                        .kernel_h = w.at(2),
                        .kernel_w = w.at(3),
                        .stride_h = window.strides[0],
                        .stride_w = window.strides[1],
                        .out_h = y.at(2),
                        .out_w = y.at(3)};
  }
}

}  // namespace

std::int64_t ModelWork::macs() const {
  std::int64_t sum = 0;
  for (const LayerWork& layer : layers) sum += layer.macs();
  return sum;
}

std::int64_t ModelWork::operations() const {
  if (macs() > 0) return 2 * macs();
  std::int64_t sum = 0;
  for (const LayerWork& layer : layers) sum += layer.outputs;
  return sum;
}

static std::int64_t weights_of(const ModelWork& work) {
  std::int64_t sum = 0;
  for (const LayerWork& layer : work.layers) sum += layer.weights;
  return sum;
}

std::int64_t ModelWork::compulsory_elements() const {
  return input_elements + output_elements + weights_of(*this);
}

double ModelWork::intensity(double bytes_per_element) const {
  const double bytes = static_cast<double>(compulsory_elements()) * bytes_per_element;
  return bytes > 0.0 ? static_cast<double>(operations()) / bytes : 0.0;
}

double ModelWork::weight_intensity(double bytes_per_element) const {
  const double bytes = static_cast<double>(weights_of(*this)) * bytes_per_element;
  return bytes > 0.0 ? static_cast<double>(operations()) / bytes : 0.0;
}

ModelWork model_work(const Graph& graph) {
  ModelWork work;
  std::map<ValueId, bool> from_product;  // values that a product's own kernel can still change
  for (const Node& node : graph.nodes) {
    if (is_fused(node, from_product)) {
      from_product[node.outputs.at(0)] = from_product[node.inputs.at(0)];
      continue;
    }
    LayerWork layer{.name = node.name, .op = std::string(compiler::op_name(node.kind))};
    set_product(graph, node, layer);
    for (const ValueId id : node.inputs) {
      const auto elements = count_of(graph, id);
      (graph.value(id).constant ? layer.weights : layer.inputs) += elements;
    }
    for (const ValueId id : node.outputs) layer.outputs += count_of(graph, id);
    from_product[node.outputs.at(0)] = layer.m > 0;
    work.layers.push_back(std::move(layer));
  }
  for (const ValueId id : graph.inputs) {
    work.input_elements += count_of(graph, id);
    work.input_bytes += count_of(graph, id) * dtype_bytes(graph.value(id).type);
  }
  for (const ValueId id : graph.outputs) {
    work.output_elements += count_of(graph, id);
    work.output_bytes += count_of(graph, id) * dtype_bytes(graph.value(id).type);
  }
  work.batch = compiler::batch_of(graph).rows;
  return work;
}

std::optional<std::string> perceptron_text(const ModelWork& work) {
  std::string text;
  std::int64_t width = 0;
  for (const LayerWork& layer : work.layers) {
    const bool follows = text.empty() || layer.k == width;
    if (layer.op != "matmul" || layer.weights == 0 || !follows) return std::nullopt;
    if (text.empty()) text = fmt::format("mlp:{}", layer.k);
    width = layer.n;
    text += fmt::format(",{}", width);
  }
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace systole::compare
