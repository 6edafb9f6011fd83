// Pass fuse_quantised: what becomes an integer matmul, what must not, and with which limits.
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/passes/assume_int8.h"
#include "compiler/pipeline.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kRows = 2, kInner = 3, kColumns = 4;

// x (u8) and w (s8 constant) dequantised, multiplied; tests hang the rest behind it.
class FuseQuantised : public ::testing::Test {
 protected:
  FuseQuantised() {
    x_ = value("x", DType::kUint8, {kRows, kInner});
    graph_.inputs = {x_};
    Tensor w(DType::kInt8, {kInner, kColumns});
    for (std::size_t i = 0; i < w.data.size(); ++i) w.data[i] = static_cast<std::uint8_t>(i * 7);
    w_ = graph_.add_value({"w", DType::kInt8, w.shape, w});
    const ValueId x = dequantise(x_, {{0.5F}, {10}, 0, DType::kUint8});
    const ValueId w_real = dequantise(w_, {{0.25F}, {0}, 0, DType::kInt8});
    product_ = node(OpKind::kMatmul, {x, w_real}, DType::kFloat32, MatmulAttrs{});
  }

  ValueId value(const std::string& name, DType type, Shape shape) {
    return graph_.add_value({name, type, std::move(shape), {}});
  }
  ValueId node(OpKind kind, std::vector<ValueId> inputs, DType type, Attrs attrs) {
    const ValueId y = value("v" + std::to_string(graph_.values.size()), type, {kRows, kColumns});
    graph_.nodes.push_back(
        {kind, "n" + std::to_string(graph_.nodes.size()), "test", std::move(inputs), {y}, attrs});
    return y;
  }
  ValueId dequantise(ValueId id, Quant quant) {
    const ValueId y = value("dq", DType::kFloat32, graph_.value(id).shape);
    graph_.nodes.push_back(
        {OpKind::kDequantise, "dq", "test", {id}, {y}, QuantAttrs{std::move(quant)}});
    return y;
  }
  ValueId quantise(ValueId id, std::int32_t zero_point) {
    return node(OpKind::kQuantise, {id}, DType::kUint8,
                QuantAttrs{{{0.125F}, {zero_point}, 0, DType::kUint8}});
  }
  ValueId int32_constant(std::int32_t v, float scale) {
    Tensor b(DType::kInt32, {kColumns});
    std::ranges::fill(b.as<std::int32_t>(), v);
    return dequantise(graph_.add_value({"b", DType::kInt32, b.shape, b}),
                      {{scale}, {0}, 0, DType::kInt32});
  }
  Graph fused(ValueId output) {
    graph_.outputs = {output};
    return fuse_quantised(graph_);
  }
  static const MatmulAttrs& attrs(const Graph& graph) {
    return std::get<MatmulAttrs>(graph.nodes.at(0).attrs);
  }

  Graph graph_;
  ValueId x_ = kNoValue, w_ = kNoValue, product_ = kNoValue;
};

TEST_F(FuseQuantised, product_and_quantise_become_one_node) {
  const Graph g = fused(quantise(product_, 3));
  ASSERT_EQ(g.nodes.size(), 1U);
  EXPECT_EQ(g.nodes[0].inputs, (std::vector<ValueId>{x_, w_}));
  EXPECT_EQ(attrs(g).x_quant->zero_points[0], 10);
  EXPECT_EQ(attrs(g).output->zero_points[0], 3);
  EXPECT_EQ(attrs(g).lo, 0);
  EXPECT_EQ(attrs(g).hi, 255);
}

TEST_F(FuseQuantised, relu_raises_the_lower_limit_to_the_zero_point) {
  const ValueId relu = node(OpKind::kMap, {product_}, DType::kFloat32, MapAttrs{});
  const Graph g = fused(quantise(relu, 3));
  ASSERT_EQ(g.nodes.size(), 1U);
  EXPECT_EQ(attrs(g).lo, 3);
  EXPECT_EQ(attrs(g).hi, 255);
}

TEST_F(FuseQuantised, clip_sets_both_limits_as_quantised) {
  const ValueId clip =
      node(OpKind::kMap, {product_}, DType::kFloat32, MapAttrs{MapFn::kClip, -0.25F, 6.0F, 0.0F});
  const Graph g = fused(quantise(clip, 3));
  ASSERT_EQ(g.nodes.size(), 1U);
  EXPECT_EQ(attrs(g).lo, 3 - 2);   // -0.25 / 0.125
  EXPECT_EQ(attrs(g).hi, 3 + 48);  // 6 / 0.125
}

TEST_F(FuseQuantised, added_bias_at_the_products_scale_is_taken_as_it_is) {
  const ValueId bias = int32_constant(1234, 0.5F * 0.25F);
  const ValueId sum = node(OpKind::kZip, {bias, product_}, DType::kFloat32, ZipAttrs{});
  const Graph g = fused(quantise(sum, 0));
  ASSERT_EQ(g.nodes.size(), 1U);
  ASSERT_EQ(g.nodes[0].inputs.size(), 3U);
  EXPECT_EQ(g.value(g.nodes[0].inputs[2]).constant->as<std::int32_t>()[2], 1234);
}

TEST_F(FuseQuantised, bias_at_another_scale_is_rescaled) {
  const ValueId bias = int32_constant(1000, 0.5F);
  const ValueId sum = node(OpKind::kZip, {product_, bias}, DType::kFloat32, ZipAttrs{});
  const Graph g = fused(quantise(sum, 0));
  EXPECT_EQ(g.value(g.nodes.at(0).inputs.at(2)).constant->as<std::int32_t>()[0], 1000 * 4);
}

TEST_F(FuseQuantised, a_result_used_twice_stays_float_behind_an_int32_product) {
  const ValueId q = quantise(product_, 0);
  graph_.outputs = {q, product_};
  const Graph g = fuse_quantised(graph_);
  ASSERT_EQ(g.nodes.size(), 3U);
  EXPECT_EQ(g.nodes[0].kind, OpKind::kMatmul);
  EXPECT_FALSE(attrs(g).output.has_value());
  EXPECT_EQ(g.value(g.nodes[0].outputs[0]).type, DType::kInt32);
  EXPECT_EQ(g.nodes[1].kind, OpKind::kDequantise);
  EXPECT_EQ(std::get<QuantAttrs>(g.nodes[1].attrs).quant.scales[0], 0.5F * 0.25F);
  EXPECT_EQ(g.nodes[2].kind, OpKind::kQuantise);
}

TEST_F(FuseQuantised, a_relu_that_is_not_quantised_stays_a_node) {
  const ValueId relu = node(OpKind::kMap, {product_}, DType::kFloat32, MapAttrs{});
  const Graph g = fused(relu);
  ASSERT_EQ(g.nodes.size(), 3U);
  EXPECT_EQ(g.nodes[1].kind, OpKind::kDequantise);
  EXPECT_EQ(g.nodes[2].kind, OpKind::kMap);
}

TEST_F(FuseQuantised, assuming_int8_of_a_quantised_graph_changes_nothing) {
  const ValueId relu = node(OpKind::kMap, {product_}, DType::kFloat32, MapAttrs{});
  graph_.outputs = {quantise(relu, 3)};
  EXPECT_EQ(to_text(assume_int8(graph_)), to_text(graph_));
}

TEST(AssumeInt8, a_float_chain_becomes_integer_matmuls_only) {
  Graph graph;
  graph.inputs = {graph.add_value({"x", DType::kFloat32, {kRows, kInner}, {}})};
  ValueId at = graph.inputs[0];
  for (int layer = 0; layer < 3; ++layer) {
    const Shape& shape = graph.value(at).shape;
    const Shape w_shape = {shape[1], kColumns};
    const ValueId w =
        graph.add_value({"w", DType::kFloat32, w_shape, Tensor(DType::kFloat32, w_shape)});
    const ValueId y = graph.add_value({"y", DType::kFloat32, {kRows, kColumns}, {}});
    const ValueId z = graph.add_value({"z", DType::kFloat32, {kRows, kColumns}, {}});
    graph.nodes.push_back({OpKind::kMatmul, "fc", "test", {at, w}, {y}, MatmulAttrs{}});
    graph.nodes.push_back({OpKind::kMap, "relu", "test", {y}, {z}, MapAttrs{}});
    at = z;
  }
  graph.outputs = {at};
  const Graph g = fuse_quantised(assume_int8(graph));
  std::vector<OpKind> kinds;
  for (const Node& n : g.nodes) kinds.push_back(n.kind);
  EXPECT_EQ(kinds, (std::vector<OpKind>{OpKind::kQuantise, OpKind::kMatmul, OpKind::kMatmul,
                                        OpKind::kMatmul, OpKind::kDequantise}));
}

}  // namespace
}  // namespace systole::compiler
