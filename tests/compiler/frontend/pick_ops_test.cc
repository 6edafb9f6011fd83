// ONNX operators that pick, place and order elements, and what is made of them: attributes by
// opset, computed and constant operands, the text form, errors.
#include <gmock/gmock-matchers.h>

#include "compiler/frontend/onnx_writer.h"
#include "compiler/ir/batch.h"
#include "compiler/ir/parse_text.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ints = std::vector<std::int64_t>;

class PickOps : public OnnxText {
 protected:
  static std::string one(int opset, const std::string& body, const std::string& more = "") {
    return model(opset, "(float[2,3] x) => (int64[A,B] y)" + more, body);
  }
  static Tensor x() { return floats({2, 3}, {1, 5, 5, 7, -1, 9}); }
  Tensor of(int opset, const std::string& body, const std::string& more = "") {
    return run(one(opset, body, more), {x()});
  }
};

TEST_F(PickOps, TheFirstOrLastOfTheLargestOrSmallest) {
  const Tensor rows = of(13, "y = ArgMax<axis = -1>(x)");
  EXPECT_EQ(rows.shape, (Shape{2, 1}));
  EXPECT_THAT(list<std::int64_t>(rows), ElementsAre(1, 2));
  EXPECT_THAT(list<std::int64_t>(of(13, "y = ArgMax<axis = 1, select_last_index = 1>(x)")),
              ElementsAre(2, 2));
  const Tensor least = of(13, "y = ArgMin<axis = 0, keepdims = 0>(x)");
  EXPECT_EQ(least.shape, (Shape{3}));
  EXPECT_THAT(list<std::int64_t>(least), ElementsAre(0, 1, 0));
  EXPECT_THAT(error(one(11, "y = ArgMax<select_last_index = 1>(x)")),
              HasSubstr("select_last_index"));
}

TEST_F(PickOps, TopKGivesValuesAndPlaces) {
  const Graph graph =
      load(model(11, "(float[2,3] x) => (float[2,2] v, int64[2,2] i) <int64[1] k = {2}>",
                 "v, i = TopK(x, k)"));
  const std::vector<Tensor> y = evaluate(graph, {x()});
  EXPECT_THAT(list<float>(y[0]), ElementsAre(5, 5, 9, 7));
  EXPECT_THAT(list<std::int64_t>(y[1]), ElementsAre(1, 2, 2, 0));
  EXPECT_THAT(
      list<float>(run(
          model(9, "(float[2,3] x) => (float[1,3] y)", "y, i = TopK<axis = 0, k = 1>(x)"), {x()})),
      ElementsAre(7, 5, 9));
  EXPECT_THAT(error(one(11, "v, y = TopK(x, k)", " <int64[1] k = {4}>")),
              HasSubstr("K is 4; expected 0 to 3"));
}

TEST_F(PickOps, ComputedIndicesGather) {
  const std::string text = model(13, "(float[2,3] x) => (float[A,B,C] y)",
                                 "a = ArgMax<axis = 1>(x) y = Gather<axis = 1>(x, a)");
  EXPECT_EQ(load(text).nodes.size(), 2U);
  EXPECT_THAT(list<float>(run(text, {x()})), ElementsAre(5, 5, -1, 9));
  EXPECT_THAT(list<float>(run(model(13, "(float[2,3] x) => (float[A,B] y)",
                                    "a = ArgMax<axis = 1>(x) y = GatherElements<axis = 1>(x, a)"),
                              {x()})),
              ElementsAre(5, 9));
}

TEST_F(PickOps, ScattersCombineSinceTheirOpset) {
  const std::string more = " <int64[1,2] i = {0,-1}, float[1,2] u = {10,20}>";
  const auto text = [&](int opset, const std::string& how) {
    return model(opset, "(float[2,3] x) => (float[2,3] y)" + more,
                 "y = ScatterElements<axis = 1" + how + ">(x, i, u)");
  };
  EXPECT_THAT(list<float>(run(text(13, ""), {x()})), ElementsAre(10, 5, 20, 7, -1, 9));
  EXPECT_THAT(list<float>(run(text(18, ", reduction = \"max\""), {x()})),
              ElementsAre(10, 5, 20, 7, -1, 9));
  EXPECT_THAT(list<float>(run(text(16, ", reduction = \"add\""), {x()})),
              ElementsAre(11, 5, 25, 7, -1, 9));
  EXPECT_THAT(error(text(16, ", reduction = \"max\"")), HasSubstr("since opset 18"));
}

TEST_F(PickOps, OneHotAndHardmax) {
  EXPECT_THAT(list<float>(run(
                  model(13, "(float[2,3] x) => (float[A,B] y) <int64 d = {3}, float[2] v = {0,1}>",
                        "a = ArgMax<axis = 1, keepdims = 0>(x) y = OneHot(a, d, v)"),
                  {x()})),
              ElementsAre(0, 1, 0, 0, 0, 1));
  const auto hardmax = [&](int opset, const std::string& attributes) {
    return list<float>(
        run(model(opset, "(float[2,3] x) => (float[A,B] y)", "y = Hardmax" + attributes + "(x)"),
            {x()}));
  };
  EXPECT_THAT(hardmax(13, "<axis = 0>"), ElementsAre(0, 1, 0, 1, 0, 1));
  EXPECT_THAT(hardmax(11, "<axis = 0>"), ElementsAre(0, 0, 0, 0, 0, 1));  // of all together
}

TEST_F(PickOps, ResultsWhoseSizeDependsOnTheDataAreAsDeclared) {
  const Graph declared = load(model(13, "(float[2,3] x) => (int64[2,5] y)", "y = NonZero(x)"));
  EXPECT_EQ(declared.value(declared.outputs[0]).shape, (Shape{2, 5}));
  EXPECT_TRUE(declared.notes.empty());
  const Graph open = load(model(13, "(float[2,3] x) => (int64[A,B] y)", "y = NonZero(x)"));
  EXPECT_EQ(open.value(open.outputs[0]).shape, (Shape{2, 6}));
  ASSERT_FALSE(open.notes.empty());
  EXPECT_THAT(open.notes[0], HasSubstr("depends on the data"));
}

TEST_F(PickOps, CompressTakesWhatAConstantConditionLeaves) {
  EXPECT_THAT(list<float>(run(model(11, "(float[2,3] x) => (float[A,B] y) <bool[2] c = {0,1}>",
                                    "y = Compress<axis = 0>(x, c)"),
                              {x()})),
              ElementsAre(7, -1, 9));
  EXPECT_THAT(list<float>(run(model(11, "(float[2,3] x) => (float[A] y) <bool[5] c = {0,1,0,0,1}>",
                                    "y = Compress(x, c)"),
                              {x()})),
              ElementsAre(5, -1));
}

TEST_F(PickOps, RowsOfABatchStayApart) {
  EXPECT_FALSE(batch_of(load(one(13, "y = ArgMax<axis = 1>(x)"))).mixer.has_value());
  EXPECT_TRUE(batch_of(load(one(13, "y = ArgMax<axis = 0>(x)"))).mixer.has_value());
  const std::string table = " <float[4,2] t = {1,2,3,4,5,6,7,8}>";
  const std::string gather = "a = ArgMax<axis = 1>(x) y = Gather(t, a)";
  EXPECT_FALSE(batch_of(load(one(13, gather, table))).mixer.has_value());
}

// Every function through its text and through the writer.
TEST_F(PickOps, TextAndFilesAreReadBack) {
  const std::string body =
      "a = ArgMax<axis = 1>(g) t, p = TopK<axis = 1>(x, k) g = GatherElements<axis = 1>(x, p) "
      "s = ScatterElements<axis = 1>(g, a, f) c = CumSum<reverse = 1>(s, z) r = ReverseSequence"
      "<batch_axis = 0, time_axis = 1>(c, l) n = NonZero(r) u = Unique<axis = 1>(r) h = Hardmax(r) "
      "b = Gather(x, w) d = Det(e) y = Add(d, d)";
  const Graph graph =
      load(model(13,
                 "(float[2,3] x, float[2,2] e, int64[2,1] w) => (float y, float[2,2] r, int64[2,4] "
                 "n, float[2,2] h, float[2,1,3] b)"
                 " <int64[1] k = {2}, float[2,1] f = {1,2}, int64 z = {1}, int64[2] l = {1,2}>",
                 body));
  EXPECT_EQ(to_text(parse_text("g", to_text(graph))), to_text(graph));
  const std::string path = scratch_.file("again.onnx");
  write_file(path, onnx_bytes(write_onnx(graph, {13, 7, false}), path));
  const std::vector<Tensor> inputs = {x(), floats({2, 2}, {1, 2, 3, 4}),
                                      make_tensor<std::int64_t>({2, 1}, Ints{1, 0})};
  const std::vector<Tensor> right = evaluate(graph, inputs);
  const std::vector<Tensor> again = evaluate(load_model(path, {}), inputs);
  ASSERT_EQ(again.size(), right.size());
  for (std::size_t i = 0; i < right.size(); ++i) EXPECT_EQ(again[i].data, right[i].data) << i;
}

TEST_F(PickOps, ShapesThatDoNotFitNameTheRule) {
  EXPECT_THAT(error(one(13, "y = ReverseSequence(x, l)", " <int64[2] l = {1,2}>")),
              HasSubstr("its inputs do not fit together; expected a length for each of the batch"));
  EXPECT_THAT(error(one(13, "y = GatherND(x, i)", " <int64[1,3] i = {0,0,0}>")),
              HasSubstr("no longer than the data has dimensions"));
}

}  // namespace
}  // namespace systole::compiler
