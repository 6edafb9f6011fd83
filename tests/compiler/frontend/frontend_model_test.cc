// Whole models: versions, names, order, batches and open dimensions, inline shapes.
#include <gmock/gmock-matchers.h>

#include <algorithm>

#include "compiler/load.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LoadOptions batch(std::int64_t n) {
  LoadOptions options;
  options.batch = n;
  return options;
}
LoadOptions dim(const std::string& name, std::int64_t n) {
  LoadOptions options;
  options.dims[name] = n;
  return options;
}
LoadOptions batch_and_dim(std::int64_t n, const std::string& name, std::int64_t d) {
  LoadOptions options = dim(name, d);
  options.batch = n;
  return options;
}
LoadOptions shape(const std::string& name, const Shape& dims) {
  LoadOptions options;
  options.shapes[name] = dims;
  return options;
}

class FrontendModel : public OnnxText {};

constexpr const char* kOneRelu = "(float[N,2] x) => (float[N,2] y)";

Shape output_shape(const Graph& graph) { return graph.value(graph.outputs.at(0)).shape; }

TEST_F(FrontendModel, VersionsOutsideTheKnownRangeNameBothEnds) {
  EXPECT_THAT(error(model(23, kOneRelu, "y = Relu(x)")),
              AllOf(HasSubstr("opset 23"), HasSubstr("22")));
  EXPECT_THAT(error(model(6, kOneRelu, "y = Relu(x)")),
              AllOf(HasSubstr("opset 6"), HasSubstr("7")));
  EXPECT_THAT(error("<ir_version: 14, opset_import: [\"\" : 13]> g (float[2] x) => (float[2] y) { "
                    "y = Relu(x) }"),
              AllOf(HasSubstr("IR version 14"), HasSubstr("13")));
  EXPECT_THAT(error("<ir_version: 7, opset_import: [\"other\" : 1]> g (float[2] x) => (float[2] y) "
                    "{ y = Relu(x) }"),
              HasSubstr("imports no ONNX operators"));
  for (int opset = 7; opset <= 22; ++opset)
    EXPECT_EQ(error(model(opset, kOneRelu, "y = Relu(x)")), "");
}

TEST_F(FrontendModel, MalformedTextIsRefusedInOneLine) {
  for (const std::string text :
       {"", "hello", "<ir_version: 7", "<ir_version: 99999999999999999999>",
        "<ir_version: 7, opset_import: [\"\" : 13]> g (float[2] x) => (float[2] y) { y = Relu(x"}) {
    const std::string message = error(text);
    EXPECT_THAT(message, HasSubstr("is not an ONNX text model")) << text;
    EXPECT_EQ(message.find('\n'), std::string::npos);
  }
  EXPECT_THAT(error(std::string(100000, '(')), HasSubstr("nested"));
  EXPECT_THAT(error(model(13, kOneRelu, "y = Relu(x)") + "more"),
              HasSubstr("is not an ONNX text model"));
}

TEST_F(FrontendModel, SortsNodesAndNamesCycles) {
  const Graph graph = load(model(18, kOneRelu, "y = Relu(b) b = Relu(a) a = Relu(x)"));
  EXPECT_EQ(graph.value(graph.nodes[0].outputs[0]).name, "a");
  EXPECT_THAT(error(model(13, kOneRelu, "a = Add(x, b) b = Relu(a) y = Relu(b)")),
              HasSubstr("needs its own result"));
}

TEST_F(FrontendModel, NamesHaveOneOrigin) {
  EXPECT_THAT(error(model(13, kOneRelu, "y = Relu(x) y = Relu(x)")),
              HasSubstr("'y' is defined twice"));
  EXPECT_THAT(error(model(13, kOneRelu, "y = Relu(z)")), HasSubstr("'z' is not defined"));
  EXPECT_THAT(error(model(13, kOneRelu, "z = Relu(x)")), HasSubstr("'y'"));
  EXPECT_THAT(error(model(13, "(float[2] x, float[2] x) => (float[2] y)", "y = Relu(x)")),
              HasSubstr("'x'"));
}

TEST_F(FrontendModel, OutputsKeepTheirNames) {
  const Graph graph = load(model(13, "(float[2] x) => (float[2] y, float[2] z, float[2] x)",
                                 "a = Relu(x) y = Identity(a) z = Identity(a)"));
  std::vector<std::string> names;
  for (ValueId id : graph.outputs) names.push_back(graph.value(id).name);
  EXPECT_THAT(names, ElementsAre("y", "z", "x"));
}

TEST_F(FrontendModel, NodesWithoutUseAreDropped) {
  EXPECT_EQ(load(model(13, kOneRelu, "y = Relu(x) unused = Relu(x)")).nodes.size(), 1U);
}

TEST_F(FrontendModel, TheBatchFillsASymbolicLeadingDimension) {
  const std::string text = model(13, kOneRelu, "y = Relu(x)");
  EXPECT_EQ(output_shape(load(text)), (Shape{1, 2}));
  EXPECT_EQ(output_shape(load(text, batch(5))), (Shape{5, 2}));
  EXPECT_EQ(output_shape(load(text, dim("N", 6))), (Shape{6, 2}));
  EXPECT_EQ(output_shape(load(text, shape("x", {7, 2}))), (Shape{7, 2}));
  EXPECT_THAT(error(text, batch(0)), HasSubstr("batch 0"));
  EXPECT_THAT(error(text, batch_and_dim(5, "N", 6)), HasSubstr("dimension 0 = 6"));
  EXPECT_THAT(error(text, dim("M", 6)), HasSubstr("has no dimension 'M'"));
  EXPECT_THAT(error(text, shape("x", {7, 3})), HasSubstr("dimension 1 = 3"));
  EXPECT_THAT(error(text, shape("x", {7})), HasSubstr("--shape of 1 dimensions"));
  EXPECT_THAT(error(text, shape("q", {7})), HasSubstr("has no input 'q'"));
}

TEST_F(FrontendModel, OtherOpenDimensionsSayWhatToGive) {
  const std::string text = model(13, "(float[N,T] x) => (float[N,T] y)", "y = Relu(x)");
  EXPECT_THAT(error(text), HasSubstr("--dim T=N"));
  EXPECT_EQ(output_shape(load(text, dim("T", 9))), (Shape{1, 9}));
}

TEST_F(FrontendModel, AFixedBatchIsRewrittenWithItsReshapes) {
  const std::string text =
      model(13, "(float[1,4] x) => (float[A,B] y) <int64[3] s = {1,2,2}, int64[2] t = {1,-1}>",
            "a = Reshape(x, s) y = Reshape(a, t)");
  EXPECT_EQ(output_shape(load(text, batch(3))), (Shape{3, 4}));
  const std::string fixed =
      model(13, "(float[1,4] x) => (float[A,B] y) <int64[2] s = {2,2}>", "y = Reshape(x, s)");
  EXPECT_EQ(output_shape(load(fixed)), (Shape{2, 2}));
  EXPECT_THAT(error(fixed, batch(3)), AllOf(HasSubstr("node 'y'"), HasSubstr("[3, 4]")));
}

TEST_F(FrontendModel, HugeShapesAreRefusedWithoutMemory) {
  EXPECT_THAT(error(model(13, "(float[1099511627776,2] x) => (float[A] y)", "y = Relu(x)")),
              HasSubstr("too many elements"));
  EXPECT_THAT(
      error(model(13, "(float[524288,1] x, float[1,4194304] z) => (float[A] y)", "y = Add(x, z)")),
      HasSubstr("too many elements"));
}

// What a few nodes make of small constants stays uncomputed where it is large.
TEST_F(FrontendModel, ConstantsGrowToABoundOnly) {
  const Graph padded = load(model(13,
                                  "(float[1] x) => (float[A] y) <float[1] c = {1}, int64[2] p = "
                                  "{0, 2147483647}>",
                                  "k = Pad(c, p) y = Relu(k)"));
  ASSERT_EQ(padded.nodes.size(), 2U);
  EXPECT_EQ(padded.nodes[0].kind, OpKind::kMove);
  std::string body = "c0 = Concat<axis = 0>(c, c) ";
  for (int i = 1; i < 36; ++i)
    body += fmt::format("c{} = Concat<axis = 0>(c{}, c{}) ", i, i - 1, i - 1);
  const Graph doubled =
      load(model(13, "(float[1] x) => (float[A] y) <float[1] c = {1}>", body + "y = Relu(c35)"));
  std::int64_t bytes = 0;
  for (const Value& v : doubled.values) bytes += v.constant ? v.constant->bytes() : 0;
  EXPECT_LE(bytes, std::int64_t{1} << 28);
}

TEST_F(FrontendModel, TheHashIsOfTheBytes) {
  const std::string one = load(model(13, kOneRelu, "y = Relu(x)")).hash;
  EXPECT_EQ(one.size(), 16U);
  EXPECT_EQ(one, load(model(13, kOneRelu, "y = Relu(x)")).hash);
  EXPECT_NE(one, load(model(14, kOneRelu, "y = Relu(x)")).hash);
}

TEST_F(FrontendModel, OtherFilesAreNotOnnxModels) {
  EXPECT_THROW(static_cast<void>(load_model(scratch_.file("missing.onnx"), {})), InputError);
  for (const std::string& bytes :
       {std::string(), std::string("hello, world"), std::string(1000, '\0')}) {
    write_file(scratch_.file("a.onnx"), bytes);
    EXPECT_THROW(static_cast<void>(load_model(scratch_.file("a.onnx"), {})), InputError);
  }
}

TEST_F(FrontendModel, InlineConvolutionIsAQuantisedConv) {
  const Graph conv = load_model("conv:2,3,10,9,4,3,2,2,1", {});
  EXPECT_EQ(conv.value(conv.inputs[0]).shape, (Shape{2, 3, 10, 9}));
  EXPECT_EQ(conv.value(conv.nodes.at(0).inputs[1]).shape, (Shape{4, 3, 3, 2}));
  // ceil((10 + 2 - 3 + 1) / 2) x ceil((9 + 2 - 2 + 1) / 2)
  EXPECT_EQ(conv.value(conv.outputs[0]).shape, (Shape{2, 4, 5, 5}));
  EXPECT_EQ(load_model("conv:2,3,10,9,4,3,2,2,0", batch(7)).value(0).shape, (Shape{7, 3, 10, 9}));
}

TEST_F(FrontendModel, StructureOnlyHasNoWeights) {
  LoadOptions options;
  options.structure_only = true;
  const Graph gemm = load_model("gemm:65536,65536,65536", options);
  EXPECT_TRUE(gemm.structure_only);
  EXPECT_TRUE(gemm.value(gemm.nodes.at(0).inputs[1]).constant->data.empty());
  EXPECT_THROW(static_cast<void>(load_model("gemm:65536,65536,65536", {})), InputError);
  EXPECT_THROW(static_cast<void>(load_model("gemm:1,2147483647,2147483647", options)), InputError);
}

TEST(FrontendInline, GemmAndMlpAreQuantisedGraphs) {
  const Graph gemm = load_model("gemm:3,5,7", {});
  EXPECT_EQ(gemm.value(gemm.inputs[0]).shape, (Shape{3, 5}));
  EXPECT_EQ(gemm.nodes[0].name, "gemm");
  const Graph mlp = load_model("mlp:6,5,4", batch(8));
  EXPECT_EQ(output_shape(mlp), (Shape{8, 4}));
  EXPECT_EQ(mlp.nodes[1].name, "fc2");
  EXPECT_EQ(mlp.nodes[0].inputs.size(), 3U);
}

TEST(FrontendInline, WeightsAreTheSameEverywhereAndResultsUseTheRange) {
  const Graph mlp = load_model("mlp:256,256,64", batch(64));
  EXPECT_EQ(load_model("mlp:256,256,64", {}).value(1).constant->data, mlp.value(1).constant->data);
  Tensor x(DType::kUint8, {64, 256});
  for (std::size_t i = 0; i < x.data.size(); ++i)
    x.data[i] = static_cast<std::uint8_t>(i * 37 + i / 256 * 11);
  const Tensor y = evaluate(mlp, {x})[0];
  const auto ends =
      std::count_if(y.data.begin(), y.data.end(), [](auto v) { return v == 0 || v == 255; });
  EXPECT_LT(ends, y.count() / 20);
  const auto [low, high] = std::minmax_element(y.data.begin(), y.data.end());
  EXPECT_GT(*high - *low, 64);
}

TEST(FrontendInline, MalformedShapesShowTheForm) {
  for (const std::string text :
       {"gemm:", "gemm:1,2", "gemm:1,2,3,4", "gemm:1,,3", "gemm:1,2,x", "gemm:0,1,2", "gemm:1,2,3,",
        "gemm:-1,2,3", "gemm:99999999999999999999,1,1"}) {
    try {
      static_cast<void>(load_model(text, {}));
      ADD_FAILURE() << text;
    } catch (const InputError& e) {
      EXPECT_THAT(e.what(), HasSubstr("gemm:M,K,N"));
    }
  }
  EXPECT_THROW(static_cast<void>(load_model("mlp:5", {})), InputError);
  EXPECT_THROW(static_cast<void>(load_model("conv:1,2,3,3,4,5,1,1,0", {})), InputError);
  EXPECT_THROW(static_cast<void>(load_model("conv:1,2,9,9,4,3,3,1,3", {})), InputError);
  EXPECT_THROW(static_cast<void>(load_model("conv:1,2,9,9,4,3,3,0,1", {})), InputError);
  EXPECT_THROW(static_cast<void>(load_model("mlp:65536,65536,2", {})), InputError);
  EXPECT_THROW(static_cast<void>(load_model("mlp:8,8", batch(-1))), InputError);
  EXPECT_THROW(static_cast<void>(load_model("gemm:2147483648,1024,1", {})), InputError);
}

}  // namespace
}  // namespace systole::compiler
