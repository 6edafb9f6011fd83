// Einsum, three-dimensional windows, losses and products of bytes with computed zero points,
// against plain loops on random shapes.
#include <gmock/gmock-matchers.h>

#include <cmath>
#include <random>

#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::HasSubstr;

class CompositeProducts : public OnnxText {
 protected:
  std::int64_t draw(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
  }
  // Small whole numbers, so that sums are exact in any order.
  Tensor whole(Shape shape) {
    Tensor t(DType::kFloat32, std::move(shape));
    for (float& v : t.as<float>()) v = static_cast<float>(draw(-3, 3));
    return t;
  }
  static std::string dims(const Tensor& t) { return shape_text(t.shape); }
  static std::string joined(const Tensor& t) {
    std::string text;
    for (const float v : t.as<float>()) text += (text.empty() ? "" : ",") + std::to_string(v);
    return "{" + text + "}";
  }

  std::mt19937_64 random_{77};
};

TEST_F(CompositeProducts, EinsumIsTheSumOverAllLabels) {
  const auto einsum = [&](const std::string& equation, const Tensor& a, const Tensor& b) {
    return run(model(12, "(float" + dims(a) + " a, float" + dims(b) + " b) => (float y)",
                     "y = Einsum<equation = \"" + equation + "\">(a, b)"),
               {a, b});
  };
  for (int round = 0; round < 10; ++round) {
    const std::int64_t b = draw(1, 3), i = draw(1, 4), j = draw(1, 4), k = draw(1, 4);
    const Tensor x = whole({b, i, k});
    const Tensor w = whole({k, j, b});
    const auto at = [](const Tensor& t, std::int64_t p, std::int64_t q, std::int64_t r) {
      return t.as<float>()[static_cast<std::size_t>((p * t.shape[1] + q) * t.shape[2] + r)];
    };
    const Tensor y = einsum("bik, kjb -> jbi", x, w);
    ASSERT_EQ(y.shape, (Shape{j, b, i}));
    const Tensor all = einsum("bik,kjb->", x, w);
    const Tensor outer = einsum("bik,kjb->ij", x, w);
    float total = 0.0F;
    for (std::int64_t p = 0; p < b; ++p) {
      for (std::int64_t q = 0; q < i; ++q) {
        for (std::int64_t r = 0; r < j; ++r) {
          float sum = 0.0F;
          for (std::int64_t s = 0; s < k; ++s) sum += at(x, p, q, s) * at(w, s, r, p);
          ASSERT_EQ(at(y, r, p, q), sum);
          total += sum;
        }
      }
    }
    ASSERT_EQ(all.as<float>()[0], total);
    float of_outer = 0.0F;
    for (const float v : outer.as<float>()) of_outer += v;
    ASSERT_EQ(of_outer, total);
  }
}

TEST_F(CompositeProducts, EinsumOfOneAndOfThreeOperands) {
  const Tensor x = floats({2, 2}, {1, 2, 3, 4});
  const auto one = [&](const std::string& equation) {
    return list<float>(run(
        model(12, "(float[2,2] x) => (float y)", "y = Einsum<equation = \"" + equation + "\">(x)"),
        {x}));
  };
  EXPECT_EQ(one("ij->ji"), (std::vector<float>{1, 3, 2, 4}));
  EXPECT_EQ(one("ii->i"), (std::vector<float>{1, 4}));
  EXPECT_EQ(one("ii"), (std::vector<float>{5}));
  EXPECT_EQ(one("...j->..."), (std::vector<float>{3, 7}));
  EXPECT_EQ(list<float>(run(model(12, "(float[2,2] x) => (float y)",
                                  "y = Einsum<equation = \"ij,jk,kl->il\">(x, x, x)"),
                            {x})),
            (std::vector<float>{37, 54, 81, 118}));
  EXPECT_THAT(error(model(12, "(float[2,2] x) => (float y)", "y = Einsum<equation = \"ijk\">(x)")),
              HasSubstr("a letter for each dimension"));
}

TEST_F(CompositeProducts, ConvolutionsOfVolumesAreTheirSums) {
  for (int round = 0; round < 8; ++round) {
    const std::int64_t groups = draw(1, 2), per = draw(1, 2), filters = groups * draw(1, 2);
    const std::int64_t kernel = draw(1, 2), stride = draw(1, 2), before = draw(0, 1);
    const Tensor x = whole({2, groups * per, 4, 3, 3});
    const Tensor w = whole({filters, per, kernel, 2, 1});
    const Tensor y = run(
        model(11,
              "(float" + dims(x) + " x) => (float y) <float" + dims(w) + " w = " + joined(w) + ">",
              "y = Conv<group = " + std::to_string(groups) + ", strides = [" +
                  std::to_string(stride) + ",1,2], pads = [" + std::to_string(before) +
                  ",0,0,1,0,0]>(x, w)"),
        {x});
    const auto x_at = [&](std::int64_t n, std::int64_t c, std::int64_t d, std::int64_t h,
                          std::int64_t v) {
      if (d < 0 || d >= 4) return 0.0F;
      return x.as<float>()[static_cast<std::size_t>((((n * groups * per + c) * 4 + d) * 3 + h) * 3 +
                                                    v)];
    };
    std::size_t at = 0;
    for (std::int64_t n = 0; n < 2; ++n) {
      for (std::int64_t m = 0; m < filters; ++m) {
        for (std::int64_t d = 0; d < y.shape[2]; ++d) {
          for (std::int64_t h = 0; h < 2; ++h) {
            for (std::int64_t v = 0; v < 2; ++v, ++at) {
              float sum = 0.0F;
              for (std::int64_t t = 0; t < per * kernel * 2; ++t) {
                const std::int64_t c = t / (kernel * 2), kd = t / 2 % kernel, kh = t % 2;
                sum += x_at(n, m / (filters / groups) * per + c, d * stride + kd - before, h + kh,
                            2 * v) *
                       w.as<float>()[static_cast<std::size_t>(m * per * kernel * 2 + t)];
              }
              ASSERT_EQ(y.as<float>()[at], sum);
            }
          }
        }
      }
    }
    ASSERT_EQ(at, y.as<float>().size());
  }
}

TEST_F(CompositeProducts, PoolsOfVolumesSeeAllOfTheirWindow) {
  const Tensor x = whole({1, 2, 3, 4, 4});
  const std::string signature = "(float[1,2,3,4,4] x) => (float[1,2,2,2,2] y)";
  const std::string window = "<kernel_shape = [2,3,3], strides = [1,1,1]>(x)";
  const Tensor largest = run(model(12, signature, "y = MaxPool" + window), {x});
  const Tensor average = run(model(12, signature, "y = AveragePool" + window), {x});
  std::size_t at = 0;
  for (std::int64_t c = 0; c < 2; ++c) {
    for (std::int64_t place = 0; place < 8; ++place, ++at) {
      float top = -9.0F;
      float sum = 0.0F;
      for (std::int64_t t = 0; t < 18; ++t) {
        const std::int64_t d = place / 4 + t / 9, h = place / 2 % 2 + t / 3 % 3,
                           w = place % 2 + t % 3;
        const float v = x.as<float>()[static_cast<std::size_t>(((c * 3 + d) * 4 + h) * 4 + w)];
        top = std::max(top, v);
        sum += v;
      }
      EXPECT_EQ(largest.as<float>()[at], top);
      EXPECT_NEAR(average.as<float>()[at], sum / 18.0F, 1e-6F);
    }
  }
}

TEST_F(CompositeProducts, LossesLeaveIgnoredLabelsOut) {
  const Tensor scores = floats({3, 2}, {-1, -2, -3, -4, -5, -6});
  const auto loss = [&](const std::string& attributes, const std::string& labels) {
    return list<float>(run(
        model(13, "(float[3,2] x) => (float y) <int64[3] l = " + labels + ", float[2] w = {1,3}>",
              "y = NegativeLogLikelihoodLoss<" + attributes + ">(x, l, w)"),
        {scores}));
  };
  EXPECT_EQ(loss("reduction = \"none\"", "{0,1,1}"), (std::vector<float>{1, 12, 18}));
  EXPECT_EQ(loss("reduction = \"sum\"", "{0,1,1}"), (std::vector<float>{31}));
  EXPECT_EQ(loss("reduction = \"mean\"", "{0,1,1}"), (std::vector<float>{31.0F / 7.0F}));
  EXPECT_EQ(loss("reduction = \"mean\", ignore_index = 1", "{0,1,1}"), (std::vector<float>{1}));
  EXPECT_EQ(loss("reduction = \"sum\", ignore_index = -1", "{0,-1,1}"), (std::vector<float>{19}));
  EXPECT_EQ(loss("reduction = \"sum\", ignore_index = 7", "{7,1,0}"), (std::vector<float>{17}));
}

TEST_F(CompositeProducts, CrossEntropyGivesItsLogarithmsToo) {
  const Graph graph = load(model(13, "(float[1,3] x) => (float y, float[1,3] p) <int64[1] l = {2}>",
                                 "y, p = SoftmaxCrossEntropyLoss(x, l)"));
  const std::vector<Tensor> y = evaluate(graph, {floats({1, 3}, {1, 2, 3})});
  const double sum = std::exp(1.0) + std::exp(2.0) + std::exp(3.0);
  EXPECT_NEAR(y[0].as<float>()[0], std::log(sum) - 3.0, 1e-6);
  EXPECT_NEAR(y[1].as<float>()[0], 1.0 - std::log(sum), 1e-6);
}

// Quantised, multiplied and scaled back, a product is near the float one; its sums are exact.
TEST_F(CompositeProducts, DynamicallyQuantisedProductsTakeTheirZeroPointOff) {
  const std::string text =
      model(13,
            "(float[2,3] x) => (int32[2,2] y, uint8[2,3] q, float s, uint8 z) <int8[3,2] w = "
            "{1,-2,3,4,-5,6}, int8 o = {1}>",
            "q, s, z = DynamicQuantizeLinear(x) y = MatMulInteger(q, w, z, o)");
  const std::vector<Tensor> y = evaluate(load(text), {floats({2, 3}, {-1, 0, 1, 2, 4, -0.4F})});
  const float scale = y[2].as<float>()[0];
  EXPECT_EQ(scale, 5.0F / 255.0F);
  EXPECT_EQ(y[3].data[0], 51);
  EXPECT_EQ(list<std::uint8_t>(y[1]), (std::vector<std::uint8_t>{0, 51, 102, 153, 255, 31}));
  const std::vector<std::int32_t> w = {0, -3, 2, 3, -6, 5};
  for (std::size_t i = 0; i < 4; ++i) {
    std::int32_t sum = 0;
    for (std::size_t k = 0; k < 3; ++k) sum += (y[1].data[i / 2 * 3 + k] - 51) * w[k * 2 + i % 2];
    EXPECT_EQ(y[0].as<std::int32_t>()[i], sum);
  }
  const std::vector<Tensor> zeros = evaluate(load(text), {floats({2, 3}, {0, 0, 0, 0, 0, 0})});
  EXPECT_EQ(zeros[1].data, (std::vector<std::uint8_t>(6, 0)));
}

TEST_F(CompositeProducts, ConvolutionsOfBytesTakeTheirZeroPointOff) {
  const Tensor x = make_tensor<std::uint8_t>({1, 1, 2, 2}, std::vector<std::uint8_t>{1, 2, 3, 4});
  const Tensor z = make_tensor<std::uint8_t>({}, std::vector<std::uint8_t>{2});
  const Tensor y =
      run(model(10, "(uint8[1,1,2,2] x, uint8 z) => (int32 y) <int8[1,1,2,2] w = {1,2,3,4}>",
                "y = ConvInteger<pads = [0,0,1,1]>(x, w, z)"),
          {x, z});
  EXPECT_EQ(list<std::int32_t>(y), (std::vector<std::int32_t>{-1 + 3 + 8, 6, 1 + 4, 2}));
}

TEST_F(CompositeProducts, MatricesOfBytesEachHaveTheirOwn) {
  const Tensor a = make_tensor<std::uint8_t>({2, 1, 2}, std::vector<std::uint8_t>{1, 2, 3, 4});
  const std::string constant = " <uint8[2,2,1] b = {1,2,3,4}>";
  EXPECT_EQ(
      list<std::int32_t>(run(
          model(10, "(uint8[2,1,2] a) => (int32 y)" + constant, "y = MatMulInteger(a, b)"), {a})),
      (std::vector<std::int32_t>{5, 25}));
  const Tensor b = make_tensor<std::uint8_t>({2, 2, 1}, std::vector<std::uint8_t>{1, 2, 3, 4});
  EXPECT_EQ(list<std::int32_t>(run(model(10, "(uint8[2,1,2] a, uint8[2,2,1] b) => (int32 y)",
                                         "y = MatMulInteger(a, b)"),
                                   {a, b})),
            (std::vector<std::int32_t>{5, 25}));
}

}  // namespace
}  // namespace systole::compiler
