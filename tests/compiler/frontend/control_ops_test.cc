// If, Loop and Scan: what is written out, names inside and outside, and what is refused.
#include <gmock/gmock-matchers.h>

#include "compiler/ir/graph.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ControlOps : public OnnxText {
 protected:
  static std::string text_of(const std::string& constants, const std::string& body,
                             const std::string& inputs = "float[2,2] x") {
    return model(16, "(" + inputs + ") => (float[A] y) <" + constants + ">", body);
  }
  std::vector<float> y_of(const std::string& constants, const std::string& body) {
    return list<float>(run(text_of(constants, body), {floats({2, 2}, {1, -2, 3, -4})}));
  }
};

const char* const kBranches =
    "y = If<then_branch = t () => (float[2,2] a) { a = Relu(x) }, "
    "else_branch = e () => (float[2,2] b) { n = Neg(x) b = Add(n, n) }>";

TEST_F(ControlOps, AnIfIsTheBranchThatItsConditionTakes) {
  EXPECT_THAT(y_of("bool c = {1}", std::string(kBranches) + "(c)"), ElementsAre(1, 0, 3, 0));
  EXPECT_THAT(y_of("bool c = {0}", std::string(kBranches) + "(c)"), ElementsAre(-2, 4, -6, 8));
  EXPECT_THAT(
      y_of("int64 two = {2}", "s = Size(x) c = Less(s, two) " + std::string(kBranches) + "(c)"),
      ElementsAre(-2, 4, -6, 8));
}

TEST_F(ControlOps, AConditionThatIsAnInputIsBound) {
  const std::string text =
      text_of("int64 k = {16}", "c = Equal(rate, k) " + std::string(kBranches) + "(c)",
              "float[2,2] x, int64 rate");
  EXPECT_EQ(load(text).inputs.size(), 2U);
  LoadOptions options;
  options.binds["rate"] = {16.0};
  const Graph graph = load(text, options);
  ASSERT_EQ(graph.inputs.size(), 1U);
  EXPECT_THAT(list<float>(evaluate(graph, {floats({2, 2}, {1, -2, 3, -4})}).front()),
              ElementsAre(1, 0, 3, 0));
  options.binds["rate"] = {16.5};
  EXPECT_THAT(error(text, options), HasSubstr("values of int64"));
  options.binds["rate"] = {1.0, 2.0};
  EXPECT_THAT(error(text, options), HasSubstr("2 values"));
  options.binds = {{"speed", {1.0}}};
  EXPECT_THAT(error(text, options), HasSubstr("has no input 'speed'"));
}

TEST_F(ControlOps, AComputedConditionPicksOfBothBranches) {
  const std::string body = "s = ReduceSum<keepdims = 0>(x) c = Less(s, m) ";
  EXPECT_THAT(y_of("float m = {-1.0}", body + kBranches + "(c)"), ElementsAre(1, 0, 3, 0));
  EXPECT_THAT(y_of("float m = {-2.0}", body + kBranches + "(c)"), ElementsAre(-2, 4, -6, 8));
  // Of one element in any shape; results without a use need not be alike.
  const std::string two =
      "s = ReduceSum(x) c = Less(s, m) y, z = If<then_branch = t () => (float[2,2] a, float[2] d) "
      "{ a = Relu(x) d = ReduceMax<axes = [0], keepdims = 0>(x) }, "
      "else_branch = e () => (float[2,2] a, float[2,2] d) { a = Neg(x) d = Neg(a) }>(c)";
  EXPECT_THAT(y_of("float m = {0.0}", two), ElementsAre(1, 0, 3, 0));
  EXPECT_THAT(y_of("float m = {-2.0}", two), ElementsAre(-1, 2, -3, 4));
  EXPECT_THAT(load(text_of("float m = {0.0}", two)).notes,
              testing::Contains(HasSubstr("both branches run")));
}

TEST_F(ControlOps, BranchesOfAComputedConditionHaveToBeAlike) {
  const auto branches = [&](const std::string& condition, const std::string& other) {
    return error(text_of("float m = {0.0}",
                         condition +
                             " y = If<then_branch = t () => (float[2,2] a) { a = Relu(x) }, "
                             "else_branch = e () => (float[A] b) { b = " +
                             other + " }>(c)"));
  };
  const std::string condition = "s = ReduceSum(x) c = Less(s, m)";
  EXPECT_EQ(branches(condition, "Neg(x)"), "");
  EXPECT_THAT(branches(condition, "ReduceMax<axes = [0]>(x)"),
              AllOf(HasSubstr("node 'y' (If)"), HasSubstr("float32 [2, 2] and float32 [1, 2]"),
                    HasSubstr("--bind")));
  EXPECT_THAT(branches(condition, "Cast<to = 6>(x)"), HasSubstr("and int32 [2, 2]"));
  EXPECT_THAT(branches(condition, "MatMul(x, m)"),
              AllOf(HasSubstr("'y/else/b' (MatMul)"), HasSubstr("--bind"), HasSubstr("'y' takes")));
  EXPECT_THAT(branches("c = Less(x, m)", "Neg(x)"), HasSubstr("the condition has shape [2, 2]"));
  EXPECT_THAT(branches("c = ReduceSum(x)", "Neg(x)"), HasSubstr("the condition is float32"));
}

TEST_F(ControlOps, ALoopOfAConstantCountIsWrittenOut) {
  const std::string body =
      "v, y = Loop<body = b (int64 i, bool c, float[2,2] a) => (bool d, float[2,2] e, float[2,2] f)"
      " { d = Identity(c) t = Cast<to = 1>(i) e = Add(a, x) f = Add(e, t) }>(n, c, x)";
  const Graph graph = load(text_of("int64 n = {3}, bool c = {1}", body));
  const Tensor y = evaluate(graph, {floats({2, 2}, {1, -2, 3, -4})}).front();
  EXPECT_EQ(y.shape, (Shape{3, 2, 2}));
  EXPECT_THAT(list<float>(y), ElementsAre(2, -4, 6, -8, 4, -5, 10, -11, 6, -6, 14, -14));
}

TEST_F(ControlOps, ALoopEndsWhereItsConditionDoes) {
  const std::string body =
      "y = Loop<body = b (int64 i, bool c, float[2,2] a) => (bool d, float[2,2] e)"
      " { d = Less(i, two) e = Add(a, x) }>(n, c, x)";
  EXPECT_THAT(y_of("int64 n = {100}, bool c = {1}, int64 two = {2}", body),
              ElementsAre(4, -8, 12, -16));
  EXPECT_THAT(y_of("int64 n = {100}, bool c = {0}, int64 two = {2}", body),
              ElementsAre(1, -2, 3, -4));
  EXPECT_THAT(error(text_of("int64 n = {9000}, bool c = {1}, int64 two = {9999}", body)),
              HasSubstr("more than 4096 steps"));
  EXPECT_THAT(error(text_of("bool c = {1}, int64 two = {2}", body, "float[2,2] x, int64 n")),
              HasSubstr("the trip count 'n' is computed"));
}

TEST_F(ControlOps, AScanTakesSlicesAndJoinsResults) {
  const std::string signature =
      "Scan<num_scan_inputs = 1, body = b (float[2] s, float[2] v) => (float[2] t, float[2] w)"
      " { t = Add(s, v) w = Mul(t, v) }";
  const std::string state = "float[2] s = {0.0, 10.0}";
  EXPECT_THAT(y_of(state, "q, y = " + signature + ">(s, x)"), ElementsAre(1, -16, 12, -16));
  EXPECT_THAT(y_of(state, "y, q = " + signature + ">(s, x)"), ElementsAre(4, 4));
  EXPECT_THAT(y_of(state, "q, y = " + signature +
                              ", scan_input_directions = [1], scan_output_axes = [1]>(s, x)"),
              ElementsAre(9, 4, -24, -8));
  EXPECT_THAT(y_of(state, "q, y = " + signature + ", scan_input_axes = [1]>(s, x)"),
              ElementsAre(1, 39, 2, -36));
}

TEST_F(ControlOps, NamesInsideHideThoseOutsideAndAreForgotten) {
  EXPECT_THAT(y_of("bool c = {1}",
                   "h = If<then_branch = t () => (float[2,2] a) <float two = {2.0}> "
                   "{ k = Mul(x, two) a = Add(k, x) }, else_branch = e () => (float[2,2] k) "
                   "{ k = Neg(x) }>(c) k = Neg(h) y = Add(k, x)"),
              ElementsAre(-2, 4, -6, 8));
  EXPECT_THAT(error(text_of("bool c = {1}",
                            "h = If<then_branch = t () => (float[2,2] a) { a = Other(x) }, "
                            "else_branch = e () => (float[2,2] b) { b = Neg(x) }>(c) y = Neg(h)")),
              AllOf(HasSubstr("'h/a' (Other)"), HasSubstr("the operator is not known")));
}

}  // namespace
}  // namespace systole::compiler
