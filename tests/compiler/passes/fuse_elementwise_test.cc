// What lies between dequantise and quantise: every 8- and 16-bit pattern becomes integer ops, and
// the integers are those that the float graph gives, for every input byte.
#include <gmock/gmock-matchers.h>

#include <cmath>

#include "compiler/pipeline.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;

class FuseElementwise : public OnnxText {
 protected:
  // x is uint8 [2, 2, 8, 8] with scale xs = 0.031 and zero point 113; the body ends in y.
  static std::string image(const std::string& constants, const std::string& body,
                           const std::string& y_type = "uint8") {
    return model(13,
                 "(uint8[2,2,8,8] x) => (" + y_type +
                     "[A,B,C,D] y) <float xs = {0.031}, uint8 xz = {113}, float ys = {0.043}, "
                     "uint8 yz = {20}" +
                     constants + ">",
                 "r = DequantizeLinear(x, xs, xz) " + body);
  }

  // Every byte occurs.
  static Tensor bytes() {
    Tensor x(DType::kUint8, {2, 2, 8, 8});
    for (std::size_t i = 0; i < x.data.size(); ++i) x.data[i] = static_cast<std::uint8_t>(i * 37);
    return x;
  }

  // The ops of the fused graph, whose results are those of the graph as it is written.
  std::vector<OpKind> fused(const std::string& text) {
    const Graph graph = load(text);
    const Graph integer = fuse_quantised(graph);
    EXPECT_EQ(evaluate(integer, {bytes()}).at(0).data, evaluate(graph, {bytes()}).at(0).data)
        << to_text(integer);
    std::vector<OpKind> kinds;
    for (const Node& node : integer.nodes) kinds.push_back(node.kind);
    return kinds;
  }
};

constexpr const char* kEnd = " y = QuantizeLinear(f, ys, yz)";

TEST_F(FuseElementwise, FunctionsOfOneByteAreTables) {
  for (const std::string f : {"f = Relu(r)", "f = LeakyRelu<alpha = 0.07>(r)",
                              "g = Relu(r) f = LeakyRelu(g)", "f = Clip(r, lo, hi)"}) {
    EXPECT_THAT(fused(image(", float lo = {-0.7}, float hi = {1.3}", f + kEnd)),
                ElementsAre(OpKind::kTable));
  }
}

// The vector unit's registers hold no scale of 0.
TEST_F(FuseElementwise, AScaleOfZeroIsLeftToTheHost) {
  const std::string zero = ", float zero = {0.0}";
  const std::string n = "n = DequantizeLinear(x, zero, xz) ";
  EXPECT_THAT(
      fused(image(zero, n + "f = Add(r, n)" + kEnd)),
      ElementsAre(OpKind::kDequantise, OpKind::kDequantise, OpKind::kZip, OpKind::kQuantise));
  EXPECT_THAT(fused(image(zero, n + "f = GlobalAveragePool(n)" + kEnd)),
              ElementsAre(OpKind::kDequantise, OpKind::kPool, OpKind::kQuantise));
  EXPECT_THAT(fused(image(zero, n + "f = Relu(n)" + kEnd)), ElementsAre(OpKind::kTable));
}

TEST_F(FuseElementwise, SigmoidAndTanhAreTablesOfTheExactFunction) {
  const std::string constants = ", float s = {0.00390625}, uint8 z = {0}";
  const Graph g =
      fuse_quantised(load(image(constants, "f = Sigmoid(r) y = QuantizeLinear(f, s, z)")));
  ASSERT_EQ(g.nodes.size(), 1U);
  const auto& entries = std::get<TableAttrs>(g.nodes[0].attrs).entries;
  EXPECT_EQ(g.nodes[0].origin, "Sigmoid");
  for (int q = 0; q < 256; ++q) {
    const double x = double{static_cast<float>(q - 113) * 0.031F};
    const double steps = std::nearbyint(256.0 / (1.0 + std::exp(-x)));
    EXPECT_EQ(entries[static_cast<std::size_t>(q)], std::min(steps, 255.0)) << q;
  }
}

TEST_F(FuseElementwise, AChangeOfScaleIsATableAndNoChangeIsFree) {
  EXPECT_THAT(fused(image("", "y = QuantizeLinear(r, ys, yz)")), ElementsAre(OpKind::kTable));
  EXPECT_THAT(fused(image("", "y = QuantizeLinear(r, xs, xz)")), ElementsAre(OpKind::kMove));
}

TEST_F(FuseElementwise, AdditionsAndProductsOfTwoScalesAreOneZip) {
  const std::string constants = ", float bs = {0.017}, int8[2,1,1] b = {-90, 77}, int8 bz = {3}";
  const std::string b = "d = DequantizeLinear(b, bs, bz) ";
  for (const std::string op : {"Add", "Mul"}) {
    EXPECT_THAT(fused(image(constants, b + "f = " + op + "(r, d)" + kEnd)),
                ElementsAre(OpKind::kZip));
    EXPECT_THAT(fused(image(constants, b + "g = " + op + "(d, r) f = Relu(g)" + kEnd)),
                ElementsAre(OpKind::kZip));
  }
  EXPECT_THAT(fused(image("", "f = Add(r, r)" + std::string(kEnd))), ElementsAre(OpKind::kZip));
}

TEST_F(FuseElementwise, MaxPoolsAndMovesWorkOnIntegers) {
  const std::string pool = "f = MaxPool<kernel_shape = [3,3], pads = [1,1,1,1]>(r)";
  EXPECT_THAT(fused(image("", pool + kEnd)), ElementsAre(OpKind::kPool, OpKind::kTable));
  EXPECT_THAT(fused(image("", "f = Transpose<perm = [0,2,3,1]>(r)" + std::string(kEnd))),
              ElementsAre(OpKind::kMove, OpKind::kTable));
  EXPECT_THAT(
      fused(image("", "f = MaxPool<kernel_shape = [3,3]>(r) y = QuantizeLinear(f, xs, xz)")),
      ElementsAre(OpKind::kPool, OpKind::kMove));
}

TEST_F(FuseElementwise, ConcatOfTwoScalesChangesEachToTheResults) {
  const std::string second = "q = QuantizeLinear(r, ss, sz) s = DequantizeLinear(q, ss, sz) ";
  const std::string constants = ", float ss = {0.05}, uint8 sz = {1}";
  EXPECT_THAT(fused(image(constants, second + "f = Concat<axis = 1>(r, s)" + kEnd)),
              ElementsAre(OpKind::kTable, OpKind::kTable, OpKind::kTable, OpKind::kMove));
}

TEST_F(FuseElementwise, APadFillsWithTheIntegerOfItsNumber) {
  const std::string constants = ", int64[8] p = {0,0,1,1,0,0,1,1}, float v = {0.5}, float z = {0}";
  EXPECT_THAT(fused(image(constants, "f = Pad(r, p, v)" + std::string(kEnd))),
              ElementsAre(OpKind::kTable, OpKind::kMove));  // 0.5 is no multiple of 0.031
  EXPECT_THAT(fused(image(constants, "f = Pad(r, p, z)" + std::string(kEnd))),
              ElementsAre(OpKind::kMove, OpKind::kTable));
}

TEST_F(FuseElementwise, AveragePoolsBecomeIntegerSums) {
  const Graph g = fuse_quantised(load(image("", "f = GlobalAveragePool(r)" + std::string(kEnd))));
  ASSERT_EQ(g.nodes.size(), 1U);
  const auto& pool = std::get<PoolAttrs>(g.nodes[0].attrs);
  EXPECT_EQ(pool.x_quant->zero_points[0], 113);
  EXPECT_EQ(pool.output->scales[0], 0.043F);
}

TEST_F(FuseElementwise, WhatIsReadTwiceOrReturnedStaysFloat) {
  const std::string text =
      model(13, "(uint8[4] x) => (uint8[A] y, float[A] f) <float s = {0.5}, uint8 z = {3}>",
            "r = DequantizeLinear(x, s, z) f = Relu(r) y = QuantizeLinear(f, s, z)");
  const Graph g = fuse_quantised(load(text));
  ASSERT_EQ(g.nodes.size(), 3U);
  EXPECT_EQ(g.nodes[1].kind, OpKind::kMap);
}

TEST_F(FuseElementwise, SixteenBitFunctionsAreMaps) {
  const std::string text = model(
      21, "(int16[4] x) => (int16[A] y) <float s = {0.001}, int16 z = {0}, float t = {0.00003}>",
      "r = DequantizeLinear(x, s, z) f = Tanh(r) y = QuantizeLinear(f, t, z)");
  const Graph g = fuse_quantised(load(text));
  ASSERT_EQ(g.nodes.size(), 1U);
  EXPECT_EQ(g.nodes[0].kind, OpKind::kMap);
  const std::vector<std::int16_t> values = {-2000, 0, 1, 30000};
  const std::vector<Tensor> y = evaluate(g, {make_tensor<std::int16_t>({4}, values)});
  for (std::size_t i = 0; i < 4; ++i) {
    const double exact = std::tanh(double{static_cast<float>(values[i]) * 0.001F});
    const float steps = std::nearbyintf(static_cast<float>(exact) / 0.00003F);
    EXPECT_EQ(y[0].as<std::int16_t>()[i], std::min(steps, 32767.0F));
  }
}

TEST_F(FuseElementwise, AConvTakesItsBiasItsLimitsAndAResultBehindAPool) {
  const std::string constants =
      ", int8[2,2,1,1] w = {1,2,3,4}, float[2] ws = {0.5, 0.25}, int8[2] wz = {0,0}, "
      "int32[2] b = {100,-200}, float[2] bs = {0.0155, 0.00775}, int32[2] bz = {0,0}";
  const Graph g = fuse_quantised(load(
      image(constants,
            "wr = DequantizeLinear<axis = 0>(w, ws, wz) br = DequantizeLinear<axis = 0>(b, bs, bz) "
            "c = Conv(r, wr, br) d = Relu(c) f = MaxPool<kernel_shape = [2,2]>(d)" +
                std::string(kEnd))));
  ASSERT_EQ(g.nodes.size(), 2U);
  EXPECT_EQ(g.nodes[0].kind, OpKind::kConv);
  EXPECT_EQ(g.nodes[1].kind, OpKind::kPool);
  const auto& conv = std::get<ConvAttrs>(g.nodes[0].attrs);
  EXPECT_EQ(conv.lo, 20);
  EXPECT_EQ(conv.hi, 255);
  EXPECT_THAT(g.value(g.nodes[0].inputs.at(2)).constant->as<std::int32_t>(),
              ElementsAre(100, -200));
}

TEST_F(FuseElementwise, AConvWhoseResultIsReadAsFloatGivesItsSums) {
  const Graph g = fuse_quantised(
      load(image(", int8[2,2,1,1] w = {1,2,3,4}, float[2] ws = {0.5, 0.25}, int8[2] wz = {0,0}",
                 "wr = DequantizeLinear<axis = 0>(w, ws, wz) y = Conv(r, wr)", "float")));
  ASSERT_EQ(g.nodes.size(), 2U);
  EXPECT_EQ(g.value(g.nodes[0].outputs[0]).type, DType::kInt32);
  const Quant& quant = std::get<QuantAttrs>(g.nodes[1].attrs).quant;
  EXPECT_EQ(quant.axis, 1);
  EXPECT_THAT(quant.scales, ElementsAre(0.031F * 0.5F, 0.031F * 0.25F));
}

// Operators of ONNX Runtime's own domain are what their float forms between DQ and Q are.
TEST_F(FuseElementwise, MicrosoftOperatorsAreTheirWrittenForms) {
  const std::string head =
      "<ir_version: 7, opset_import: [\"\" : 13, \"com.microsoft\" : 1]>\ntest "
      "(uint8[2,2,8,8] x) => (uint8[A,B,C,D] y) <float xs = {0.031}, uint8 xz = {113}, float bs = "
      "{0.017}, uint8 bz = {90}, float ys = {0.043}, uint8 yz = {20}>\n{\n";
  const std::string dq = "r = DequantizeLinear(x, xs, xz) s = DequantizeLinear(x, bs, bz) ";
  const auto same = [&](const std::string& microsoft, const std::string& written) {
    const Graph a = fuse_quantised(load(head + "y = com.microsoft." + microsoft + "\n}\n"));
    const Graph b =
        fuse_quantised(load(head + dq + "f = " + written + " y = QuantizeLinear(f, ys, yz)\n}\n"));
    EXPECT_EQ(evaluate(a, {bytes()})[0].data, evaluate(b, {bytes()})[0].data) << microsoft;
    EXPECT_EQ(a.nodes.size(), b.nodes.size()) << microsoft;
  };
  const std::string two = "(x, xs, xz, x, bs, bz, ys, yz)";
  same("QLinearAdd" + two, "Add(r, s)");
  same("QLinearMul" + two, "Mul(r, s)");
  same("QLinearConcat<axis = 1>(ys, yz, x, xs, xz, x, bs, bz)", "Concat<axis = 1>(r, s)");
  same("QLinearLeakyRelu<alpha = 0.2>(x, xs, xz, ys, yz)", "LeakyRelu<alpha = 0.2>(r)");
  same("QLinearSigmoid(x, xs, xz, ys, yz)", "Sigmoid(r)");
  same("QLinearGlobalAveragePool(x, xs, xz, ys, yz)", "GlobalAveragePool(r)");
  same("QLinearAveragePool<kernel_shape = [3,2]>(x, xs, xz, ys, yz)",
       "AveragePool<kernel_shape = [3,2]>(r)");
}

TEST_F(FuseElementwise, SixteenBitsAreReadInOlderOpsetsByMicrosoftsOperators) {
  const Graph g = fuse_quantised(load(
      "<ir_version: 7, opset_import: [\"\" : 13, \"com.microsoft\" : 1]>\ntest (float[4] x) => "
      "(int16[A] y) <float s = {0.001}, int16 z = {0}>\n{\n"
      "y = com.microsoft.QuantizeLinear(x, s, z)\n}\n"));
  ASSERT_EQ(g.nodes.size(), 1U);
  EXPECT_EQ(g.value(g.outputs[0]).type, DType::kInt16);
}

}  // namespace
}  // namespace systole::compiler
