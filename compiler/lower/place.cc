// Placement: one sweep in topological order; a node's stage is the earliest its inputs allow.
#include "compiler/lower/place.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/diag.h"
#include "compiler/lower/host_step.h"
#include "compiler/lower/layout.h"
#include "compiler/lower/pack_images.h"
#include "compiler/lower/product.h"
#include "compiler/lower/vector_op.h"
#include "compiler/passes/clamp.h"

namespace systole::compiler {
namespace {

// Whether there is something to read and something to write.
bool has_elements(const Graph& graph, const Node& node) {
  const auto is_filled = [&](ValueId id) {
    return id == kNoValue || element_count(graph.value(id).shape) > 0;
  };
  return std::ranges::all_of(node.inputs, is_filled) && is_filled(node.outputs[0]);
}

constexpr std::int64_t kMaxWindow = 255;  // of the instructions' Window and Pad operands

bool is_short(DType type) {
  return type == DType::kUint8 || type == DType::kInt8 || type == DType::kInt16 ||
         type == DType::kBfloat16;
}
bool is_short(const std::optional<Quant>& quant) {
  return quant && is_short(quant->type) && quant->per_tensor();
}

class Placer {
 public:
  Placer(const Graph& graph, const isa::Machine& machine, const std::set<std::size_t>& on_host)
      : graph_(graph), machine_(machine), on_host_(on_host) {
    is_quantised_ = std::ranges::any_of(graph.nodes, [](const Node& node) {
      const auto* const matmul = std::get_if<MatmulAttrs>(&node.attrs);
      const auto* const conv = std::get_if<ConvAttrs>(&node.attrs);
      return node.kind == OpKind::kQuantise || (matmul != nullptr && matmul->x_quant) ||
             (conv != nullptr && conv->x_quant);
    });
  }

  Placement run() {
    const std::size_t values = graph_.values.size();
    result_.root.resize(values);
    result_.view.resize(values);
    for (std::size_t v = 0; v < values; ++v) result_.root[v] = static_cast<ValueId>(v);
    host_ready_.assign(values, 0);
    device_segment_.assign(values, -1);
    for (const Node& node : graph_.nodes) place_node(node);
    return std::move(result_);
  }

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }

  void place_node(const Node& node) {
    const bool forced = on_host_.contains(result_.where.size());
    const Where where = forced ? Where::kHost : side_of(node);
    int stage = 0;
    for (ValueId id : node.inputs) {
      if (id == kNoValue || graph_.value(id).constant) continue;
      stage = std::max(stage, where == Where::kDevice ? ready(node, id) : host_ready_[at(id)]);
    }
    if (where == Where::kDevice && graph_.separate_layers) {
      stage = std::max(stage, result_.segments);
    }
    result_.where.push_back(where);
    result_.stage.push_back(stage);
    if (where == Where::kDevice) result_.segments = std::max(result_.segments, stage + 1);
    for (ValueId id : node.outputs) {
      if (where == Where::kView) {
        const ValueId source = node.inputs[0];
        result_.root[at(id)] = result_.root_of(source);
        host_ready_[at(id)] = host_ready_[at(source)];
        device_segment_[at(id)] = device_segment_[at(source)];
        continue;
      }
      host_ready_[at(id)] = where == Where::kDevice ? stage + 1 : stage;
      device_segment_[at(id)] = where == Where::kDevice ? stage : -1;
      if (where == Where::kDevice) result_.view[at(id)] = device_view(graph_, node, id);
    }
  }

  // The earliest stage in which device node `node` can read `id`: a device result stays in the
  // unified buffer for a node of the same segment that can read it as it lies there; otherwise it
  // goes through the host.
  int ready(const Node& node, ValueId id) const {
    const int segment = device_segment_[at(id)];
    if (segment < 0) return host_ready_[at(id)];
    const FeatureMap& stored = result_.view[at(result_.root_of(id))];
    const FeatureMap wanted = device_view(graph_, node, id);
    const bool fits = stored == wanted || reads_flattened(node, wanted, stored);
    return fits ? segment : segment + 1;
  }

  Where side_of(const Node& node) const {
    switch (node.kind) {
      case OpKind::kMatmul:
        if (is_hosts_product(node)) return Where::kHost;
        return check_product(node, std::get<MatmulAttrs>(node.attrs)), Where::kDevice;
      case OpKind::kConv:
        if (is_hosts_product(node)) return Where::kHost;
        return check_product(node, std::get<ConvAttrs>(node.attrs)), Where::kDevice;
      case OpKind::kQuantise:
      case OpKind::kDequantise:
      case OpKind::kSelect:
      case OpKind::kCast:
      case OpKind::kHost:
        return Where::kHost;
      case OpKind::kMove:
        if (std::get<MoveAttrs>(node.attrs).fn == MoveFn::kReshape)
          return takes_apart(node) ? Where::kDevice : Where::kView;
        break;
      case OpKind::kMap:
      case OpKind::kZip:
      case OpKind::kTable:
      case OpKind::kReduce:
      case OpKind::kPool:
        break;
    }
    const std::string obstacle = vector_obstacle(graph_, node);
    if (obstacle.empty()) return Where::kDevice;
    const bool is_float = graph_.value(node.outputs[0]).type == DType::kFloat32;
    if (host_step(node, is_float)) return Where::kHost;
    throw InputError(
        "node " + node.name,
        fmt::format("operator {} {}, and the host does not run it either", node.origin, obstacle),
        "an operator that `systole ops` lists");
  }

  // Whether the host can do a product that the machine cannot: its second operand is computed at
  // run time, or it is one that was left in floats where others are of integers.
  [[nodiscard]] bool is_hosts_product(const Node& node) const {
    if (!host_step(node, true)) return false;
    const ValueId w = node.inputs[1];
    const bool computed = !graph_.value(w).constant && !is_dequantised_constant(w);
    return computed || is_quantised_;
  }

  // Whether a reshape makes of each image in the unified buffer several of fewer channels.
  bool takes_apart(const Node& node) const {
    const Shape& from = graph_.value(node.inputs[0]).shape;
    const Shape& to = graph_.value(node.outputs[0]).shape;
    return graph_.images_together > 1 && device_segment_[at(node.inputs[0])] >= 0 &&
           read_on_device(graph_, node.outputs[0]) && from.size() == 4 && to.size() == 4 &&
           from[2] == to[2] && from[3] == to[3] && to[0] == from[0] * graph_.images_together;
  }

  void check_product(const Node& node, const ProductQuants& quants) const {
    const std::string where = "node " + node.name;
    if (!has_elements(graph_, node))
      throw InputError(where, "multiplies or makes a tensor without elements", "one at least");
    const Value& weights = graph_.value(node.inputs[1]);
    if (!weights.constant && !graph_.structure_only) {
      if (is_dequantised_constant(node.inputs[1])) {
        throw InputError(where, "its weights are integers but its activations are float32",
                         "activations behind QuantizeLinear and DequantizeLinear, as machine " +
                             machine_.name + " multiplies int8");
      }
      throw InputError(
          where, "its second operand is computed at run time",
          "constant weights, as machine " + machine_.name + " reads tiles from weight memory only");
    }
    if (!quants.x_quant || !quants.w_quant) {
      throw InputError(where, "is float32, but machine " + machine_.name + " multiplies int8",
                       "a quantised model (systole quantize MODEL.onnx --calibrate DATA -o "
                       "QUANTISED.onnx), --calibrate DATA, or --timing-only");
    }
    if (quants.x_quant->type == DType::kBfloat16) return check_groups(node);
    if (machine_.array_operands == isa::Operands::kBf16) {
      throw InputError(where, "is quantised, but machine " + machine_.name + " multiplies bfloat16",
                       "a float32 model, or a machine whose array.operands are integers or both");
    }
    if (!is_short(quants.x_quant->type) || dtype_bytes(quants.w_quant->type) != 1) {
      throw InputError(where,
                       fmt::format("multiplies {} by {}", dtype_name(quants.x_quant->type),
                                   dtype_name(quants.w_quant->type)),
                       "uint8, int8 or int16 by uint8 or int8");
    }
  }

  // Tiles of floats are of one group each (product.cc), which reads and writes parts of pixels:
  // each has to be one row.
  void check_groups(const Node& node) const {
    const auto* conv = std::get_if<ConvAttrs>(&node.attrs);
    if (conv == nullptr || conv->groups == 1) return;
    for (const ValueId id : {node.inputs[0], node.outputs[0]}) {
      const std::int64_t element = dtype_bytes(graph_.value(id).type);
      const std::int64_t bytes = element * block_width(machine_, element);
      if (bytes <= machine_.unified_buffer_row_bytes) continue;
      throw InputError("node " + node.name,
                       fmt::format("is a convolution of {} groups in bfloat16 whose pixels of {} "
                                   "take more than one row of the unified buffer",
                                   conv->groups, dtype_name(graph_.value(id).type)),
                       fmt::format("one group, or unified_buffer.row_bytes = {}", bytes));
    }
  }

  [[nodiscard]] bool is_dequantised_constant(ValueId id) const {
    return std::ranges::any_of(graph_.nodes, [&](const Node& node) {
      return node.kind == OpKind::kDequantise && node.outputs[0] == id &&
             graph_.value(node.inputs[0]).constant;
    });
  }

  const Graph& graph_;
  const isa::Machine& machine_;
  const std::set<std::size_t>& on_host_;
  bool is_quantised_ = false;  // then what is left of floats is the host's
  Placement result_;
  std::vector<int> host_ready_;      // by value: first host stage that can read it
  std::vector<int> device_segment_;  // by value: segment whose unified buffer holds it, or -1
};

// The view of an operand that is broadcast to `to`'s rank.
FeatureMap elementwise_view(Shape shape, std::size_t rank) {
  while (shape.size() < rank) shape.insert(shape.begin(), 1);
  return rank == 4 ? image_view(shape) : rows_view(shape);
}

std::string zip_obstacle(const Graph& graph, const Node& node) {
  const auto& attrs = std::get<ZipAttrs>(node.attrs);
  if (!vector_op(attrs.fn)) return "is nothing the vector unit does";
  if (!is_short(attrs.a_quant) || !is_short(attrs.b_quant) || !is_short(attrs.output))
    return "is not between integers of one scale each";
  const FeatureMap out = device_view(graph, node, node.outputs[0]);
  for (ValueId id : node.inputs) {
    const FeatureMap in = device_view(graph, node, id);
    const bool per_image = in.image_pixels() == 1 && (in.images == 1 || in.images == out.images);
    if (in.channels != out.channels || (in != out && !per_image))
      return "broadcasts other dimensions than whole images";
  }
  const bool none = device_view(graph, node, node.inputs[0]) != out &&
                    device_view(graph, node, node.inputs[1]) != out;
  if (none) return "broadcasts both operands";
  const bool first = device_view(graph, node, node.inputs[0]) != out;
  return first && !commutes(attrs.fn) ? "broadcasts the first operand" : "";
}

std::string map_obstacle(const Node& node) {
  const auto& attrs = std::get<MapAttrs>(node.attrs);
  if (!is_short(attrs.x_quant) || !is_short(attrs.output)) return "is not between integers";
  return Clamp::of(attrs) ? "" : "has no table";
}

std::string pool_function_obstacle(const PoolAttrs& attrs) {
  switch (attrs.fn) {
    case PoolFn::kMax:
      return "";
    case PoolFn::kAverage:
      if (!is_short(attrs.x_quant) || !is_short(attrs.output)) return "averages without scales";
      if (attrs.x_quant->type != attrs.output->type) return "changes its type";
      if (attrs.count_padding && attrs.overhang != std::array<std::int64_t, 2>{})
        return "averages windows that reach over their padding";
      return "";
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(attrs.fn));
}

std::string pool_obstacle(const Graph& graph, const Node& node) {
  const auto& attrs = std::get<PoolAttrs>(node.attrs);
  const Window& w = attrs.window;
  if (!is_short(graph.value(node.inputs[0]).type)) return "is not of integers";
  if (std::string obstacle = pool_function_obstacle(attrs); !obstacle.empty()) return obstacle;
  if (w.dilations != std::array<std::int64_t, 2>{1, 1}) return "has a dilated window";
  const std::int64_t largest = std::max({w.kernel[0], w.kernel[1], w.strides[0], w.strides[1],
                                         *std::max_element(w.pads.begin(), w.pads.end())});
  if (largest > kMaxWindow) return fmt::format("has a window extent of {}", largest);
  return "";
}

// Whether nobody else reads the node's first input, and no device node of its segment makes it.
bool reads_alone_from_host(const Graph& graph, const Placement& placement, std::size_t node) {
  const ValueId root = placement.root_of(graph.nodes[node].inputs[0]);
  if (graph.value(root).constant) return false;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (placement.where[n] == Where::kView) continue;
    const Node& other = graph.nodes[n];
    const bool makes = placement.where[n] == Where::kDevice && other.outputs[0] == root;
    if (makes && placement.stage[n] == placement.stage[node]) return false;
    const auto reads = std::count_if(other.inputs.begin(), other.inputs.end(), [&](ValueId id) {
      return id != kNoValue && placement.root_of(id) == root;
    });
    if (reads > (n == node ? 1 : 0)) return false;
  }
  return true;
}

// The most elements of a value that fill a row of the unified buffer, if all that the device does
// is element by element, on values of one size; else 0.
std::int64_t channels_together(const Graph& graph, const Placement& placement,
                               const isa::Machine& machine) {
  std::int64_t count = 0, width = machine.unified_buffer_row_bytes;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (placement.where[n] != Where::kDevice) continue;
    const bool each =
        node.kind == OpKind::kMap || node.kind == OpKind::kZip || node.kind == OpKind::kTable;
    if (!each) return 0;
    std::vector<ValueId> values = node.inputs;
    values.push_back(node.outputs[0]);
    for (const ValueId id : values) {
      const Value& value = graph.value(id);
      if (count == 0) count = element_count(value.shape);
      if (element_count(value.shape) != count) return 0;
      width = std::min(width, block_width(machine, dtype_bytes(value.type)));
    }
  }
  const std::int64_t full = std::min(width, count);
  while (width > 1 && count % width != 0) --width;
  return width > full / 2 ? width : 0;
}

std::string move_obstacle(const Graph& graph, const Node& node) {
  const auto& attrs = std::get<MoveAttrs>(node.attrs);
  const Value& out = graph.value(node.outputs[0]);
  if (attrs.fn != MoveFn::kConcat) return "moves elements between pixels";
  if (!is_short(out.type)) return "is not of integers";
  const std::size_t rank = out.shape.size();
  const std::int64_t channel_axis = rank == 4 ? 1 : static_cast<std::int64_t>(rank) - 1;
  return attrs.axis == channel_axis ? "" : "concatenates along another dimension than channels";
}

}  // namespace

FeatureMap device_view(const Graph& graph, const Node& node, ValueId id) {
  const Shape& shape = graph.value(id).shape;
  switch (node.kind) {
    case OpKind::kConv:
    case OpKind::kPool:
      return image_view(shape);
    case OpKind::kMatmul:
      return rows_view(shape);
    case OpKind::kMap:
    case OpKind::kZip:
    case OpKind::kTable:
    case OpKind::kReduce:
    case OpKind::kMove:
    case OpKind::kQuantise:
    case OpKind::kDequantise:
    case OpKind::kSelect:
    case OpKind::kCast:
    case OpKind::kHost:
      return elementwise_view(shape, graph.value(node.outputs[0]).shape.size());
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
}

bool reads_flattened(const Node& node, const FeatureMap& wanted, const FeatureMap& stored) {
  return node.kind == OpKind::kMatmul && term_count(node) == 1 && wanted.images == stored.images &&
         wanted.channels == stored.image_pixels() * stored.channels;
}

std::string vector_obstacle(const Graph& graph, const Node& node) {
  if (!has_elements(graph, node)) return "has no elements";
  switch (node.kind) {
    case OpKind::kMap:
      return map_obstacle(node);
    case OpKind::kZip:
      return zip_obstacle(graph, node);
    case OpKind::kTable:
      return "";
    case OpKind::kPool:
      return pool_obstacle(graph, node);
    case OpKind::kMove:
      return move_obstacle(graph, node);
    case OpKind::kMatmul:
    case OpKind::kConv:
    case OpKind::kReduce:
    case OpKind::kQuantise:
    case OpKind::kDequantise:
    case OpKind::kSelect:
    case OpKind::kCast:
    case OpKind::kHost:
      return "is nothing the vector unit does";
  }
  SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
}

FeatureMap host_view(const Graph& graph, const Placement& placement, std::size_t node, ValueId id) {
  const FeatureMap view = placed_view(graph, placement, graph.nodes[node], id);
  return id == graph.nodes[node].inputs[0] ? folded(view, placement.fold[node]) : view;
}

FeatureMap placed_view(const Graph& graph, const Placement& placement, const Node& node,
                       ValueId id) {
  const std::int64_t channels = placement.channels_together;
  if (channels == 0) return device_view(graph, node, id);
  return {element_count(graph.value(id).shape) / channels, 1, 1, channels};
}

Placement place(const Graph& graph, const isa::Machine& machine,
                const std::set<std::size_t>& on_host) {
  Placement placement = Placer(graph, machine, on_host).run();
  placement.fold.resize(graph.nodes.size());
  placement.bands.assign(static_cast<std::size_t>(placement.segments), 1);
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool on_device = placement.where[n] == Where::kDevice;
    if (on_device && node.kind == OpKind::kConv && reads_alone_from_host(graph, placement, n))
      placement.fold[n] = best_fold(graph, node, machine);
  }
  placement.channels_together = channels_together(graph, placement, machine);
  for (std::size_t n = 0; n < graph.nodes.size() && placement.channels_together > 0; ++n) {
    if (placement.where[n] != Where::kDevice) continue;
    const ValueId id = graph.nodes[n].outputs[0];
    placement.view[static_cast<std::size_t>(id)] =
        placed_view(graph, placement, graph.nodes[n], id);
  }
  return placement;
}

}  // namespace systole::compiler
