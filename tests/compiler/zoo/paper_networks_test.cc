// TPU v1's workloads: as many weights and multiply-adds as models/README.md derives, and, made
// small, with values: what the oracle, the cycle engine and the evaluator compute is equal.
#include <gtest/gtest.h>

#include "compiler/compile.h"
#include "compiler/frontend/onnx_writer.h"
#include "compiler/load.h"
#include "compiler/passes/make_look_ups.h"
#include "compiler/pipeline.h"
#include "compiler/quantize/quantize.h"
#include "compiler/zoo/networks.h"
#include "sim/run.h"
#include "tests/compiler/frontend/onnx_text.h"
#include "tests/compiler/random_graph.h"

namespace systole::compiler {
namespace {

struct Published {
  std::string name;
  std::int64_t weights, products, macs;  // of one sample
};

class PaperNetworks : public ::testing::TestWithParam<Published> {};

TEST_P(PaperNetworks, HaveTheDerivedShapes) {
  const Graph graph = make_network(GetParam().name, {.structure_only = true});
  std::int64_t weights = 0;
  for (const Value& v : graph.values) {
    if (v.constant && v.shape.size() > 1) weights += element_count(v.shape);
  }
  EXPECT_EQ(weights, GetParam().weights);
  const isa::Program program = compile(graph, isa::load_machine("tpu_v1"), {.timing_only = true});
  std::int64_t products = 0, macs = 0;
  for (const isa::Layer& layer : program.layers) {
    products += layer.macs > 0 ? 1 : 0;
    macs += layer.macs;
  }
  EXPECT_EQ(products, GetParam().products);
  EXPECT_EQ(macs, GetParam().macs);
}

constexpr std::int64_t kBoard = 19 * 19;

INSTANTIATE_TEST_SUITE_P(All, PaperNetworks,
                         ::testing::Values(Published{"mlp0", 20'480'000, 5, 20'480'000},
                                           Published{"mlp1", 4'937'500, 4, 4'937'500},
                                           Published{"lstm0", 52'428'800, 24, 52'428'800},
                                           Published{"lstm1", 94 * 600 * 600, 37, 94 * 600 * 600},
                                           Published{"cnn0", 8'040'704, 16, 8'040'704 * kBoard},
                                           Published{"cnn1", 100'327'616, 73, 2'108'005'376}),
                         [](const auto& instance) { return instance.param.name; });

// Every network, its widths divided.
class SmallNetworks : public ::testing::TestWithParam<std::string> {
 protected:
  // Quantised, of 8 or 16 bits, as its ONNX file.
  Graph quantised(std::int64_t batch) {
    const NetworkOptions small{.divisor = 16};
    const Graph graph = make_network(GetParam(), small);
    const bool is_quantised = GetParam().starts_with("lstm");
    OnnxStyle style;
    if (is_quantised) style = {21, 10};
    const std::string file = scratch_.file("m.onnx");
    write_file(file, onnx_bytes(write_onnx(graph, style), file));
    if (!is_quantised) {
      const Tensor samples = floats(graph.value(graph.inputs[0]).shape, 1);
      write_file(file, quantize_model(file, samples));
    }
    LoadOptions load;
    load.batch = batch;
    return load_model(file, load);
  }

  static Tensor floats(const Shape& shape, std::uint64_t seed) {
    Random random(seed);
    Tensor t(DType::kFloat32, shape);
    for (float& v : t.as<float>()) v = static_cast<float>(random() % 256) / 255.0F;
    return t;
  }

  testing_support::ScratchFolder scratch_;
};

TEST_P(SmallNetworks, ComputeTheSameOnEveryEngine) {
  const Graph graph = quantised(2);
  isa::Machine machine = isa::load_machine("tpu_v1");
  machine.array_rows = machine.array_columns = machine.unified_buffer_row_bytes = 32;
  machine.accumulators_rows = 1024;
  std::map<std::string, Tensor> inputs;
  std::vector<Tensor> list;
  for (ValueId id : graph.inputs) {
    list.push_back(floats(graph.value(id).shape, static_cast<std::uint64_t>(id)));
    inputs[graph.value(id).name] = list.back();
  }
  const std::vector<Tensor> expected = evaluate(make_look_ups(fuse_quantised(graph)), list);
  for (const ScheduleInfo& schedule : schedules()) {
    const isa::Program program = compile(graph, machine, {.schedule = std::string(schedule.name)});
    for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
      sim::RunOptions options;
      options.engine = engine;
      const auto outputs = sim::run(program, machine, inputs, options).outputs;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const std::string& name = graph.value(graph.outputs[i]).name;
        EXPECT_EQ(outputs.at(name).data, expected[i].data) << name << " " << schedule.name;
      }
    }
  }
  EXPECT_GT(std::set<std::uint8_t>(expected[0].data.begin(), expected[0].data.end()).size(), 8U);
}

INSTANTIATE_TEST_SUITE_P(All, SmallNetworks,
                         ::testing::Values("mlp0", "mlp1", "lstm0", "lstm1", "cnn0", "cnn1"),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace systole::compiler
