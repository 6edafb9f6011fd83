// Graph builder: folding by the reference evaluator, pruning by a walk back from the outputs.
#include "compiler/ir/graph_builder.h"

#include <algorithm>
#include <set>

#include "compiler/ir/fold.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Folded results may have this many elements and some more for each given one. A file of a few
// nodes can ask for any number (a Pad of one element, Concats of their own results).
constexpr std::int64_t kFreeElements = std::int64_t{1} << 26, kElementsPerGiven = 8;

// The axis of `shape` that is axis `q.axis` of `from` after a reshape that only adds or removes
// dimensions of 1; -1 if the reshape does more.
std::int64_t reshaped_axis(const Shape& from, const Shape& shape, std::int64_t axis) {
  const auto long_dims = [](const Shape& s) {
    Shape result;
    std::copy_if(s.begin(), s.end(), std::back_inserter(result), [](auto d) { return d != 1; });
    return result;
  };
  const auto at = static_cast<std::size_t>(axis);
  if (long_dims(from) != long_dims(shape) || from[at] == 1) return -1;
  auto rank = std::count_if(from.begin(), from.begin() + axis, [](auto d) { return d != 1; });
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] != 1 && rank-- == 0) return static_cast<std::int64_t>(i);
  }
  return -1;
}

}  // namespace

void GraphBuilder::begin_layer(std::string name, std::string origin) {
  layer_ = std::move(name);
  origin_ = std::move(origin);
  first_of_layer_ = static_cast<ValueId>(graph_.values.size());
}

ValueId GraphBuilder::add_input(const std::string& name, DType type, Shape shape) {
  const ValueId id = graph_.add_value({name, type, std::move(shape), {}});
  producer_.push_back(-1);
  graph_.inputs.push_back(id);
  return id;
}

ValueId GraphBuilder::add_constant(const std::string& name, Tensor t) {
  given_ += t.count();
  return store_constant(name, std::move(t));
}

ValueId GraphBuilder::store_constant(const std::string& name, Tensor t) {
  const DType type = t.type;
  Shape shape = t.shape;
  producer_.push_back(-1);
  return graph_.add_value({name, type, std::move(shape), std::move(t)});
}

std::int64_t GraphBuilder::room() const {
  return std::max<std::int64_t>(0, kFreeElements + kElementsPerGiven * given_ - folded_);
}

ValueId GraphBuilder::add_folded(const std::string& name, Tensor t) {
  folded_ += t.count();
  return store_constant(name, std::move(t));
}

ValueId GraphBuilder::known(ValueId id) {
  if (constant(id) != nullptr) return id;
  const Node* node = dequantised_constant(id);
  if (node == nullptr || element_count(value(id).shape) > room()) return kNoValue;
  return add_folded(value(id).name, evaluate_node(graph_, *node, value(id)));
}

bool GraphBuilder::may_fold(const Node& node, const Shape& shape) const {
  const bool constants = std::all_of(node.inputs.begin(), node.inputs.end(),
                                     [&](ValueId id) { return constant(id) != nullptr; });
  return constants && node.kind != OpKind::kDequantise && element_count(shape) <= room() &&
         work_of(graph_, node, shape) <= kMostFoldedWork;
}

ValueId GraphBuilder::emit(OpKind kind, std::vector<ValueId> inputs, DType type, Shape shape,
                           Attrs attrs) {
  static_cast<void>(element_count(shape, layer_));
  const std::string name = fmt::format("{}:{}", layer_, op_name(kind));
  Node node{kind, layer_, origin_, std::move(inputs), {}, std::move(attrs)};
  if (may_fold(node, shape)) {
    const std::string source = kind == OpKind::kMove ? value(node.inputs[0]).name : name;
    return add_folded(source, evaluate_node(graph_, node, {name, type, shape, {}}));
  }
  const ValueId id = graph_.add_value({name, type, std::move(shape), {}});
  node.outputs = {id};
  producer_.push_back(static_cast<std::ptrdiff_t>(graph_.nodes.size()));
  graph_.nodes.push_back(std::move(node));
  return id;
}

ValueId GraphBuilder::reshape(ValueId x, const Shape& shape) {
  if (value(x).shape == shape) return x;
  const MoveAttrs attrs{MoveFn::kReshape, {}};
  if (const Node* node = dequantised_constant(x)) {
    const Quant& q = std::get<QuantAttrs>(node->attrs).quant;
    const bool follows = q.per_tensor() || reshaped_axis(value(x).shape, shape, q.axis) >= 0;
    if (follows) return move_dequantised(*node, attrs, shape);
  }
  return emit(OpKind::kMove, {x}, value(x).type, shape, attrs);
}

ValueId GraphBuilder::transpose(ValueId x, const std::vector<std::int64_t>& permutation) {
  const MoveAttrs attrs{MoveFn::kTranspose, permutation};
  const Shape shape = permute(value(x).shape, permutation);
  if (const Node* node = dequantised_constant(x)) return move_dequantised(*node, attrs, shape);
  return emit(OpKind::kMove, {x}, value(x).type, shape, attrs);
}

ValueId GraphBuilder::move_dequantised(const Node& dequantise, const MoveAttrs& move,
                                       const Shape& shape) {
  const ValueId integers = dequantise.inputs[0];
  Quant q = std::get<QuantAttrs>(dequantise.attrs).quant;
  if (!q.per_tensor() && move.fn == MoveFn::kTranspose) {
    const auto to = std::find(move.permutation.begin(), move.permutation.end(), q.axis);
    q.axis = to - move.permutation.begin();
  } else if (!q.per_tensor()) {
    q.axis = reshaped_axis(value(integers).shape, shape, q.axis);
  }
  const ValueId moved = emit(OpKind::kMove, {integers}, value(integers).type, shape, move);
  return emit(OpKind::kDequantise, {moved}, DType::kFloat32, shape, QuantAttrs{std::move(q)});
}

void GraphBuilder::name_result(ValueId id, const std::string& name) {
  if (id >= first_of_layer_) graph_.value(id).name = name;
}

const Tensor* GraphBuilder::constant(ValueId id) const {
  const std::optional<Tensor>& t = value(id).constant;
  return t ? &*t : nullptr;
}

const Node* GraphBuilder::producer(ValueId id) const {
  const std::ptrdiff_t index = producer_.at(static_cast<std::size_t>(id));
  return index < 0 ? nullptr : &graph_.nodes.at(static_cast<std::size_t>(index));
}

const Node* GraphBuilder::dequantised_constant(ValueId id) const {
  const Node* node = producer(id);
  const bool found =
      node != nullptr && node->kind == OpKind::kDequantise && constant(node->inputs[0]) != nullptr;
  return found ? node : nullptr;
}

// An output needs a value of its own name: an input or constant of that name, or made by a node.
ValueId GraphBuilder::output_value(const std::string& name, ValueId id) {
  const bool taken = std::count(graph_.outputs.begin(), graph_.outputs.end(), id) > 0;
  if (value(id).name == name && !taken) return id;
  if (producer(id) != nullptr && !taken) {
    graph_.value(id).name = name;
    return id;
  }
  if (const Tensor* t = constant(id)) return store_constant(name, *t);
  begin_layer(name, "Identity");
  const ValueId copy = graph_.add_value({name, value(id).type, value(id).shape, {}});
  producer_.push_back(static_cast<std::ptrdiff_t>(graph_.nodes.size()));
  const MoveAttrs same{MoveFn::kReshape, {}};
  graph_.nodes.push_back({OpKind::kMove, layer_, origin_, {id}, {copy}, same});
  return copy;
}

Graph GraphBuilder::finish(const std::vector<std::pair<std::string, ValueId>>& outputs,
                           std::vector<ValueId>* map) {
  for (const auto& [name, id] : outputs) graph_.outputs.push_back(output_value(name, id));
  std::vector<bool> live(graph_.values.size());
  const auto mark = [&live](const std::vector<ValueId>& ids) {
    for (ValueId id : ids) live[static_cast<std::size_t>(id)] = true;
  };
  mark(graph_.inputs);
  mark(graph_.outputs);
  std::vector<Node> nodes;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    if (!live[static_cast<std::size_t>(node->outputs[0])]) continue;
    mark(node->inputs);
    nodes.push_back(std::move(*node));
  }
  std::reverse(nodes.begin(), nodes.end());

  Graph result;
  std::vector<ValueId> to(live.size(), kNoValue);
  std::set<std::string> names;
  for (ValueId id : graph_.inputs) names.insert(value(id).name);
  for (ValueId id : graph_.outputs) names.insert(value(id).name);
  const std::set<std::string> fixed = names;
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (!live[i]) continue;
    Value& v = graph_.values[i];
    const bool keeps = fixed.contains(v.name);
    for (int n = 2; !keeps && !names.insert(v.name).second; ++n) v.name += fmt::format("_{}", n);
    to[i] = result.add_value(std::move(v));
  }
  const auto renumber = [&to](std::vector<ValueId> ids) {
    for (ValueId& id : ids) id = to[static_cast<std::size_t>(id)];
    return ids;
  };
  for (Node& node : nodes) {
    node.inputs = renumber(std::move(node.inputs));
    node.outputs = renumber(std::move(node.outputs));
    result.nodes.push_back(std::move(node));
  }
  result.inputs = renumber(graph_.inputs);
  result.outputs = renumber(graph_.outputs);
  if (map != nullptr) *map = std::move(to);
  return result;
}

}  // namespace systole::compiler
