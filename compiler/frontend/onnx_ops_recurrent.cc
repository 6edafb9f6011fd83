// ONNX RNN, GRU and LSTM, step by step: what depends on the input alone is one product over all
// steps, then each step has a product of the state and the gates' arithmetic.
//
// Source: the text of ONNX's RNN, GRU and LSTM (opsets 7 to 22), whose names are used here.
#include <algorithm>
#include <array>

#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMostSteps = 4096;  // of all directions

// What the three operators share. X is [steps, batch, inputs].
struct Cell {
  std::string_view name;
  std::int64_t gates = 1;
  int states = 1;                        // h, and c of an LSTM
  std::vector<std::string> activations;  // of one direction
};

struct Layer {
  std::int64_t steps = 0, batch = 0, inputs = 0, hidden = 0, directions = 1;
  bool backward = false;              // the only direction
  bool batch_first = false;           // layout 1
  std::vector<MapAttrs> activations;  // of all directions
};

// One direction's constants: products of rows, so W and R turned.
struct Weights {
  Tensor w, r;              // [inputs, gates * hidden], [hidden, gates * hidden]
  Tensor w_bias, r_bias;    // [gates * hidden]
  std::optional<Tensor> p;  // [3 * hidden] of an LSTM: i, o, f
};

using State = std::array<ValueId, 2>;  // h, c

MapAttrs activation(OnnxNode& node, const std::string& name) {
  static const std::map<std::string, MapAttrs> kKnown = {
      {"Relu", {MapFn::kRelu}},
      {"Tanh", {MapFn::kTanh}},
      {"Sigmoid", {MapFn::kSigmoid}},
      {"Softsign", {MapFn::kSoftsign}},
      {"Softplus", {MapFn::kSoftplus}},
      {"HardSigmoid", {.fn = MapFn::kHardSigmoid, .alpha = 0.2F, .beta = 0.5F}},
      {"LeakyRelu", {.fn = MapFn::kLeakyRelu, .alpha = 0.01F}},
      {"Elu", {.fn = MapFn::kElu, .alpha = 1.0F}},
      {"ThresholdedRelu", {.fn = MapFn::kThresholdedRelu, .alpha = 1.0F}}};
  const auto found = kKnown.find(name);
  std::string list;
  for (const auto& [known, attrs] : kKnown) list += (list.empty() ? "" : ", ") + known;
  node.require(found != kKnown.end(), "activation '" + name + "'", list);
  return found->second;
}

void read_activations(OnnxNode& node, const Cell& cell, Layer& layer) {
  const std::vector<std::string> given = node.strings("activations");
  const std::size_t count = cell.activations.size() * static_cast<std::size_t>(layer.directions);
  node.require(given.empty() || given.size() == count, fmt::format("{} activations", given.size()),
               fmt::format("{}", count));
  const std::vector<float> alpha = node.floats("activation_alpha");
  const std::vector<float> beta = node.floats("activation_beta");
  node.require(alpha.size() <= count && beta.size() <= count,
               "more alphas or betas than activations", "one for each at most");
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& own = cell.activations[i % cell.activations.size()];
    MapAttrs fn = activation(node, given.empty() ? own : given[i]);
    if (i < alpha.size()) fn.alpha = alpha[i];
    if (i < beta.size()) fn.beta = beta[i];
    layer.activations.push_back(fn);
  }
}

Layer read_layer(OnnxNode& node, const Cell& cell) {
  Layer layer;
  const Shape x = node.shape(0);
  const Shape r = node.shape(2);
  layer.batch_first = node.opset() >= 14 && node.int_or("layout", 0) == 1;
  node.require_type("X", node.input(0), DType::kFloat32);
  node.require(x.size() == 3 && r.size() == 3,
               fmt::format("X has shape {} and R {}", shape_text(x), shape_text(r)),
               "X [steps, batch, inputs] and R [directions, gates, hidden]");
  layer.steps = layer.batch_first ? x[1] : x[0];
  layer.batch = layer.batch_first ? x[0] : x[1];
  layer.inputs = x[2];
  layer.hidden = node.int_or("hidden_size", r[2]);
  const std::string direction = node.string_or("direction", "forward");
  layer.directions = direction == "bidirectional" ? 2 : 1;
  layer.backward = direction == "reverse";
  node.require(layer.backward || direction == "forward" || layer.directions == 2,
               "direction is '" + direction + "'", "forward, reverse or bidirectional");
  node.require(layer.steps >= 1 && layer.steps * layer.directions <= kMostSteps,
               fmt::format("{} steps", layer.steps),
               fmt::format("1 to {}", kMostSteps / layer.directions));
  node.require(!node.has_attribute("clip"), "attribute 'clip'", "none");
  read_activations(node, cell, layer);
  return layer;
}

// Row `d` of a constant [directions, rows, columns] or [directions, columns].
Tensor part(OnnxNode& node, int i, const std::string& what, Shape expected, std::int64_t d) {
  const Tensor& t = node.constant(i, what);
  node.require(t.type == DType::kFloat32 && t.shape == expected,
               fmt::format("{} is {} {}", what, dtype_name(t.type), shape_text(t.shape)),
               "float32 " + shape_text(expected));
  expected.erase(expected.begin());
  const auto count = static_cast<std::size_t>(element_count(expected));
  return make_tensor<float>(expected,
                            t.as<float>().subspan(static_cast<std::size_t>(d) * count, count));
}

Tensor turned(const Tensor& t) {
  Tensor result(DType::kFloat32, {t.shape[1], t.shape[0]});
  const auto from = t.as<float>();
  const auto to = result.as<float>();
  const auto rows = static_cast<std::size_t>(t.shape[0]);
  const auto columns = static_cast<std::size_t>(t.shape[1]);
  for (std::size_t i = 0; i < from.size(); ++i) to[i % columns * rows + i / columns] = from[i];
  return result;
}

Tensor columns_of(const Tensor& t, std::int64_t begin, std::int64_t end) {
  Shape shape = t.shape;
  shape.back() = end - begin;
  Tensor result(DType::kFloat32, shape);
  const auto from = t.as<float>();
  const auto to = result.as<float>();
  const auto width = static_cast<std::size_t>(end - begin);
  const auto stride = static_cast<std::size_t>(t.shape.back());
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = from[i / width * stride + static_cast<std::size_t>(begin) + i % width];
  return result;
}

Weights read_weights(OnnxNode& node, const Cell& cell, const Layer& layer, std::int64_t d) {
  const std::int64_t rows = cell.gates * layer.hidden;
  const std::int64_t all = layer.directions;
  Weights weights;
  weights.w = turned(part(node, 1, "W", {all, rows, layer.inputs}, d));
  weights.r = turned(part(node, 2, "R", {all, rows, layer.hidden}, d));
  Tensor bias(DType::kFloat32, {2 * rows});
  if (node.has(3)) bias = part(node, 3, "B", {all, 2 * rows}, d);
  weights.w_bias = columns_of(bias, 0, rows);
  weights.r_bias = columns_of(bias, rows, 2 * rows);
  if (cell.states == 2 && node.has(7)) weights.p = part(node, 7, "P", {all, 3 * layer.hidden}, d);
  return weights;
}

// Emits a layer's steps.
class Unroller {
 public:
  Unroller(OnnxNode& node, const Cell& cell, const Layer& layer)
      : node_(node), builder_(node.builder()), cell_(cell), layer_(layer) {}

  void run() {
    check_lengths();
    const ValueId x =
        layer_.batch_first ? builder_.transpose(node_.input(0), {1, 0, 2}) : node_.input(0);
    std::vector<std::vector<ValueId>> outputs;  // by direction: h of each step
    std::vector<State> last;
    for (direction_ = 0; direction_ < layer_.directions; ++direction_) {
      weights_ = read_weights(node_, cell_, layer_, direction_);
      outputs.push_back(steps(x));
      last.push_back(state_);
    }
    give_all(outputs);
    for (int s = 0; s < cell_.states; ++s) give_last(last, s);
  }

 private:
  [[nodiscard]] bool is_backward() const { return layer_.backward || direction_ == 1; }
  [[nodiscard]] const MapAttrs& function(std::size_t i) const {
    return layer_.activations[static_cast<std::size_t>(direction_) * cell_.activations.size() + i];
  }

  void check_lengths() {
    if (!node_.has(4)) return;
    const Tensor& lengths = node_.constant(4, "sequence_lens");
    const auto is_whole = [&](std::int32_t n) { return n == layer_.steps; };
    const bool whole =
        lengths.type == DType::kInt32 && std::ranges::all_of(lengths.as<std::int32_t>(), is_whole);
    node_.require(whole, "sequence_lens of other lengths than the input's",
                  fmt::format("{} each, or none", layer_.steps));
  }

  // [batch, hidden] before the first step.
  ValueId initial(int input) {
    const Shape shape = {layer_.batch, layer_.hidden};
    if (!node_.has(input)) return builder_.add_constant("state", Tensor(DType::kFloat32, shape));
    Shape expected = {layer_.directions, layer_.batch, layer_.hidden};
    if (layer_.batch_first) std::swap(expected[0], expected[1]);
    node_.require_type(node_.input_name(input), node_.input(input), DType::kFloat32);
    node_.require(node_.shape(input) == expected,
                  node_.input_name(input) + " has shape " + shape_text(node_.shape(input)),
                  shape_text(expected));
    const std::size_t axis = layer_.batch_first ? 1 : 0;
    const ValueId own = emit_slice(builder_, node_.input(input), axis, direction_, direction_ + 1);
    return builder_.reshape(own, shape);
  }

  ValueId product(ValueId x, const Tensor& w, const Tensor& bias) {
    Shape shape = builder_.value(x).shape;
    shape.back() = w.shape[1];
    return builder_.emit(
        OpKind::kMatmul,
        {x, builder_.add_constant("weights", w), builder_.add_constant("bias", bias)},
        DType::kFloat32, shape, MatmulAttrs{});
  }

  std::vector<ValueId> steps(ValueId x) {
    const ValueId rows_of_input = builder_.reshape(x, {layer_.steps * layer_.batch, layer_.inputs});
    const ValueId of_input = product(rows_of_input, weights_.w, weights_.w_bias);
    state_ = {initial(5), cell_.states == 2 ? initial(6) : kNoValue};
    std::vector<ValueId> outputs(static_cast<std::size_t>(layer_.steps));
    for (std::int64_t i = 0; i < layer_.steps; ++i) {
      const std::int64_t t = is_backward() ? layer_.steps - 1 - i : i;
      step(emit_slice(builder_, of_input, 0, t * layer_.batch, (t + 1) * layer_.batch));
      outputs[static_cast<std::size_t>(t)] = state_[0];
    }
    return outputs;
  }

  void step(ValueId x) {
    if (cell_.gates == 4) return lstm(x);
    if (cell_.gates == 3) return gru(x);
    state_[0] = map(0, add(x, product(state_[0], weights_.r, weights_.r_bias)));
  }

  ValueId gate(ValueId gates, std::int64_t i) {
    return emit_slice(builder_, gates, 1, i * layer_.hidden, (i + 1) * layer_.hidden);
  }
  ValueId add(ValueId a, ValueId b) { return emit_zip(builder_, ZipFn::kAdd, a, b); }
  ValueId mul(ValueId a, ValueId b) { return emit_zip(builder_, ZipFn::kMul, a, b); }
  ValueId map(std::size_t i, ValueId x) { return emit_map(builder_, function(i), x); }

  // x + P[i] * c
  ValueId peeped(ValueId x, std::int64_t i, ValueId c) {
    if (!weights_.p) return x;
    const Tensor own = columns_of(*weights_.p, i * layer_.hidden, (i + 1) * layer_.hidden);
    return add(x, mul(c, builder_.add_constant("peephole", own)));
  }

  // Gates in the order input, output, forget, cell.
  void lstm(ValueId x) {
    auto& [h, c] = state_;
    const ValueId gates = add(x, product(h, weights_.r, weights_.r_bias));
    const ValueId in = map(0, peeped(gate(gates, 0), 0, c));
    const ValueId forget = map(0, peeped(gate(gates, 2), 2, c));
    c = add(mul(forget, c), mul(in, map(1, gate(gates, 3))));
    h = mul(map(0, peeped(gate(gates, 1), 1, c)), map(2, c));
  }

  // Gates in the order update, reset, hidden.
  void gru(ValueId x) {
    ValueId& h = state_[0];
    const std::int64_t two = 2 * layer_.hidden;
    const std::int64_t all = 3 * layer_.hidden;
    const auto of_state = [&](ValueId from, std::int64_t begin, std::int64_t end) {
      return product(from, columns_of(weights_.r, begin, end),
                     columns_of(weights_.r_bias, begin, end));
    };
    const ValueId both = map(0, add(emit_slice(builder_, x, 1, 0, two), of_state(h, 0, two)));
    const ValueId update = gate(both, 0);
    const ValueId reset = gate(both, 1);
    const ValueId kept = linear_before_reset_ ? mul(reset, of_state(h, two, all))
                                              : of_state(mul(reset, h), two, all);
    const ValueId fresh = map(1, add(gate(x, 2), kept));
    const ValueId rest = emit_zip(builder_, ZipFn::kSub, emit_scalar(builder_, 1.0F), update);
    h = add(mul(rest, fresh), mul(update, h));
  }

  // Y: [steps, directions, batch, hidden], or [batch, steps, directions, hidden].
  void give_all(const std::vector<std::vector<ValueId>>& outputs) {
    if (!node_.is_used(0)) return;
    std::vector<ValueId> rows;
    for (std::int64_t t = 0; t < layer_.steps; ++t) {
      for (const auto& direction : outputs)
        rows.push_back(builder_.reshape(direction[static_cast<std::size_t>(t)],
                                        {1, layer_.batch, layer_.hidden}));
    }
    const Shape shape = {layer_.steps, layer_.directions, layer_.batch, layer_.hidden};
    const ValueId y = builder_.reshape(emit_concat(builder_, rows, 0), shape);
    node_.result(layer_.batch_first ? builder_.transpose(y, {2, 0, 1, 3}) : y, 0);
  }

  void give_last(const std::vector<State>& last, int s) {
    if (s + 1 >= node_.output_slots() || !node_.is_used(s + 1)) return;
    std::vector<ValueId> parts;
    for (const State& state : last) {
      parts.push_back(
          builder_.reshape(state[static_cast<std::size_t>(s)], {1, layer_.batch, layer_.hidden}));
    }
    const ValueId y = emit_concat(builder_, parts, 0);
    node_.result(layer_.batch_first ? builder_.transpose(y, {1, 0, 2}) : y, s + 1);
  }

  OnnxNode& node_;
  GraphBuilder& builder_;
  const Cell& cell_;
  const Layer& layer_;
  bool linear_before_reset_ = cell_.gates == 3 && node_.flag("linear_before_reset");
  std::int64_t direction_ = 0;
  Weights weights_;
  State state_{kNoValue, kNoValue};
};

void unroll(OnnxNode& node, const Cell& cell) {
  const Layer layer = read_layer(node, cell);
  Unroller(node, cell, layer).run();
}

}  // namespace

void rewrite_rnn(OnnxNode& node) {
  node.require_arity(3, 6);
  unroll(node, {"RNN", 1, 1, {"Tanh"}});
}

void rewrite_gru(OnnxNode& node) {
  node.require_arity(3, 6);
  unroll(node, {"GRU", 3, 1, {"Sigmoid", "Tanh"}});
}

void rewrite_lstm(OnnxNode& node) {
  node.require_arity(3, 8);
  node.require(!node.flag("input_forget"), "input_forget is 1", "0");
  unroll(node, {"LSTM", 4, 2, {"Sigmoid", "Tanh", "Tanh"}});
}

}  // namespace systole::compiler
