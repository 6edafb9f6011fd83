// Exact products against plain loops: XNNPACK's and the array loops', byte for byte, and in whole
// graphs against the reference evaluator.
#include "compare/targets/cpu/exact_product.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <random>

#include "base/numerics.h"
#include "compare/targets/cpu/cpu_onednn.h"

namespace systole::compare {
namespace {

using compiler::Graph;
using compiler::OpKind;
using compiler::Quant;
using compiler::ValueId;

struct Shape8 {
  std::int64_t batch, height, width, channels, filters, groups;
  compiler::Window window;
};

std::int64_t extent(std::int64_t in, std::size_t axis, const compiler::Window& w) {
  const std::int64_t span = (w.kernel[axis] - 1) * w.dilations[axis] + 1;
  return (in + w.pads[axis] + w.pads[axis + 2] - span) / w.strides[axis] + 1;
}

// Weights and bias over their whole range, -128 twice as often as others.
ExactProductSpec spec_of(const Shape8& shape, std::int32_t x_zero, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto byte = [&] {
    return static_cast<std::int8_t>(random() % 100 == 0 ? -128
                                                        : static_cast<int>(random() >> 56) - 128);
  };
  ExactProductSpec s;
  s.batch = shape.batch;
  s.height = shape.height;
  s.width = shape.width;
  s.channels = shape.channels;
  s.filters = shape.filters;
  s.groups = shape.groups;
  s.window = shape.window;
  s.out_height = extent(shape.height, 0, shape.window);
  s.out_width = extent(shape.width, 1, shape.window);
  s.x_zero = x_zero;
  s.weights.resize(static_cast<std::size_t>(shape.filters * shape.window.kernel[0] *
                                            shape.window.kernel[1] * shape.channels /
                                            shape.groups));
  for (auto& w : s.weights) w = byte();
  for (std::int64_t f = 0; f < shape.filters; ++f) {
    s.bias.push_back(static_cast<std::int32_t>(random() % 20'001) - 10'000);
    s.multipliers.push_back(0.0005F + 0.0001F * static_cast<float>(f % 7));
  }
  s.limits = {5, -100, 127};
  return s;
}

std::vector<std::int8_t> input_of(const ExactProductSpec& s) {
  std::mt19937_64 random(7);
  std::vector<std::int8_t> x(static_cast<std::size_t>(s.batch * s.height * s.width * s.channels));
  for (auto& v : x) v = static_cast<std::int8_t>(random() >> 56);
  x.resize(x.size() + kReadableBehind);
  return x;
}

// The sum of one filter at one pixel, by its definition.
std::int32_t sum_of(const ExactProductSpec& s, const std::vector<std::int8_t>& x,
                    std::int64_t pixel, std::int64_t filter) {
  const compiler::Window& w = s.window;
  const std::int64_t depth = s.channels / s.groups;
  const std::int64_t group = filter / (s.filters / s.groups);
  const std::int64_t image = pixel / (s.out_height * s.out_width);
  std::int32_t sum = s.bias[static_cast<std::size_t>(filter)];
  for (std::int64_t i = 0; i < w.kernel[0] * w.kernel[1]; ++i) {
    const std::int64_t row = pixel / s.out_width % s.out_height * w.strides[0] - w.pads[0] +
                             i / w.kernel[1] * w.dilations[0];
    const std::int64_t column =
        pixel % s.out_width * w.strides[1] - w.pads[1] + i % w.kernel[1] * w.dilations[1];
    if (row < 0 || row >= s.height || column < 0 || column >= s.width) continue;
    for (std::int64_t d = 0; d < depth; ++d) {
      const std::int64_t from =
          ((image * s.height + row) * s.width + column) * s.channels + group * depth + d;
      const std::int64_t weight = (filter * w.kernel[0] * w.kernel[1] + i) * depth + d;
      sum += (x[static_cast<std::size_t>(from)] - s.x_zero) *
             s.weights[static_cast<std::size_t>(weight)];
    }
  }
  return sum;
}

std::vector<std::int32_t> sums_of(const ExactProductSpec& s, const std::vector<std::int8_t>& x) {
  std::vector<std::int32_t> sums;
  for (std::int64_t p = 0; p < s.batch * s.out_height * s.out_width; ++p) {
    for (std::int64_t f = 0; f < s.filters; ++f) sums.push_back(sum_of(s, x, p, f));
  }
  return sums;
}

std::vector<std::int8_t> requantised(const ExactProductSpec& s,
                                     const std::vector<std::int32_t>& sums) {
  std::vector<std::int8_t> bytes;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const float m = s.multipliers[i % static_cast<std::size_t>(s.filters)];
    bytes.push_back(static_cast<std::int8_t>(
        requantise(sums[i], m, s.limits.zero_point, s.limits.lo, s.limits.hi)));
  }
  return bytes;
}

class ExactProducts : public testing::TestWithParam<Shape8> {};

TEST_P(ExactProducts, EqualTheDefinition) {
  for (const std::int32_t x_zero : {-128, 0, 127}) {
    ExactProductSpec spec = spec_of(GetParam(), x_zero, 3);
    const auto x = input_of(spec);
    const auto sums = sums_of(spec, x);
    const auto bytes = requantised(spec, sums);
    for (const int threads : {1, 2}) {
      const auto product = make_exact_product(spec, make_thread_pool(threads));
      EXPECT_EQ(product->library(), xnnpack_text());
      std::vector<std::int8_t> y(bytes.size());
      product->run(x.data(), y.data());
      EXPECT_EQ(y, bytes) << "x zero " << x_zero;

      ExactProductSpec plain = spec;
      plain.multipliers.clear();
      const auto adder = make_exact_product(plain, make_thread_pool(threads));
      EXPECT_EQ(adder->library(), array_loops_text());
      std::vector<std::int32_t> got(sums.size());
      adder->run(x.data(), got.data());
      EXPECT_EQ(got, sums) << "x zero " << x_zero;
    }
    // XNNPACK refuses multipliers of 256 and more.
    spec.multipliers[0] = 300.0F;
    const auto product = make_exact_product(spec, make_thread_pool(2));
    EXPECT_EQ(product->library(), array_loops_text());
    std::vector<std::int8_t> y(bytes.size());
    product->run(x.data(), y.data());
    EXPECT_EQ(y, requantised(spec, sums));
  }
}

// Windows: kernel, strides, dilations, pads (top, left, bottom, right).
INSTANTIATE_TEST_SUITE_P(
    Shapes, ExactProducts,
    testing::Values(
        Shape8{1, 1, 1, 1, 1, 1, {}},       // one product
        Shape8{1, 70, 1, 1100, 19, 1, {}},  // a matrix of two tiles
        Shape8{2, 9, 7, 3, 8, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}},
        Shape8{1, 9, 8, 4, 6, 2, {{3, 2}, {2, 1}, {1, 2}, {0, 1, 2, 0}}},     // groups
        Shape8{2, 8, 8, 20, 20, 20, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}}},  // depthwise
        Shape8{1, 6, 6, 5, 10, 5, {{5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}}},
        Shape8{
            1, 5, 5, 33, 17, 1, {{1, 1}, {1, 1}, {1, 1}, {1, 1, 1, 1}}},  // pads beyond the kernel
        Shape8{1, 12, 12, 8, 8, 1, {{1, 1}, {2, 2}, {1, 1}, {}}}));

// --- whole graphs ---

class GraphMaker {
 public:
  ValueId value(const char* name, DType type, Shape shape) {
    return graph.add_value({name, type, std::move(shape), {}});
  }
  ValueId constant(const char* name, Tensor tensor) {
    const DType type = tensor.type;
    const Shape shape = tensor.shape;
    return graph.add_value({name, type, shape, std::move(tensor)});
  }
  ValueId weights(const char* name, const Shape& shape) {
    Tensor w(DType::kInt8, shape);
    for (auto& v : w.data) v = static_cast<std::uint8_t>(random_() >> 56);
    return constant(name, std::move(w));
  }
  ValueId node(OpKind kind, const char* name, std::vector<ValueId> inputs, ValueId result,
               compiler::Attrs attrs) {
    graph.nodes.push_back({kind, name, "test", std::move(inputs), {result}, std::move(attrs)});
    return result;
  }
  Graph graph;

 private:
  std::mt19937_64 random_{21};
};

compiler::ConvAttrs conv_attrs(DType x, DType y, float multiplier) {
  compiler::ConvAttrs attrs;
  attrs.x_quant = Quant{{1.0F}, {x == DType::kUint8 ? 128 : 3}, 0, x};
  attrs.w_quant = Quant{{multiplier}, {0}, 0, DType::kInt8};
  attrs.output = Quant{{1.0F}, {y == DType::kUint8 ? 120 : -7}, 0, y};
  attrs.lo = y == DType::kUint8 ? 0 : -128;
  attrs.hi = y == DType::kUint8 ? 255 : 127;
  attrs.window.kernel = {3, 3};
  attrs.window.pads = {1, 1, 1, 1};
  return attrs;
}

// u8 -> conv -> u8 -> conv (depthwise) -> s8 -> conv -> u8 -> max pool -> reshape -> matmul ->
// int32, the first convolution's result leaving too.
Graph mixed_graph() {
  GraphMaker g;
  const auto u8 = DType::kUint8, s8 = DType::kInt8;
  const ValueId x = g.value("x", u8, {2, 3, 8, 8});
  const ValueId a = g.node(OpKind::kConv, "conv1", {x, g.weights("w1", {8, 3, 3, 3})},
                           g.value("a", u8, {2, 8, 8, 8}), conv_attrs(u8, u8, 0.003F));
  compiler::ConvAttrs depthwise = conv_attrs(u8, s8, 0.01F);
  depthwise.groups = 8;
  ValueId y = g.node(OpKind::kConv, "conv2", {a, g.weights("w2", {8, 1, 3, 3})},
                     g.value("b", s8, {2, 8, 8, 8}), depthwise);
  y = g.node(OpKind::kConv, "conv3", {y, g.weights("w3", {6, 8, 3, 3})},
             g.value("c", u8, {2, 6, 8, 8}), conv_attrs(s8, u8, 0.002F));
  compiler::PoolAttrs pool;
  pool.window.kernel = pool.window.strides = {2, 2};
  y = g.node(OpKind::kPool, "pool", {y}, g.value("d", u8, {2, 6, 4, 4}), pool);
  y = g.node(OpKind::kMove, "flat", {y}, g.value("e", u8, {2, 96}), compiler::MoveAttrs{});
  compiler::MatmulAttrs matmul;
  matmul.x_quant = Quant{{1.0F}, {120}, 0, u8};
  matmul.w_quant = Quant{{1.0F}, {0}, 1, s8};
  y = g.node(OpKind::kMatmul, "fc", {y, g.weights("w4", {96, 11})},
             g.value("sums", DType::kInt32, {2, 11}), matmul);
  g.graph.inputs = {x};
  g.graph.outputs = {a, y};
  g.graph.name = "mixed";
  compiler::verify(g.graph);
  return g.graph;
}

TEST(ExactGraphs, EqualTheEvaluatorByteForByte) {
  const Graph graph = mixed_graph();
  Tensor x(DType::kUint8, {2, 3, 8, 8});
  std::mt19937_64 random(5);
  for (auto& v : x.data) v = static_cast<std::uint8_t>(random() >> 56);
  const auto expected = compiler::evaluate(graph, {x});
  for (const int threads : {1, 2}) {
    CpuModel model(graph, {.threads = threads, .xnnpack = true});
    for (int run = 0; run < 2; ++run) {
      model.run({x.data});
      const auto got = model.outputs();
      for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].data, expected[i].data) << i;
    }
    EXPECT_EQ(model.last_product().data, expected[1].data);
    EXPECT_THAT(model.libraries(),
                testing::UnorderedElementsAre(xnnpack_text(), onednn_text(), array_loops_text()));
  }
}

}  // namespace
}  // namespace systole::compare
