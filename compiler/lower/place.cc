// Placement: one sweep in topological order; a node's stage is the earliest its inputs allow.
#include "compiler/lower/place.h"

#include <algorithm>

#include "base/diag.h"

namespace systole::compiler {
namespace {

class Placer {
 public:
  Placer(const Graph& graph, const std::string& machine) : graph_(graph), machine_(machine) {}

  Placement run() {
    const std::size_t values = graph_.values.size();
    result_.root.resize(values);
    for (std::size_t v = 0; v < values; ++v) result_.root[v] = static_cast<ValueId>(v);
    host_ready_.assign(values, 0);
    device_segment_.assign(values, -1);
    for (const Node& node : graph_.nodes) place_node(node);
    return std::move(result_);
  }

 private:
  static std::size_t at(ValueId id) { return static_cast<std::size_t>(id); }

  void place_node(const Node& node) {
    const Where where = side_of(node);
    int stage = 0;
    for (ValueId id : node.inputs) {
      if (id != kNoValue && !graph_.value(id).constant) stage = std::max(stage, ready(id, where));
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
    }
  }

  // The earliest stage in which `node` can read `id`: a device result stays in the unified buffer
  // for a device node of the same segment that sees it as the same rows; otherwise it goes through
  // the host.
  int ready(ValueId id, Where where) const {
    const int segment = device_segment_[at(id)];
    if (where != Where::kDevice || segment < 0) return host_ready_[at(id)];
    const bool same_view =
        row_view(graph_.value(id).shape) == row_view(graph_.value(result_.root_of(id)).shape);
    return same_view ? segment : segment + 1;
  }

  Where side_of(const Node& node) const {
    switch (node.kind) {
      case OpKind::kMatmul:
        return check_matmul(node), Where::kDevice;
      case OpKind::kQuantise:
      case OpKind::kDequantise:
        return Where::kHost;
      case OpKind::kReduce:
        if (std::get<ReduceAttrs>(node.attrs).fn == ReduceFn::kSoftmax) return Where::kHost;
        break;
      case OpKind::kMap:
        if (std::get<MapAttrs>(node.attrs).fn == MapFn::kRelu) return Where::kHost;
        break;
      case OpKind::kZip:
        if (std::get<ZipAttrs>(node.attrs).fn == ZipFn::kAdd &&
            !std::get<ZipAttrs>(node.attrs).output)
          return check_add(node), Where::kHost;
        break;
      case OpKind::kMove:
        if (std::get<MoveAttrs>(node.attrs).fn == MoveFn::kReshape) return Where::kView;
        if (std::get<MoveAttrs>(node.attrs).fn == MoveFn::kTranspose) return Where::kHost;
        break;
      default:
        break;
    }
    throw InputError(
        "node " + node.name,
        "operator " + node.origin + " runs neither on machine " + machine_ + " nor on its host",
        "an operator that `systole ops` lists");
  }

  void check_matmul(const Node& node) const {
    const auto& attrs = std::get<MatmulAttrs>(node.attrs);
    const std::string where = "node " + node.name;
    const Value& weights = graph_.value(node.inputs[1]);
    if (!weights.constant && !graph_.structure_only) {
      throw InputError(
          where, "its second operand is computed at run time",
          "constant weights, as machine " + machine_ + " reads tiles from weight memory only");
    }
    if (!attrs.x_quant || !attrs.w_quant) {
      throw InputError(where, "is float32, but machine " + machine_ + " multiplies int8",
                       "a quantised model (systole quantize MODEL.onnx --calibrate DATA -o "
                       "QUANTISED.onnx), --calibrate DATA, or --timing-only");
    }
  }

  // The host adds where b's shape is the trailing part of a's.
  void check_add(const Node& node) const {
    const Shape& a = graph_.value(node.inputs[0]).shape;
    const Shape& b = graph_.value(node.inputs[1]).shape;
    const bool trailing = b.size() <= a.size() && std::equal(b.rbegin(), b.rend(), a.rbegin());
    if (!trailing && element_count(b) != 1) {
      throw InputError("node " + node.name,
                       "adds " + shape_text(b) + " to " + shape_text(a) + " on the host",
                       "shapes of which the second ends the first");
    }
  }

  const Graph& graph_;
  const std::string& machine_;
  Placement result_;
  std::vector<int> host_ready_;      // by value: first host stage that can read it
  std::vector<int> device_segment_;  // by value: segment whose unified buffer holds it, or -1
};

}  // namespace

RowView row_view(const Shape& shape) {
  RowView view;
  if (shape.empty()) return view;
  view.features = shape.back();
  for (std::size_t d = 0; d + 1 < shape.size(); ++d) view.rows *= shape[d];
  return view;
}

Placement place(const Graph& graph, const std::string& machine_name) {
  return Placer(graph, machine_name).run();
}

}  // namespace systole::compiler
