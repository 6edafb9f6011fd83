// Constant operators: what each row of onnx_constants.def gives, exporters' patterns, bounds.
#include "compiler/frontend/onnx_constants.h"

#include <gmock/gmock-matchers.h>

#include <algorithm>

#include "base/source.h"
#include "compiler/load.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// Nodes that compute k; initialisers are a = int64 {7, -7, 2}, b = int64 {2, 2, -2}, f, g: floats,
// m: int64 [2, 3], s: one int64. x is an input [4, 6].
constexpr const char* kSignature =
    "(float[4,6] x) => (float[4,6] y, float[N] k) <int64[3] a = {7, -7, 2}, int64[3] b = {2, 2, "
    "-2},"
    "float[3] f = {1.5, -2.5, 0.25}, float[3] g = {2.0, 2.0, -0.5}, int64[2,3] m = {1,2,3,4,5,6},"
    "int64[1] zero = {0}, int64[1] one = {1}, int64[1] two = {2}, int64[1] last = {-1},"
    "int64[1] far = {9223372036854775807}, int64[1] low = {-9223372036854775807},"
    "int64[2] pair = {2, 3}, int64 start = {10}, int64 limit = {0}, int64 step = {-3},"
    "float from = {1.0}, float to = {2.0}, float by = {0.25}>";

class Constants : public OnnxText {
 protected:
  Tensor k_of(const std::string& nodes, int opset = 17) {
    const Graph graph = load(model(opset, kSignature, "y = Relu(x) " + nodes));
    EXPECT_LE(graph.nodes.size(), 2U) << nodes << " is not a constant";
    return evaluate(graph, {Tensor(DType::kFloat32, {4, 6})}).at(1);
  }
  std::string error_of(const std::string& nodes, int opset = 17) {
    return error(model(opset, kSignature, "y = Relu(x) " + nodes));
  }
  void expect_integers(const std::string& nodes, const std::vector<std::int64_t>& values,
                       const Shape& shape, int opset = 17) {
    SCOPED_TRACE(nodes);
    const Tensor k = k_of(nodes, opset);
    EXPECT_EQ(k.shape, shape);
    ASSERT_EQ(k.type, DType::kInt64);
    EXPECT_THAT(list<std::int64_t>(k), ElementsAreArray(values));
  }
  void expect_floats(const std::string& nodes, const std::vector<float>& values, int opset = 17) {
    SCOPED_TRACE(nodes);
    const Tensor k = k_of(nodes, opset);
    ASSERT_EQ(k.type, DType::kFloat32);
    EXPECT_THAT(list<float>(k), ElementsAreArray(values));
  }
  // k as 0 and 1.
  void expect_bools(const std::string& nodes, const std::vector<std::int64_t>& values) {
    expect_integers("l = " + nodes + " k = Cast<to = 7>(l)", values, {std::ssize(values)});
  }
};

TEST_F(Constants, IntegersAreExact) {
  expect_integers("k = Add(a, b)", {9, -5, 0}, {3});
  expect_integers("k = Sub(a, b)", {5, -9, 4}, {3});
  expect_integers("k = Mul(a, b)", {14, -14, -4}, {3});
  expect_integers("k = Div(a, b)", {3, -3, -1}, {3});
  expect_integers("k = Mod(a, b)", {1, 1, 0}, {3});
  expect_integers("k = Mod<fmod = 1>(a, b)", {1, -1, 0}, {3});
  expect_integers("k = Pow(a, two)", {49, 49, 4}, {3});
  expect_integers("k = Max(a, b, one)", {7, 2, 2}, {3});
  expect_integers("k = Min(a, b)", {2, -7, -2}, {3});
  expect_integers("k = Sum(a, b, one)", {10, -4, 1}, {3});
  expect_integers("k = Abs(a)", {7, 7, 2}, {3});
  expect_integers("k = Neg(a)", {-7, 7, -2}, {3});
  expect_integers("k = Sign(a)", {1, -1, 1}, {3});
  expect_integers("k = Clip(a, zero, two)", {2, 0, 2}, {3});
  expect_integers("k = Add(m, a)", {8, -5, 5, 11, -2, 8}, {2, 3});
  expect_integers("k = Add(far, one)", {std::numeric_limits<std::int64_t>::min()}, {1});
}

TEST_F(Constants, FloatsAreRoundedAsOnnxSays) {
  expect_floats("k = Sub(f, g)", {-0.5F, -4.5F, 0.75F});
  expect_floats("k = Div(f, g)", {0.75F, -1.25F, -0.5F});
  expect_floats("k = Mod<fmod = 1>(f, g)", {1.5F, -0.5F, 0.25F});
  expect_floats("k = Pow(g, a)", {128.0F, 0.0078125F, 0.25F});
  expect_floats("k = Mean(f, g)", {1.75F, -0.25F, -0.125F});
  expect_floats("k = Floor(f)", {1.0F, -3.0F, 0.0F});
  expect_floats("k = Ceil(f)", {2.0F, -2.0F, 1.0F});
  expect_floats("k = Round(f)", {2.0F, -2.0F, 0.0F});
  expect_floats("l = Abs(f) m2 = Mul(l, l) k = Sqrt(m2)", {1.5F, 2.5F, 0.25F});
  expect_floats("k = Reciprocal(g)", {0.5F, 0.5F, -2.0F});
  expect_floats("l = Sub(f, f) k = Exp(l)", {1.0F, 1.0F, 1.0F});
  expect_floats("l = Div(f, f) k = Log(l)", {0.0F, 0.0F, 0.0F});
  expect_floats("l = Sub(f, f) k = Cos(l)", {1.0F, 1.0F, 1.0F});
  expect_floats("l = Sub(f, f) k = Sin(l)", {0.0F, 0.0F, 0.0F});
  expect_floats("k = Clip<min = -1.0, max = 1.0>(f)", {1.0F, -1.0F, 0.25F}, 7);
  expect_floats("k = Cast<to = 10>(f)", {1.5F, -2.5F, 0.25F});  // float16
  expect_floats("l = Constant<value_floats = [0.1, 70000.0]>() k = Cast<to = 10>(l)",
                {0.0999755859375F, std::numeric_limits<float>::infinity()});
  expect_integers("k = Cast<to = 7>(f)", {1, -2, 0}, {3});
}

TEST_F(Constants, ComparesAndChooses) {
  expect_bools("Equal(a, b)", {0, 0, 0});
  expect_bools("Less(a, b)", {0, 1, 0});
  expect_bools("LessOrEqual(a, a)", {1, 1, 1});
  expect_bools("Greater(f, g)", {0, 0, 1});
  expect_bools("GreaterOrEqual(f, f)", {1, 1, 1});
  const std::string two = "p = Less(a, b) q = Less(f, g) ";
  expect_integers(two + "l = And(p, q) k = Cast<to = 7>(l)", {0, 1, 0}, {3});
  expect_integers(two + "l = Or(p, q) k = Cast<to = 7>(l)", {1, 1, 0}, {3});
  expect_integers(two + "l = Xor(p, q) k = Cast<to = 7>(l)", {1, 0, 0}, {3});
  expect_integers(two + "l = Not(p) k = Cast<to = 7>(l)", {1, 0, 1}, {3});
  expect_integers(two + "k = Where(p, a, zero)", {0, -7, 0}, {3});
  expect_integers(two + "k = NonZero(p)", {1}, {1, 1});
}

TEST_F(Constants, MakesTensors) {
  expect_integers("k = Shape(x)", {4, 6}, {2});
  expect_integers("k = Shape<start = -1>(x)", {6}, {1});
  expect_integers("k = Shape<end = 1>(x)", {4}, {1});
  expect_integers("k = Size(x)", {24}, {});
  expect_integers("k = ConstantOfShape<value = int64[1] {5}>(pair)", {5, 5, 5, 5, 5, 5}, {2, 3});
  expect_floats("k = ConstantOfShape(two)", {0.0F, 0.0F});
  expect_integers("k = Range(start, limit, step)", {10, 7, 4, 1}, {4});
  expect_floats("k = Range(from, to, by)", {1.0F, 1.25F, 1.5F, 1.75F});
  expect_integers("k = NonZero(m)", {0, 0, 0, 1, 1, 1, 0, 1, 2, 0, 1, 2}, {2, 6});
  expect_integers("k = EyeLike<k = 1>(m)", {0, 1, 0, 0, 0, 1}, {2, 3});
  expect_integers("k = Trilu(m)", {1, 2, 3, 0, 5, 6}, {2, 3});
  expect_integers("k = Trilu<upper = 0>(m)", {1, 0, 0, 4, 5, 0}, {2, 3});
  expect_integers("k = CastLike(f, a)", {1, -2, 0}, {3});
}

TEST_F(Constants, PicksAndPlaces) {
  expect_integers("k = Gather(a, last)", {2}, {1});
  expect_integers("k = Gather<axis = 1>(m, last)", {3, 6}, {2, 1});
  expect_integers("i = Constant<value_int = 1>() k = Gather(m, i)", {4, 5, 6}, {3});
  expect_integers("i = Constant<value = int64[1,3] {1, 0, 1}>() k = GatherElements(m, i)",
                  {4, 2, 6}, {1, 3});
  expect_integers("i = Constant<value = int64[2,2] {0, 2, 1, -3}>() k = GatherND(m, i)", {3, 4},
                  {2});
  expect_integers("i = Constant<value = int64[2,1] {2, 0}>() k = GatherND<batch_dims = 1>(m, i)",
                  {3, 4}, {2});
  expect_integers(
      "i = Constant<value = int64[1,3] {1, 0, 1}>() u = Constant<value = int64[1,3] {0, 0, 0}>() "
      "k = ScatterElements(m, i, u)",
      {1, 0, 3, 0, 5, 0}, {2, 3});
  expect_integers(
      "i = Constant<value = int64[1,1] {1}>() "
      "w = Constant<value_ints = [1, 3]>() u = Reshape(a, w) k = ScatterND(m, i, u)",
      {1, 2, 3, 7, -7, 2}, {2, 3});
  expect_integers("k = Slice(a, one, far)", {-7, 2}, {2});
  expect_integers("k = Slice(m, one, far, one)", {2, 3, 5, 6}, {2, 2});
  expect_integers("k = Slice(a, last, low, zero, last)", {2, -7, 7}, {3});
  expect_integers("k = Slice(a, zero, far, zero, two)", {7, 2}, {2});
  expect_integers("k = Slice<starts = [1], ends = [100], axes = [-1]>(m)", {2, 3, 5, 6}, {2, 2}, 9);
  expect_integers("w = Constant<value_ints = [1, 2]>() j, k = Split(a, w)", {-7, 2}, {2});
  expect_integers("j, k = Split<split = [2, 1]>(a)", {2}, {1}, 11);
  expect_integers("k = Expand(last, pair)", {-1, -1, -1, -1, -1, -1}, {2, 3});
  expect_integers("k = Tile(a, two)", {7, -7, 2, 7, -7, 2}, {6});
  expect_integers("k = Concat<axis = 0>(a, one)", {7, -7, 2, 1}, {4});
  expect_integers("k = Transpose(m)", {1, 4, 2, 5, 3, 6}, {3, 2});
}

TEST_F(Constants, Reduces) {
  expect_integers("k = ReduceProd<keepdims = 0>(a)", {-98}, {});
  expect_integers("k = ReduceSum(m, one)", {6, 15}, {2, 1});
  expect_integers("k = ReduceSum<axes = [0], keepdims = 0>(m)", {5, 7, 9}, {3}, 11);
  expect_integers("k = ReduceMax<axes = [-1], keepdims = 0>(m)", {3, 6}, {2});
  expect_integers("k = ReduceMin<keepdims = 0>(a)", {-7}, {});
  expect_floats("k = ReduceMean(f)", {-0.25F});
  expect_integers("b0 = Expand(far, pair) k = ReduceMean(b0)", {-1}, {1, 1});  // its sum wraps
  const std::string bytes =
      "n = Constant<value_ints = [256]>() b0 = Expand(two, n) b1 = Cast<to = ";
  expect_integers(bytes + "2>(b0) b2 = ReduceMean(b1) k = Cast<to = 7>(b2)", {2}, {1});
  expect_integers(bytes + "3>(b0) b2 = ReduceSum(b1) k = Cast<to = 7>(b2)", {0}, {1});
  expect_integers("k = ArgMax<axis = 1, keepdims = 0>(m)", {2, 2}, {2});
  expect_integers("k = ArgMin(a)", {1}, {1});
  expect_integers("axis = Constant<value_int = 0>() k = CumSum(a, axis)", {7, 0, 2}, {3});
  expect_integers(
      "axis = Constant<value_int = 0>() k = CumSum<exclusive = 1, reverse = 1>(a, axis)",
      {-5, 2, 0}, {3});
}

TEST_F(Constants, ComputesProductsOfConstants) {
  expect_floats(
      "v = Constant<value_ints = [3, 1]>() w = Reshape(f, v) u = Constant<value_ints = [1, 3]>() "
      "h = Reshape(g, u) k = MatMul(h, w)",
      {-2.125F});
  expect_floats(
      "p = Constant<value = float[1,1,1,2] {1.0, 2.0}>() "
      "q = Constant<value = float[1,1,1,1] {3.0}>() k = Conv(p, q)",
      {3.0F, 6.0F});
}

TEST_F(Constants, ExportersShapesFollowTheBatch) {
  const std::string text = model(
      17,
      "(float[N,2,3] x) => (float[A,B] y) <int64 zero = {0}, int64[1] front = {0}, int64[1] rest = "
      "{-1}>",
      "s = Shape(x) n = Gather(s, zero) u = Unsqueeze(n, front) t = Concat<axis = 0>(u, rest) "
      "y = Reshape(x, t)");
  LoadOptions options;
  options.batch = 5;
  const Graph graph = load(text, options);
  EXPECT_EQ(graph.value(graph.outputs[0]).shape, (Shape{5, 6}));
}

TEST_F(Constants, RefusesWhatOnnxForbids) {
  EXPECT_THAT(error_of("k = Div(a, zero)"), AllOf(HasSubstr("'k' (Div)"), HasSubstr("by 0")));
  EXPECT_THAT(error_of("k = Gather(a, far)"), HasSubstr("index 9223372036854775807"));
  EXPECT_THAT(error_of("k = Add(a, f)"), HasSubstr("float32"));
  EXPECT_THAT(error_of("k = Add(a, pair)"), HasSubstr("[3] and [2]"));
  EXPECT_THAT(error_of("k = Range(start, limit, limit)"), HasSubstr("delta is 0"));
  EXPECT_THAT(error_of("k = Where(a, a, b)"), HasSubstr("condition is int64"));
  EXPECT_THAT(error_of("k = Slice(a, zero, far, zero, zero)"), HasSubstr("step is 0"));
  EXPECT_THAT(
      error_of("i = Constant<value = int64[3,1] {0, 0, 0}>() k = GatherND<batch_dims = 1>(m, i)"),
      AllOf(HasSubstr("indices [3, 1] of [2, 3]"), HasSubstr("the same batch dimensions")));
  EXPECT_THAT(error_of("w = Concat<axis = 0>(far, far) j, k = Split(a, w)"),
              HasSubstr("parts [9223372036854775807, 9223372036854775807] of 3 elements"));
  EXPECT_THAT(error_of("k = Max(a, , b)"), HasSubstr("input 1 is absent"));
  EXPECT_THAT(error_of("l = Equal(a, b) k = ArgMax(l)"), HasSubstr("the data are bool"));
  EXPECT_THAT(error_of("k = Trilu(m)", 13), HasSubstr("opset 14 or newer"));
  EXPECT_THAT(error_of("k = Abs<speed = 3>(a)"), HasSubstr("'speed'"));
}

TEST_F(Constants, MemoryIsBounded) {
  const std::string huge = "h = Constant<value_ints = [1000000, 1000000]>() ";
  EXPECT_THAT(error_of(huge + "k = ConstantOfShape(h)"),
              AllOf(HasSubstr("'k' (ConstantOfShape)"), HasSubstr("1e+12"), HasSubstr("at most")));
  EXPECT_THAT(error_of(huge + "k = Expand(one, h)"), HasSubstr("1e+12 elements"));
  EXPECT_THAT(error_of(huge + "pair1 = Constant<value_ints = [1, 1]>() o = Reshape(one, pair1) "
                              "k = Tile(o, h)"),
              HasSubstr("1e+12 elements"));
  EXPECT_THAT(
      error_of("b0 = Cast<to = 7>(a) e = Constant<value_int = 1000000000>() "
               "z = Constant<value_int = 0>() o = Constant<value_int = 1>() k = Range(z, e, o)"),
      HasSubstr("1e+09 elements"));
  // Many that fit alone do not fit together.
  std::string many = "h = Constant<value_ints = [8192, 1024]>() ";
  std::string all;
  for (int i = 0; i < 10; ++i) {
    many += fmt::format("v{} = ConstantOfShape(h) ", i);
    all += fmt::format("{}v{}", i == 0 ? "" : ", ", i);
  }
  EXPECT_THAT(error_of(many + "k = Concat<axis = 0>(" + all + ")"),
              HasSubstr("'v8' (ConstantOfShape)"));
}

// However many loops the other dimensions would make.
TEST_F(Constants, EmptyResultsTakeNoTime) {
  const std::string many = "w = Constant<value = int64[549755813888,0] {}>() v = Cast<to = 1>(w) ";
  const Shape shape = {std::int64_t{1} << 39, 0};
  expect_integers(many + "k = Concat<axis = 1>(w, w)", {}, shape);
  expect_integers(many + "k = EyeLike(w)", {}, shape);
  expect_integers(many + "l = Softmax(v) k = Cast<to = 7>(l)", {}, shape);
  expect_integers(
      "p = Constant<value = float[1,1,1,1] {3.0}>() q = Constant<value = float[0,1,1,9] {}>() "
      "l = Conv<pads = [1073741824, 4, 1073741824, 4]>(p, q) k = Cast<to = 7>(l)",
      {}, {1, 0, (std::int64_t{1} << 31) + 1, 1});
}

TEST_F(Constants, QuantisationNeedsAScaleEvenOfNothing) {
  const std::string empty =
      "u = Constant<value_ints = [0, -6, 0, 0]>() w = Constant<value = float[0] {}>() "
      "v = Cast<to = 2>(w) x0 = Pad(x, u) ";
  EXPECT_THAT(error_of(empty + "k = QuantizeLinear(x0, w, v)"),
              AllOf(HasSubstr("x scale has shape [0]"), HasSubstr("expected a scalar")));
  EXPECT_THAT(error_of(empty + "l = Cast<to = 1>(one) k = QuantizeLinear(x0, l, v)"),
              HasSubstr("x zero point has shape [0]"));
}

TEST(ConstantTable, TheDocumentListsEveryOperator) {
  std::string document = testing_support::text_of(source_path("docs/onnx.md"));
  std::ranges::replace(document, '\n', ' ');
  std::string list;
  for (const OnnxConstant& row : onnx_constants())
    list += fmt::format("{}{}", list.empty() ? "" : ", ", row.name);
  EXPECT_THAT(document, HasSubstr(" " + list + ". "));
}

TEST_F(Constants, MissingOperatorsAreAllNamedAtOnce) {
  const std::string nodes =
      "p = Bernoulli(x) q = Bernoulli(p) r = Bernoulli(q) s = Bernoulli(r) t = Range(s, x, x) u = "
      "other.Magic(t) k = Shape(u)";
  EXPECT_THAT(error_of(nodes),
              AllOf(HasSubstr("has 3 unknown operators in opset 17"),
                    HasSubstr("Bernoulli (4 nodes: 'p', 'q', 'r' ...)"),
                    HasSubstr("Range of computed values (1 node: 't')"),
                    HasSubstr("other.Magic (1 node: 'u')"), HasSubstr("`systole ops`")));
  std::string many = "p0 = Relu(x) ";
  for (int i = 1; i <= 40; ++i) many += fmt::format("p{} = other.Op{}(p{}) ", i, i, i - 1);
  EXPECT_THAT(error_of(many + "k = Shape(p40)"), HasSubstr("and 28 more"));
}

}  // namespace
}  // namespace systole::compiler
