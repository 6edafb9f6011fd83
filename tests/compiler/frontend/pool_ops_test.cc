// MaxPool's Indices, MaxUnpool and LpPool: values worked out by hand or element by element.
#include <gmock/gmock-matchers.h>

#include <random>

#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

class PoolOps : public OnnxText {
 protected:
  static std::string places_of(int opset, const std::string& x, const std::string& attributes) {
    return model(opset, "(float" + x + " x) => (float[A] v, int64[A] i)",
                 "v, i = MaxPool<" + attributes + ">(x)");
  }
};

// Of one dimension: what the places see, and where it is.
struct Slide {
  std::int64_t kernel = 1, stride = 1, before = 0, behind = 0, dilation = 1;
};

// The first largest element of each window over x [2, 3, H, W], as an index in x.
Ints places(const Tensor& x, const Slide& rows, const Slide& columns) {
  const std::int64_t h = x.shape[2], w = x.shape[3];
  const auto steps = [](const Slide& s, std::int64_t size) {
    return (size + s.before + s.behind - (s.kernel - 1) * s.dilation - 1) / s.stride + 1;
  };
  Ints all;
  for (std::int64_t image = 0; image < x.shape[0] * x.shape[1]; ++image) {
    for (std::int64_t r = 0; r < steps(rows, h); ++r) {
      for (std::int64_t c = 0; c < steps(columns, w); ++c) {
        std::int64_t best = -1;
        for (std::int64_t kr = 0; kr < rows.kernel; ++kr) {
          for (std::int64_t kc = 0; kc < columns.kernel; ++kc) {
            const std::int64_t y = r * rows.stride - rows.before + kr * rows.dilation;
            const std::int64_t z = c * columns.stride - columns.before + kc * columns.dilation;
            if (y < 0 || y >= h || z < 0 || z >= w) continue;
            const std::int64_t at = (image * h + y) * w + z;
            const auto value = [&](std::int64_t i) {
              return x.as<float>()[static_cast<std::size_t>(i)];
            };
            if (best < 0 || value(at) > value(best)) best = at;
          }
        }
        all.push_back(best);
      }
    }
  }
  return all;
}

TEST_F(PoolOps, IndicesAreOfTheFirstLargestElementAndNeverOfPadding) {
  std::mt19937 random(7);
  std::vector<float> values(2 * 3 * 5 * 6);
  for (float& v : values) v = -1.0F - static_cast<float>(random() % 4);  // less than padding
  const Tensor x = floats({2, 3, 5, 6}, values);
  const std::vector<std::pair<Slide, Slide>> windows = {
      {{2, 1}, {3, 2}},
      {{3, 2, 1, 1}, {3, 1, 2, 2}},
      {{2, 3, 1, 0}, {2, 2, 0, 1}},
      {{3, 1, 2, 2, 2}, {2, 1, 1, 1, 3}},
      {{5, 1}, {6, 1}},
  };
  for (const auto& [r, c] : windows) {
    SCOPED_TRACE(fmt::format("{}x{}", r.kernel, c.kernel));
    const std::string attributes = fmt::format(
        "kernel_shape = [{},{}], strides = [{},{}], pads = [{},{},{},{}], dilations = [{},{}]",
        r.kernel, c.kernel, r.stride, c.stride, r.before, c.before, r.behind, c.behind, r.dilation,
        c.dilation);
    const auto y = evaluate(load(places_of(12, "[2,3,5,6]", attributes)), {x});
    const Ints expected = places(x, r, c);
    EXPECT_EQ(list<std::int64_t>(y.at(1)), expected);
    EXPECT_EQ(y[0].shape, y[1].shape);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(y[0].as<float>()[i], values[static_cast<std::size_t>(expected[i])]);
  }
}

TEST_F(PoolOps, IndicesCountAlongColumnsWhereAsked) {
  const Tensor x = floats({1, 1, 2, 3}, {1, 2, 3, 6, 5, 4});
  const auto y =
      evaluate(load(places_of(12, "[1,1,2,3]", "kernel_shape = [2,2], storage_order = 1")), {x});
  EXPECT_THAT(list<std::int64_t>(y.at(1)), ElementsAre(1, 3));
}

TEST_F(PoolOps, IndicesOfALineAndAlone) {
  const Tensor x = floats({1, 2, 4}, {1, 3, 2, 2, 5, 5, 0, 9});
  const auto y = evaluate(load(model(12, "(float[1,2,4] x) => (int64[A] i)",
                                     "v, i = MaxPool<kernel_shape = [3], ceil_mode = 1, "
                                     "strides = [2]>(x)")),
                          {x});
  EXPECT_EQ(y.at(0).shape, (Shape{1, 2, 2}));
  EXPECT_THAT(list<std::int64_t>(y.at(0)), ElementsAre(1, 2, 4, 7));
  EXPECT_THAT(error(places_of(12, "[1,1,2,2,2]", "kernel_shape = [2,2,2]")),
              HasSubstr("output 'i' is used"));
}

TEST_F(PoolOps, UnpoolsToWhereThePoolHadItFrom) {
  const Tensor x = floats({1, 1, 4, 4}, {1, 2, 3, 4, 8, 7, 6, 5, 9, 9, 0, 1, 2, 3, 5, 4});
  const std::string window = "kernel_shape = [2,2], strides = [2,2]";
  const auto text = [&](const std::string& more) {
    return model(12, "(float[1,1,4,4] x) => (float[A] y) <int64[4] s = {1,1,5,5}>",
                 "v, i = MaxPool<" + window + ">(x) y = MaxUnpool<" + window + more);
  };
  const Tensor y = run(text(">(v, i)"), {x});
  EXPECT_EQ(y.shape, (Shape{1, 1, 4, 4}));
  EXPECT_THAT(list<float>(y), ElementsAre(0, 0, 0, 0, 8, 0, 6, 0, 9, 0, 0, 0, 0, 0, 5, 0));
  const Graph padded = load(text(", pads = [0,0,1,1]>(v, i)"));
  EXPECT_EQ(padded.value(padded.outputs.at(0)).shape, (Shape{1, 1, 3, 3}));
  EXPECT_THAT(error(text(">(v, i, s)")),
              AllOf(HasSubstr("output_shape is [1, 1, 5, 5]"), HasSubstr("[1, 1, 4, 4]")));
}

TEST_F(PoolOps, NormsOfWindows) {
  const Tensor x = floats({1, 1, 2, 3}, {3, -4, 0, 0, 0, 5});
  const auto of = [&](int opset, const std::string& node) {
    return list<float>(run(model(opset, "(float[1,1,2,3] x) => (float[A] y)", "y = " + node), {x}));
  };
  EXPECT_THAT(of(11, "LpPool<kernel_shape = [1,2]>(x)"), ElementsAre(5, 4, 0, 5));
  EXPECT_THAT(of(11, "LpPool<kernel_shape = [2,2], p = 1>(x)"), ElementsAre(7, 9));
  EXPECT_THAT(of(11, "LpPool<kernel_shape = [2,2], p = 1, pads = [1,1,0,0]>(x)"),
              ElementsAre(3, 7, 4, 3, 7, 9));
  EXPECT_THAT(of(18, "LpPool<kernel_shape = [1,2], strides = [1,2], p = 1, ceil_mode = 1>(x)"),
              ElementsAre(7, 0, 0, 5));
  EXPECT_THAT(of(18, "LpPool<kernel_shape = [1,2], dilations = [1,2], p = 4>(x)"),
              ElementsAre(3, 5));
  EXPECT_THAT(of(11, "GlobalLpPool<p = 1>(x)"), ElementsAre(12));
  EXPECT_THAT(error(model(11, "(float[1,1,2,3] x) => (float[A] y)",
                          "y = LpPool<kernel_shape = [1,2], p = 0>(x)")),
              HasSubstr("p is 0"));
}

}  // namespace
}  // namespace systole::compiler
