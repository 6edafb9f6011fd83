// LSTMs of TPU v1's paper, unrolled into MatMul, Add, Mul, Sigmoid and Tanh (Hochreiter and
// Schmidhuber 1997, with forget gates):
//   i, f, o = sigmoid(sum of x_k W_k + b), g = tanh(the same), c' = f c + i g, h' = o tanh(c').
//
// Activations have 16 bits and weights 8, between QuantizeLinear and DequantizeLinear: values
// within -1 ... 1 (inputs, h, gates) in steps of 2^-15, others (sums, c) in steps of 2^-12. All
// weights of a sum share one scale, so that the machine adds the products as integers.
#include <fmt/core.h>

#include <array>
#include <cmath>
#include <random>

#include "compiler/ir/graph_builder.h"
#include "compiler/ir/onnx_names.h"
#include "compiler/zoo/paper_networks.h"

namespace systole::compiler {
namespace {

constexpr std::uint64_t kSeed = 0x5E5701E;
constexpr float kUnitStep = 0x1p-15F, kWideStep = 0x1p-12F;
constexpr float kWeightRms = 74.0F;       // of a uniform signed byte, in steps
constexpr float kOperandMoment = 0.125F;  // of inputs and h
constexpr float kBiasRange = 0.1F;

// A cell's state.
struct State {
  ValueId h = kNoValue, c = kNoValue;
};

class LstmMaker {
 public:
  explicit LstmMaker(const NetworkOptions& options) : options_(options) {}

  [[nodiscard]] std::int64_t width(std::int64_t published) const {
    return std::max<std::int64_t>(1, published / options_.divisor);
  }

  ValueId input(const std::string& name, std::int64_t columns, float step = kUnitStep) {
    const ValueId x = builder_.add_input(name, DType::kFloat32, {options_.batch, columns});
    return rounded(name, x, step);
  }

  // A fully connected layer of several inputs, its function and its bias behind it.
  ValueId dense(const std::string& name, const std::vector<ValueId>& operands, std::int64_t columns,
                const MapAttrs& fn, float bias = 0.0F) {
    std::int64_t fan_in = 0;
    for (ValueId x : operands) fan_in += builder_.value(x).shape[1];
    const float moment = kOperandMoment * static_cast<float>(fan_in);
    const float scale = 1.0F / (kWeightRms * std::sqrt(moment));
    ValueId sum = kNoValue;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const std::string part = operands.size() == 1 ? name : fmt::format("{}.{}", name, i);
      const ValueId product = multiply(part, operands[i], columns, scale);
      sum = i == 0 ? product : zip(part + ".sum", ZipFn::kAdd, sum, product);
    }
    sum = zip(name + ".biased", ZipFn::kAdd, sum, biases(name, columns, scale * kUnitStep, bias));
    return map(name + ".function", fn, rounded(name + ".in", sum, kWideStep));
  }

  ValueId map(const std::string& name, const MapAttrs& fn, ValueId x) {
    builder_.begin_layer(name, onnx_operator(fn.fn));
    const Shape shape = builder_.value(x).shape;
    return rounded(name, builder_.emit(OpKind::kMap, {x}, DType::kFloat32, shape, fn), kUnitStep);
  }

  State state(const std::string& cell, std::int64_t columns) {
    return {input(cell + ".h", columns), input(cell + ".c", columns, kWideStep)};
  }

  // The next state of a cell that reads `inputs` besides its own h; both are outputs.
  State cell(const std::string& name, std::vector<ValueId> inputs, const State& before) {
    const std::int64_t columns = builder_.value(before.h).shape[1];
    inputs.push_back(before.h);
    const MapAttrs sigmoid{MapFn::kSigmoid};
    const MapAttrs tanh{MapFn::kTanh};
    const ValueId i = dense(name + ".i", inputs, columns, sigmoid);
    const ValueId f = dense(name + ".f", inputs, columns, sigmoid, 1.0F);
    const ValueId g = dense(name + ".g", inputs, columns, tanh);
    const ValueId o = dense(name + ".o", inputs, columns, sigmoid);
    const auto mul = [&](const std::string& part, ValueId a, ValueId b, float step) {
      return rounded(name + part, zip(name + part, ZipFn::kMul, a, b), step);
    };
    const ValueId kept = mul(".keep", f, before.c, kWideStep);
    const ValueId fresh = mul(".fresh", i, g, kUnitStep);
    State after;
    after.c = rounded(name + ".c_new", zip(name + ".c_new", ZipFn::kAdd, kept, fresh), kWideStep);
    after.h = mul(".h_new", o, map(name + ".tanh_c", tanh, after.c), kUnitStep);
    outputs_.emplace_back(name + ".h_out", after.h);
    outputs_.emplace_back(name + ".c_out", after.c);
    return after;
  }

  void output(const std::string& name, ValueId x) { outputs_.emplace_back(name, x); }

  Graph finish() {
    Graph graph = builder_.finish(outputs_);
    graph.structure_only = options_.structure_only;
    return graph;
  }

 private:
  ValueId zip(const std::string& name, ZipFn fn, ValueId a, ValueId b) {
    builder_.begin_layer(name, onnx_operator(fn));
    const Shape shape = builder_.value(a).shape;
    return builder_.emit(OpKind::kZip, {a, b}, DType::kFloat32, shape, ZipAttrs{fn});
  }

  // Quantised to 16 bits and back.
  ValueId rounded(const std::string& name, ValueId x, float step) {
    const QuantAttrs attrs{Quant{{step}, {0}, 0, DType::kInt16}};
    const Shape shape = builder_.value(x).shape;
    builder_.begin_layer(name + "_quantized", "QuantizeLinear");
    const ValueId q = builder_.emit(OpKind::kQuantise, {x}, DType::kInt16, shape, attrs);
    builder_.name_result(q, name + "_quantized");
    builder_.begin_layer(name + "_dequantized", "DequantizeLinear");
    return builder_.emit(OpKind::kDequantise, {q}, DType::kFloat32, shape, attrs);
  }

  ValueId dequantised(const std::string& name, Tensor integers, float scale) {
    const QuantAttrs attrs{Quant{{scale}, {0}, 0, integers.type}};
    const Shape shape = integers.shape;
    const ValueId q = builder_.add_constant(name + "_quantized", std::move(integers));
    builder_.begin_layer(name, "DequantizeLinear");
    return builder_.emit(OpKind::kDequantise, {q}, DType::kFloat32, shape, attrs);
  }

  ValueId multiply(const std::string& name, ValueId x, std::int64_t columns, float scale) {
    const Shape from = builder_.value(x).shape;
    Tensor w;
    w.type = DType::kInt8;
    w.shape = {from[1], columns};
    if (!options_.structure_only) {
      w.data.resize(static_cast<std::size_t>(from[1] * columns));
      for (std::uint8_t& byte : w.data) byte = static_cast<std::uint8_t>(random_() >> 56);
    }
    const ValueId weights = dequantised(name + ".weight", std::move(w), scale);
    builder_.begin_layer(name, "MatMul");
    return builder_.emit(OpKind::kMatmul, {x, weights}, DType::kFloat32, {from[0], columns},
                         MatmulAttrs{});
  }

  ValueId biases(const std::string& name, std::int64_t columns, float scale, float middle) {
    Tensor t(DType::kInt32, {columns});
    for (std::int32_t& v : t.as<std::int32_t>()) {
      const auto uniform =
          static_cast<float>(static_cast<std::int64_t>(random_() >> 40)) * 0x1p-23F;
      v = static_cast<std::int32_t>((middle + kBiasRange * (uniform - 1.0F)) / scale);
    }
    return dequantised(name + ".bias", std::move(t), scale);
  }

  NetworkOptions options_;
  GraphBuilder builder_;
  std::mt19937_64 random_{kSeed};
  std::vector<std::pair<std::string, ValueId>> outputs_;
};

}  // namespace

// Six cells, one on the other.
Graph make_lstm0(const NetworkOptions& options) {
  constexpr std::int64_t kInput = 1536, kWidth = 1024;
  constexpr int kCells = 6;
  LstmMaker m(options);
  ValueId x = m.input("x", m.width(kInput));
  for (int i = 0; i < kCells; ++i) {
    const std::string name = fmt::format("cell{}", i);
    x = m.cell(name, {x}, m.state(name, m.width(kWidth))).h;
  }
  return m.finish();
}

// Translation (Wu et al., https://arxiv.org/abs/1609.08144, in the small): an encoder of four cells
// and a decoder of five that also read the encoder's result, then a layer over both.
Graph make_lstm1(const NetworkOptions& options) {
  constexpr std::int64_t kWidth = 600;
  constexpr int kEncoder = 4, kDecoder = 5;
  LstmMaker m(options);
  const std::int64_t width = m.width(kWidth);
  ValueId source = m.input("source", width);
  ValueId target = m.input("target", width);
  for (int i = 0; i < kEncoder; ++i) {
    const std::string name = fmt::format("encoder{}", i);
    source = m.cell(name, {source}, m.state(name, width)).h;
  }
  for (int i = 0; i < kDecoder; ++i) {
    const std::string name = fmt::format("decoder{}", i);
    target = m.cell(name, {target, source}, m.state(name, width)).h;
  }
  m.output("y", m.dense("projection", {target, source}, width, {MapFn::kTanh}));
  return m.finish();
}

}  // namespace systole::compiler
