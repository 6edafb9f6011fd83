// Local functions: a model that calls them is the model with their nodes written out.
#include "compiler/frontend/onnx_functions.h"

#include <gmock/gmock-matchers.h>
#include <onnx/defs/parser.h>

#include <set>

#include "compiler/frontend/onnx_file.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OnnxFunctions : public OnnxText {
 protected:
  static onnx::ModelProto parsed(const std::string& text) {
    onnx::ModelProto model;
    onnx::OnnxParser parser(text.c_str());
    EXPECT_TRUE(parser.Parse(model).IsOK());
    return model;
  }

  // A model with domain "local" whose functions follow its graph.
  static std::string calls(const std::string& body, const std::string& functions) {
    return "<ir_version: 8, opset_import: [\"\" : 13, \"local\" : 1]>\n"
           "test (float[1,2] x) => (float[1,2] y)\n{\n" +
           body + "\n}\n" + functions;
  }
  static std::string function(const std::string& head, const std::string& body) {
    return "<domain: \"local\", opset_import: [\"\" : 13, \"local\" : 1]>\n" + head + "\n{\n" +
           body + "\n}\n";
  }
};

TEST_F(OnnxFunctions, AreWrittenOutWhereTheyAreCalled) {
  const std::string twice = function("twice (a) => (b)", "t = Relu(a) b = Add(t, t)");
  const std::string text = calls("h = local.twice(x) y = local.twice(h)", twice);
  const Graph graph = load(text);
  EXPECT_THAT(list<float>(evaluate(graph, {floats({1, 2}, {3, -1})}).at(0)), ElementsAre(12, 0));
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  EXPECT_EQ(names.size(), 4U);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 4U);
}

TEST_F(OnnxFunctions, MayCallEachOther) {
  const std::string text =
      calls("y = local.outer(x)", function("outer (a) => (b)", "t = local.inner(a) b = Add(t, a)") +
                                      function("inner (a) => (b)", "b = Relu(a)"));
  EXPECT_THAT(list<float>(run(text, {floats({1, 2}, {3, -1})})), ElementsAre(6, -1));
}

// A function's attribute is the call's, or absent if the call gives none.
TEST_F(OnnxFunctions, AttributesComeFromTheCall) {
  onnx::ModelProto model = parsed(calls("y = local.leak<slope = 0.5>(x)",
                                        function("leak <slope> (a) => (b)", "b = LeakyRelu(a)")));
  onnx::AttributeProto& attribute = *model.mutable_functions(0)->mutable_node(0)->add_attribute();
  attribute.set_name("alpha");
  attribute.set_ref_attr_name("slope");
  attribute.set_type(onnx::AttributeProto::FLOAT);
  inline_functions("model", model);
  ASSERT_EQ(model.graph().node_size(), 1);
  ASSERT_EQ(model.graph().node(0).attribute_size(), 1);
  EXPECT_EQ(model.graph().node(0).attribute(0).name(), "alpha");
  EXPECT_EQ(model.graph().node(0).attribute(0).f(), 0.5F);
  EXPECT_EQ(model.functions_size(), 0);
}

TEST_F(OnnxFunctions, ErrorsNameTheFunction) {
  const auto self = function("f (a) => (b)", "b = local.f(a)");
  EXPECT_THAT(error(calls("y = local.f(x)", self)), HasSubstr("function 'f'"));
  EXPECT_THAT(error(calls("y = local.f(x)", self)), HasSubstr("calls itself"));
  const auto relu = function("f (a) => (b)", "b = Relu(a)");
  EXPECT_THAT(error(calls("y = local.f(x, x)", relu)), HasSubstr("2 inputs and 1 outputs"));
  EXPECT_THAT(error(calls("y = local.f(x)", relu + relu)), HasSubstr("is given twice"));
  EXPECT_THAT(error(calls("y = local.g(x)", relu)), HasSubstr("unknown operator local.g"));
  const std::string older =
      "<domain: \"local\", opset_import: [\"\" : 12]>\nf (a) => (b) { b = Relu(a) }\n";
  EXPECT_THAT(error(calls("y = local.f(x)", older)), HasSubstr("uses opset 12"));
}

// Ten functions that each call the next ten times: ten thousand million nodes.
TEST_F(OnnxFunctions, ExpansionIsBounded) {
  std::string functions = function("f0 (a) => (b)", "b = Relu(a)");
  for (int i = 1; i <= 10; ++i) {
    std::string body = "t0 = Relu(a) ";
    for (int n = 1; n <= 10; ++n) body += fmt::format("t{} = local.f{}(t{}) ", n, i - 1, n - 1);
    functions += function(fmt::format("f{} (a) => (b)", i), body + "b = Relu(t10)");
  }
  EXPECT_THAT(error(calls("y = local.f10(x)", functions)), HasSubstr("too large"));
}

}  // namespace
}  // namespace systole::compiler
