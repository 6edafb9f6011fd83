// Operators that are rewritten onto others, where ONNX's own cases do not go: odd sizes, negative
// steps, folded and computed operands, errors that name what is wrong.
#include <gmock/gmock-matchers.h>

#include "compiler/ir/graph.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CompositeOps : public OnnxText {
 protected:
  // y of x [2, 4] = 0 ... 7.
  std::vector<float> y_of(int opset, const std::string& constants, const std::string& body) {
    const Graph graph = load(text_of(opset, constants, body));
    const Tensor x = floats({2, 4}, {0, 1, 2, 3, 4, 5, 6, 7});
    shape_ = graph.value(graph.outputs[0]).shape;
    const Tensor y = evaluate(graph, {x}).front();
    return {y.as<float>().begin(), y.as<float>().end()};
  }
  std::string error_of(int opset, const std::string& constants, const std::string& body) {
    return error(text_of(opset, constants, body));
  }
  static std::string text_of(int opset, const std::string& constants, const std::string& body) {
    const std::string list = constants.empty() ? "" : " <" + constants + ">";
    return model(opset, "(float[2,4] x) => (float[A] y)" + list, body);
  }
  Shape shape_;
};

TEST_F(CompositeOps, SlicesWithStepsOfEitherSign) {
  const std::string axis = ", int64[1] a = {1}";
  EXPECT_THAT(y_of(13, "int64[1] s = {1}, int64[1] e = {3}" + axis, "y = Slice(x, s, e, a)"),
              ElementsAre(1, 2, 5, 6));
  EXPECT_THAT(y_of(13, "int64[1] s = {-1}, int64[1] e = {-9}, int64[1] n = {-2}" + axis,
                   "y = Slice(x, s, e, a, n)"),
              ElementsAre(3, 1, 7, 5));
  EXPECT_THAT(y_of(13, "int64[1] s = {0}, int64[1] e = {99}, int64[1] n = {3}" + axis,
                   "y = Slice(x, s, e, a, n)"),
              ElementsAre(0, 3, 4, 7));
  EXPECT_THAT(y_of(9, "", "y = Slice<starts = [1, 2], ends = [2, 9]>(x)"), ElementsAre(6, 7));
  EXPECT_THAT(y_of(13, "int64[1] s = {3}, int64[1] e = {1}" + axis, "y = Slice(x, s, e, a)"),
              ElementsAre());
  EXPECT_THAT(error_of(13, "int64[1] s = {0}, int64[1] e = {1}, int64[1] n = {0}" + axis,
                       "y = Slice(x, s, e, a, n)"),
              HasSubstr("a step of 0"));
}

TEST_F(CompositeOps, GathersRunsAndSingleElements) {
  EXPECT_THAT(y_of(13, "int64[2,2] i = {3, 0, 1, -2}", "y = Gather<axis = 1>(x, i)"),
              ElementsAre(3, 0, 1, 2, 7, 4, 5, 6));
  EXPECT_EQ(shape_, (Shape{2, 2, 2}));
  EXPECT_THAT(y_of(13, "int64 i = {1}", "y = Gather(x, i)"), ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(shape_, (Shape{4}));
  EXPECT_THAT(error_of(13, "int64[1] i = {2}", "y = Gather(x, i)"), HasSubstr("index 2 of 2"));
}

TEST_F(CompositeOps, SplitsIntoPartsOfWhichTheLastMayBeSmaller) {
  EXPECT_THAT(y_of(13, "int64[2] s = {1, 3}", "z, y = Split<axis = 1>(x, s)"),
              ElementsAre(1, 2, 3, 5, 6, 7));
  EXPECT_THAT(y_of(18, "", "a, b, y = Split<axis = 1, num_outputs = 3>(x)"), ElementsAre());
  EXPECT_THAT(error_of(13, "", "a, b, y = Split<axis = 1>(x)"), HasSubstr("parts of one size"));
  EXPECT_THAT(error_of(13, "int64[2] s = {1, 4}", "z, y = Split<axis = 1>(x, s)"),
              HasSubstr("2 parts of 4 elements"));
}

TEST_F(CompositeOps, RepeatsByExpandAndTile) {
  EXPECT_THAT(y_of(13, "int64[2] r = {1, 2}, int64[1] s = {0}, int64[1] e = {2}",
                   "z = Slice(x, s, e) y = Tile(z, r)"),
              ElementsAre(0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7));
  EXPECT_THAT(y_of(13, "int64[3] s = {2, 1, 4}", "y = Expand(x, s)"),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(shape_, (Shape{2, 2, 4}));
}

TEST_F(CompositeOps, ReducesAxesThatAreNoNeighbours) {
  const std::string cube = "int64[3] s = {2, 2, 2}";
  EXPECT_THAT(y_of(13, cube + ", int64[2] a = {0, 2}",
                   "z = Reshape(x, s) y = ReduceSum<keepdims = 0>(z, a)"),
              ElementsAre(0 + 1 + 4 + 5, 2 + 3 + 6 + 7));
  EXPECT_EQ(shape_, (Shape{2}));
  EXPECT_THAT(y_of(13, cube, "z = Reshape(x, s) y = ReduceMax<axes = [0, 2]>(z)"),
              ElementsAre(5, 7));
  EXPECT_EQ(shape_, (Shape{1, 2, 1}));
  EXPECT_THAT(y_of(13, "", "y = ReduceMean(x)"), ElementsAre(3.5F));
}

TEST_F(CompositeOps, ResizesAlongEachAxisByAMatrix) {
  EXPECT_THAT(y_of(13, "float[0] r = {}, float[2] s = {1.0, 2.0}",
                   "y = Resize<mode = \"nearest\", coordinate_transformation_mode = "
                   "\"asymmetric\", nearest_mode = \"floor\">(x, r, s)"),
              ElementsAre(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7));
  EXPECT_THAT(y_of(13, "float[0] r = {}, float[2] s = {1.0, 0.5}",
                   "y = Resize<mode = \"linear\">(x, r, s)"),
              ElementsAre(0.5F, 2.5F, 4.5F, 6.5F));
  EXPECT_THAT(error_of(13, "float[0] r = {}, float[2] s = {1.0, 2.0}",
                       "y = Resize<mode = \"lanczos\">(x, r, s)"),
              HasSubstr("mode is 'lanczos'"));
}

// y[o] = sum of x[i] w[k] where o = 2 i + k - 1, written as loops over [1, 2, 1, 4].
TEST_F(CompositeOps, ConvTransposeOfOneDimensionWithGroups) {
  const std::vector<float> y =
      y_of(13, "int64[3] s = {1, 2, 4}, float[2,1,3] w = {1, 2, 3, -1, 0, 1}",
           "z = Reshape(x, s) y = ConvTranspose<strides = [2], pads = [1, 0], group = 2>(z, w)");
  ASSERT_EQ(shape_, (Shape{1, 2, 8}));
  const float w[2][3] = {{1, 2, 3}, {-1, 0, 1}};
  for (int g = 0; g < 2; ++g) {
    for (int o = 0; o < 8; ++o) {
      float sum = 0.0F;
      for (int i = 0; i < 4; ++i) {
        const int k = o + 1 - 2 * i;
        if (k >= 0 && k < 3) sum += static_cast<float>(4 * g + i) * w[g][k];
      }
      EXPECT_EQ(y[static_cast<std::size_t>(8 * g + o)], sum) << g << ", " << o;
    }
  }
}

TEST_F(CompositeOps, MultipliesComputedMatricesWhoseLeadingDimensionsBroadcast) {
  // [2, 1, 4] times [2, 4, 1], a row by itself turned; then one matrix for both.
  EXPECT_THAT(y_of(13, "int64[3] r = {2, 1, 4}, int64[3] c = {2, 4, 1}",
                   "a = Reshape(x, r) b = Reshape(x, c) y = MatMul(a, b)"),
              ElementsAre(0 + 1 + 4 + 9, 16 + 25 + 36 + 49));
  EXPECT_EQ(shape_, (Shape{2, 1, 1}));
  EXPECT_THAT(y_of(13, "int64[3] r = {2, 2, 2}, float[1,2,1] w = {1, 10}",
                   "a = Reshape(x, r) b = Relu(w) y = MatMul(a, b)"),
              ElementsAre(10, 32, 54, 76));
  EXPECT_THAT(error_of(13, "int64[3] r = {2, 2, 2}, int64[3] c = {4, 2, 1}",
                       "a = Reshape(x, r) b = Reshape(x, c) y = MatMul(a, b)"),
              HasSubstr("leading dimensions that broadcast"));
}

TEST_F(CompositeOps, ClipsByComputedLimits) {
  EXPECT_THAT(y_of(13, "", "lo = ReduceMean<keepdims = 0>(x) y = Clip(x, lo)"),
              ElementsAre(3.5F, 3.5F, 3.5F, 3.5F, 4, 5, 6, 7));
  EXPECT_THAT(error_of(13, "", "y = Clip(x, x)"), HasSubstr("one number"));
}

// 300 ones over 8 numbers with 296 zeros before and 300 behind: running sums.
TEST_F(CompositeOps, MultipliesFramesByFiltersOfManyElements) {
  std::string ones = "1";
  for (int i = 1; i < 300; ++i) ones += ",1";
  const std::vector<float> y =
      y_of(13, "int64[3] s = {1, 1, 8}, float[1,1,300] w = {" + ones + "}, float[1] b = {0.5}",
           "z = Reshape(x, s) y = Conv<pads = [298, 2], strides = [3]>(z, w, b)");
  EXPECT_THAT(y, ElementsAre(0.5F + 0 + 1, 0.5F + 0 + 1 + 2 + 3 + 4, 0.5F + 28));
  EXPECT_EQ(shape_, (Shape{1, 1, 3}));
}

// The same over [N, C, 1, L] and [N, C, L, 1], and of many steps: 256 ones and a 2 over 8 numbers
// with 10000 zeros before them and behind, two at a time; the ones alone, one at a time.
TEST_F(CompositeOps, MultipliesFramesOfLongLines) {
  std::string ones = "1";
  for (int i = 1; i < 256; ++i) ones += ",1";
  const std::string constants =
      "int64[4] s = {1, 1, 1, 8}, float[1,1,1,257] w = {" + ones + ",2}, float[1] b = {0.5}";
  EXPECT_THAT(y_of(13, constants,
                   "z = Reshape(x, s) y = Conv<pads = [0, 256, 0, 0], strides = [1, 4]>(z, w, b)"),
              ElementsAre(0.5F + 0, 0.5F + 0 + 1 + 2 + 3 + 8));
  EXPECT_THAT(y_of(13, constants + ", int64[4] t = {1, 1, 8, 1}, int64[4] u = {1, 1, 257, 1}",
                   "z = Reshape(x, t) v = Reshape(w, u) "
                   "y = Conv<pads = [256, 0, 0, 0], strides = [4, 1]>(z, v, b)"),
              ElementsAre(0.5F + 0, 0.5F + 0 + 1 + 2 + 3 + 8));
  const std::vector<float> y =
      y_of(13, constants,
           "z = Reshape(x, s) y = Conv<pads = [0, 10000, 0, 10001], strides = [1, 2]>(z, w, b)");
  ASSERT_EQ(shape_, (Shape{1, 1, 1, 9877}));
  for (std::int64_t t = 0; t < 9877; ++t) {
    float expected = 0.5F;
    for (std::int64_t i = 0; i < 8; ++i) {
      const std::int64_t at = 10000 + i - 2 * t;
      if (at >= 0 && at <= 256) expected += static_cast<float>(i) * (at == 256 ? 2.0F : 1.0F);
    }
    ASSERT_EQ(y[static_cast<std::size_t>(t)], expected) << t;
  }
  const std::string line = "int64[3] s = {1, 2, 4}, float[1,2,256] w = {" + ones + "," + ones + "}";
  const std::vector<float> sums =
      y_of(13, line, "z = Reshape(x, s) y = Conv<pads = [255, 255]>(z, w)");
  ASSERT_EQ(shape_, (Shape{1, 1, 259}));
  for (std::size_t t = 0; t < 259; ++t) {
    float expected = 0;
    for (std::size_t i = 0; i < 4; ++i)
      expected += i <= t && t < i + 256 ? static_cast<float>(4 + 2 * i) : 0.0F;
    ASSERT_EQ(sums[t], expected) << t;
  }
}

TEST_F(CompositeOps, RecurrentStepsSayWhatTheyCannotDo) {
  const std::string weights =
      "int64[3] s = {2, 1, 4}, float[1,2,4] w = {1,0,0,0,0,1,0,0}, float[1,2,2] r = {0,1,1,0}";
  EXPECT_THAT(y_of(14, weights,
                   "z = Reshape(x, s) y = RNN<hidden_size = 2, activations = "
                   "[\"Relu\"]>(z, w, r)"),
              ElementsAre(0, 1, 4 + 1, 5 + 0));
  EXPECT_THAT(
      error_of(14, weights, "z = Reshape(x, s) y = RNN<activations = [\"Cosine\"]>(z, w, r)"),
      HasSubstr("activation 'Cosine'"));
}

}  // namespace
}  // namespace systole::compiler
