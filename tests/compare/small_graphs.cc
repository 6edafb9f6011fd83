// See small_graphs.h.
#include "tests/compare/small_graphs.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace systole::compare {
namespace {

using compiler::Graph;
using compiler::MatmulAttrs;
using compiler::Node;
using compiler::OpKind;
using compiler::Quant;
using compiler::ValueId;

ValueId add(Graph& graph, std::string name, DType type, Shape shape) {
  return graph.add_value({std::move(name), type, std::move(shape), {}});
}

ValueId add_constant(Graph& graph, std::string name, Tensor tensor) {
  const DType type = tensor.type;
  const Shape shape = tensor.shape;
  return graph.add_value({std::move(name), type, shape, std::move(tensor)});
}

ValueId add_node(Graph& graph, OpKind kind, std::string name, std::vector<ValueId> inputs,
                 ValueId result, compiler::Attrs attrs) {
  graph.nodes.push_back(
      {kind, std::move(name), "test", std::move(inputs), {result}, std::move(attrs)});
  return result;
}

Tensor random_weights(std::int64_t k, std::int64_t n, std::uint64_t seed) {
  Tensor tensor(DType::kInt8, {k, n});
  std::mt19937_64 random(seed);
  for (auto& w : tensor.as<std::int8_t>()) {
    w = static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127);
  }
  return tensor;
}

Tensor random_bias(std::int64_t n, std::uint64_t seed) {
  Tensor tensor(DType::kInt32, {n});
  std::mt19937_64 random(seed);
  for (auto& b : tensor.as<std::int32_t>()) {
    b = static_cast<std::int32_t>(random() % 20'001) - 10'000;
  }
  return tensor;
}

Tensor random_floats(Shape shape, std::uint64_t seed) {
  Tensor tensor(DType::kFloat32, std::move(shape));
  std::mt19937_64 random(seed);
  for (auto& x : tensor.as<float>()) x = static_cast<float>(random() >> 40) / 8'388'608.0F - 1.0F;
  return tensor;
}

// Scales that spread the results of random u8 x s8 sums over k terms across the 8-bit range.
MatmulAttrs integer_attrs(std::int64_t k, std::int64_t n) {
  MatmulAttrs attrs;
  attrs.x_quant = Quant{{1.0F / 255.0F}, {0}, 0, DType::kUint8};
  Quant w{{}, {}, 1, DType::kInt8};
  for (std::int64_t c = 0; c < n; ++c) {
    w.scales.push_back(0.01F + 0.001F * static_cast<float>(c % 13));
    w.zero_points.push_back(0);
  }
  attrs.w_quant = std::move(w);
  attrs.output = Quant{{0.0005F * static_cast<float>(k)}, {0}, 0, DType::kUint8};
  return attrs;
}

ValueId add_layer(Graph& graph, const std::string& name, ValueId x, std::int64_t n,
                  bool with_bias) {
  const Shape shape = graph.value(x).shape;
  const std::int64_t k = shape[1];
  std::vector<ValueId> inputs{x, add_constant(graph, name + ".w", random_weights(k, n, 1))};
  if (with_bias) inputs.push_back(add_constant(graph, name + ".b", random_bias(n, 2)));
  const ValueId y = add(graph, name + ".y", DType::kUint8, {shape[0], n});
  return add_node(graph, OpKind::kMatmul, name, std::move(inputs), y, integer_attrs(k, n));
}

}  // namespace

Graph integer_layer_graph(std::int64_t rows, std::int64_t k, std::int64_t n, bool with_bias) {
  Graph graph;
  graph.name = "integer_layer";
  const ValueId x = add(graph, "x", DType::kUint8, {rows, k});
  graph.inputs = {x};
  graph.outputs = {add_layer(graph, "layer", x, n, with_bias)};
  return graph;
}

Graph float_chain_graph(std::int64_t rows, std::int64_t k, std::int64_t n) {
  Graph graph;
  graph.name = "float_chain";
  const ValueId x = add(graph, "x", DType::kFloat32, {rows, k});
  const ValueId w = add_constant(graph, "w", random_floats({k, n}, 4));
  const ValueId b = add_constant(graph, "b", random_floats({n}, 5));
  MatmulAttrs attrs;
  attrs.alpha = 0.5F;
  attrs.beta = 3.0F;
  const auto result = [&](const char* name) {
    return add(graph, name, DType::kFloat32, {rows, n});
  };
  ValueId y = add_node(graph, OpKind::kMatmul, "fc", {x, w, b}, result("y"), attrs);
  y = add_node(graph, OpKind::kMap, "relu", {y}, result("r"), compiler::MapAttrs{});
  y = add_node(graph, OpKind::kReduce, "softmax", {y}, result("p"),
               compiler::ReduceAttrs{compiler::ReduceFn::kSoftmax, 1, 2});
  graph.inputs = {x};
  graph.outputs = {y};
  return graph;
}

Graph quantised_chain_graph(std::int64_t rows, std::int64_t k, std::int64_t n) {
  constexpr std::int64_t kHidden = 48;
  Graph graph;
  graph.name = "quantised_chain";
  const ValueId x = add(graph, "x", DType::kFloat32, {rows, k});
  const Quant in{{1.0F / 255.0F}, {0}, 0, DType::kUint8};
  const Quant out{{0.0005F * static_cast<float>(kHidden)}, {119}, 0, DType::kUint8};
  ValueId y = add_node(graph, OpKind::kQuantise, "quantise", {x},
                       add(graph, "xq", DType::kUint8, {rows, k}), compiler::QuantAttrs{in});
  y = add_layer(graph, "fc1", y, kHidden, true);
  y = add_layer(graph, "fc2", y, n, true);
  std::get<MatmulAttrs>(graph.nodes.back().attrs).output = out;
  y = add_node(graph, OpKind::kDequantise, "dequantise", {y},
               add(graph, "logits", DType::kFloat32, {rows, n}), compiler::QuantAttrs{out});
  y = add_node(graph, OpKind::kReduce, "softmax", {y}, add(graph, "p", DType::kFloat32, {rows, n}),
               compiler::ReduceAttrs{compiler::ReduceFn::kSoftmax, 1, 2});
  graph.inputs = {x};
  graph.outputs = {y};
  return graph;
}

}  // namespace systole::compare
