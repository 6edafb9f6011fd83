// Convolution, pooling, tables, concat and pad in the evaluator, against plain loops over windows.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <random>

#include "base/numerics.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

template <typename T>
std::vector<T> list(const Tensor& t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}

Tensor random_tensor(DType type, const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  Tensor t(type, shape);
  if (type == DType::kFloat32) {
    for (float& v : t.as<float>()) v = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
  } else {
    for (std::uint8_t& byte : t.data) byte = static_cast<std::uint8_t>(random());
  }
  return t;
}

Shape result_shape(const Shape& x, std::int64_t channels, const Window& w) {
  return {x[0], channels,
          window_steps(x[2] + w.pads[0] + w.pads[2], w.kernel[0], w.strides[0], w.dilations[0]),
          window_steps(x[3] + w.pads[1] + w.pads[3], w.kernel[1], w.strides[1], w.dilations[1])};
}

// A verified graph of one node over one input and constants.
Graph one_node(OpKind kind, const std::vector<Tensor>& tensors, DType type, const Shape& shape,
               Attrs attrs) {
  Graph graph;
  graph.inputs = {graph.add_value({"x", tensors[0].type, tensors[0].shape, {}})};
  std::vector<ValueId> inputs = graph.inputs;
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    inputs.push_back(
        graph.add_value({"c" + std::to_string(i), tensors[i].type, tensors[i].shape, tensors[i]}));
  }
  graph.outputs = {graph.add_value({"y", type, shape, {}})};
  graph.nodes.push_back({kind, "n", "test", inputs, graph.outputs, std::move(attrs)});
  verify(graph);
  return graph;
}

// Calls use(n, c, h, w) for each element of x that the window at (n, row, column) sees, with the
// kernel position; padding is left out.
template <typename Use>
void see(const Window& w, const Shape& x, std::int64_t row, std::int64_t column, Use use) {
  for (std::int64_t i = 0; i < w.kernel[0]; ++i) {
    for (std::int64_t j = 0; j < w.kernel[1]; ++j) {
      const std::int64_t h = row * w.strides[0] + i * w.dilations[0] - w.pads[0];
      const std::int64_t v = column * w.strides[1] + j * w.dilations[1] - w.pads[1];
      if (h >= 0 && h < x[2] && v >= 0 && v < x[3]) use(i, j, h, v);
    }
  }
}

std::size_t at(const Shape& shape, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
  return static_cast<std::size_t>(((a * shape[1] + b) * shape[2] + c) * shape[3] + d);
}

// Sums of (x - x_zero) * (w - w_zero) straight from the definition, in the order c, i, j.
template <typename Sum, typename X, typename W>
std::vector<Sum> plain_conv(const ConvAttrs& a, const Tensor& x, const Tensor& w,
                            const Shape& shape) {
  std::vector<Sum> sums(static_cast<std::size_t>(element_count(shape)));
  const std::int64_t filters = shape[1] / a.groups;
  for (std::size_t out = 0; out < sums.size(); ++out) {
    const auto index = static_cast<std::int64_t>(out);
    const std::int64_t column = index % shape[3];
    const std::int64_t row = index / shape[3] % shape[2];
    const std::int64_t m = index / (shape[3] * shape[2]) % shape[1];
    const std::int64_t n = index / (shape[3] * shape[2] * shape[1]);
    const Sum x_zero = a.x_quant ? static_cast<Sum>(a.x_quant->zero_points[0]) : Sum{0};
    const auto channel = static_cast<std::size_t>(m);
    const Sum w_zero = a.w_quant ? static_cast<Sum>(a.w_quant->zero_points[channel]) : Sum{0};
    for (std::int64_t c = 0; c < w.shape[1]; ++c) {
      see(a.window, x.shape, row, column, [&](auto i, auto j, auto h, auto v) {
        const std::int64_t from = m / filters * w.shape[1] + c;
        sums[out] += (static_cast<Sum>(x.as<X>()[at(x.shape, n, from, h, v)]) - x_zero) *
                     (static_cast<Sum>(w.as<W>()[at(w.shape, m, c, i, j)]) - w_zero);
      });
    }
  }
  return sums;
}

struct ConvCase {
  Shape x, w;
  std::int64_t groups;
  Window window;
};
const ConvCase kConvCases[] = {
    {{1, 3, 5, 6}, {4, 3, 3, 3}, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}}},
    {{2, 4, 7, 5}, {6, 2, 3, 2}, 2, {{3, 2}, {2, 1}, {1, 2}, {0, 2, 1, 0}}},
    {{2, 5, 6, 6}, {5, 1, 3, 3}, 5, {{3, 3}, {2, 2}, {2, 2}, {2, 0, 1, 3}}},
    {{1, 4, 4, 4}, {8, 4, 1, 1}, 1, {{1, 1}, {2, 3}, {1, 1}, {0, 0, 0, 0}}},
    {{1, 2, 3, 3}, {2, 2, 5, 5}, 1, {{5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}}},
};

TEST(IrConv, IntegerSumsAreTheDefinition) {
  for (const ConvCase& c : kConvCases) {
    const Tensor x = random_tensor(DType::kUint8, c.x, 1);
    const Tensor w = random_tensor(DType::kInt8, c.w, 2);
    ConvAttrs attrs;
    attrs.window = c.window;
    attrs.groups = c.groups;
    attrs.x_quant = Quant{{1.0F}, {131}, 0, DType::kUint8};
    std::vector<std::int32_t> zeros(static_cast<std::size_t>(c.w[0]));
    std::iota(zeros.begin(), zeros.end(), -2);
    attrs.w_quant = Quant{std::vector<float>(zeros.size(), 1.0F), zeros, 0, DType::kInt8};
    const Shape shape = result_shape(c.x, c.w[0], c.window);
    const Graph graph = one_node(OpKind::kConv, {x, w}, DType::kInt32, shape, attrs);
    const auto expected = plain_conv<std::int32_t, std::uint8_t, std::int8_t>(attrs, x, w, shape);
    EXPECT_EQ(list<std::int32_t>(evaluate(graph, {x})[0]), expected);
  }
}

TEST(IrConv, FloatSumsUpwardsOverChannelsThenKernel) {
  for (const ConvCase& c : kConvCases) {
    const Tensor x = random_tensor(DType::kFloat32, c.x, 3);
    const Tensor w = random_tensor(DType::kFloat32, c.w, 4);
    ConvAttrs attrs;
    attrs.window = c.window;
    attrs.groups = c.groups;
    const Shape shape = result_shape(c.x, c.w[0], c.window);
    const Graph graph = one_node(OpKind::kConv, {x, w}, DType::kFloat32, shape, attrs);
    EXPECT_EQ(list<float>(evaluate(graph, {x})[0]),
              (plain_conv<float, float, float>(attrs, x, w, shape)));
  }
}

TEST(IrConv, RequantisesWithBiasScaleAndRangeOfEachFilter) {
  const Shape shape = {1, 4, 4, 3};
  const Tensor x = random_tensor(DType::kUint8, {1, 4, 4, 3}, 5);
  const Tensor w = random_tensor(DType::kInt8, {4, 2, 1, 1}, 6);
  const std::vector<std::int32_t> bias = {100, -200, 3000, -4000};
  ConvAttrs attrs;
  attrs.groups = 2;
  attrs.x_quant = Quant{{0.02F}, {7}, 0, DType::kUint8};
  attrs.w_quant = Quant{{0.01F, 0.5F, 0.003F, 0.02F}, {0, 0, 0, 0}, 0, DType::kInt8};
  const auto sums = plain_conv<std::int32_t, std::uint8_t, std::int8_t>(attrs, x, w, shape);
  attrs.output = Quant{{0.7F}, {-4}, 0, DType::kInt8};
  attrs.lo = -4;
  attrs.hi = 100;
  const Graph graph = one_node(OpKind::kConv, {x, w, make_tensor<std::int32_t>({4}, bias)},
                               DType::kInt8, shape, attrs);
  const Tensor y = evaluate(graph, {x})[0];
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const float multiplier = requantise_multiplier(0.02F, attrs.w_quant->scales[i / 12], 0.7F);
    EXPECT_EQ(y.as<std::int8_t>()[i], requantise(sums[i] + bias[i / 12], multiplier, -4, -4, 100));
  }
}

TEST(IrConv, RefusesShapesThatDoNotFollowFromTheWindow) {
  ConvAttrs attrs;
  attrs.window.kernel = {3, 3};
  const Tensor x = random_tensor(DType::kFloat32, {1, 2, 5, 5}, 1);
  const Tensor w = random_tensor(DType::kFloat32, {4, 2, 3, 3}, 1);
  EXPECT_NO_THROW(one_node(OpKind::kConv, {x, w}, DType::kFloat32, {1, 4, 3, 3}, attrs));
  EXPECT_THROW(one_node(OpKind::kConv, {x, w}, DType::kFloat32, {1, 4, 5, 5}, attrs),
               InternalError);
  attrs.groups = 2;
  EXPECT_THROW(one_node(OpKind::kConv, {x, w}, DType::kFloat32, {1, 4, 3, 3}, attrs),
               InternalError);
}

PoolAttrs pool_attrs(PoolFn fn, std::array<std::int64_t, 2> strides,
                     std::array<std::int64_t, 4> pads) {
  PoolAttrs attrs;
  attrs.fn = fn;
  attrs.window = {{3, 2}, strides, {1, 2}, pads};
  return attrs;
}

TEST(IrPool, MaximumOfWhatIsInsideTheInput) {
  const Tensor x = random_tensor(DType::kInt8, {2, 3, 6, 7}, 7);
  const PoolAttrs attrs = pool_attrs(PoolFn::kMax, {2, 1}, {2, 0, 1, 1});
  const Shape shape = result_shape(x.shape, 3, attrs.window);
  const Graph graph = one_node(OpKind::kPool, {x}, DType::kInt8, shape, attrs);
  const Tensor y = evaluate(graph, {x})[0];
  for (std::int64_t i = 0; i < y.count(); ++i) {
    const std::int64_t plane = i / (shape[2] * shape[3]);
    std::int8_t top = -128;
    see(attrs.window, x.shape, i / shape[3] % shape[2], i % shape[3],
        [&](auto, auto, auto h, auto v) {
          top = std::max(top, x.as<std::int8_t>()[at(x.shape, 0, plane, h, v)]);
        });
    EXPECT_EQ(y.as<std::int8_t>()[static_cast<std::size_t>(i)], top);
  }
}

TEST(IrPool, AveragesDivideByWhatTheyCount) {
  // One line 1 2 3 4, kernel 3, stride 2, a pad of 1 in front and 2 behind, one of them overhang.
  const Tensor x = make_tensor<float>({1, 1, 1, 4}, std::vector<float>{1, 2, 3, 4});
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.window = {{1, 3}, {1, 2}, {1, 1}, {0, 1, 0, 2}};
  attrs.overhang = {0, 1};
  const auto averages = [&] {
    return list<float>(
        evaluate(one_node(OpKind::kPool, {x}, DType::kFloat32, {1, 1, 1, 3}, attrs), {x})[0]);
  };
  EXPECT_THAT(averages(), ElementsAre(3.0F / 2.0F, 9.0F / 3.0F, 4.0F / 1.0F));
  attrs.count_padding = true;
  EXPECT_THAT(averages(), ElementsAre(3.0F / 3.0F, 9.0F / 3.0F, 4.0F / 2.0F));
  attrs.overhang = {0, 0};
  EXPECT_THAT(averages(), ElementsAre(3.0F / 3.0F, 9.0F / 3.0F, 4.0F / 3.0F));
}

TEST(IrPool, IntegerAverageIsOneMultiplyOfTheSum) {
  const Tensor x = random_tensor(DType::kUint8, {1, 2, 5, 5}, 8);
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.window = {{5, 5}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  attrs.x_quant = Quant{{0.02F}, {100}, 0, DType::kUint8};
  attrs.output = Quant{{0.013F}, {-10}, 0, DType::kInt8};
  const Graph graph = one_node(OpKind::kPool, {x}, DType::kInt8, {1, 2, 1, 1}, attrs);
  const Tensor y = evaluate(graph, {x})[0];
  for (std::size_t c = 0; c < 2; ++c) {
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < 25; ++i) sum += x.data[c * 25 + i] - 100;
    EXPECT_EQ(y.as<std::int8_t>()[c], requantise(sum, 0.02F / (0.013F * 25.0F), -10, -128, 127));
  }
}

TEST(IrTable, LooksUpTheBytes) {
  TableAttrs attrs;
  for (int i = 0; i < 256; ++i) attrs.entries.push_back(static_cast<std::uint8_t>(255 - i));
  const Tensor x = random_tensor(DType::kInt8, {3, 5}, 9);
  const Graph graph = one_node(OpKind::kTable, {x}, DType::kUint8, {3, 5}, attrs);
  const Tensor y = evaluate(graph, {x})[0];
  for (std::size_t i = 0; i < 15; ++i) EXPECT_EQ(y.data[i], 255 - x.data[i]);
}

TEST(IrZip, QuantisedAdditionIsWrittenOrder) {
  const Tensor a = random_tensor(DType::kUint8, {2, 3, 4}, 10);
  const Tensor b = random_tensor(DType::kInt8, {3, 1}, 11);
  ZipAttrs attrs;
  attrs.a_quant = Quant{{0.1F}, {3}, 0, DType::kUint8};
  attrs.b_quant = Quant{{0.07F}, {-5}, 0, DType::kInt8};
  attrs.output = Quant{{0.11F}, {20}, 0, DType::kUint8};
  attrs.lo = 20;
  attrs.hi = 200;
  const Graph graph = one_node(OpKind::kZip, {a, b}, DType::kUint8, {2, 3, 4}, attrs);
  const Tensor y = evaluate(graph, {a})[0];
  for (std::size_t i = 0; i < 24; ++i) {
    const float u = static_cast<float>(a.data[i] - 3) * 0.1F;
    const float v = static_cast<float>(b.as<std::int8_t>()[i / 4 % 3] + 5) * 0.07F;
    EXPECT_EQ(y.data[i], quantise(u + v, 0.11F, 20, 20, 200));
  }
}

TEST(IrMap, SixteenBitSigmoidIsRoundedOnce) {
  const Tensor x = random_tensor(DType::kInt16, {50}, 12);
  MapAttrs attrs;
  attrs.fn = MapFn::kSigmoid;
  attrs.x_quant = Quant{{0x1p-12F}, {0}, 0, DType::kInt16};
  attrs.output = Quant{{0x1p-15F}, {0}, 0, DType::kInt16};
  const Graph graph = one_node(OpKind::kMap, {x}, DType::kInt16, {50}, attrs);
  const Tensor y = evaluate(graph, {x})[0];
  for (std::size_t i = 0; i < 50; ++i) {
    const double exact = 1.0 / (1.0 + std::exp(-x.as<std::int16_t>()[i] * 0x1p-12));
    EXPECT_EQ(y.as<std::int16_t>()[i],
              quantise(static_cast<float>(exact), 0x1p-15F, 0, -32768, 32767));
  }
}

TEST(IrMove, ConcatTakesRunsOfEachInput) {
  const Tensor x = make_tensor<std::int8_t>({2, 1, 2}, std::vector<std::int8_t>{1, 2, 3, 4});
  const Tensor c =
      make_tensor<std::int8_t>({2, 2, 2}, std::vector<std::int8_t>{5, 6, 7, 8, 9, 10, 11, 12});
  MoveAttrs attrs{MoveFn::kConcat};
  attrs.axis = 1;
  const Graph graph = one_node(OpKind::kMove, {x, c}, DType::kInt8, {2, 3, 2}, attrs);
  EXPECT_THAT(list<std::int8_t>(evaluate(graph, {x})[0]),
              ElementsAre(1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12));
}

TEST(IrMove, PadAddsAndCutsOff) {
  const Tensor x = make_tensor<std::int8_t>({2, 3}, std::vector<std::int8_t>{1, 2, 3, 4, 5, 6});
  MoveAttrs attrs{MoveFn::kPad};
  attrs.pads = {1, -1, -1, 2};
  attrs.fill = -7;
  const Graph graph = one_node(OpKind::kMove, {x}, DType::kInt8, {2, 4}, attrs);
  EXPECT_THAT(list<std::int8_t>(evaluate(graph, {x})[0]),
              ElementsAre(-7, -7, -7, -7, 2, 3, -7, -7));
  attrs.pads = {0, -4, 0, 1};
  EXPECT_THROW(one_node(OpKind::kMove, {x}, DType::kInt8, {2, 0}, attrs), InternalError);
  attrs.pads = {0, -3, 0, 1};
  const Graph gone = one_node(OpKind::kMove, {x}, DType::kInt8, {2, 1}, attrs);
  EXPECT_THAT(list<std::int8_t>(evaluate(gone, {x})[0]), Each(-7));
}

}  // namespace
}  // namespace systole::compiler
