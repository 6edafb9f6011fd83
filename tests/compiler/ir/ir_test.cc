// The intermediate representation: invariants, text form, and the evaluator against hand results.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/numerics.h"
#include "compiler/ir/graph.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
std::vector<T> list(const Tensor& t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}

// A graph of one node over one input.
Graph one_node(OpKind kind, DType type, const Shape& from, const Shape& to, Attrs attrs) {
  Graph graph;
  graph.inputs = {graph.add_value({"x", type, from, {}})};
  graph.outputs = {graph.add_value({"y", type, to, {}})};
  graph.nodes.push_back({kind, "n", "test", graph.inputs, graph.outputs, std::move(attrs)});
  return graph;
}

// x [m, k] times w [k, n] of any types.
Graph product(const Tensor& x, const Tensor& w, const MatmulAttrs& attrs, DType result) {
  Graph graph;
  graph.inputs = {graph.add_value({"x", x.type, x.shape, {}})};
  const ValueId weights = graph.add_value({"w", w.type, w.shape, w});
  Shape shape = x.shape;
  shape.back() = w.shape[1];
  graph.outputs = {graph.add_value({"y", result, shape, {}})};
  graph.nodes.push_back(
      {OpKind::kMatmul, "n", "test", {graph.inputs[0], weights}, graph.outputs, attrs});
  return graph;
}

Tensor random_bytes(DType type, const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  Tensor t(type, shape);
  for (std::uint8_t& byte : t.data) byte = static_cast<std::uint8_t>(random());
  return t;
}

TEST(IrVerify, AcceptsAGraphInOrder) {
  EXPECT_NO_THROW(verify(one_node(OpKind::kMap, DType::kFloat32, {2, 3}, {2, 3}, MapAttrs{})));
}

TEST(IrVerify, RefusesUseBeforeDefinition) {
  Graph graph = one_node(OpKind::kMap, DType::kFloat32, {2}, {2}, MapAttrs{});
  std::swap(graph.nodes[0].inputs, graph.nodes[0].outputs);
  EXPECT_THROW(verify(graph), InternalError);
}

TEST(IrVerify, RefusesTwoDefinitions) {
  Graph graph = one_node(OpKind::kMap, DType::kFloat32, {2}, {2}, MapAttrs{});
  graph.nodes.push_back(graph.nodes[0]);
  EXPECT_THROW(verify(graph), InternalError);
}

TEST(IrVerify, RefusesWrongShapesTypesAndAttributes) {
  EXPECT_THROW(verify(one_node(OpKind::kMap, DType::kFloat32, {2}, {3}, MapAttrs{})),
               InternalError);
  EXPECT_THROW(verify(one_node(OpKind::kMap, DType::kFloat32, {2}, {2}, ZipAttrs{})),
               InternalError);
  const MoveAttrs turn{MoveFn::kTranspose, {1, 0}};
  EXPECT_THROW(verify(one_node(OpKind::kMove, DType::kInt8, {2, 3}, {2, 3}, turn)), InternalError);
  EXPECT_NO_THROW(verify(one_node(OpKind::kMove, DType::kInt8, {2, 3}, {3, 2}, turn)));
  const MoveAttrs reshape{MoveFn::kReshape, {}};
  EXPECT_THROW(verify(one_node(OpKind::kMove, DType::kInt8, {2, 3}, {7}, reshape)), InternalError);
}

TEST(IrVerify, RefusesAMissingValueId) {
  Graph graph = one_node(OpKind::kMap, DType::kFloat32, {2}, {2}, MapAttrs{});
  graph.outputs = {9};
  EXPECT_THROW(verify(graph), InternalError);
}

TEST(IrText, NamesNodesShapesAndOrigins) {
  const std::string text =
      to_text(one_node(OpKind::kMap, DType::kFloat32, {2, 3}, {2, 3}, MapAttrs{}));
  EXPECT_THAT(text, HasSubstr("input x: float32[2, 3]"));
  EXPECT_THAT(text, HasSubstr("y: float32[2, 3] = map(x) relu @ n (test)"));
}

TEST(IrShapes, BroadcastFollowsNumpy) {
  EXPECT_EQ(broadcast({2, 1, 3}, {4, 1}), (Shape{2, 4, 3}));
  EXPECT_EQ(broadcast({}, {5}), Shape{5});
  EXPECT_EQ(broadcast({0}, {1}), Shape{0});
  EXPECT_EQ(broadcast({2}, {3}), std::nullopt);
}

TEST(IrEvaluate, FloatProductSumsUpwardsInAnyBlocking) {
  // 5 x 7 x 11 covers partial tiles of rows and of columns.
  Tensor x(DType::kFloat32, {5, 7});
  Tensor w(DType::kFloat32, {7, 11});
  for (std::size_t i = 0; i < 35; ++i) x.as<float>()[i] = std::sin(static_cast<float>(i));
  for (std::size_t i = 0; i < 77; ++i) w.as<float>()[i] = std::cos(static_cast<float>(i));
  MatmulAttrs attrs;
  attrs.alpha = 0.5F;
  const Tensor y = evaluate(product(x, w, attrs, DType::kFloat32), {x})[0];
  for (std::size_t m = 0; m < 5; ++m) {
    for (std::size_t n = 0; n < 11; ++n) {
      float sum = 0.0F;
      for (std::size_t k = 0; k < 7; ++k)
        sum += x.as<float>()[m * 7 + k] * w.as<float>()[k * 11 + n];
      EXPECT_EQ(y.as<float>()[m * 11 + n], 0.5F * sum);
    }
  }
}

TEST(IrEvaluate, IntegerProductIsExactWithZeroPointsPerColumn) {
  const Tensor x = random_bytes(DType::kUint8, {6, 300}, 1);
  const Tensor w = random_bytes(DType::kInt8, {300, 5}, 2);
  MatmulAttrs attrs;
  attrs.x_quant = Quant{{1.0F}, {131}, 0, DType::kUint8};
  attrs.w_quant = Quant{{1, 1, 1, 1, 1}, {-3, 0, 7, 127, -128}, 1, DType::kInt8};
  const Tensor y = evaluate(product(x, w, attrs, DType::kInt32), {x})[0];
  for (std::size_t m = 0; m < 6; ++m) {
    for (std::size_t n = 0; n < 5; ++n) {
      std::int32_t sum = 0;
      for (std::size_t k = 0; k < 300; ++k) {
        sum += (x.as<std::uint8_t>()[m * 300 + k] - 131) *
               (w.as<std::int8_t>()[k * 5 + n] - attrs.w_quant->zero_points[n]);
      }
      EXPECT_EQ(y.as<std::int32_t>()[m * 5 + n], sum);
    }
  }
}

TEST(IrEvaluate, SixteenBitSumsWrapModulo32Bits) {
  // 3 * 65535 * 65535 = 12884508675 = 3 * 2^32 - 393213.
  Tensor x(DType::kUint16, {1, 3});
  Tensor w(DType::kUint16, {3, 1});
  for (std::uint16_t& v : x.as<std::uint16_t>()) v = 65535;
  for (std::uint16_t& v : w.as<std::uint16_t>()) v = 65535;
  EXPECT_THAT(list<std::int32_t>(evaluate(product(x, w, {}, DType::kInt32), {x})[0]),
              ElementsAre(-393213));
}

TEST(IrEvaluate, RequantisesWithOneMultiplierPerColumn) {
  const Tensor x = random_bytes(DType::kUint8, {4, 16}, 3);
  const Tensor w = random_bytes(DType::kInt8, {16, 3}, 4);
  MatmulAttrs attrs;
  attrs.x_quant = Quant{{0.02F}, {5}, 0, DType::kUint8};
  attrs.w_quant = Quant{{0.01F, 0.5F, 0.003F}, {0, 0, 0}, 1, DType::kInt8};
  const Tensor sums = evaluate(product(x, w, attrs, DType::kInt32), {x})[0];
  attrs.output = Quant{{0.7F}, {-4}, 0, DType::kInt8};
  attrs.lo = -4;
  attrs.hi = 100;
  const Tensor y = evaluate(product(x, w, attrs, DType::kInt8), {x})[0];
  for (std::size_t i = 0; i < 12; ++i) {
    const float multiplier = requantise_multiplier(0.02F, attrs.w_quant->scales[i % 3], 0.7F);
    EXPECT_EQ(y.as<std::int8_t>()[i],
              requantise(sums.as<std::int32_t>()[i], multiplier, -4, -4, 100));
  }
  attrs.alpha = 0.3F;
  const Tensor scaled = evaluate(product(x, w, attrs, DType::kInt8), {x})[0];
  for (std::size_t i = 0; i < 12; ++i) {
    const float multiplier =
        requantise_multiplier(0.3F * 0.02F, attrs.w_quant->scales[i % 3], 0.7F);
    EXPECT_EQ(scaled.as<std::int8_t>()[i],
              requantise(sums.as<std::int32_t>()[i], multiplier, -4, -4, 100));
  }
}

TEST(IrVerify, ARequantisedProductHasAFiniteAlphaAndNoBeta) {
  const auto verified = [](float alpha, float beta) {
    MatmulAttrs attrs;
    attrs.x_quant = attrs.output = Quant{{1.0F}, {0}, 0, DType::kUint8};
    attrs.w_quant = Quant{{1.0F}, {0}, 0, DType::kInt8};
    attrs.alpha = alpha;
    attrs.beta = beta;
    const Tensor x(DType::kUint8, {2, 3});
    verify(product(x, Tensor(DType::kInt8, {3, 4}), attrs, DType::kUint8));
  };
  EXPECT_NO_THROW(verified(0.5F, 1.0F));
  EXPECT_THROW(verified(INFINITY, 1.0F), InternalError);
  EXPECT_THROW(verified(1.0F, 0.5F), InternalError);
}

TEST(IrEvaluate, SoftmaxOverSeveralDimensionsSumsToOne) {
  const Graph graph = one_node(OpKind::kReduce, DType::kFloat32, {2, 3, 2}, {2, 3, 2},
                               ReduceAttrs{ReduceFn::kSoftmax, 1, 3});
  const Tensor x(DType::kFloat32, {2, 3, 2});
  for (const float v : list<float>(evaluate(graph, {x})[0])) EXPECT_EQ(v, 1.0F / 6.0F);
}

TEST(IrEvaluate, MeanKeepsItsDimensions) {
  const Graph graph = one_node(OpKind::kReduce, DType::kFloat32, {2, 2, 2}, {2, 1, 2},
                               ReduceAttrs{ReduceFn::kMean, 1, 2});
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7, 8};
  const Tensor y = evaluate(graph, {make_tensor<float>({2, 2, 2}, values)})[0];
  EXPECT_THAT(list<float>(y), ElementsAre(2, 3, 6, 7));
}

TEST(IrEvaluate, TransposeMovesElements) {
  const Graph graph = one_node(OpKind::kMove, DType::kInt8, {1, 2, 3}, {3, 1, 2},
                               MoveAttrs{MoveFn::kTranspose, {2, 0, 1}});
  const std::vector<std::int8_t> values = {0, 1, 2, 3, 4, 5};
  const Tensor y = evaluate(graph, {make_tensor<std::int8_t>({1, 2, 3}, values)})[0];
  EXPECT_THAT(list<std::int8_t>(y), ElementsAre(0, 3, 1, 4, 2, 5));
}

}  // namespace
}  // namespace systole::compiler
