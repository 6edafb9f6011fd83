// The text form of a graph: what it says, that it reads back as it was written, and what is said of
// text that is wrong.
#include <gmock/gmock-matchers.h>

#include <filesystem>

#include "base/source.h"
#include "compiler/frontend/onnx_examples.h"
#include "compiler/ir/parse_text.h"
#include "compiler/load.h"
#include "compiler/passes/assume_int8.h"
#include "compiler/passes/make_look_ups.h"
#include "compiler/pipeline.h"

namespace systole::compiler {
namespace {

using testing::HasSubstr;

// Text that holds every form of number, list, name and attribute, as to_text writes it.
constexpr const char* kEveryForm =
    R"(graph "two words" separate_layers=true images_together=2
  input x: uint8[2, 4]
  input image: float32[1, 2, 5, 5]
  input "input": float32[2]
  constant w: int8[4, 3] = [-128, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 127]
  constant b: int32[3] = [-2147483648, 0, 2147483647]
  constant many: float32[8, 8] = [0.5 x 64]
  constant odd: float32[5] = [inf, -inf, nan, -0, 1e-45]
  constant flags: bool[2] = [1, 0]
  constant none: int64[0] = []
  constant one: float64[] = [0.1]
  y: uint8[2, 3] = matmul(x, w, b) alpha=0.5 x=0.5 * (uint8 - 10) y=0.25 * (uint8 - 3) lo=3 hi=7 w=[0.5, 0.25, 0.125] * (int8 - [0, 1, 2]) axis 1 lookup=entries [7 x 256] @ fc (Gemm)
  "a:b": float32[1, 2, 3, 2] = pool(image) average kernel=3x3 strides=1x2 pads=[0, 0, 0, 1] count_padding=true overhang=0x1
  "a\"\\\u000A": float32[2] = map("input") clip lo=-1 hi=1 @ "" (Clip)
  turned: float32[1, 5, 5, 2] = move(image) transpose permutation=[0, 2, 3, 1]
  cut: float32[1, 2, 4, 6] = move(image) pad pads=[0, 0, -1, 0, 0, 0, 0, 1] fill=-0.5
  output y
  output "a:b"
  output many
  output odd
  output flags
  output none
  output one
)";

TEST(IrText, IsReadAsItIsWritten) {
  const Graph graph = parse_text("text", kEveryForm);
  EXPECT_EQ(to_text(graph), kEveryForm);
  const auto& fc = std::get<MatmulAttrs>(graph.nodes.at(0).attrs);
  EXPECT_EQ(fc.w_quant->zero_points, (std::vector<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(fc.w_quant->axis, 1);
  EXPECT_EQ(fc.lookup->entries, std::vector<std::uint8_t>(256, 7));
  EXPECT_EQ(graph.nodes.at(0).origin, "Gemm");
  EXPECT_EQ(graph.nodes.at(1).name, "a:b");
  EXPECT_EQ(graph.value(graph.nodes.at(2).outputs[0]).name, "a\"\\\n");
  EXPECT_EQ(graph.value(3).constant->as<std::int8_t>()[0], -128);
  EXPECT_TRUE(graph.separate_layers);
}

TEST(IrText, CommentsBlankLinesAndBrokenListsAreReadToo) {
  const Graph graph = parse_text("text", R"(
# a graph
graph g   # its name

  constant c: int32[4] = [1,   # one
                          2 x 2,
                          3]
  output c
)");
  EXPECT_EQ(to_text(graph), "graph g\n  constant c: int32[4] = [1, 2, 2, 3]\n  output c\n");
}

TEST(IrText, ValuesOfOneNameAreToldApart) {
  Graph graph;
  for (int i = 0; i < 3; ++i)
    graph.inputs.push_back(graph.add_value({i == 1 ? "x~2" : "x", DType::kInt8, {}, {}}));
  graph.outputs = graph.inputs;
  const std::string text = to_text(graph);
  EXPECT_EQ(text,
            "graph \"\"\n  input x: int8[]\n  input x~2: int8[]\n  input x~3: int8[]\n"
            "  output x\n  output x~2\n  output x~3\n");
  EXPECT_EQ(to_text(parse_text("text", text)), text);
}

TEST(IrText, ManyNumbersStandAsTheirHashAndAreReadWithThem) {
  Tensor t(DType::kUint8, {40});
  for (std::size_t i = 0; i < t.data.size(); ++i) t.data[i] = static_cast<std::uint8_t>(i);
  Graph graph;
  graph.name = "g";
  graph.outputs = {graph.add_value({"c", t.type, t.shape, t})};
  const std::string text = to_text(graph);
  EXPECT_EQ(text,
            "graph g\n  constant c: uint8[40] = hash:" + hash_text(t.data) + "\n  output c\n");
  const Graph read = parse_text("text", text, long_lists(graph));
  EXPECT_EQ(read.value(0).constant->data, t.data);
  EXPECT_THROW(static_cast<void>(parse_text("text", text)), InputError);
}

std::string error_of(const std::string& text) {
  try {
    static_cast<void>(parse_text("g.ir", text));
    return {};
  } catch (const InputError& e) {
    return e.what();
  }
}

TEST(IrText, ErrorsSayWhereWhatAndWhatInstead) {
  const std::string head = "graph g\n  input x: float32[2, 3]\n";
  const std::vector<std::pair<std::string, std::string>> kCases = {
      {"", "g.ir:1:1: the end of the text; expected 'graph'"},
      {"graph", "g.ir:1:6: the end of the text; expected the graph's name"},
      {"graph g separate_layers=1", "g.ir:1:25: '1'; expected a truth value: false, true"},
      {"graph g more\n",
       "g.ir:1:9: 'more'; expected an attribute: structure_only, "
       "separate_layers, images_together"},
      {head + "  input x: int8[]", "g.ir:3:9: 'x'; expected a name that no other value has"},
      {head + "  input y: int4[2]", "g.ir:3:12: element type 'int4'"},
      {head + "  input y: int8[2, 3.5]", "g.ir:3:20: '3.5'; expected a whole number"},
      {head + "  input y: int8[2 3]", "g.ir:3:19: '3'; expected ','"},
      {head + "  input y: int8[2] z", "g.ir:3:20: 'z'; expected the end of the line"},
      {head + "  constant c: int8[2]\n", "g.ir:3:22: the end of the line; expected '='"},
      {head + "  constant c: int8[2] = [1, 2, 3]", "g.ir:3:25: 3 numbers; expected 2"},
      {head + "  constant c: int8[1] = [128]", "g.ir:3:26: '128'; expected a whole number"},
      {head + "  constant c: int8[2] = [1 x 0]", "g.ir:3:28: 'x'; expected 1 to 268435456 numbers"},
      {head + "  constant c: int8[2] = hash:00",
       "g.ir:3:30: the numbers behind hash:00 are not "
       "here; expected them in [ ], as [1, 2]"},
      {head + "  y: float32[2, 3] = mup(x) relu", "g.ir:3:22: 'mup'; did you mean 'map'?"},
      {head + "  y: float32[2, 3] = map(z) relu",
       "g.ir:3:26: 'z'; expected a value of a line above"},
      {head + "  y: float32[2, 3] = map(y) relu", "g.ir:3:26: 'y'"},
      {head + "  y: float32[2, 3] = map(x)", "g.ir:3:28: the end of the text; expected a function"},
      {head + "  y: float32[2, 3] = map(x) rule", "g.ir:3:29: 'rule'; did you mean 'relu'?"},
      {head + "  y: float32[2, 3] = map(x) clip low=1",
       "g.ir:3:34: 'low'; did you mean 'lo'?; expected an attribute: lo, hi, alpha, beta, x, y"},
      {head + "  y: uint8[2, 3] = quantise(x) quant=0.5 * uint8",
       "g.ir:3:44: 'uint8'; expected '('"},
      {head + "  y: float32[2, 3] = map(x) relu @ \"n",
       "g.ir:3:36: '\"'; expected a closing quote"},
      {head + "  output \"\\q\"", "g.ir:3:10: "},
      {head + "  output y", "g.ir:3:10: 'y'; expected a value of a line above"},
      {head + "  y: float32[2, 4] = map(x) relu",
       "g.ir: node 'y' (map): result shape; expected a graph that keeps the rules of its ops"}};
  for (const auto& [text, part] : kCases) EXPECT_THAT(error_of(text), HasSubstr(part)) << text;
}

void expect_round_trip(const Graph& graph) {
  const std::string text = to_text(graph);
  EXPECT_EQ(to_text(parse_text(graph.name, text, long_lists(graph))), text);
}

// The graph as it is imported and as the passes make it.
void expect_round_trips(const Graph& graph) {
  expect_round_trip(graph);
  expect_round_trip(make_look_ups(fuse_quantised(graph)));
}

TEST(IrText, EveryModelAndCaseOfTheTreeReadsBack) {
  int models = 0;
  for (const char* folder : {"models", "tests/conformance/cases"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(source_path(folder))) {
      if (file.path().extension() != ".onnx") continue;
      SCOPED_TRACE(file.path().filename());
      ++models;
      expect_round_trips(load_model(file.path(), {}));
    }
  }
  EXPECT_GE(models, 20);
}

TEST(IrText, EveryExampleOfAnOperatorReadsBack) {
  for (const OnnxOperator& op : onnx_operators()) {
    SCOPED_TRACE(op.name);
    for (const ExampleForm form : {ExampleForm::kQuantised, ExampleForm::kFloat}) {
      if (const auto graph = example_graph(op, form)) expect_round_trips(*graph);
    }
  }
}

TEST(IrText, GraphsWithoutValuesReadBack) {
  LoadOptions options;
  options.structure_only = true;
  for (const char* name : {"resnet18", "lstm1"}) {
    SCOPED_TRACE(name);
    const Graph graph = load_model(name, options);
    expect_round_trip(graph);
    expect_round_trips(assume_int8(graph));
  }
}

}  // namespace
}  // namespace systole::compiler
