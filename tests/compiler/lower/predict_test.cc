// Prediction against simulation: the compiler's clocks and the simulator's units are written
// independently, so that each is a check on the other.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/files.h"
#include "base/source.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "sim/run.h"
#include "tests/support/scratch.h"

namespace systole::compiler {
namespace {

struct Errors {
  double total = 0.0;          // signed, of the whole run
  std::vector<double> layers;  // magnitudes, ascending
};

// In percent of the simulated cycles, of every layer that has passes.
Errors errors_of(const isa::Program& program, const isa::Machine& machine) {
  sim::RunOptions options;
  options.timing_only = true;
  const sim::Report report = sim::run(program, machine, {}, options).report;
  const auto percent = [](std::int64_t predicted, std::int64_t simulated) {
    return 100.0 * static_cast<double>(predicted - simulated) / static_cast<double>(simulated);
  };
  Errors errors;
  std::int64_t predicted = 0;
  for (std::size_t l = 0; l < program.layers.size(); ++l) {
    const sim::Counters& counters = report.layers[l].counters;
    predicted += program.layers[l].predicted_cycles;
    if (counters.passes == 0) continue;
    errors.layers.push_back(
        std::abs(percent(program.layers[l].predicted_cycles, counters.cycles.value)));
  }
  std::ranges::sort(errors.layers);
  errors.total = percent(predicted, report.total.cycles.value);
  return errors;
}

void expect_close(const isa::Program& program, const isa::Machine& machine) {
  const Errors errors = errors_of(program, machine);
  ASSERT_FALSE(errors.layers.empty());
  EXPECT_LE(std::abs(errors.total), 3.0);
  EXPECT_LE(errors.layers[errors.layers.size() / 2], 3.0);
  EXPECT_LE(errors.layers.back(), 15.0);
}

isa::Program compiled(const std::string& model, std::int64_t batch, std::int64_t batches,
                      const isa::Machine& machine) {
  LoadOptions load;
  load.structure_only = true;
  if (batch > 0) load.batch = batch;
  return compile(load_model(model, load), machine, {.batches = batches, .timing_only = true});
}

struct Case {
  std::string model;
  std::int64_t batch = 0, batches = 1;
};

TEST(Predict, SmallModelsOnEveryMachine) {
  const Case cases[] = {{"mlp:784,512,10", 200, 20},
                        {"mlp:2000,2048,2000,2048", 200, 3},
                        {"gemm:64,2048,2048"},
                        {"gemm:512,1024,1024"},
                        {"gemm:4096,256,512"},
                        {"gemm:3000,1024,2048"},
                        {"conv:8,64,28,28,64,3,3,1,1"},
                        {"conv:2,3,64,64,32,3,3,2,1"},
                        {source_path("models/fashion_mlp.onnx"), 100, 3},
                        {source_path("models/fashion_cnn.onnx"), 1, 3},
                        {source_path("models/fashion_cnn.onnx"), 8, 2}};
  for (const char* name : {"tpu_v1", "tpu_v1_prime", "edge_64", "scale_sim_ws"}) {
    const isa::Machine machine = isa::load_machine(name);
    for (const Case& c : cases) {
      SCOPED_TRACE(std::string(name) + " " + c.model);
      expect_close(compiled(c.model, c.batch, c.batches, machine), machine);
    }
  }
}

// Few or unlimited ports, instructions there at once, every way to load weights.
TEST(Predict, FollowsTheMachine) {
  for (const char* change :
       {"unified_buffer.read_ports=0", "unified_buffer.write_ports=0",
        "unified_buffer.write_ports=4", "sequencer.delivery=preloaded", "array.weight_load=chain",
        "array.weight_load=single", "dram.kind=simple", "sequencer.queue=3", "weight_fifo.tiles=1",
        "array.taps=8", "link.in_bytes_per_second=1000000000"}) {
    SCOPED_TRACE(change);
    isa::Machine machine = isa::load_machine("tpu_v1");
    set_parameter(machine, change);
    expect_close(compiled(source_path("models/fashion_cnn.onnx"), 8, 2, machine), machine);
    expect_close(compiled("mlp:784,512,256,10", 200, 4, machine), machine);
  }
}

class PredictNetwork : public testing::TestWithParam<const char*> {};

TEST_P(PredictNetwork, IsClose) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("model.onnx");
  write_file(path, network_model(GetParam()));
  const isa::Machine machine = isa::load_machine("tpu_v1");
  for (const std::int64_t batch : {1, 8}) {
    SCOPED_TRACE(batch);
    expect_close(compiled(path, batch, 1, machine), machine);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PredictNetwork,
                         testing::Values("resnet18", "resnet50", "mobilenet_v2"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace systole::compiler
