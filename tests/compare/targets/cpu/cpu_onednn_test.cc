// The CPU model against plain loops: integer layers byte for byte, float layers within a bound.
// What a host lacks (host_isa.h) is tested for what is said of it.
#include "compare/targets/cpu/cpu_onednn.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/numerics.h"
#include "compare/comparison/measurement.h"
#include "compare/targets/cpu/float_twin.h"
#include "compiler/load.h"
#include "tests/compare/small_graphs.h"

namespace systole::compare {
namespace {

using compiler::Graph;

std::vector<std::uint8_t> random_bytes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint8_t> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random() >> 40);
  return bytes;
}

struct Layer {
  std::int64_t rows, k, n;
  std::int32_t x_zero, y_zero, lo, hi;
  bool with_bias;
  int threads;
};

// The layer in the words of ONNX: (x - z) w + b in int32, requantised.
std::vector<std::uint8_t> expected_bytes(const Graph& graph, const Layer& layer,
                                         const std::vector<std::uint8_t>& x) {
  const auto& attrs = std::get<compiler::MatmulAttrs>(graph.nodes[0].attrs);
  const auto w = graph.value(graph.nodes[0].inputs[1]).constant->as<std::int8_t>();
  std::vector<std::uint8_t> result;
  for (std::int64_t i = 0; i < layer.rows; ++i) {
    for (std::int64_t c = 0; c < layer.n; ++c) {
      std::int32_t sum = 0;
      if (layer.with_bias) {
        sum = graph.value(graph.nodes[0].inputs[2])
                  .constant->as<std::int32_t>()[static_cast<std::size_t>(c)];
      }
      for (std::int64_t k = 0; k < layer.k; ++k) {
        sum += (x[static_cast<std::size_t>(i * layer.k + k)] - layer.x_zero) *
               w[static_cast<std::size_t>(k * layer.n + c)];
      }
      const auto& scales = attrs.w_quant->scales;
      const float scale = scales[scales.size() == 1 ? 0 : static_cast<std::size_t>(c)];
      const float m =
          requantise_multiplier(attrs.x_quant->scales[0], scale, attrs.output->scales[0]);
      result.push_back(
          static_cast<std::uint8_t>(requantise(sum, m, layer.y_zero, layer.lo, layer.hi)));
    }
  }
  return result;
}

class IntegerLayer : public testing::TestWithParam<Layer> {};

// The libraries that are exact here, by CpuOptions::xnnpack: XNNPACK everywhere, oneDNN with VNNI.
std::vector<bool> exact_libraries() {
  if (host_isa().exact_int8) return {false, true};
  return {true};
}

TEST_P(IntegerLayer, EqualsThePlainLoopByteForByte) {
  const Layer& layer = GetParam();
  Graph graph = integer_layer_graph(layer.rows, layer.k, layer.n, layer.with_bias);
  auto& attrs = std::get<compiler::MatmulAttrs>(graph.nodes[0].attrs);
  attrs.x_quant->zero_points = {layer.x_zero};
  attrs.output->zero_points = {layer.y_zero};
  attrs.lo = layer.lo;
  attrs.hi = layer.hi;
  const auto x = random_bytes(static_cast<std::size_t>(layer.rows * layer.k), 7);

  for (const bool xnnpack : exact_libraries()) {
    CpuModel model(graph, {.threads = layer.threads, .xnnpack = xnnpack});
    model.run({x});
    const Tensor output = model.outputs()[0];
    EXPECT_EQ(output.data, expected_bytes(graph, layer, x)) << model.steps().front().kernel;
    EXPECT_EQ(model.last_product().data, output.data);
    EXPECT_EQ(model.precision(), "int8");
    EXPECT_EQ(model.libraries(), std::vector{xnnpack ? xnnpack_text() : onednn_text()});
  }
}

// rows, k, n, x zero, y zero, lo, hi, bias, threads
INSTANTIATE_TEST_SUITE_P(
    Shapes, IntegerLayer,
    testing::Values(Layer{1, 1, 1, 0, 0, 0, 255, false, 1},
                    Layer{1, 784, 512, 0, 0, 0, 255, true, 1},
                    Layer{200, 784, 512, 0, 0, 0, 255, true, 2},
                    Layer{200, 512, 10, 0, 131, 0, 255, true, 1},   // logits
                    Layer{33, 65, 17, 128, 0, 0, 255, true, 2},     // odd shape, asymmetric input
                    Layer{33, 65, 17, 255, 97, 97, 255, false, 1},  // relu above a zero point
                    Layer{16, 64, 64, 3, 10, 12, 200, true, 1},     // clip
                    Layer{7, 300, 3, 77, 255, 0, 255, true, 2}));

TEST(CpuModel, FloatLayersStayWithinRoundingOfTheSum) {
  const std::int64_t rows = 9;
  const std::int64_t k = 130;
  const std::int64_t n = 11;
  const Graph graph = float_chain_graph(rows, k, n);
  CpuModel model(graph, {});
  std::vector<float> x(static_cast<std::size_t>(rows * k));
  std::mt19937_64 random(3);
  for (float& v : x) v = static_cast<float>(random() >> 40) / 16'777'216.0F;
  model.run({{reinterpret_cast<const std::uint8_t*>(x.data()), x.size() * sizeof(float)}});
  const Tensor product = model.last_product();
  const Tensor output = model.outputs()[0];

  const auto w = graph.value(graph.nodes[0].inputs[1]).constant->as<float>();
  const auto b = graph.value(graph.nodes[0].inputs[2]).constant->as<float>();
  const auto y = product.as<float>();
  double difference = 0.0;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t c = 0; c < n; ++c) {
      double sum = 3.0 * static_cast<double>(b[static_cast<std::size_t>(c)]);  // beta = 3
      for (std::int64_t j = 0; j < k; ++j) {
        sum += 0.5 * static_cast<double>(x[static_cast<std::size_t>(i * k + j)]) *  // alpha = 0.5
               static_cast<double>(w[static_cast<std::size_t>(j * n + c)]);
      }
      const auto got = static_cast<double>(y[static_cast<std::size_t>(i * n + c)]);
      difference = std::max(difference, std::abs(got - std::max(sum, 0.0)));
    }
  }
  // |w| <= 1 and 0 <= x < 1: k terms of at most 0.5, each addition rounds by at most 2^-24 of a sum
  // below k / 2 + 3.
  const auto terms = static_cast<double>(k);
  EXPECT_LT(difference, terms * (terms / 2 + 3) * std::exp2(-24));
  EXPECT_EQ(model.precision(), "fp32");

  const auto probabilities = output.as<float>();
  for (std::int64_t i = 0; i < rows; ++i) {
    double total = 0.0;
    for (std::int64_t c = 0; c < n; ++c) {
      total += static_cast<double>(probabilities[static_cast<std::size_t>(i * n + c)]);
    }
    EXPECT_NEAR(total, 1.0, static_cast<double>(n) * std::exp2(-22));
  }
}

TEST(CpuModel, QuantisesAndDequantisesAroundTheLayers) {
  const Graph graph = quantised_chain_graph(5, 96, 10);
  CpuModel model(graph, {});
  // Multiples of the input scale: no ties, so multiplying by the reciprocal is exact enough.
  const auto bytes = random_bytes(5 * 96, 11);
  std::vector<float> x;
  for (const std::uint8_t byte : bytes) x.push_back(static_cast<float>(byte) / 255.0F);
  const Tensor input = make_tensor<float>({5, 96}, x);

  model.run({input.data});
  const auto wanted =
      compiler::evaluate(graph, {input}, {model.last_product_value(), graph.outputs[0]});
  EXPECT_EQ(model.last_product().data, wanted[0].data);
  const Tensor output = model.outputs()[0];
  const auto got = output.as<float>();
  const auto expected = wanted[1].as<float>();
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6F) << i;
}

TEST(CpuModel, TimesTheProductsWithinTheWhole) {
  const Graph graph = quantised_chain_graph(5, 96, 10);
  CpuModel model(graph, {});
  const std::vector<std::uint8_t> input(5 * 96 * sizeof(float));
  const CpuTiming timing = model.run({input});
  EXPECT_GT(timing.device, 0.0);
  EXPECT_GT(timing.total, timing.device);
  double steps = 0.0;
  for (const CpuStep& step : model.steps()) steps += step.seconds;
  EXPECT_NEAR(steps, timing.total, 1e-9);  // nothing between the steps
  EXPECT_EQ(model.steps().front().op, "quantise");
  EXPECT_FALSE(model.steps().front().device);
}

// Largest difference from the reference evaluator, over all outputs.
double difference_of(const Graph& graph, const std::vector<Tensor>& inputs, CpuOptions options) {
  CpuModel model(graph, options);
  ByteSpans bytes;
  for (const Tensor& input : inputs) bytes.emplace_back(input.data);
  model.run(bytes);
  const auto got = model.outputs();
  const auto expected = compiler::evaluate(graph, inputs);
  OutputCheck check;
  for (std::size_t i = 0; i < got.size(); ++i) add_to_check(check, got[i], expected[i]);
  EXPECT_GT(check.compared, 0);
  return check.max_difference;
}

Tensor random_input(const Graph& graph, std::size_t index, std::uint64_t seed) {
  const compiler::Value& v = graph.value(graph.inputs[index]);
  Tensor x(v.type, v.shape);
  std::mt19937_64 random(seed);
  if (v.type == DType::kFloat32) {
    for (float& e : x.as<float>()) e = static_cast<float>(random() >> 40) * 0x1p-24F;
  } else {
    for (auto& e : x.data) e = static_cast<std::uint8_t>(random() >> 56);
  }
  return x;
}

struct Convolution {
  const char* model;
  double most;  // steps of u8
};
class IntegerConvolution : public testing::TestWithParam<Convolution> {};

TEST_P(IntegerConvolution, StaysWithinAStepOfTheReference) {
  const Graph graph = compiler::load_model(GetParam().model, {});
  for (const bool xnnpack : exact_libraries()) {
    for (const int threads : {1, 2}) {
      EXPECT_LE(difference_of(graph, {random_input(graph, 0, 5)},
                              {.threads = threads, .xnnpack = xnnpack}),
                GetParam().most);
    }
  }
}
// Zero point 128, with and without padding, strides, one channel and many.
INSTANTIATE_TEST_SUITE_P(Shapes, IntegerConvolution,
                         testing::Values(Convolution{"conv:1,3,9,9,8,3,3,1,1", 0.0},
                                         Convolution{"conv:2,16,8,8,32,1,1,1,0", 0.0},
                                         Convolution{"conv:2,20,11,7,12,3,3,2,1", 0.0},
                                         Convolution{"conv:1,1,28,28,16,5,5,1,2", 0.0}));

// A float graph of every kind of layer: conv -> relu -> pool -> + itself -> transpose -> pad ->
// concat -> mean -> softmax.
Graph layers_graph() {
  Graph g;
  g.name = "layers";
  std::mt19937_64 random(2);
  const auto value = [&](const char* name, Shape shape) {
    return g.add_value({name, DType::kFloat32, std::move(shape), {}});
  };
  const auto weights = [&](const char* name, const Shape& shape) {
    Tensor t(DType::kFloat32, shape);
    for (float& x : t.as<float>()) x = static_cast<float>(random() >> 40) * 0x1p-24F - 0.5F;
    return g.add_value({name, DType::kFloat32, shape, std::move(t)});
  };
  const auto node = [&](compiler::OpKind kind, const char* name,
                        std::vector<compiler::ValueId> inputs, compiler::ValueId result,
                        compiler::Attrs attrs) {
    g.nodes.push_back({kind, name, "test", std::move(inputs), {result}, std::move(attrs)});
    return result;
  };
  using compiler::OpKind;
  const auto x = value("x", {2, 4, 8, 8});
  g.inputs = {x};
  compiler::ConvAttrs conv;
  conv.window.kernel = {3, 3};
  conv.window.pads = {1, 1, 1, 1};
  conv.groups = 2;
  auto y = node(OpKind::kConv, "conv", {x, weights("w", {6, 2, 3, 3}), weights("b", {6})},
                value("c", {2, 6, 8, 8}), conv);
  y = node(OpKind::kMap, "relu", {y}, value("r", {2, 6, 8, 8}), compiler::MapAttrs{});
  compiler::PoolAttrs pool;
  pool.fn = compiler::PoolFn::kAverage;
  pool.window.kernel = {2, 2};
  pool.window.strides = {2, 2};
  y = node(OpKind::kPool, "pool", {y}, value("p", {2, 6, 4, 4}), pool);
  y = node(OpKind::kZip, "add", {y, y}, value("a", {2, 6, 4, 4}), compiler::ZipAttrs{});
  y = node(OpKind::kZip, "scale", {y, weights("s", {6, 1, 1})}, value("m", {2, 6, 4, 4}),
           compiler::ZipAttrs{.fn = compiler::ZipFn::kMul});
  y = node(OpKind::kMove, "turn", {y}, value("t", {2, 4, 4, 6}),
           compiler::MoveAttrs{.fn = compiler::MoveFn::kTranspose, .permutation = {0, 2, 3, 1}});
  y = node(OpKind::kMove, "pad", {y}, value("d", {2, 4, 6, 5}),
           compiler::MoveAttrs{
               .fn = compiler::MoveFn::kPad, .pads = {0, 0, 1, 0, 0, 0, 1, -1}, .fill = 0.25});
  y = node(OpKind::kMove, "join", {y, y}, value("j", {2, 8, 6, 5}),
           compiler::MoveAttrs{.fn = compiler::MoveFn::kConcat, .axis = 1});
  y = node(OpKind::kReduce, "mean", {y}, value("n", {2, 8, 1, 1}),
           compiler::ReduceAttrs{compiler::ReduceFn::kMean, 2, 4});
  y = node(OpKind::kMove, "flat", {y}, value("f", {2, 8}), compiler::MoveAttrs{});
  y = node(OpKind::kReduce, "softmax", {y}, value("q", {2, 8}),
           compiler::ReduceAttrs{compiler::ReduceFn::kSoftmax, 1, 2});
  g.outputs = {y};
  compiler::verify(g);
  return g;
}

TEST(CpuModel, DoesEveryKindOfLayer) {
  const Graph graph = layers_graph();
  const Tensor x = random_input(graph, 0, 4);
  EXPECT_LE(difference_of(graph, {x}, {.threads = 2}), 1e-6);
  if (const auto reason = host_lacks("bf16")) {
    EXPECT_THAT(*reason, testing::HasSubstr("this host has " + host_isa().onednn));
    EXPECT_THROW(CpuModel(graph, {.bf16 = true}), InputError);
    return;
  }
  // 8 bits of mantissa through ten layers, of probabilities around 1/8.
  EXPECT_LE(difference_of(graph, {x}, {.bf16 = true}), 0.01);
  EXPECT_EQ(CpuModel(graph, {.bf16 = true}).precision(), "bf16");
}

TEST(CpuModel, FusesTheActivationIntoTheProduct) {
  const Graph graph = layers_graph();
  const CpuModel model(graph, {});
  for (const CpuStep& step : model.steps()) EXPECT_NE(step.name, "relu");
}

TEST(CpuModel, LooksResultsUp) {
  Graph graph = integer_layer_graph(7, 30, 9, true);
  compiler::TableAttrs table;
  for (int i = 0; i < 256; ++i) table.entries.push_back(static_cast<std::uint8_t>(255 - i));
  std::get<compiler::MatmulAttrs>(graph.nodes[0].attrs).lookup = table;
  for (const bool xnnpack : exact_libraries()) {
    EXPECT_EQ(difference_of(graph, {random_input(graph, 0, 6)}, {.xnnpack = xnnpack}), 0.0);
  }
}

std::string refusal(const Graph& graph, bool xnnpack = !host_isa().exact_int8) {
  try {
    CpuModel model(graph, {.xnnpack = xnnpack});
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CpuModel, NamesTheNodeThatDoesNotFit) {
  Graph computed = float_chain_graph(3, 4, 4);
  computed.value(computed.nodes[0].inputs[1]).constant.reset();
  EXPECT_THAT(refusal(computed), testing::HasSubstr("fc: 'w' is computed"));

  Graph asymmetric = integer_layer_graph(3, 4, 4, true);
  std::get<compiler::MatmulAttrs>(asymmetric.nodes[0].attrs).w_quant->zero_points = {5};
  for (const bool xnnpack : {false, true}) {
    EXPECT_THAT(refusal(asymmetric, xnnpack),
                testing::HasSubstr("layer: a weight zero point of 5"));
  }

  Graph timing_only = float_chain_graph(3, 4, 4);
  timing_only.structure_only = true;
  EXPECT_THAT(refusal(timing_only), testing::HasSubstr("without weights"));
}

TEST(FloatTwin, ComputesWhatTheIntegersStandFor) {
  for (const char* model : {"mlp:24,16,10", "conv:2,3,9,9,8,3,3,1,1", "gemm:5,30,7"}) {
    const Graph graph = compiler::load_model(model, {});
    const FloatTwin twin = float_twin(graph);
    ASSERT_TRUE(twin.inputs[0]) << model;
    const Tensor bytes = random_input(graph, 0, 8);
    const Tensor integers = compiler::evaluate(graph, {bytes})[0];
    const Tensor floats =
        compiler::evaluate(twin.graph, {dequantise_input(bytes, *twin.inputs[0])})[0];
    const auto& last = graph.nodes.back().attrs;
    const compiler::Quant y = std::holds_alternative<compiler::ConvAttrs>(last)
                                  ? *std::get<compiler::ConvAttrs>(last).output
                                  : *std::get<compiler::MatmulAttrs>(last).output;
    for (std::size_t i = 0; i < integers.data.size(); ++i) {
      const double step = (static_cast<double>(integers.data[i]) - y.zero_points[0]);
      if (integers.data[i] == 0 || integers.data[i] == 255) continue;  // saturated
      // Half a step of its own rounding, and what the layer before rounded.
      EXPECT_NEAR(static_cast<double>(floats.as<float>()[i]) / static_cast<double>(y.scales[0]),
                  step, 2.0)
          << model << " " << i;
    }
  }
}

TEST(FloatTwin, DropsQuantisersOfAQuantisedFile) {
  const FloatTwin twin = float_twin(quantised_chain_graph(5, 96, 10));
  EXPECT_FALSE(twin.inputs[0]);
  for (const compiler::Node& node : twin.graph.nodes) {
    EXPECT_NE(node.kind, compiler::OpKind::kQuantise);
    EXPECT_NE(node.kind, compiler::OpKind::kDequantise);
  }
}

}  // namespace
}  // namespace systole::compare
