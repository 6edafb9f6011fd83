// A node is evaluated in a graph of its own.
#include "compiler/ir/fold.h"

#include "compiler/ir/shapes.h"

namespace systole::compiler {

Tensor evaluate_node(const Graph& graph, const Node& node, Value result) {
  Graph alone;
  Node copy = node;
  for (ValueId& id : copy.inputs) id = alone.add_value(graph.value(id));
  copy.outputs = {alone.add_value(std::move(result))};
  alone.outputs = copy.outputs;
  alone.nodes.push_back(std::move(copy));
  return std::move(evaluate(alone, {}).front());
}

namespace {

// A bound of the elements that a host's function reads and writes.
double work_of_host(const Graph& graph, const Node& node, double results) {
  double work = results;
  for (const ValueId id : node.inputs)
    work += static_cast<double>(element_count(graph.value(id).shape));
  const auto last = [&](std::size_t i) {
    const Shape& shape = graph.value(node.inputs.at(i)).shape;
    return shape.empty() ? 1.0 : static_cast<double>(shape.back());
  };
  switch (std::get<HostAttrs>(node.attrs).fn) {
    case HostFn::kDet:
      return work * last(0);
    case HostFn::kMatmulInteger:
      return results * last(0);
    case HostFn::kNonMaxSuppression:  // every box with every better one
      return work * last(1);
    default:
      return work;
  }
}

}  // namespace

double work_of(const Graph& graph, const Node& node, const Shape& result) {
  const auto results = static_cast<double>(element_count(result));
  const auto shape = [&](std::size_t i) { return graph.value(node.inputs.at(i)).shape; };
  switch (node.kind) {
    case OpKind::kMatmul:
      return results * static_cast<double>(shape(1).at(0));
    case OpKind::kConv:
      return results * static_cast<double>(extent(shape(1), 1, shape(1).size()));
    case OpKind::kPool: {
      const Window& window = std::get<PoolAttrs>(node.attrs).window;
      return results * static_cast<double>(window.kernel[0]) *
             static_cast<double>(window.kernel[1]);
    }
    case OpKind::kReduce:
      return static_cast<double>(element_count(shape(0)));
    case OpKind::kHost:
      return work_of_host(graph, node, results);
    case OpKind::kMap:
    case OpKind::kZip:
    case OpKind::kTable:
    case OpKind::kMove:
    case OpKind::kQuantise:
    case OpKind::kDequantise:
    case OpKind::kSelect:
    case OpKind::kCast:
      return results;
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
}

}  // namespace systole::compiler
