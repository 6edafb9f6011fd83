// ONNX operators with graphs inside: the branch that a constant condition takes, and loops of a
// constant count, written out step by step.
#include <algorithm>
#include <limits>

#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_subgraphs.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxSteps = 4096;  // as of recurrent nets (onnx_ops_recurrent.cc)

bool holds(const OnnxNode& node, const Tensor* condition, const std::string& what) {
  node.require(condition != nullptr, what + " is computed",
               "a constant one: of shapes and constants, or of an input that --bind makes one");
  node.require(
      condition->type == DType::kBool && condition->count() == 1,
      fmt::format("{} is {} {}", what, dtype_name(condition->type), shape_text(condition->shape)),
      "one bool");
  return condition->as<bool>()[0];
}

ValueId number(GraphBuilder& builder, std::int64_t value) {
  return builder.add_constant(
      "step", make_tensor<std::int64_t>({}, std::span<const std::int64_t>(&value, 1)));
}

void give_all(OnnxNode& node, const std::vector<ValueId>& values, std::size_t first = 0) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto slot = static_cast<int>(first + i);
    if (slot < node.output_slots() && node.is_used(slot)) node.result(values[i], slot);
  }
}

// One tensor of those of all steps, which lie along a new axis.
ValueId stacked(GraphBuilder& builder, std::vector<ValueId> steps, std::size_t axis) {
  for (ValueId& id : steps) {
    Shape shape = builder.value(id).shape;
    shape.insert(shape.begin() + static_cast<std::ptrdiff_t>(axis), 1);
    id = builder.reshape(id, shape);
  }
  return emit_concat(builder, steps, axis);
}

// What the steps of a loop make: each tensor's steps in order.
using Steps = std::vector<std::vector<ValueId>>;

void require_alike(OnnxNode& node, const std::vector<ValueId>& steps) {
  const GraphBuilder& builder = node.builder();
  for (const ValueId id : steps) {
    const Value& first = builder.value(steps.front());
    const Value& other = builder.value(id);
    node.require(
        first.type == other.type && first.shape == other.shape,
        fmt::format("steps make {} and {}", shape_text(first.shape), shape_text(other.shape)),
        "results of one shape and type to join");
  }
}

struct LoopRange {
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  bool going = true;
};

LoopRange read_range(OnnxNode& node) {
  LoopRange range;
  if (node.has(0)) {
    const std::vector<std::int64_t> most = integers(node, 0, "the trip count");
    node.require(most.size() == 1, fmt::format("{} trip counts", most.size()), "one number");
    range.most = most[0];
  }
  if (node.has(1)) {
    const ValueId condition = node.builder().known(node.input(1));
    const bool given = condition != kNoValue;
    range.going =
        holds(node, given ? node.builder().constant(condition) : nullptr, "the first condition");
  }
  return range;
}

// A branch that may not be taken; whether it would be is known to who gives the inputs.
std::vector<ValueId> import_branch(OnnxNode& node, const onnx::GraphProto& branch,
                                   const std::string& name) {
  try {
    return import_body(node, branch, {}, name + "/");
  } catch (const InputError& error) {
    const Diag& d = error.diag();
    throw InputError(d.where, d.what,
                     fmt::format("{}, or an input that --bind makes constant, so that '{}' takes "
                                 "its other branch",
                                 d.expected, node.name()));
  }
}

// Both branches, of whose results the condition picks: they have no effects but these.
void select_branch(OnnxNode& node, const onnx::GraphProto& then_branch,
                   const onnx::GraphProto& else_branch) {
  GraphBuilder& builder = node.builder();
  node.require_type("the condition", node.input(0), DType::kBool);
  node.require(element_count(node.shape(0)) == 1,
               "the condition has shape " + shape_text(node.shape(0)), "one bool");
  const ValueId condition = builder.reshape(node.input(0), {});
  const std::vector<ValueId> taken = import_branch(node, then_branch, "then");
  const std::vector<ValueId> other = import_branch(node, else_branch, "else");
  builder.begin_layer(node.name(), "If");  // after those of its branches
  for (int i = 0; i < node.output_slots(); ++i) {
    if (!node.is_used(i)) continue;
    const auto slot = static_cast<std::size_t>(i);
    const Value& a = builder.value(taken[slot]);
    const Value& b = builder.value(other[slot]);
    node.require(a.type == b.type && a.shape == b.shape,
                 fmt::format("the condition is computed, and its branches make {} {} and {} {}",
                             dtype_name(a.type), shape_text(a.shape), dtype_name(b.type),
                             shape_text(b.shape)),
                 "results of one type and shape, or a constant condition: of shapes and constants, "
                 "or of an input that --bind makes one");
    node.result(emit_select(builder, condition, taken[slot], other[slot]), i);
  }
  node.note("its condition is computed: both branches run, and it picks of their results");
}

}  // namespace

void rewrite_if(OnnxNode& node) {
  node.require_arity(1, 1);
  const ValueId condition = node.builder().known(node.input(0));
  const onnx::GraphProto& then_branch = node.graph("then_branch");
  const onnx::GraphProto& else_branch = node.graph("else_branch");
  for (const onnx::GraphProto* branch : {&then_branch, &else_branch}) {
    node.require(branch->output_size() >= node.output_slots(),
                 fmt::format("a branch of {} outputs", branch->output_size()),
                 fmt::format("{}", node.output_slots()));
  }
  if (condition == kNoValue) return select_branch(node, then_branch, else_branch);
  const bool taken = holds(node, node.builder().constant(condition), "the condition");
  give_all(node, import_body(node, taken ? then_branch : else_branch, {}, ""));
}

// Carried values, then the results that are joined along a new first axis.
void rewrite_loop(OnnxNode& node) {
  const onnx::GraphProto& body = node.graph("body");
  node.require_arity(0, std::numeric_limits<int>::max());
  const int carried = std::max(0, node.input_count() - 2);
  const int scans = body.output_size() - 1 - carried;
  node.require(
      body.input_size() == carried + 2 && scans >= 0,
      fmt::format("a body of {} inputs and {} outputs", body.input_size(), body.output_size()),
      fmt::format("{} inputs and {} outputs or more", carried + 2, carried + 1));
  auto [most, going] = read_range(node);
  std::vector<ValueId> state;
  for (int i = 0; i < carried; ++i) state.push_back(node.input(i + 2));
  Steps steps(static_cast<std::size_t>(scans));
  GraphBuilder& builder = node.builder();
  for (std::int64_t step = 0; going && step < most; ++step) {
    node.require(step < kMaxSteps, fmt::format("more than {} steps", kMaxSteps), "fewer");
    std::vector<ValueId> inputs = {number(builder, step), emit_number(builder, DType::kBool, 1.0)};
    inputs.insert(inputs.end(), state.begin(), state.end());
    std::vector<ValueId> made = import_body(node, body, inputs, fmt::format("{}/", step));
    going = holds(node, builder.constant(made[0]), "the condition");
    std::copy_n(made.begin() + 1, carried, state.begin());
    const std::size_t first = 1 + static_cast<std::size_t>(carried);
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i].push_back(made[first + i]);
  }
  builder.begin_layer(node.name(), "Loop");  // after those of its body
  give_all(node, state);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    node.require(!steps[i].empty(), "no step makes its results", "one step at least");
    require_alike(node, steps[i]);
    give_all(node, {stacked(builder, steps[i], 0)}, static_cast<std::size_t>(carried) + i);
  }
}

namespace {

// One number for each of `count`, from a list that may be absent.
std::vector<std::int64_t> per_tensor(OnnxNode& node, const std::string& name, std::size_t count) {
  std::vector<std::int64_t> found = node.ints(name);
  if (!node.has_attribute(name)) found.assign(count, 0);
  node.require(found.size() == count, fmt::format("{} {}", found.size(), name),
               fmt::format("{}", count));
  return found;
}

struct Scanned {
  ValueId value = kNoValue;
  std::size_t axis = 0;
  bool backwards = false;
};

// The scan inputs, all of one length.
std::vector<Scanned> read_scanned(OnnxNode& node, std::size_t states, std::int64_t& length) {
  const std::size_t count = static_cast<std::size_t>(node.input_count()) - states;
  const auto axes = per_tensor(node, "scan_input_axes", count);
  const auto directions = per_tensor(node, "scan_input_directions", count);
  std::vector<Scanned> all;
  for (std::size_t i = 0; i < count; ++i) {
    const ValueId value = node.input(static_cast<int>(states + i));
    const Shape& shape = node.builder().value(value).shape;
    const auto axis = static_cast<std::size_t>(node.axis(axes[i], shape.size()));
    node.require(i == 0 || shape[axis] == length, "scan inputs of different lengths", "one length");
    length = shape[axis];
    all.push_back({value, axis, directions[i] != 0});
  }
  return all;
}

ValueId element(GraphBuilder& builder, const Scanned& scanned, std::int64_t step,
                std::int64_t length) {
  const std::int64_t at = scanned.backwards ? length - 1 - step : step;
  const ValueId one = emit_slice(builder, scanned.value, scanned.axis, at, at + 1);
  Shape shape = builder.value(one).shape;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(scanned.axis));
  return builder.reshape(one, shape);
}

}  // namespace

// States, then the results that are joined along an axis of each.
void rewrite_scan(OnnxNode& node) {
  const onnx::GraphProto& body = node.graph("body");
  const std::int64_t scanned_inputs = node.int_or("num_scan_inputs", 0);
  node.require(scanned_inputs >= 1 && scanned_inputs <= node.input_count() &&
                   body.input_size() == node.input_count(),
               fmt::format("num_scan_inputs is {}", scanned_inputs),
               fmt::format("1 to {}, as many as its graph's", node.input_count()));
  const auto states = static_cast<std::size_t>(node.input_count() - scanned_inputs);
  node.require(body.output_size() >= static_cast<int>(states),
               fmt::format("a body of {} outputs", body.output_size()),
               fmt::format("{} or more", states));
  std::int64_t length = 0;
  const std::vector<Scanned> scanned = read_scanned(node, states, length);
  node.require(length >= 1 && length <= kMaxSteps, fmt::format("{} steps", length),
               fmt::format("1 to {}", kMaxSteps));
  GraphBuilder& builder = node.builder();
  std::vector<ValueId> state;
  for (std::size_t i = 0; i < states; ++i) state.push_back(node.input(static_cast<int>(i)));
  Steps steps(static_cast<std::size_t>(body.output_size()) - states);
  for (std::int64_t step = 0; step < length; ++step) {
    builder.begin_layer(node.name(), "Scan");  // after those of its body
    std::vector<ValueId> inputs = state;
    for (const Scanned& s : scanned) inputs.push_back(element(builder, s, step, length));
    const std::vector<ValueId> made = import_body(node, body, inputs, fmt::format("{}/", step));
    std::copy_n(made.begin(), states, state.begin());
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i].push_back(made[states + i]);
  }
  builder.begin_layer(node.name(), "Scan");
  give_all(node, state);
  const auto axes = per_tensor(node, "scan_output_axes", steps.size());
  const auto directions = per_tensor(node, "scan_output_directions", steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    require_alike(node, steps[i]);
    if (directions[i] != 0) std::ranges::reverse(steps[i]);
    const std::size_t rank = builder.value(steps[i].front()).shape.size() + 1;
    const auto axis = static_cast<std::size_t>(node.axis(axes[i], rank));
    give_all(node, {stacked(builder, steps[i], axis)}, states + i);
  }
}

}  // namespace systole::compiler
