// Prediction against simulation: the compiler's clocks and the simulator's units are written
// independently, so that each is a check on the other.
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "compiler/compile.h"
#include "sim/run.h"

namespace systole::compiler {
namespace {

struct Case {
  const char* model;
  std::int64_t batches;
};

std::int64_t predicted(const isa::Program& program) {
  return std::accumulate(
      program.layers.begin(), program.layers.end(), std::int64_t{0},
      [](std::int64_t sum, const isa::Layer& layer) { return sum + layer.predicted_cycles; });
}

// Products: nothing but the arbitration of ports and the delivery of instructions is left out.
TEST(Predict, ProductsAreWithinThreePercent) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  sim::RunOptions options;
  options.timing_only = true;
  for (const Case& c : {Case{"mlp:784,512,10", 20}, Case{"mlp:2000,2048,2000,2048", 3},
                        Case{"gemm:64,2048,2048", 1}, Case{"gemm:512,1024,1024", 1},
                        Case{"gemm:4096,256,512", 1}, Case{"gemm:3000,1024,2048", 1}}) {
    SCOPED_TRACE(c.model);
    LoadOptions load;
    load.structure_only = true;
    if (std::string_view(c.model).starts_with("mlp")) load.batch = 200;
    const isa::Program program =
        compile(load_model(c.model, load), machine, {.batches = c.batches, .timing_only = true});
    const std::int64_t simulated =
        sim::run(program, machine, {}, options).report.total.cycles.value;
    EXPECT_LE(std::abs(predicted(program) - simulated) * 100, simulated * 3)
        << predicted(program) << " predicted, " << simulated << " simulated";
  }
}

}  // namespace
}  // namespace systole::compiler
