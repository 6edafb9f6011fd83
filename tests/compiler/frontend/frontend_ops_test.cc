// Each ONNX operator row: what it computes and what it refuses, through text models.
#include <gmock/gmock-matchers.h>

#include "base/source.h"
#include "compiler/frontend/onnx_ops.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FrontendOps : public OnnxText {
 protected:
  // x is [2, 2] = {1, 2, 3, 4} and y float; constants as ONNX text value infos.
  std::vector<float> y_of(int opset, const std::string& constants, const std::string& body) {
    return list<float>(run(square(opset, constants, body), {floats({2, 2}, {1, 2, 3, 4})}));
  }
  std::string error_of(int opset, const std::string& constants, const std::string& body) {
    return error(square(opset, constants, body));
  }
  static std::string square(int opset, const std::string& constants, const std::string& body) {
    const std::string list = constants.empty() ? "" : " <" + constants + ">";
    return model(opset, "(float[2,2] x) => (float[A,B] y)" + list, body);
  }
};

constexpr const char* kW = "float[2,3] w = {1,2,3,4,5,6}";

TEST_F(FrontendOps, MatMulOfMatricesVectorsAndHigherRanks) {
  EXPECT_THAT(y_of(13, kW, "y = MatMul(x, w)"), ElementsAre(9, 12, 15, 19, 26, 33));
  EXPECT_THAT(y_of(13, "float[2] w = {1, -1}", "y = MatMul(x, w)"), ElementsAre(-1, -1));
  const Graph graph =
      load(model(13, "(float[4,5,2] x) => (float[A,B,C] y) <float[2,3] w = {1,2,3,4,5,6}>",
                 "y = MatMul(x, w)"));
  EXPECT_EQ(graph.value(graph.outputs[0]).shape, (Shape{4, 5, 3}));
}

TEST_F(FrontendOps, MatMulErrorsNameTheNodeAndBothShapes) {
  EXPECT_THAT(error_of(13, "float[3,2] w = {1,2,3,4,5,6}", "y = MatMul(x, w)"),
              AllOf(HasSubstr("node 'y' (MatMul)"), HasSubstr("[2, 2]"), HasSubstr("[3, 2]")));
  EXPECT_THAT(error_of(13, "float[1,3,2] w = {1,2,3,4,5,6}", "y = MatMul(x, w)"),
              AllOf(HasSubstr("[2, 2]"), HasSubstr("[1, 3, 2]")));
  EXPECT_THAT(error_of(13, "int64[2,2] w = {1,2,3,4}", "y = MatMul(x, w)"), HasSubstr("int64"));
  EXPECT_THAT(error_of(13, "", "y = MatMul(x)"), HasSubstr("1 inputs"));
}

TEST_F(FrontendOps, GemmTransposesAndScales) {
  const std::string constants = "float[3,2] w = {1,2,3,4,5,6}, float[3] c = {10,20,30}";
  // alpha x w^T = 2 {5, 11, 17; 11, 25, 39}, beta c = {5, 10, 15}
  EXPECT_THAT(y_of(13, constants, "y = Gemm<alpha = 2.0, beta = 0.5, transB = 1>(x, w, c)"),
              ElementsAre(15, 32, 49, 27, 60, 93));
  // x^T w = {1, 3; 2, 4} {1, 2; 3, 4} without C
  EXPECT_THAT(y_of(11, "float[2,2] w = {1,2,3,4}", "y = Gemm<transA = 1>(x, w)"),
              ElementsAre(10, 14, 14, 20));
}

TEST_F(FrontendOps, GemmTakesEveryShapeOfC) {
  const std::string product = "float[2,2] w = {1,0,0,1}, ";
  const std::string body = "y = Gemm<beta = 2.0>(x, w, c)";
  EXPECT_THAT(y_of(13, product + "float c = {1}", body), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(y_of(13, product + "float[1] c = {1}", body), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(y_of(13, product + "float[1,2] c = {1,2}", body), ElementsAre(3, 6, 5, 8));
  EXPECT_THAT(y_of(13, product + "float[2,1] c = {1,2}", body), ElementsAre(3, 4, 7, 8));
  EXPECT_THAT(y_of(13, product + "float[2,2] c = {1,2,3,4}", body), ElementsAre(3, 6, 9, 12));
  EXPECT_THAT(error_of(13, product + "float[3] c = {1,2,3}", body), HasSubstr("C has shape [3]"));
  EXPECT_THAT(error_of(13, product + "float[1,1,2] c = {1,2}", body), HasSubstr("[1, 1, 2]"));
}

TEST_F(FrontendOps, GemmErrors) {
  EXPECT_THAT(error_of(13, kW, "y = Gemm<transB = 2>(x, w)"), HasSubstr("'transB' is 2"));
  EXPECT_THAT(error_of(13, kW, "y = Gemm<transB = 1.5>(x, w)"), HasSubstr("'transB' has type"));
  EXPECT_THAT(error_of(13, kW, "y = Gemm<gamma = 1>(x, w)"),
              AllOf(HasSubstr("'gamma'"), HasSubstr("opset 13")));
  EXPECT_THAT(error_of(9, kW, "y = Gemm(x, w)"), HasSubstr("opset 11"));
}

TEST_F(FrontendOps, TransposedConstantsLeaveNoMove) {
  const Graph graph =
      load(square(13, "float[3,2] w = {1,2,3,4,5,6}", "y = Gemm<transB = 1>(x, w)"));
  ASSERT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(list<float>(*graph.value(graph.nodes[0].inputs[1]).constant),
            (std::vector<float>{1, 3, 5, 2, 4, 6}));
}

TEST_F(FrontendOps, ATransposedDequantisedConstantMovesItsAxis) {
  const Graph graph =
      load(square(13, "int8[3,2] w = {1,2,3,4,5,6}, float[3] s = {0.5, 1, 2}, int8[3] z = {0,0,0}",
                  "d = DequantizeLinear<axis = 0>(w, s, z) y = Gemm<transB = 1>(x, d)"));
  ASSERT_EQ(graph.nodes.size(), 2U);
  EXPECT_EQ(std::get<QuantAttrs>(graph.nodes[0].attrs).quant.axis, 1);
  EXPECT_EQ(graph.value(graph.nodes[0].inputs[0]).shape, (Shape{2, 3}));
  EXPECT_THAT(list<float>(evaluate(graph, {floats({2, 2}, {1, 0, 0, 1})})[0]),
              ElementsAre(0.5, 3, 10, 1, 4, 12));
}

TEST_F(FrontendOps, MatMulIntegerSubtractsZeroPoints) {
  const std::string text = model(10,
                                 "(uint8[1,2] x) => (int32[A,B] y) <int8[2,2] w = {1,2,3,4}, uint8 "
                                 "xz = {10}, int8[2] wz = {1,2}>",
                                 "y = MatMulInteger(x, w, xz, wz)");
  const std::vector<std::uint8_t> x = {11, 13};
  // {1, 3} times {0, 0; 2, 2}
  EXPECT_THAT(list<std::int32_t>(run(text, {make_tensor<std::uint8_t>({1, 2}, x)})),
              ElementsAre(6, 6));
  EXPECT_THAT(error(model(10, "(float[1,2] x) => (int32[A,B] y) <int8[2,2] w = {1,2,3,4}>",
                          "y = MatMulInteger(x, w)")),
              HasSubstr("A is float32"));
  EXPECT_THAT(
      error(model(10,
                  "(uint8[2,2] x) => (int32[A,B] y) <int8[2,2] w = {1,2,3,4}, uint8[2] z = {1,2}>",
                  "y = MatMulInteger(x, w, z)")),
      HasSubstr("zero point has shape [2]"));
}

TEST_F(FrontendOps, QLinearMatMulRequantises) {
  const std::string signature =
      "(uint8[1,2] x) => (uint8[A,B] y) <float s = {0.5}, uint8 z = {0}, int8[2,2] w = {1,2,3,4}, "
      "float[2] ws = {1, 2}, int8[2] wz = {0, 0}, float ys = {0.5}, uint8 yz = {3}>";
  const std::string text = model(10, signature, "y = QLinearMatMul(x, s, z, w, ws, wz, ys, yz)");
  const std::vector<std::uint8_t> x = {2, 4};
  // sums 14 and 20, multipliers 1 and 2, zero point 3
  EXPECT_THAT(list<std::uint8_t>(run(text, {make_tensor<std::uint8_t>({1, 2}, x)})),
              ElementsAre(17, 43));
  EXPECT_THAT(error(model(10, signature, "y = QLinearMatMul(x, s, z, w, ws, wz, ws, wz)")),
              HasSubstr("y scale has shape [2]"));
}

TEST_F(FrontendOps, QGemmHasAFactorATransposeAndABias) {
  const std::string text =
      "<ir_version: 7, opset_import: [\"\" : 13, \"com.microsoft\" : 1]>\n"
      "test (uint8[1,2] x) => (uint8[A,B] y) <float s = {0.5}, uint8 z = {0}, int8[2,2] w = "
      "{1,3,2,4}, float[2] ws = {1, 2}, int8[2] wz = {0, 0}, int32[2] b = {2, -4}, float ys = "
      "{0.5}, uint8 yz = {3}> { y = com.microsoft.QGemm<alpha = 0.5, transB = 1>(x, s, z, w, ws, "
      "wz, b, ys, yz) }";
  const std::vector<std::uint8_t> x = {2, 4};
  // sums 14 + 2 and 20 - 4, multipliers 1/2 and 1, zero point 3
  EXPECT_THAT(list<std::uint8_t>(run(text, {make_tensor<std::uint8_t>({1, 2}, x)})),
              ElementsAre(11, 19));
}

TEST_F(FrontendOps, QuantizeLinearRoundsHalfToEvenAndSaturates) {
  const std::string text =
      model(13, "(float[5] x) => (uint8[A] y) <float s = {2.0}, uint8 z = {1}>",
            "y = QuantizeLinear(x, s, z)");
  EXPECT_THAT(list<std::uint8_t>(run(text, {floats({5}, {1, 3, 5, -100, 1000})})),
              ElementsAre(1, 3, 3, 0, 255));
}

TEST_F(FrontendOps, QuantizeAndDequantizePerAxisAndSixteenBits) {
  const std::string text =
      model(21, "(float[1,2] x) => (float[A,B] y) <float[2] s = {1, 0.5}, int16[2] z = {0, -300}>",
            "q = QuantizeLinear<axis = 1>(x, s, z) y = DequantizeLinear<axis = -1>(q, s, z)");
  EXPECT_THAT(list<float>(run(text, {floats({1, 2}, {70000, 1.25})})), ElementsAre(32767, 1));
}

TEST_F(FrontendOps, QuantisationErrors) {
  EXPECT_THAT(error_of(10, "float[2] s = {1,1}", "y = QuantizeLinear(x, s)"),
              HasSubstr("opset 13"));
  EXPECT_THAT(error_of(13, "float s = {0}", "y = QuantizeLinear(x, s)"), HasSubstr("scale is 0"));
  EXPECT_THAT(error_of(13, "float s = {-1}", "y = QuantizeLinear(x, s)"),
              HasSubstr("x scale 's' holds -1"));
  EXPECT_THAT(error_of(13, "float[3] s = {1,1,1}", "y = QuantizeLinear(x, s)"), HasSubstr("[3]"));
  EXPECT_THAT(error_of(13, "float[2] s = {1,1}", "y = QuantizeLinear<axis = 2>(x, s)"),
              HasSubstr("axis 2"));
  EXPECT_THAT(error_of(13, "", "y = QuantizeLinear(x, x)"), HasSubstr("computed"));
  EXPECT_THAT(error_of(13, "float s = {1}", "y = DequantizeLinear(x, s)"),
              HasSubstr("x is float32"));
  EXPECT_THAT(error_of(21, "float s = {1}", "y = QuantizeLinear<block_size = 2>(x, s)"),
              HasSubstr("block"));
  EXPECT_THAT(error_of(13, "float s = {1}", "y = QuantizeLinear<block_size = 2>(x, s)"),
              HasSubstr("'block_size'"));
  EXPECT_THAT(error_of(9, "float s = {1}", "y = QuantizeLinear(x, s)"), HasSubstr("opset 10"));
}

TEST_F(FrontendOps, AddBroadcasts) {
  EXPECT_THAT(y_of(7, "float[2,1] c = {10,20}", "y = Add(x, c)"), ElementsAre(11, 12, 23, 24));
  EXPECT_THAT(y_of(13, "", "y = Add(x, x)"), ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(error_of(13, "float[3] c = {1,2,3}", "y = Add(x, c)"),
              AllOf(HasSubstr("[2, 2]"), HasSubstr("[3]")));
  EXPECT_THAT(error_of(13, "int32[2] c = {1,2}", "y = Add(x, c)"), HasSubstr("int32"));
}

TEST_F(FrontendOps, ReluAndSoftmax) {
  EXPECT_THAT(y_of(13, "float[2] c = {-2, -3}", "a = Add(x, c) y = Relu(a)"),
              ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(y_of(13, "float[2,2] c = {0,0,0,0}", "b = MatMul(x, c) y = Softmax(b)"),
              ElementsAre(0.5, 0.5, 0.5, 0.5));
  EXPECT_THAT(y_of(11, "float[2,2] c = {0,0,0,0}", "b = MatMul(x, c) y = Softmax<axis = 0>(b)"),
              ElementsAre(0.25, 0.25, 0.25, 0.25));
  EXPECT_THAT(error_of(13, "", "y = Softmax<axis = 2>(x)"), HasSubstr("axis 2"));
}

TEST_F(FrontendOps, ReshapeCopiesInfersAndChecks) {
  const auto shape_of = [&](int opset, const std::string& dims, const std::string& attribute) {
    const Graph graph =
        load(model(opset, "(float[2,3,4] x) => (float[A] y) <int64[3] s = {" + dims + "}>",
                   "y = Reshape" + attribute + "(x, s)"));
    return graph.value(graph.outputs[0]).shape;
  };
  EXPECT_EQ(shape_of(13, "0, -1, 2", ""), (Shape{2, 6, 2}));
  EXPECT_EQ(shape_of(7, "4, 3, 2", ""), (Shape{4, 3, 2}));
  EXPECT_THAT(error_of(13, "int64[2] s = {-1, -1}", "y = Reshape(x, s)"), HasSubstr("one -1"));
  EXPECT_THAT(error_of(13, "int64[2] s = {-1, 3}", "y = Reshape(x, s)"), HasSubstr("[-1, 3]"));
  EXPECT_THAT(error_of(13, "int64[3] s = {1, 4, 0}", "y = Reshape(x, s)"), HasSubstr("beyond"));
  EXPECT_THAT(error_of(14, "int64[2] s = {0, -1}", "y = Reshape<allowzero = 1>(x, s)"),
              HasSubstr("[0, -1]"));
  EXPECT_THAT(error_of(13, "int64[2] s = {4, 1}", "y = Reshape<allowzero = 0>(x, s)"),
              HasSubstr("'allowzero'"));
  EXPECT_THAT(error_of(13, "int64[1] s = {4611686018427387904}", "y = Reshape(x, s)"),
              HasSubstr("too many elements"));
}

TEST_F(FrontendOps, FlattenTransposeIdentityConstant) {
  EXPECT_THAT(y_of(9, "", "f = Flatten<axis = 0>(x) y = Identity(f)"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(y_of(13, "", "y = Transpose(x)"), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(error_of(13, "", "y = Transpose<perm = [0, 0]>(x)"), HasSubstr("[0, 0]"));
  EXPECT_THAT(error_of(9, "", "y = Flatten<axis = -1>(x)"), HasSubstr("opset 11"));
  EXPECT_THAT(y_of(13, "", "c = Constant<value = float[2] {1, 2}>() y = Add(x, c)"),
              ElementsAre(2, 4, 4, 6));
  EXPECT_THAT(y_of(13, "", "c = Constant<value_float = 5.0>() y = Add(x, c)"),
              ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(y_of(13, "", "c = Constant<value_floats = [1.0, 2.0]>() y = Add(x, c)"),
              ElementsAre(2, 4, 4, 6));
  EXPECT_THAT(y_of(13, "", "s = Constant<value_ints = [4]>() y = Reshape(x, s)"),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(error_of(13, "", "c = Constant<value_string = \"a\">() y = Add(x, c)"),
              HasSubstr("no value"));
}

TEST_F(FrontendOps, DropoutIsTransparentAtInference) {
  EXPECT_THAT(y_of(7, "", "d = Dropout<ratio = 0.3>(x) y = Relu(d)"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(y_of(13, "float r = {0.3}", "d, mask = Dropout<seed = 3>(x, r) y = Relu(d)"),
              ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(error_of(7, "", "d, mask = Dropout(x) y = Add(d, mask)"),
              HasSubstr("its mask is used"));
  EXPECT_THAT(error_of(13, "float r = {0.3}, bool t = {1}", "y = Dropout(x, r, t)"),
              HasSubstr("training_mode"));
  EXPECT_THAT(error_of(13, "", "y = Dropout<ratio = 0.3>(x)"), HasSubstr("'ratio'"));
}

TEST_F(FrontendOps, TheMaskOfADropoutKeepsEverything) {
  const Graph graph = load(model(13, "(float[2,2] x) => (float[2,2] y, bool[2,2] mask)",
                                 "d, mask = Dropout(x) y = Relu(d)"));
  const std::vector<Tensor> outputs = evaluate(graph, {floats({2, 2}, {1, 2, 3, 4})});
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[1].type, DType::kBool);
  EXPECT_EQ(outputs[1].data, (std::vector<std::uint8_t>{1, 1, 1, 1}));
}

TEST_F(FrontendOps, UnknownOperatorsNameNodeOperatorDomainAndOpset) {
  EXPECT_THAT(error_of(13, "", "y = Frobnicate(x)"),
              AllOf(HasSubstr("node 'y'"), HasSubstr("Frobnicate"), HasSubstr("opset 13")));
  EXPECT_THAT(error_of(13, "", "y = com.microsoft.QMoon(x)"), HasSubstr("com.microsoft.QMoon"));
}

TEST(FrontendTable, TheDocumentListsEveryOperator) {
  const std::string document = testing_support::text_of(source_path("docs/onnx.md"));
  std::string table;
  for (const OnnxOperator& row : onnx_operators()) {
    const std::string dot = row.domain.empty() ? "" : ".";
    table += fmt::format("| {}{}{} | {} | {} | {} |\n", row.domain, dot, row.name, row.first,
                         row.newest, row.accepts);
  }
  EXPECT_THAT(document, HasSubstr("| --- | --- | --- | --- |\n" + table + "\n"));
}

}  // namespace
}  // namespace systole::compiler
