// Host plan: addresses are asked for in order of first use.
#include "compiler/lower/host_plan.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>

#include "base/diag.h"
#include "compiler/ir/shapes.h"
#include "compiler/lower/host_step.h"

namespace systole::compiler {
namespace {

// Whether elements leave their sample, an index of dimension 0.
bool moves_samples(const MoveAttrs& move) {
  switch (move.fn) {
    case MoveFn::kTranspose:
      return move.permutation.at(0) != 0;
    case MoveFn::kConcat:
      return move.axis == 0;
    case MoveFn::kPad:
      return !move.pads.empty() && (move.pads[0] != 0 || move.pads[move.pads.size() / 2] != 0);
    case MoveFn::kReshape:
      return false;
  }
  SYSTOLE_CHECK(false, "move {}", static_cast<int>(move.fn));
}

// Whether an operand's dimension 0 is not the result's: it is broadcast along the samples, or a
// constant that has another row for each.
bool broadcasts_samples(const Graph& graph, const Node& node) {
  if (node.kind != OpKind::kZip && node.kind != OpKind::kSelect) return false;
  const Shape& y = graph.value(node.outputs[0]).shape;
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueId id) {
    const Value& x = graph.value(id);
    const bool whole = x.shape.size() == y.size();
    if (x.constant) return whole && !y.empty() && x.shape[0] > 1;
    return !whole || (!y.empty() && x.shape[0] != y[0]);
  });
}

bool joins_constants(const Graph& graph, const Node& node) {
  return std::get<MoveAttrs>(node.attrs).fn == MoveFn::kConcat &&
         std::any_of(node.inputs.begin(), node.inputs.end(),
                     [&](ValueId id) { return graph.value(id).constant.has_value(); });
}

// The node with a dimension of batches before all others.
Node behind_batches(Node node) {
  if (auto* reduce = std::get_if<ReduceAttrs>(&node.attrs)) {
    ++reduce->first_axis;
    ++reduce->end_axis;
  }
  if (auto* quant = std::get_if<QuantAttrs>(&node.attrs)) ++quant->quant.axis;
  if (auto* move = std::get_if<MoveAttrs>(&node.attrs)) {
    ++move->axis;
    for (std::int64_t& axis : move->permutation) ++axis;
    if (move->fn == MoveFn::kTranspose) move->permutation.insert(move->permutation.begin(), 0);
    if (move->fn == MoveFn::kPad) {
      const auto rank = static_cast<std::ptrdiff_t>(move->pads.size() / 2);
      move->pads.insert(move->pads.begin() + rank, 0);
      move->pads.insert(move->pads.begin(), 0);
    }
  }
  return node;
}

}  // namespace

int segment_of(const Graph& graph, const Placement& placement, ValueId root) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (placement.where[n] == Where::kDevice && graph.nodes[n].outputs[0] == root)
      return placement.stage[n];
  }
  return -1;
}

bool crosses_host(const Graph& graph, const Placement& placement, ValueId root) {
  const int segment = segment_of(graph, placement, root);
  if (segment < 0) return true;
  for (ValueId id : graph.outputs) {
    if (placement.root_of(id) == root) return true;
  }
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    if (placement.where[n] == Where::kView) continue;
    for (ValueId id : graph.nodes[n].inputs) {
      if (id == kNoValue || placement.root_of(id) != root) continue;
      if (placement.where[n] == Where::kHost || placement.stage[n] != segment) return true;
    }
  }
  return false;
}

std::int64_t HostPlan::address(ValueId id, const FeatureMap& view) const {
  if (const auto constant = constants_.find(id); constant != constants_.end())
    return constant->second;
  const ValueId root = placement_.root_of(id);
  if (const auto copy = pixels_.find(root); copy != pixels_.end() && !view.is_flat())
    return program_.tensors[static_cast<std::size_t>(copy->second)].address;
  const auto found = addresses_.find(root);
  return found == addresses_.end() ? -1 : found->second;
}

Shape HostPlan::full_shape(const Value& value) const {
  Shape shape = value.shape;
  if (shape.empty() && program_.batches > 1) shape.push_back(1);  // one number a batch
  if (!shape.empty()) shape[0] *= program_.batches;
  return shape;
}

std::int64_t HostPlan::tensor(ValueId id) {
  if (graph_.value(id).constant) return constant_tensor(id);
  if (const auto found = tensors_.find(id); found != tensors_.end()) return found->second;
  const ValueId root = placement_.root_of(id);
  const Value& value = graph_.value(id);
  isa::HostTensor made{value.name, value.type, full_shape(value), isa::Role::kIntermediate, 0};
  if (!addresses_.contains(root)) addresses_[root] = plan_.place(Area::kTensors, made.bytes());
  made.address = addresses_.at(root);
  program_.tensors.push_back(std::move(made));
  return tensors_[id] = static_cast<std::int64_t>(program_.tensors.size()) - 1;
}

std::int64_t HostPlan::constant_tensor(ValueId id) {
  const auto found = tensors_.find(id);
  SYSTOLE_CHECK(found != tensors_.end(), "constant {} has no place", graph_.value(id).name);
  return found->second;
}

// A step acts on whole tensors, all batches at once along dimension 0. Where that would mix
// batches, they are one more dimension in front instead.
bool HostPlan::keeps_batches_apart(const Node& node) const {
  if (program_.batches == 1) return false;
  const auto* reduce = std::get_if<ReduceAttrs>(&node.attrs);
  const auto* move = std::get_if<MoveAttrs>(&node.attrs);
  const auto* quant = std::get_if<QuantAttrs>(&node.attrs);
  const bool per_axis_0 = quant != nullptr && !quant->quant.per_tensor() && quant->quant.axis == 0;
  const bool moves = move != nullptr && (moves_samples(*move) || joins_constants(graph_, node));
  return (reduce != nullptr && reduce->first_axis == 0) || moves || per_axis_0 ||
         broadcasts_samples(graph_, node);
}

// The tensor's bytes with the batches in front and, behind them, dimensions of 1 up to `rank`. A
// constant is broadcast, but where it is joined with others each batch has its own.
std::int64_t HostPlan::batch_view(ValueId id, std::size_t rank) {
  if (const auto found = batch_constants_.find(id); found != batch_constants_.end())
    return found->second;
  const std::int64_t whole = tensor(id);
  const Value& value = graph_.value(id);
  if (value.constant) return whole;
  isa::HostTensor view = program_.tensors[static_cast<std::size_t>(whole)];
  view.name += ".batches";
  view.shape = value.shape;
  view.shape.insert(view.shape.begin(), rank - value.shape.size(), 1);
  view.shape.insert(view.shape.begin(), program_.batches);
  view.role = isa::Role::kIntermediate;
  program_.tensors.push_back(std::move(view));
  return static_cast<std::int64_t>(program_.tensors.size()) - 1;
}

void HostPlan::add_batch_constant(ValueId id) {
  if (batch_constants_.contains(id)) return;
  const Tensor& data = *graph_.value(id).constant;
  std::vector<std::uint8_t> copies;
  for (std::int64_t b = 0; b < program_.batches; ++b)
    copies.insert(copies.end(), data.data.begin(), data.data.end());
  Shape shape = data.shape;
  shape.insert(shape.begin(), program_.batches);
  const std::int64_t at = append(copies);
  program_.tensors.push_back(
      {graph_.value(id).name + ".batches", data.type, shape, isa::Role::kConstant, at});
  batch_constants_[id] = static_cast<std::int64_t>(program_.tensors.size()) - 1;
}

void HostPlan::add_step(const Node& node, int stage, std::int64_t layer) {
  const bool apart = keeps_batches_apart(node);
  const Value& result = graph_.value(node.outputs[0]);
  const auto index = [&](ValueId id) {
    return apart ? batch_view(id, result.shape.size()) : tensor(id);
  };
  isa::HostStep step =
      host_step(apart ? behind_batches(node) : node, result.type == DType::kFloat32).value();
  step.stage = stage >= placement_.segments ? isa::kFinalStage : stage;
  step.name = node.name;
  step.layer = layer;
  for (ValueId id : node.inputs) {
    if (id != kNoValue) step.inputs.push_back(index(id));
  }
  for (ValueId id : node.outputs) step.outputs.push_back(index(id));
  program_.host_steps.push_back(std::move(step));
}

void HostPlan::add_constants() {
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    for (ValueId id : node.inputs) {
      if (id == kNoValue || !graph_.value(id).constant) continue;
      const bool operand = placement_.where[n] == Where::kDevice && node.kind != OpKind::kMatmul &&
                           node.kind != OpKind::kConv;
      if (operand) add_device_constant(id, placed_view(graph_, placement_, node, id));
      if (placement_.where[n] != Where::kHost) continue;
      add_host_constant(id);
      if (node.kind == OpKind::kMove && keeps_batches_apart(node)) add_batch_constant(id);
    }
  }
  for (ValueId id : graph_.outputs) {
    if (graph_.value(id).constant) add_host_constant(id);
  }
}

void HostPlan::add_host_constant(ValueId id) {
  if (tensors_.contains(id)) return;
  const Tensor& data = *graph_.value(id).constant;
  const std::int64_t at = append(data.data);
  program_.tensors.push_back(
      {graph_.value(id).name, data.type, data.shape, isa::Role::kConstant, at});
  tensors_[id] = static_cast<std::int64_t>(program_.tensors.size()) - 1;
}

// The constant's pixels, channels last.
void HostPlan::add_device_constant(ValueId id, const FeatureMap& view) {
  if (constants_.contains(id)) return;
  Tensor data = *graph_.value(id).constant;
  if (!view.is_flat() && !data.data.empty()) {
    data.shape = {view.images, view.channels, view.height, view.width};
    data = transpose(data, {0, 2, 3, 1});
  }
  constants_[id] = append(data.data);
}

std::int64_t HostPlan::append(const std::vector<std::uint8_t>& bytes) {
  const std::int64_t at = plan_.place(Area::kConstants, std::ssize(bytes));
  std::copy(bytes.begin(), bytes.end(), program_.constants.begin() + at);
  return at;
}

// The tensor that holds a root value's images with channels last.
std::int64_t HostPlan::channels_last(ValueId id, const Shape& shape) {
  const ValueId root = placement_.root_of(id);
  if (const auto found = pixels_.find(root); found != pixels_.end()) return found->second;
  const Value& value = graph_.value(root);
  program_.tensors.push_back(
      {value.name + ".channels_last", value.type, shape, isa::Role::kIntermediate, 0});
  isa::HostTensor& copy = program_.tensors.back();
  copy.shape[0] *= program_.batches;
  copy.address = plan_.place(Area::kTensors, copy.bytes());
  return pixels_[root] = static_cast<std::int64_t>(program_.tensors.size()) - 1;
}

isa::HostStep HostPlan::transpose_step(int stage, std::int64_t from, std::int64_t to,
                                       std::int64_t layer) const {
  isa::HostStep step;
  step.stage = stage >= placement_.segments ? isa::kFinalStage : stage;
  step.op = isa::HostOp::kTranspose;
  step.name = program_.tensors[static_cast<std::size_t>(to)].name;
  step.layer = layer;
  step.inputs = {from};
  step.outputs = {to};
  return step;
}

// Whether anybody reads a device result other than as the pixels `view` that the device writes.
bool HostPlan::wanted_as_it_was(ValueId id, const FeatureMap& view) const {
  for (ValueId out : graph_.outputs) {
    if (placement_.root_of(out) == id) return true;
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (placement_.where[n] == Where::kView) continue;
    for (ValueId input : graph_.nodes[n].inputs) {
      if (input == kNoValue || placement_.root_of(input) != id) continue;
      if (placement_.where[n] == Where::kHost) return true;
      const bool elsewhere = segment_of(graph_, placement_, id) != placement_.stage[n];
      if (elsewhere && host_view(graph_, placement_, n, input) != view) return true;
    }
  }
  return false;
}

// A device result that leaves for the host.
void HostPlan::add_stored(std::size_t node, std::int64_t layer) {
  const ValueId id = graph_.nodes[node].outputs[0];
  if (!crosses_host(graph_, placement_, id)) return;
  const std::int64_t value = tensor(id);
  const FeatureMap& view = placement_.view[static_cast<std::size_t>(id)];
  if (view.is_flat()) return;
  if (!wanted_as_it_was(id, view)) {
    channels_last(id, {view.images, view.height, view.width, view.channels});
    return;
  }
  before_.push_back(transpose_step(
      placement_.stage[node] + 1,
      channels_last(id, {view.images, view.height, view.width, view.channels}), value, layer));
  before_.back().numbers = {0, 3, 1, 2};
}

// An input that a device node reads from the host.
void HostPlan::add_loaded(std::size_t node, ValueId id, std::int64_t layer) {
  const ValueId root = placement_.root_of(id);
  const FeatureMap view = host_view(graph_, placement_, node, id);
  const bool elsewhere = segment_of(graph_, placement_, root) != placement_.stage[node];
  if (!elsewhere || view.is_flat() || pixels_.contains(root)) return;
  const Fold& fold = placement_.fold[node];
  if (id != graph_.nodes[node].inputs[0] || fold == Fold{}) {
    const Shape shape = {view.images, view.height, view.width, view.channels};
    behind_.push_back(
        transpose_step(placement_.stage[node], tensor(id), channels_last(id, shape), layer));
    behind_.back().numbers = {0, 2, 3, 1};
    return;
  }
  const std::int64_t groups = std::get<ConvAttrs>(graph_.nodes[node].attrs).groups;
  const std::int64_t channels = view.channels / (groups * fold.y * fold.x);
  const Shape shape = {view.images, view.height, view.width, groups, fold.y, fold.x, channels};
  const std::int64_t blocks = blocks_of(id, {view.images * program_.batches, groups, channels,
                                             view.height, fold.y, view.width, fold.x});
  behind_.push_back(
      transpose_step(placement_.stage[node], blocks, channels_last(id, shape), layer));
  behind_.back().numbers = {0, 3, 5, 1, 4, 6, 2};
}

// The same bytes as value `id`, its channels, height and width each cut in two.
std::int64_t HostPlan::blocks_of(ValueId id, const Shape& shape) {
  isa::HostTensor blocks = program_.tensors[static_cast<std::size_t>(tensor(id))];
  blocks.name += ".blocks";
  blocks.role = isa::Role::kIntermediate;
  blocks.shape = shape;
  program_.tensors.push_back(std::move(blocks));
  return static_cast<std::int64_t>(program_.tensors.size()) - 1;
}

void HostPlan::build(const std::vector<std::int64_t>& layers) {
  add_constants();
  plan_.place(Area::kTensors, 0);  // no constant comes behind
  for (ValueId id : graph_.inputs) {
    program_.tensors[static_cast<std::size_t>(tensor(id))].role = isa::Role::kInput;
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const Node& node = graph_.nodes[n];
    if (placement_.where[n] == Where::kHost) add_step(node, placement_.stage[n], layers[n]);
    if (placement_.where[n] != Where::kDevice) continue;
    add_stored(n, layers[n]);
    for (ValueId id : node.inputs) {
      if (id != kNoValue && !graph_.value(id).constant) add_loaded(n, id, layers[n]);
    }
  }
  auto& steps = program_.host_steps;
  steps.insert(steps.begin(), before_.begin(), before_.end());
  steps.insert(steps.end(), behind_.begin(), behind_.end());
  add_outputs(0);
  std::stable_sort(
      program_.host_steps.begin(), program_.host_steps.end(),
      [](const isa::HostStep& a, const isa::HostStep& b) { return a.stage < b.stage; });
}

// Every output is a tensor of its own: one that shares another's bytes (a reshaped input, a
// constant) is copied.
void HostPlan::add_outputs(std::int64_t layer) {
  std::set<std::int64_t> taken;
  for (ValueId id : graph_.inputs) taken.insert(tensors_.at(id));
  for (ValueId id : graph_.outputs) {
    const std::int64_t index = tensor(id);
    isa::HostTensor& source = program_.tensors[static_cast<std::size_t>(index)];
    if (source.role == isa::Role::kIntermediate && taken.insert(index).second) {
      source.role = isa::Role::kOutput;
      continue;
    }
    isa::HostTensor copy = source;
    copy.role = isa::Role::kOutput;
    copy.address = plan_.place(Area::kTensors, copy.bytes());
    program_.tensors.push_back(copy);
    const auto made = static_cast<std::int64_t>(program_.tensors.size()) - 1;
    program_.host_steps.push_back(
        {isa::kFinalStage, isa::HostOp::kCopy, copy.name, {index}, {made}, {}, {}, layer});
  }
}

}  // namespace systole::compiler
