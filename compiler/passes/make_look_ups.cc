// Pass make_look_ups: one sweep that makes tables, one that moves them into products.
#include "compiler/passes/make_look_ups.h"

#include <algorithm>

#include "base/numerics.h"
#include "compiler/ir/elementwise.h"
#include "compiler/passes/clamp.h"
#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

constexpr int kPoints = 257, kPointStep = 256, kLowest = -32'768;

// The map at every 256th input. The last point lies one step beyond the type.
TableAttrs points_of(const MapAttrs& map) {
  TableAttrs table;
  const Quant& y = *map.output;
  const IntegerRange range = integer_range(y.type);
  for (int i = 0; i < kPoints; ++i) {
    const float x =
        dequantise(kLowest + kPointStep * i, map.x_quant->zero_points[0], map.x_quant->scales[0]);
    table.points.push_back(static_cast<std::int16_t>(
        quantise(map_exact(map, x), y.scales[0], y.zero_points[0], range.lo, range.hi)));
  }
  return table;
}

void tabulate(Node& node) {
  const auto* map = std::get_if<MapAttrs>(&node.attrs);
  if (map == nullptr || !map->output || Clamp::of(*map)) return;
  if (map->x_quant->type != DType::kInt16 || map->output->type != DType::kInt16) return;
  node.attrs = points_of(*map);
  node.kind = OpKind::kTable;
}

ProductQuants* quants(Node& node) {
  if (auto* matmul = std::get_if<MatmulAttrs>(&node.attrs)) return matmul;
  return std::get_if<ConvAttrs>(&node.attrs);
}

// Whether the table went into the product that makes its input.
bool moved_up(Graph& graph, const UseMap& uses, const Node& table) {
  const ValueId x = table.inputs[0];
  const int producer = uses.producer(x);
  if (producer < 0 || !uses.single_use(x)) return false;
  Node& node = graph.nodes[static_cast<std::size_t>(producer)];
  ProductQuants* product = quants(node);
  const ValueId y = table.outputs[0];
  if (product == nullptr || !product->output || product->lookup ||
      graph.value(x).type != graph.value(y).type)
    return false;
  product->lookup = std::get<TableAttrs>(table.attrs);
  node.outputs = {y};
  return true;
}

}  // namespace

Graph make_look_ups(Graph graph) {
  for (Node& node : graph.nodes) tabulate(node);
  const UseMap uses(graph);
  std::vector<bool> moved;
  for (const Node& node : graph.nodes)
    moved.push_back(node.kind == OpKind::kTable && moved_up(graph, uses, node));
  std::vector<Node> kept;
  for (std::size_t n = 0; n < moved.size(); ++n) {
    if (!moved[n]) kept.push_back(std::move(graph.nodes[n]));
  }
  graph.nodes = std::move(kept);
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
