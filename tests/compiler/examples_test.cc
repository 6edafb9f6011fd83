// The example of every ONNX operator (`systole ops`): imported, compiled for tpu_v1 where it has a
// place there, and equal to the reference evaluator.
#include <gmock/gmock-matchers.h>

#include <set>

#include "compiler/compile.h"
#include "compiler/frontend/onnx_examples.h"
#include "compiler/pipeline.h"
#include "sim/run.h"
#include "tests/compiler/random_graph.h"

namespace systole::compiler {
namespace {

// Products of floats have no place on an int8 machine.
const std::set<std::string_view> kProducts = {
    "Conv", "ConvTranspose", "Gemm",     "MatMul",     "GRU",      "LSTM",
    "RNN",  "Resize",        "Upsample", "GridSample", "RoiAlign", "FusedMatMul"};

class Examples : public ::testing::TestWithParam<OnnxOperator> {};

Tensor input_of(const Graph& graph, Random& random) {
  const Value& x = graph.value(graph.inputs.at(0));
  if (x.type != DType::kFloat32) return random_bytes(random, x.type, x.shape);
  Tensor t(x.type, x.shape);
  for (float& v : t.as<float>()) v = static_cast<float>(random() % 2001) / 100.0F - 10.0F;
  return t;
}

void expect_equal_to_evaluator(const Graph& graph, const std::string& what) {
  SCOPED_TRACE(what);
  Random random(1);
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const Graph fused = fuse_quantised(graph);
  const Tensor x = input_of(graph, random);
  const Tensor expected = evaluate(fused, {x}).at(0);
  const isa::Program program = compile(graph, machine, {});
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
    sim::RunOptions options;
    options.engine = engine;
    const std::string name = graph.value(graph.inputs[0]).name;
    const Tensor got = sim::run(program, machine, {{name, x}}, options).outputs.begin()->second;
    EXPECT_EQ(got.shape, expected.shape);
    EXPECT_EQ(got.data, expected.data);
  }
}

TEST_P(Examples, run_as_they_are_evaluated) {
  const OnnxOperator& op = GetParam();
  int forms = 0;
  for (const ExampleForm form : {ExampleForm::kQuantised, ExampleForm::kFloat}) {
    const std::optional<Graph> graph = example_graph(op, form);
    if (!graph) continue;
    ++forms;
    EXPECT_EQ(graph->outputs.size(), 1U);
    const bool is_float = form == ExampleForm::kFloat;
    if (is_float && kProducts.contains(op.name)) {
      EXPECT_THROW(static_cast<void>(compile(*graph, isa::load_machine("tpu_v1"), {})), InputError);
    } else {
      expect_equal_to_evaluator(*graph, is_float ? "float32" : "8 bits");
    }
  }
  EXPECT_GE(forms, 1);
}

std::string test_name(const ::testing::TestParamInfo<OnnxOperator>& instance) {
  return std::string(instance.param.domain.empty() ? "" : "microsoft_") +
         std::string(instance.param.name);
}

INSTANTIATE_TEST_SUITE_P(All, Examples,
                         ::testing::ValuesIn(onnx_operators().begin(), onnx_operators().end()),
                         test_name);

}  // namespace
}  // namespace systole::compiler
