// First the attributes, which need to know what was unsigned, then the values and the ends.
#include "compare/targets/gpu/signed_graph.h"

#include <algorithm>
#include <map>
#include <utility>

namespace systole::compare::gpu {
namespace {

using compiler::Graph;
using compiler::Node;
using compiler::OpKind;
using compiler::Quant;
using compiler::ValueId;

constexpr std::int32_t kShift = 128;
constexpr std::uint8_t kFlip = 0x80;

bool is_unsigned(const Graph& graph, ValueId id) {
  return id != compiler::kNoValue && graph.value(id).type == DType::kUint8;
}

void shift(std::optional<Quant>& quant) {
  if (!quant || quant->type != DType::kUint8) return;
  quant->type = DType::kInt8;
  for (std::int32_t& zero : quant->zero_points) zero -= kShift;
}

// Attrs with an output in [lo, hi].
template <typename Attrs>
void shift_output(Attrs& attrs) {
  if (attrs.output && attrs.output->type == DType::kUint8) {
    attrs.lo -= kShift;
    attrs.hi -= kShift;
  }
  shift(attrs.output);
}

void shift_product(const Graph& graph, const Node& node, compiler::ProductQuants& attrs) {
  const std::array<std::optional<Quant>*, 2> quants = {&attrs.x_quant, &attrs.w_quant};
  for (std::size_t i = 0; i < quants.size(); ++i) {
    const bool bare = is_unsigned(graph, node.inputs[i]) && !*quants[i];
    if (bare) *quants[i] = Quant{{1.0F}, {0}, 0, DType::kUint8};
    shift(*quants[i]);
  }
  shift_output(attrs);
}

void shift_table(const Graph& graph, const Node& node, compiler::TableAttrs& table) {
  const std::uint8_t from = is_unsigned(graph, node.inputs[0]) ? kFlip : 0;
  const std::uint8_t to = is_unsigned(graph, node.outputs[0]) ? kFlip : 0;
  const std::vector<std::uint8_t> old = table.entries;
  for (std::size_t i = 0; i < old.size(); ++i) {
    table.entries[i ^ from] = static_cast<std::uint8_t>(old[i] ^ to);
  }
}

void shift_attributes(const Graph& graph, Node& node) {
  if (auto* matmul = std::get_if<compiler::MatmulAttrs>(&node.attrs)) {
    shift_product(graph, node, *matmul);
  } else if (auto* conv = std::get_if<compiler::ConvAttrs>(&node.attrs)) {
    shift_product(graph, node, *conv);
  } else if (auto* zip = std::get_if<compiler::ZipAttrs>(&node.attrs)) {
    shift(zip->a_quant);
    shift(zip->b_quant);
    shift_output(*zip);
  } else if (auto* pool = std::get_if<compiler::PoolAttrs>(&node.attrs)) {
    shift(pool->x_quant);
    shift(pool->output);
  } else if (auto* table = std::get_if<compiler::TableAttrs>(&node.attrs)) {
    shift_table(graph, node, *table);
  } else if (auto* move = std::get_if<compiler::MoveAttrs>(&node.attrs)) {
    if (is_unsigned(graph, node.inputs[0])) move->fill -= kShift;
  } else if (auto* quant = std::get_if<compiler::QuantAttrs>(&node.attrs)) {
    std::optional<Quant> shifted = std::move(quant->quant);
    shift(shifted);
    quant->quant = std::move(*shifted);
  }
}

void flip_constant(compiler::Value& value) {
  value.type = DType::kInt8;
  if (!value.constant) return;
  value.constant->type = DType::kInt8;
  for (std::uint8_t& byte : value.constant->data) byte ^= kFlip;
}

Node flip_node(const Graph& graph, ValueId from, ValueId to) {
  compiler::TableAttrs table{std::vector<std::uint8_t>(256)};
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    table.entries[i] = static_cast<std::uint8_t>(i ^ kFlip);
  }
  return {OpKind::kTable, graph.value(to).name + "_flipped", "sign", {from}, {to}, table};
}

// Where the graph's unsigned inputs and outputs get a signed twin that all nodes use instead.
std::map<ValueId, ValueId> add_twins(Graph& graph) {
  std::map<ValueId, ValueId> twins;
  for (const auto* ids : {&graph.inputs, &graph.outputs}) {
    for (const ValueId id : *ids) {
      if (!is_unsigned(graph, id) || graph.value(id).constant || twins.contains(id)) continue;
      compiler::Value twin = graph.value(id);
      twin.name += "_signed";
      twins.emplace(id, graph.add_value(std::move(twin)));
    }
  }
  return twins;
}

}  // namespace

Graph signed_graph(Graph graph) {
  for (Node& node : graph.nodes) shift_attributes(graph, node);
  const std::map<ValueId, ValueId> twins = add_twins(graph);
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (is_unsigned(graph, id) && !twins.contains(id)) flip_constant(graph.value(id));
  }
  for (Node& node : graph.nodes) {
    for (auto* ids : {&node.inputs, &node.outputs}) {
      for (ValueId& id : *ids) {
        if (const auto twin = twins.find(id); twin != twins.end()) id = twin->second;
      }
    }
  }
  for (const auto& [id, twin] : twins) {
    const bool input = std::ranges::find(graph.inputs, id) != graph.inputs.end();
    Node flip = input ? flip_node(graph, id, twin) : flip_node(graph, twin, id);
    graph.nodes.insert(input ? graph.nodes.begin() : graph.nodes.end(), std::move(flip));
  }
  return graph;
}

}  // namespace systole::compare::gpu
