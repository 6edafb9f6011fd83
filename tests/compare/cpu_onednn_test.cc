// The CPU chain against plain loops: integer layers byte for byte, float layers within a bound.
#include "compare/cpu_onednn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/numerics.h"
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

TEST_P(IntegerLayer, EqualsThePlainLoopByteForByte) {
  if (!__builtin_cpu_supports("avx512vnni")) {
    GTEST_SKIP() << "without VNNI oneDNN's 16-bit intermediate sums may saturate";
  }
  const Layer& layer = GetParam();
  Graph graph = integer_layer_graph(layer.rows, layer.k, layer.n, layer.with_bias);
  auto& attrs = std::get<compiler::MatmulAttrs>(graph.nodes[0].attrs);
  attrs.x_quant->zero_points = {layer.x_zero};
  attrs.output->zero_points = {layer.y_zero};
  attrs.lo = layer.lo;
  attrs.hi = layer.hi;
  const auto x = random_bytes(static_cast<std::size_t>(layer.rows * layer.k), 7);

  CpuChain chain(graph, layer.threads);
  const auto results = chain.compute(x);
  EXPECT_EQ(results.output.data, expected_bytes(graph, layer, x)) << chain.kernels();
  EXPECT_EQ(results.last_matmul.data, results.output.data);
  EXPECT_EQ(chain.precision(), "int8");
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

TEST(CpuChain, FloatLayersStayWithinRoundingOfTheSum) {
  const std::int64_t rows = 9;
  const std::int64_t k = 130;
  const std::int64_t n = 11;
  const Graph graph = float_chain_graph(rows, k, n);
  CpuChain chain(graph, 1);
  std::vector<float> x(static_cast<std::size_t>(rows * k));
  std::mt19937_64 random(3);
  for (float& v : x) v = static_cast<float>(random() >> 40) / 16'777'216.0F;
  const auto results =
      chain.compute({reinterpret_cast<const std::uint8_t*>(x.data()), x.size() * sizeof(float)});

  const auto w = graph.value(graph.nodes[0].inputs[1]).constant->as<float>();
  const auto b = graph.value(graph.nodes[0].inputs[2]).constant->as<float>();
  const auto y = results.last_matmul.as<float>();
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
  EXPECT_EQ(chain.precision(), "fp32");

  const auto probabilities = results.output.as<float>();
  for (std::int64_t i = 0; i < rows; ++i) {
    double total = 0.0;
    for (std::int64_t c = 0; c < n; ++c) {
      total += static_cast<double>(probabilities[static_cast<std::size_t>(i * n + c)]);
    }
    EXPECT_NEAR(total, 1.0, static_cast<double>(n) * std::exp2(-22));
  }
}

TEST(CpuChain, QuantisesAndDequantisesAroundTheLayers) {
  const Graph graph = quantised_chain_graph(5, 96, 10);
  CpuChain chain(graph, 1);
  // Multiples of the input scale: no ties, so multiplying by the reciprocal is exact enough.
  const auto bytes = random_bytes(5 * 96, 11);
  std::vector<float> x;
  for (const std::uint8_t byte : bytes) x.push_back(static_cast<float>(byte) / 255.0F);
  const Tensor input = make_tensor<float>({5, 96}, x);

  const auto results = chain.compute(input.data);
  const auto wanted = compiler::evaluate(graph, {input}, {chain.last_matmul(), graph.outputs[0]});
  EXPECT_EQ(results.last_matmul.data, wanted[0].data);
  const auto got = results.output.as<float>();
  const auto expected = wanted[1].as<float>();
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-6F) << i;
}

TEST(CpuChain, TimesTheMultiplicationsWithinTheWhole) {
  const Graph graph = quantised_chain_graph(5, 96, 10);
  CpuChain chain(graph, 1);
  const std::vector<std::uint8_t> input(5 * 96 * sizeof(float));
  std::vector<std::uint8_t> output(5 * 10 * sizeof(float));
  const CpuTiming timing = chain.run(input, output);
  EXPECT_GT(timing.device, 0.0);
  EXPECT_GT(timing.total, timing.device);
}

std::string refusal(const Graph& graph) {
  try {
    CpuChain chain(graph, 1);
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CpuChain, NamesTheNodeThatDoesNotFit) {
  Graph transpose = float_chain_graph(3, 4, 4);
  compiler::Node& softmax = transpose.nodes.back();
  softmax.kind = compiler::OpKind::kMove;
  softmax.attrs = compiler::MoveAttrs{compiler::MoveFn::kTranspose, {1, 0}};
  EXPECT_THAT(refusal(transpose), testing::HasSubstr("softmax: a transpose of activations"));

  Graph computed = float_chain_graph(3, 4, 4);
  computed.value(computed.nodes[0].inputs[1]).constant.reset();
  EXPECT_THAT(refusal(computed), testing::HasSubstr("fc: 'w' is computed"));

  Graph branch = float_chain_graph(3, 4, 4);
  branch.nodes[2].inputs[0] = branch.inputs[0];
  EXPECT_THAT(refusal(branch), testing::HasSubstr("softmax: an input that is not"));

  Graph asymmetric = integer_layer_graph(3, 4, 4, true);
  std::get<compiler::MatmulAttrs>(asymmetric.nodes[0].attrs).w_quant->zero_points = {5};
  EXPECT_THAT(refusal(asymmetric), testing::HasSubstr("layer: a weight zero point of 5"));

  Graph timing_only = float_chain_graph(3, 4, 4);
  timing_only.structure_only = true;
  EXPECT_THAT(refusal(timing_only), testing::HasSubstr("without weights"));
}

}  // namespace
}  // namespace systole::compare
