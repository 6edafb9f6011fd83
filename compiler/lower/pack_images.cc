// Packing images: all factors and all ends of the chain are priced, in rows of array and vector
// unit.
#include "compiler/lower/pack_images.h"

#include <algorithm>
#include <limits>

#include "compiler/lower/lower.h"
#include "compiler/lower/product.h"
#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

// Layers that follow each other, each the only reader of the value before it.
struct Chain {
  ValueId input = kNoValue;
  std::vector<std::size_t> nodes;
};

bool packs(const Node& node) {
  switch (node.kind) {
    case OpKind::kPool:
    case OpKind::kTable:
      return true;
    case OpKind::kMap: {
      const auto& attrs = std::get<MapAttrs>(node.attrs);
      return attrs.x_quant && attrs.output;
    }
    case OpKind::kConv: {
      const auto& attrs = std::get<ConvAttrs>(node.attrs);
      if (!attrs.x_quant || !attrs.w_quant) return false;
      if (attrs.x_quant->type == DType::kBfloat16) return false;  // a zero times infinity
      const auto& zeros = attrs.w_quant->zero_points;
      return std::all_of(zeros.begin(), zeros.end(), [](std::int32_t zero) { return zero == 0; });
    }
    case OpKind::kMatmul:
    case OpKind::kZip:
    case OpKind::kReduce:
    case OpKind::kMove:
    case OpKind::kQuantise:
    case OpKind::kDequantise:
    case OpKind::kSelect:
    case OpKind::kCast:
    case OpKind::kHost:
      return false;
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
}

// The chain from the first convolution that reads what the device does not make.
Chain find_chain(const Graph& graph) {
  const UseMap uses(graph);
  Chain chain;
  for (std::size_t n = 0; n < graph.nodes.size() && chain.nodes.empty(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.kind != OpKind::kConv || !packs(node) || !uses.single_use(node.inputs[0])) continue;
    const int producer = uses.producer(node.inputs[0]);
    const bool from_host =
        producer < 0 || graph.nodes[static_cast<std::size_t>(producer)].kind == OpKind::kQuantise;
    if (!from_host || graph.value(node.inputs[0]).constant) return chain;
    chain.input = node.inputs[0];
    chain.nodes.push_back(n);
  }
  while (!chain.nodes.empty()) {
    const ValueId out = graph.nodes[chain.nodes.back()].outputs[0];
    if (!uses.single_use(out)) break;
    const auto next = static_cast<std::size_t>(uses.users(out).front());
    if (!packs(graph.nodes[next]) || graph.nodes[next].inputs[0] != out) break;
    chain.nodes.push_back(next);
  }
  return chain;
}

Shape packed(const Shape& shape, std::int64_t together) {
  return {shape[0] / together, shape[1] * together, shape[2], shape[3]};
}

template <typename T>
void repeat(std::vector<T>& values, std::int64_t times) {
  const std::vector<T> once = values;
  values.reserve(once.size() * static_cast<std::size_t>(times));
  for (std::int64_t i = 1; i < times; ++i) values.insert(values.end(), once.begin(), once.end());
}

void repeat(Tensor& constant, std::int64_t times) {
  repeat(constant.data, times);
  constant.shape[0] *= times;
}

void pack_groups(ConvAttrs& attrs, std::int64_t together) {
  attrs.groups *= together;
  Quant& weights = *attrs.w_quant;
  if (weights.per_tensor()) return;
  repeat(weights.scales, together);
  repeat(weights.zero_points, together);
}

// Prices of a chain without the weights' values.
class Pricer {
 public:
  Pricer(const Graph& graph, const Chain& chain, const isa::Machine& machine)
      : chain_(chain), machine_(machine) {
    for (const Value& value : graph.values)
      shapes_.add_value({value.name, value.type, value.shape, {}});
    for (std::size_t n : chain.nodes) {
      shapes_.nodes.push_back(graph.nodes[n]);
      read_on_device_.push_back(read_on_device(graph, graph.nodes[n].outputs[0]));
    }
  }

  // Whether each value's channels, `together` times, fit one row of the array and of the buffer.
  [[nodiscard]] bool fits(std::size_t layers, std::int64_t together) const {
    const std::int64_t width = std::min(
        {machine_.r(), machine_.c(), block_width(machine_, 1), machine_.unified_buffer_row_bytes});
    for (std::size_t i = 0; i < layers; ++i) {
      const Node& node = shapes_.nodes[i];
      for (ValueId id : {node.inputs[0], node.outputs[0]}) {
        const Value& value = shapes_.value(id);
        if (value.shape[1] * together * dtype_bytes(value.type) > width) return false;
      }
    }
    return true;
  }

  // Cycles of the chain, its first `layers` packed, if no unit works beside another.
  [[nodiscard]] std::int64_t price(std::size_t layers, std::int64_t together) const {
    std::int64_t cycles = 0;
    for (std::size_t i = 0; i < chain_.nodes.size(); ++i)
      cycles += layer(i, i < layers ? together : 1);
    if (together == 1 || !read_on_device_[layers - 1]) return cycles;
    const Shape& last = shapes_.value(shapes_.nodes[layers - 1].outputs[0]).shape;
    return cycles + last[0] * last[2] * last[3];  // each pixel is copied to a row of its own
  }

 private:
  [[nodiscard]] std::int64_t layer(std::size_t i, std::int64_t together) const {
    Graph graph = shapes_;
    Node& node = graph.nodes[i];
    for (ValueId id : {node.inputs[0], node.outputs[0]})
      graph.value(id).shape = packed(graph.value(id).shape, together);
    const FeatureMap in = image_view(graph.value(node.inputs[0]).shape);
    const FeatureMap out = image_view(graph.value(node.outputs[0]).shape);
    const std::int64_t rows = out.pixels() * ceil_div(out.channels, block_width(machine_, 1));
    if (const auto* pool = std::get_if<PoolAttrs>(&node.attrs))
      return rows * pool->window.kernel[0] * pool->window.kernel[1];
    auto* conv = std::get_if<ConvAttrs>(&node.attrs);
    if (conv == nullptr) return rows;
    pack_groups(*conv, together);
    const Fold fold = i == 0 ? best_fold(graph, node, machine_) : Fold{};
    return pass_cycles(make_product(graph, node, folded(in, fold), machine_, {.fold = fold}));
  }

  const Chain& chain_;
  const isa::Machine& machine_;
  Graph shapes_;                      // the chain's nodes, and all values without constants
  std::vector<bool> read_on_device_;  // by node of the chain: its result
};

void pack_node(Graph& graph, Node& node, std::int64_t together) {
  graph.value(node.outputs[0]).shape = packed(graph.value(node.outputs[0]).shape, together);
  auto* conv = std::get_if<ConvAttrs>(&node.attrs);
  if (conv == nullptr) return;
  pack_groups(*conv, together);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == kNoValue) continue;
    Value copies = graph.value(node.inputs[i]);
    copies.shape[0] *= together;
    if (copies.constant) repeat(*copies.constant, together);
    node.inputs[i] = graph.add_value(std::move(copies));
  }
}

Node reshape(const std::string& name, ValueId from, ValueId to) {
  return {OpKind::kMove, name, "Reshape", {from}, {to}, MoveAttrs{}};
}

void pack(Graph& graph, const Chain& chain, std::size_t layers, std::int64_t together) {
  Value input = graph.value(chain.input);
  input.name += ".together";
  input.shape = packed(input.shape, together);
  const ValueId first = graph.add_value(std::move(input));
  Node& last = graph.nodes[chain.nodes[layers - 1]];
  const ValueId apart = last.outputs[0];
  Value output = graph.value(apart);
  output.name += ".together";
  last.outputs[0] = graph.add_value(std::move(output));  // still in its old shape
  graph.nodes[chain.nodes[0]].inputs[0] = first;
  for (std::size_t i = 0; i < layers; ++i) pack_node(graph, graph.nodes[chain.nodes[i]], together);
  const Node take_apart = reshape(last.name + ".apart", last.outputs[0], apart);
  const auto at = [&](std::size_t node) {
    return graph.nodes.begin() + static_cast<std::ptrdiff_t>(node);
  };
  graph.nodes.insert(at(chain.nodes[layers - 1] + 1), take_apart);
  const std::string name = graph.nodes[chain.nodes[0]].name + ".together";
  graph.nodes.insert(at(chain.nodes[0]), reshape(name, chain.input, first));
  graph.images_together = together;
}

// At most so many images together, whether or not they have room.
Graph packed_at_most(Graph graph, const isa::Machine& machine, std::int64_t most) {
  if (graph.separate_layers || graph.inputs.empty()) return graph;
  const Chain chain = find_chain(graph);
  if (chain.nodes.empty()) return graph;
  const std::int64_t batch = graph.value(graph.inputs[0]).shape[0];
  if (graph.value(chain.input).shape[0] != batch) return graph;
  const Pricer pricer(graph, chain, machine);
  std::size_t layers = 0;
  std::int64_t together = 1;
  std::int64_t best = pricer.price(0, 1);
  for (std::int64_t g = 2; g <= std::min(batch, most) && pricer.fits(1, g); ++g) {
    if (batch % g != 0) continue;
    for (std::size_t n = 1; n <= chain.nodes.size() && pricer.fits(n, g); ++n) {
      const std::int64_t price = pricer.price(n, g);
      if (price >= best) continue;
      best = price;
      layers = n;
      together = g;
    }
  }
  if (layers > 0) pack(graph, chain, layers, together);
  return graph;
}

}  // namespace

bool read_on_device(const Graph& graph, ValueId id) {
  return std::ranges::any_of(graph.nodes, [id](const Node& node) {
    const bool reads = std::ranges::find(node.inputs, id) != node.inputs.end();
    return reads && node.kind != OpKind::kDequantise;
  });
}

// Half as many images together need less room.
Graph pack_images(const Graph& graph, const isa::Machine& machine) {
  Graph packed = packed_at_most(graph, machine, std::numeric_limits<std::int64_t>::max());
  while (packed.images_together > 1 && !fits_buffer(packed, machine))
    packed = packed_at_most(graph, machine, packed.images_together / 2);
  return packed;
}

}  // namespace systole::compiler
