// The ONNX operators of convolutional networks: what each computes and refuses, through text
// models. Numbers are worked out by hand; tests/conformance compares with ONNX Runtime.
#include <gmock/gmock-matchers.h>

#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FrontendWindow : public OnnxText {
 protected:
  // x is [1, 1, 3, 3] = {1 ... 9} and y float of any shape.
  Tensor y_of(int opset, const std::string& constants, const std::string& body) {
    return run(image(opset, constants, body), {floats({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9})});
  }
  std::vector<float> values(int opset, const std::string& constants, const std::string& body) {
    return list<float>(y_of(opset, constants, body));
  }
  std::string error_of(int opset, const std::string& constants, const std::string& body) {
    return error(image(opset, constants, body));
  }
  static std::string image(int opset, const std::string& constants, const std::string& body) {
    const std::string list = constants.empty() ? "" : " <" + constants + ">";
    return model(opset, "(float[1,1,3,3] x) => (float[A,B,C,D] y)" + list, body);
  }
};

constexpr const char* kOnes = "float[1,1,2,2] w = {1,1,1,1}";

TEST_F(FrontendWindow, ConvWalksItsWindow) {
  EXPECT_THAT(values(13, kOnes, "y = Conv(x, w)"), ElementsAre(12, 16, 24, 28));
  EXPECT_THAT(values(13, kOnes, "y = Conv<pads = [1,1,0,0]>(x, w)"),
              ElementsAre(1, 3, 5, 5, 12, 16, 11, 24, 28));
  EXPECT_THAT(values(13, kOnes, "y = Conv<strides = [2,2], pads = [0,0,1,1]>(x, w)"),
              ElementsAre(12, 9, 15, 9));
  EXPECT_THAT(values(13, kOnes, "y = Conv<dilations = [2,2]>(x, w)"), ElementsAre(20));
  EXPECT_THAT(values(13, std::string(kOnes) + ", float[1] b = {100}", "y = Conv(x, w, b)"),
              ElementsAre(112, 116, 124, 128));
}

TEST_F(FrontendWindow, AutoPadSplitsAnOddPixelAtEitherEnd) {
  EXPECT_THAT(values(13, kOnes, "y = Conv<auto_pad = \"SAME_UPPER\">(x, w)"),
              ElementsAre(12, 16, 9, 24, 28, 15, 15, 17, 9));
  EXPECT_THAT(values(13, kOnes, "y = Conv<auto_pad = \"SAME_LOWER\">(x, w)"),
              ElementsAre(1, 3, 5, 5, 12, 16, 11, 24, 28));
  EXPECT_THAT(values(13, kOnes, "y = Conv<auto_pad = \"VALID\">(x, w)"),
              ElementsAre(12, 16, 24, 28));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<auto_pad = \"SAME\">(x, w)"),
              AllOf(HasSubstr("node 'y' (Conv)"), HasSubstr("'SAME'")));
}

TEST_F(FrontendWindow, ConvErrorsNameTheNodeAndTheShapes) {
  EXPECT_THAT(
      error_of(13, "float[1,2,2,2] w = {1,1,1,1,1,1,1,1}", "y = Conv(x, w)"),
      AllOf(HasSubstr("node 'y' (Conv)"), HasSubstr("[1, 1, 3, 3]"), HasSubstr("[1, 2, 2, 2]")));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<group = 2>(x, w)"), HasSubstr("group 2"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<group = 0>(x, w)"), HasSubstr("group 0"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<kernel_shape = [3,3]>(x, w)"),
              HasSubstr("kernel_shape 3x3 for weights of 2x2"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<strides = [0,1]>(x, w)"), HasSubstr("[0, 1]"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<strides = [1]>(x, w)"), HasSubstr("[1]"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<pads = [0,0,0,-1]>(x, w)"), HasSubstr("-1"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<dilations = [3,3]>(x, w)"),
              HasSubstr("a window of 4 over 3"));
  EXPECT_THAT(error_of(13, kOnes, "y = Conv<pads = [4294967296,0,0,0]>(x, w)"),
              HasSubstr("0 to 2^31"));
  EXPECT_THAT(error_of(13, std::string(kOnes) + ", float[2] b = {1,2}", "y = Conv(x, w, b)"),
              HasSubstr("B has shape [2]"));
  EXPECT_THAT(error_of(13, "float[1,1,2] w = {1,1}", "y = Conv(x, w)"), HasSubstr("[1, 1, 2]"));
}

TEST_F(FrontendWindow, BatchNormalizationIsFoldedIntoTheConvBeforeIt) {
  const std::string constants =
      std::string(kOnes) +
      ", float[1] b = {2}, float[1] s = {3}, float[1] t = {10}, float[1] m = {4}, float[1] v = {9}";
  // (conv + 2 - 4) * 3 / sqrt(9) + 10
  const std::string body = "c = Conv(x, w, b) y = BatchNormalization<epsilon = 0.0>(c, s, t, m, v)";
  EXPECT_THAT(values(13, constants, body), ElementsAre(20, 24, 32, 36));
  const Graph graph = load(image(13, constants, body));
  ASSERT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(graph.nodes[0].kind, OpKind::kConv);
  EXPECT_EQ(graph.nodes[0].name, "c");
}

TEST_F(FrontendWindow, ABatchNormalizationElsewhereIsAProductAndASum) {
  const std::string constants =
      "float[1] s = {3}, float[1] t = {10}, float[1] m = {4}, float[1] v = {9}";
  EXPECT_THAT(values(9, constants, "y = BatchNormalization<epsilon = 0.0>(x, s, t, m, v)"),
              ElementsAre(7, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_THAT(error_of(9, "float[1] s = {3}, float[1] t = {1}, float[1] m = {4}, float[1] v = {-9}",
                       "y = BatchNormalization(x, s, t, m, v)"),
              HasSubstr("variance -9"));
  EXPECT_THAT(error_of(15, constants, "y = BatchNormalization<training_mode = 1>(x, s, t, m, v)"),
              HasSubstr("training_mode is 1"));
}

TEST_F(FrontendWindow, MaxPoolRoundsUpWhereAsked) {
  EXPECT_THAT(values(13, "", "y = MaxPool<kernel_shape = [2,2], strides = [2,2]>(x)"),
              ElementsAre(5));
  EXPECT_THAT(
      values(13, "", "y = MaxPool<kernel_shape = [2,2], strides = [2,2], ceil_mode = 1>(x)"),
      ElementsAre(5, 6, 8, 9));
  EXPECT_THAT(values(13, "", "y = MaxPool<kernel_shape = [2,2], pads = [1,1,0,0]>(x)"),
              ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(values(13, "", "y = MaxPool<kernel_shape = [2,2], dilations = [2,2]>(x)"),
              ElementsAre(9));
  EXPECT_THAT(error_of(13, "", "y = MaxPool<kernel_shape = [2,2], pads = [2,0,0,0]>(x)"),
              HasSubstr("pads 2 and 0 for a kernel of 2"));
  EXPECT_THAT(error_of(13, "", "y = MaxPool(x)"), HasSubstr("kernel_shape"));
  EXPECT_THAT(error_of(9, "", "y = MaxPool<kernel_shape = [2,2], ceil_mode = 1>(x)"),
              HasSubstr("'ceil_mode' is not known in opset 9"));
}

TEST_F(FrontendWindow, AveragePoolCountsPaddingWhereAsked) {
  EXPECT_THAT(values(13, "", "y = AveragePool<kernel_shape = [2,2], pads = [1,1,0,0]>(x)"),
              ElementsAre(1, 1.5, 2.5, 2.5, 3, 4, 5.5, 6, 7));
  EXPECT_THAT(
      values(13, "",
             "y = AveragePool<kernel_shape = [2,2], pads = [1,1,0,0], count_include_pad = 1>(x)"),
      ElementsAre(0.25, 0.75, 1.25, 1.25, 3, 4, 2.75, 6, 7));
  EXPECT_THAT(
      values(13, "", "y = AveragePool<kernel_shape = [2,2], strides = [2,2], ceil_mode = 1>(x)"),
      ElementsAre(3, 4.5, 7.5, 9));
}

TEST_F(FrontendWindow, GlobalPoolsKeepOneOfEachDimension) {
  const Tensor y = y_of(13, "", "y = GlobalAveragePool(x)");
  EXPECT_EQ(y.shape, (Shape{1, 1, 1, 1}));
  EXPECT_THAT(list<float>(y), ElementsAre(5));
  EXPECT_THAT(values(13, "", "y = GlobalMaxPool(x)"), ElementsAre(9));
}

TEST_F(FrontendWindow, ElementwiseFunctions) {
  EXPECT_THAT(values(13, "float lo = {3}, float hi = {6}", "y = Clip(x, lo, hi)"),
              ElementsAre(3, 3, 3, 4, 5, 6, 6, 6, 6));
  EXPECT_THAT(values(9, "", "y = Clip<min = 3.0, max = 6.0>(x)"),
              ElementsAre(3, 3, 3, 4, 5, 6, 6, 6, 6));
  EXPECT_THAT(values(13, "float hi = {4}", "y = Clip(x, , hi)"),
              ElementsAre(1, 2, 3, 4, 4, 4, 4, 4, 4));
  EXPECT_THAT(values(13, "float[1] k = {-2}", "t = Mul(x, k) y = LeakyRelu<alpha = 0.5>(t)"),
              ElementsAre(-1, -2, -3, -4, -5, -6, -7, -8, -9));
  EXPECT_THAT(values(13, "float[1] k = {0}", "t = Mul(x, k) y = Sigmoid(t)")[0], 0.5F);
  EXPECT_THAT(values(13, "float[1] k = {0}", "t = Mul(x, k) y = Tanh(t)")[0], 0.0F);
  EXPECT_THAT(error_of(13, "float[2] lo = {1,2}", "y = Clip(x, lo)"), HasSubstr("[2]"));
  EXPECT_THAT(error(model(13, "(bool[2] x) => (bool[2] y) <bool lo = {1}>", "y = Clip(x, lo)")),
              HasSubstr("node 'y' (Clip): the input is bool"));
}

TEST_F(FrontendWindow, ConcatAddsUpItsAxis) {
  const Tensor y = y_of(13, "", "y = Concat<axis = -3>(x, x)");
  EXPECT_EQ(y.shape, (Shape{1, 2, 3, 3}));
  EXPECT_EQ(y.as<float>()[9], 1.0F);
  EXPECT_THAT(error_of(13, "float[1,1,2,3] c = {1,2,3,4,5,6}", "y = Concat<axis = 1>(x, c)"),
              AllOf(HasSubstr("[1, 1, 3, 3]"), HasSubstr("[1, 1, 2, 3]")));
  EXPECT_THAT(error_of(13, "", "y = Concat(x, x)"), HasSubstr("'axis' is absent"));
  EXPECT_THAT(error_of(9, "", "y = Concat<axis = -1>(x, x)"), HasSubstr("negative axis"));
}

TEST_F(FrontendWindow, PadTakesAttributesInputsAndAxes) {
  const std::string inputs = "int64[8] p = {0,0,0,1,0,0,-2,0}, float v = {7}";
  EXPECT_THAT(values(13, inputs, "y = Pad(x, p, v)"), ElementsAre(7, 1, 2, 3));
  EXPECT_THAT(values(9, "", "y = Pad<pads = [0,0,0,1,0,0,-2,0], value = 7.0>(x)"),
              ElementsAre(7, 1, 2, 3));
  EXPECT_THAT(values(18, "int64[4] p = {1,0,0,-2}, float v = {7}, int64[2] a = {3,-2}",
                     "y = Pad(x, p, v, a)"),
              ElementsAre(7, 1, 2, 3));
  EXPECT_THAT(error_of(13, inputs, "y = Pad<mode = \"wrap\">(x, p, v)"), HasSubstr("wrap"));
  EXPECT_THAT(error_of(13, "int64[2] p = {0,0}", "y = Pad(x, p)"), HasSubstr("8 numbers"));
  EXPECT_THAT(error_of(13, "int64[8] p = {0,0,0,0,0,0,-4,0}", "y = Pad(x, p)"),
              HasSubstr("no more cut off"));
}

TEST_F(FrontendWindow, SqueezeAndUnsqueezeReshape) {
  const std::string squeezed = "int64[1] a = {0}";
  EXPECT_EQ(y_of(13, squeezed, "y = Squeeze(x, a)").shape, (Shape{1, 3, 3}));
  EXPECT_EQ(y_of(13, "", "y = Squeeze(x)").shape, (Shape{3, 3}));
  EXPECT_EQ(y_of(11, "", "y = Squeeze<axes = [-4, 1]>(x)").shape, (Shape{3, 3}));
  EXPECT_EQ(y_of(13, "int64[2] a = {-1, 0}", "y = Unsqueeze(x, a)").shape,
            (Shape{1, 1, 1, 3, 3, 1}));
  EXPECT_THAT(error_of(13, "int64[1] a = {2}", "y = Squeeze(x, a)"), HasSubstr("a dimension of 1"));
  EXPECT_THAT(error_of(13, "int64[2] a = {0, 0}", "y = Unsqueeze(x, a)"), HasSubstr("twice"));
}

TEST_F(FrontendWindow, IntegerConvolutionsTakeZeroPointsOutOfTheirOperands) {
  const std::string text = model(
      13, "(uint8[1,1,2,2] x) => (int32[A,B,C,D] y) <int8[1,1,2,2] w = {1,2,3,4}, uint8 z = {10}>",
      "y = ConvInteger<pads = [0,0,0,1]>(x, w, z)");
  Tensor x(DType::kUint8, {1, 1, 2, 2});
  x.data = {11, 12, 13, 14};
  // (1 2; 3 4) . (1 2; 3 4), then (2 0; 4 0) . (1 2; 3 4)
  EXPECT_THAT(list<std::int32_t>(run(text, {x})), ElementsAre(30, 14));
}

TEST_F(FrontendWindow, QLinearConvRequantises) {
  const std::string constants =
      "float xs = {0.5}, uint8 xz = {10}, int8[1,1,2,2] w = {1,2,3,4}, float ws = {0.25}, "
      "int8 wz = {0}, float ys = {0.5}, int8 yz = {-3}, int32[1] b = {6}";
  const std::string text = model(13, "(uint8[1,1,2,2] x) => (int8[A,B,C,D] y) <" + constants + ">",
                                 "y = QLinearConv(x, xs, xz, w, ws, wz, ys, yz, b)");
  Tensor x(DType::kUint8, {1, 1, 2, 2});
  x.data = {11, 12, 13, 14};
  EXPECT_THAT(list<std::int8_t>(run(text, {x})), ElementsAre((30 + 6) / 4 - 3));
}

}  // namespace
}  // namespace systole::compiler
