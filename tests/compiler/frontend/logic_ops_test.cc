// Operators on bools, bits, integers and floats of computed values: each against its meaning in
// ONNX.
#include <gmock/gmock-matchers.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "compiler/ir/graph.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNaN = std::numeric_limits<float>::quiet_NaN();

class LogicOps : public OnnxText {
 protected:
  // The output of x, float [6].
  Tensor of(int opset, const std::string& result, const std::string& constants,
            const std::string& body, const std::vector<float>& x = {-2.5F, -1, 0, 1, 2.5F, 7}) {
    const std::string list = constants.empty() ? "" : " <" + constants + ">";
    const Graph graph = load(model(opset, "(float[6] x) => (" + result + "[A] y)" + list, body));
    EXPECT_FALSE(graph.nodes.empty());
    return evaluate(graph, {floats({6}, x)}).front();
  }
  template <typename T>
  std::vector<T> list_of(int opset, const std::string& result, const std::string& constants,
                         const std::string& body) {
    return list<T>(of(opset, result, constants, body));
  }
  std::vector<bool> bools(const std::string& body,
                          const std::vector<float>& x = {-2.5F, -1, 0, 1, 2.5F, 7}) {
    const Tensor y = of(20, "bool", "float one = {1.0}, float zero = {0.0}", body, x);
    return {y.as<bool>().begin(), y.as<bool>().end()};
  }
};

TEST_F(LogicOps, Compare) {
  EXPECT_THAT(bools("y = Less(x, one)"), ElementsAre(1, 1, 1, 0, 0, 0));
  EXPECT_THAT(bools("y = LessOrEqual(x, one)"), ElementsAre(1, 1, 1, 1, 0, 0));
  EXPECT_THAT(bools("y = Greater(x, one)"), ElementsAre(0, 0, 0, 0, 1, 1));
  EXPECT_THAT(bools("y = GreaterOrEqual(x, one)"), ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(bools("y = Equal(x, one)"), ElementsAre(0, 0, 0, 1, 0, 0));
  EXPECT_THAT(bools("y = GreaterOrEqual(x, one)", {kNaN, kInf, -kInf, 1, 0, -0.0F}),
              ElementsAre(0, 1, 0, 1, 0, 0));
  EXPECT_THAT(bools("y = Equal(x, x)", {kNaN, kInf, 0, 1, 0, -0.0F}),
              ElementsAre(0, 1, 1, 1, 1, 1));
}

TEST_F(LogicOps, CombineBools) {
  const std::string two = "a = Less(x, one) b = Greater(x, zero) ";
  EXPECT_THAT(bools(two + "y = And(a, b)"), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(bools(two + "y = Or(a, b)"), ElementsAre(1, 1, 1, 1, 1, 1));
  EXPECT_THAT(bools(two + "c = LessOrEqual(x, one) y = And(c, b)"), ElementsAre(0, 0, 0, 1, 0, 0));
  EXPECT_THAT(bools(two + "c = LessOrEqual(x, one) y = Xor(c, b)"), ElementsAre(1, 1, 1, 0, 1, 1));
  EXPECT_THAT(bools(two + "y = Not(a)"), ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_THAT(bools(two + "y = Equal(a, b)"), ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST_F(LogicOps, KnowWhatIsNoNumber) {
  const std::vector<float> odd = {kNaN, kInf, -kInf, 1, 0, -3};
  EXPECT_THAT(bools("y = IsNaN(x)", odd), ElementsAre(1, 0, 0, 0, 0, 0));
  EXPECT_THAT(bools("y = IsInf(x)", odd), ElementsAre(0, 1, 1, 0, 0, 0));
  EXPECT_THAT(bools("y = IsInf<detect_negative = 0>(x)", odd), ElementsAre(0, 1, 0, 0, 0, 0));
  EXPECT_THAT(bools("y = IsInf<detect_positive = 0>(x)", odd), ElementsAre(0, 0, 1, 0, 0, 0));
}

TEST_F(LogicOps, ChooseWithoutArithmetic) {
  EXPECT_THAT(list_of<float>(16, "float", "float[1] z = {9.0}, float zero = {0.0}",
                             "c = Greater(x, zero) y = Where(c, x, z)"),
              ElementsAre(9, 9, 9, 1, 2.5F, 7));
  const Tensor y = of(16, "float", "float zero = {0.0}", "c = Equal(x, x) y = Where(c, x, zero)",
                      {kNaN, kInf, -kInf, 1, 2, 3});
  EXPECT_THAT(list<float>(y), ElementsAre(0, kInf, -kInf, 1, 2, 3));
}

TEST_F(LogicOps, ChangeTypes) {
  EXPECT_THAT(list_of<std::int8_t>(13, "int8", "", "y = Cast<to = 3>(x)"),
              ElementsAre(-2, -1, 0, 1, 2, 7));
  EXPECT_THAT(list_of<std::int64_t>(13, "int64", "", "y = Cast<to = 7>(x)"),
              ElementsAre(-2, -1, 0, 1, 2, 7));
  EXPECT_THAT(list_of<std::uint32_t>(13, "uint32", "", "i = Cast<to = 6>(x) y = Cast<to = 12>(i)"),
              ElementsAre(4294967294U, 4294967295U, 0, 1, 2, 7));
  EXPECT_THAT(list_of<float>(13, "float", "", "b = Cast<to = 9>(x) y = Cast<to = 1>(b)"),
              ElementsAre(1, 1, 0, 1, 1, 1));
  EXPECT_THAT(list_of<float>(13, "float", "", "i = Cast<to = 7>(x) y = Cast<to = 10>(i)"),
              ElementsAre(-2, -1, 0, 1, 2, 7));
  EXPECT_THAT(list_of<std::int32_t>(15, "int32", "int32 like = {1}", "y = CastLike(x, like)"),
              ElementsAre(-2, -1, 0, 1, 2, 7));
}

TEST_F(LogicOps, ComputeWithIntegersOfEachWidth) {
  const std::string constants = "int64[1] three = {3}, int64[1] low = {-1}, int64[1] high = {2}";
  const auto of_int64 = [&](const std::string& body) {
    return list_of<std::int64_t>(14, "int64", constants, "i = Cast<to = 7>(x) " + body);
  };
  EXPECT_THAT(of_int64("y = Add(i, three)"), ElementsAre(1, 2, 3, 4, 5, 10));
  EXPECT_THAT(of_int64("y = Div(i, three)"), ElementsAre(0, 0, 0, 0, 0, 2));
  EXPECT_THAT(of_int64("y = Mod(i, three)"), ElementsAre(1, 2, 0, 1, 2, 1));
  EXPECT_THAT(of_int64("y = Mod<fmod = 1>(i, three)"), ElementsAre(-2, -1, 0, 1, 2, 1));
  EXPECT_THAT(of_int64("y = Pow(i, three)"), ElementsAre(-8, -1, 0, 1, 8, 343));
  EXPECT_THAT(of_int64("y = Abs(i)"), ElementsAre(2, 1, 0, 1, 2, 7));
  EXPECT_THAT(of_int64("y = Neg(i)"), ElementsAre(2, 1, 0, -1, -2, -7));
  EXPECT_THAT(of_int64("y = Sign(i)"), ElementsAre(-1, -1, 0, 1, 1, 1));
  EXPECT_THAT(of_int64("y = Relu(i)"), ElementsAre(0, 0, 0, 1, 2, 7));
  EXPECT_THAT(of_int64("y = Clip(i, low, high)"), ElementsAre(-1, -1, 0, 1, 2, 2));
  EXPECT_THAT(of_int64("y = Clip(i, , high)"), ElementsAre(-2, -1, 0, 1, 2, 2));
  EXPECT_THAT(of_int64("y = Max(i, low, three)"), ElementsAre(3, 3, 3, 3, 3, 7));
  EXPECT_THAT(of_int64("p = Pow(x, three) y = Cast<to = 7>(p)"),
              ElementsAre(-15, -1, 0, 1, 15, 343));
  EXPECT_THAT(list_of<float>(13, "float", "int64[1] two = {2}", "y = Pow(x, two)"),
              ElementsAre(6.25F, 1, 0, 1, 6.25F, 49));
  EXPECT_THAT(list_of<std::int64_t>(13, "int64", "float[1] half = {0.5}",
                                    "a = Abs(x) i = Cast<to = 7>(a) y = Pow(i, half)"),
              ElementsAre(1, 1, 0, 1, 1, 2));
}

TEST_F(LogicOps, WorkOnBits) {
  const std::string constants = "uint8[1] six = {6}, uint8[1] one = {1}";
  const auto of_bytes = [&](const std::string& body) {
    return list_of<std::uint8_t>(18, "uint8", constants, "a = Abs(x) i = Cast<to = 2>(a) " + body);
  };
  EXPECT_THAT(of_bytes("y = BitwiseAnd(i, six)"), ElementsAre(2, 0, 0, 0, 2, 6));
  EXPECT_THAT(of_bytes("y = BitwiseOr(i, six)"), ElementsAre(6, 7, 6, 7, 6, 7));
  EXPECT_THAT(of_bytes("y = BitwiseXor(i, six)"), ElementsAre(4, 7, 6, 7, 4, 1));
  EXPECT_THAT(of_bytes("y = BitwiseNot(i)"), ElementsAre(253, 254, 255, 254, 253, 248));
  EXPECT_THAT(of_bytes("y = BitShift<direction = \"LEFT\">(i, six)"),
              ElementsAre(128, 64, 0, 64, 128, 192));
  EXPECT_THAT(of_bytes("y = BitShift<direction = \"RIGHT\">(i, one)"),
              ElementsAre(1, 0, 0, 0, 1, 3));
}

TEST_F(LogicOps, MoveBoolsAndLongIntegers) {
  EXPECT_THAT(bools("c = Less(x, one) y = Where(c, c, c)"), ElementsAre(1, 1, 1, 0, 0, 0));
  const std::string lists =
      "int64[2] two = {2, 6}, int64[1] r = {2}, int64[1] s = {3}, int64[1] e = {6}, "
      "int64[2] pads = {1, 0}, bool[6] some = {1, 0, 0, 1, 0, 1}";
  const std::string b = "zero = Sub(x, x) b = Less(x, zero) ";
  const auto numbers = [&](const std::string& body) {
    return list_of<float>(13, "float", lists, b + body + " y = Cast<to = 1>(k)");
  };
  EXPECT_THAT(numbers("k = Tile(b, r)"), ElementsAre(1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(numbers("k = Expand(b, two)"), ElementsAre(1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(numbers("k = Slice(b, s, e)"), ElementsAre(0, 0, 0));
  EXPECT_THAT(numbers("k = Pad(b, pads)"), ElementsAre(0, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(numbers("k = Concat<axis = 0>(b, b)"),
              ElementsAre(1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0));
  EXPECT_THAT(numbers("i = Cast<to = 7>(x) k = Tile(i, r)"),
              ElementsAre(-2, -1, 0, 1, 2, 7, -2, -1, 0, 1, 2, 7));
  EXPECT_THAT(numbers("k = Compress<axis = 0>(x, some)"), ElementsAre(-2.5F, 1, 7));
}

TEST_F(LogicOps, KeepTriangles) {
  const auto of_square = [&](const std::string& body) {
    return list_of<float>(14, "float", "int64[2] s = {2, 3}, int64 k = {1}, int64 n = {-1}",
                          "r = Reshape(x, s) " + body);
  };
  EXPECT_THAT(of_square("y = Trilu(r)"), ElementsAre(-2.5F, -1, 0, 0, 2.5F, 7));
  EXPECT_THAT(of_square("y = Trilu(r, k)"), ElementsAre(0, -1, 0, 0, 0, 7));
  EXPECT_THAT(of_square("y = Trilu<upper = 0>(r, n)"), ElementsAre(0, 0, 0, 1, 0, 0));
}

TEST_F(LogicOps, ShrinkByThresholdAndBias) {
  EXPECT_THAT(list_of<float>(9, "float", "", "y = Shrink<lambd = 1.0, bias = 0.5>(x)"),
              ElementsAre(-2, 0, 0, 0, 2, 6.5F));
}

TEST_F(LogicOps, PadWithWhatIsThere) {
  const auto padded = [&](const std::string& mode) {
    return list_of<float>(19, "float", "int64[2] p = {2, 1}",
                          "y = Pad<mode = \"" + mode + "\">(x, p)");
  };
  EXPECT_THAT(padded("reflect"), ElementsAre(0, -1, -2.5F, -1, 0, 1, 2.5F, 7, 2.5F));
  EXPECT_THAT(padded("edge"), ElementsAre(-2.5F, -2.5F, -2.5F, -1, 0, 1, 2.5F, 7, 7));
  EXPECT_THAT(padded("wrap"), ElementsAre(2.5F, 7, -2.5F, -1, 0, 1, 2.5F, 7, -2.5F));
  EXPECT_THAT(list_of<float>(13, "float", "int64[2] p = {-2, 1}", "y = Pad<mode = \"edge\">(x, p)"),
              ElementsAre(0, 1, 2.5F, 7, 7));
  EXPECT_THAT(error(model(13, "(float[6] x) => (float[A] y) <int64[2] p = {1, 1}>",
                          "y = Pad<mode = \"wrap\">(x, p)")),
              HasSubstr("mode is 'wrap'"));
}

// More elements in another order than slices are put together for: one gather of the host.
TEST_F(LogicOps, LongReflectionsAreGathered) {
  const std::string text = model(13, "(float[60] x) => (float[A] y) <int64[2] p = {40, 0}>",
                                 "y = Pad<mode = \"reflect\">(x, p)");
  std::vector<float> ramp(60), expected;
  std::iota(ramp.begin(), ramp.end(), 0.0F);
  for (int i = 40; i > 0; --i) expected.push_back(static_cast<float>(i));
  expected.insert(expected.end(), ramp.begin(), ramp.end());
  const Graph graph = load(text);
  EXPECT_EQ(graph.nodes.size(), 1U);
  EXPECT_EQ(graph.nodes.at(0).kind, OpKind::kHost);
  EXPECT_EQ(list<float>(run(text, {floats({60}, ramp)})), expected);
}

TEST_F(LogicOps, SayWhichTypesDoNotFit) {
  const auto error_of = [&](int opset, const std::string& body) {
    return error(model(opset, "(float[6] x) => (float[A] y) <int32[1] i = {1}>", body));
  };
  EXPECT_THAT(error_of(13, "b = Less(x, i) y = Cast<to = 1>(b)"),
              HasSubstr("types float32 and int32"));
  EXPECT_THAT(error_of(13, "b = And(x, x) y = Cast<to = 1>(b)"),
              HasSubstr("the first input is float32; expected bool"));
  EXPECT_THAT(error_of(13, "y = Mod(x, x)"), HasSubstr("fmod is 0 for floats"));
  EXPECT_THAT(error_of(13, "y = Cast<to = 8>(x)"), HasSubstr("STRING"));
  EXPECT_THAT(error_of(18, "b = BitwiseAnd(x, x) y = Cast<to = 1>(b)"),
              HasSubstr("types float32 and float32; expected integers"));
  EXPECT_THAT(error_of(11,
                       "k = Cast<to = 6>(x) b = BitShift<direction = \"LEFT\">(k, k) y = "
                       "Cast<to = 1>(b)"),
              HasSubstr("the input is int32"));
}

}  // namespace
}  // namespace systole::compiler
