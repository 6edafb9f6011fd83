// Pass move_quantisers: one sweep down, then one sweep up.
//
// A dequantise with one scale commutes with every op that only picks elements: reshape, transpose,
// concat of tensors with one quantisation, pad with a number that has an integer, and the largest
// of a window. A quantise with one scale commutes with them too, whatever the inputs are, as it is
// monotone and acts on each element alone.
#include "compiler/passes/move_quantisers.h"

#include <algorithm>
#include <map>

#include "base/numerics.h"
#include "compiler/ir/integers.h"
#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

bool picks_elements(const Node& node) {
  const auto* pool = std::get_if<PoolAttrs>(&node.attrs);
  return node.kind == OpKind::kMove || (pool != nullptr && pool->fn == PoolFn::kMax);
}

bool is_short(DType type) { return type != DType::kFloat32 && dtype_bytes(type) <= 2; }

bool same(const Quant& a, const Quant& b) {
  return a.type == b.type && a.scales == b.scales && a.zero_points == b.zero_points;
}

MoveAttrs* pad_of(Node& node) {
  auto* move = std::get_if<MoveAttrs>(&node.attrs);
  if (move == nullptr || move->fn != MoveFn::kPad) return nullptr;
  return move;
}

// The integer that is the pad's number, as the pad's new number; false if there is none.
bool dequantised_fill(Node& node, const Quant& q) {
  MoveAttrs* pad = pad_of(node);
  if (pad == nullptr) return true;
  const auto real = static_cast<float>(pad->fill);
  const IntegerRange range = integer_range(q.type);
  if (!(q.scales[0] > 0.0F)) return false;
  const std::int32_t v = quantise(real, q.scales[0], q.zero_points[0], range.lo, range.hi);
  pad->fill = v;
  return static_cast<float>(v - q.zero_points[0]) * q.scales[0] == real;
}

class Mover {
 public:
  explicit Mover(Graph& graph) : graph_(graph) {}

  void move_down() {
    std::map<ValueId, Node> dequantised;  // by result: its dequantise node
    std::vector<Node> nodes;
    for (Node& node : graph_.nodes) {
      const auto* quant = std::get_if<QuantAttrs>(&node.attrs);
      const bool kept = !picks_elements(node) || !take_integers(node, dequantised, nodes);
      if (!kept) continue;
      const bool short_one = node.kind == OpKind::kDequantise && quant->quant.per_tensor() &&
                             is_short(quant->quant.type);
      if (short_one) dequantised[node.outputs[0]] = node;
      nodes.push_back(std::move(node));
    }
    graph_.nodes = std::move(nodes);
  }

  // Nodes come back in slots, one for each old node, so that the order of slots stays.
  void move_up() {
    const UseMap uses(graph_);
    std::vector<std::vector<Node>> slots;
    for (Node& node : graph_.nodes) slots.push_back({std::move(node)});
    std::map<ValueId, std::size_t> slot_of;
    for (std::size_t i = 0; i < slots.size(); ++i) slot_of[slots[i][0].outputs[0]] = i;
    for (std::size_t i = slots.size(); i-- > 0;) {
      for (std::size_t k = slots[i].size(); k-- > 0;) {
        const Node quantise = slots[i][k];
        if (!is_movable(quantise) || !uses.single_use(quantise.inputs[0])) continue;
        const auto from = slot_of.find(quantise.inputs[0]);
        if (from == slot_of.end() || from->second == i) continue;
        std::vector<Node>& above = slots[from->second];
        if (!picks_elements(above.back()) || !keeps_fill(above.back(), quantise)) continue;
        pass_through(quantise, above);
        slots[i].erase(slots[i].begin() + static_cast<std::ptrdiff_t>(k));
        slot_of[above.back().outputs[0]] = from->second;
      }
    }
    graph_.nodes.clear();
    for (std::vector<Node>& slot : slots) {
      std::move(slot.begin(), slot.end(), std::back_inserter(graph_.nodes));
    }
  }

 private:
  static bool is_movable(const Node& node) {
    return node.kind == OpKind::kQuantise && std::get<QuantAttrs>(node.attrs).quant.per_tensor();
  }

  // A pad's number is an integer of the quantisation; as bfloat16 it is kept if it is whole.
  static bool keeps_fill(Node node, const Node& quantise) {
    const Quant& quant = std::get<QuantAttrs>(quantise.attrs).quant;
    return quant.type != DType::kBfloat16 || dequantised_fill(node, quant);
  }

  // Emits the node over its inputs' integers and a dequantise behind it; false if it must not.
  bool take_integers(const Node& node, std::map<ValueId, Node>& dequantised,
                     std::vector<Node>& nodes) {
    Node moved = node;
    std::optional<Quant> quant;
    for (ValueId& id : moved.inputs) {
      const auto found = dequantised.find(id);
      if (found == dequantised.end()) return false;
      const Quant& q = std::get<QuantAttrs>(found->second.attrs).quant;
      if (quant && !same(*quant, q)) return false;
      quant = q;
      id = found->second.inputs[0];
    }
    if (!quant || !dequantised_fill(moved, *quant)) return false;
    const Value& result = graph_.value(node.outputs[0]);
    moved.outputs = {graph_.add_value({result.name + "_integer", quant->type, result.shape, {}})};
    Node dequantise{OpKind::kDequantise, node.name,    node.origin,
                    moved.outputs,       node.outputs, QuantAttrs{*quant}};
    nodes.push_back(std::move(moved));
    dequantised[node.outputs[0]] = dequantise;
    nodes.push_back(std::move(dequantise));
    return true;
  }

  // Replaces the slot's last node by itself over quantised inputs, with the quantise's result.
  void pass_through(const Node& quantise, std::vector<Node>& slot) {
    Node moved = slot.back();
    slot.pop_back();
    const Quant& q = std::get<QuantAttrs>(quantise.attrs).quant;
    for (ValueId& id : moved.inputs) {
      const Value input = graph_.value(id);
      const ValueId integer = graph_.add_value({input.name + "_integer", q.type, input.shape, {}});
      slot.push_back(
          Node{OpKind::kQuantise, quantise.name, quantise.origin, {id}, {integer}, quantise.attrs});
      id = integer;
    }
    if (MoveAttrs* pad = pad_of(moved)) {
      const IntegerRange range = integer_range(q.type);
      pad->fill = systole::quantise(static_cast<float>(pad->fill), q.scales[0], q.zero_points[0],
                                    range.lo, range.hi);
    }
    moved.outputs = quantise.outputs;
    slot.push_back(std::move(moved));
  }

  Graph& graph_;
};

}  // namespace

Graph move_quantisers(Graph graph) {
  Mover mover(graph);
  mover.move_down();
  mover.move_up();
  eliminate_dead(graph);
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
