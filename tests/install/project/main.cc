// Compiles gemm:64,64,64 for TPU v1, runs it with zeros as input and prints its cycles.
#include <cstdio>

#include "compiler/compile.h"
#include "compiler/load.h"
#include "sim/run.h"

int main() {
  const systole::isa::Machine machine = systole::isa::load_machine("tpu_v1");
  const auto graph = systole::compiler::load_model("gemm:64,64,64", {});
  const auto program = systole::compiler::compile(graph, machine, {});
  std::map<std::string, systole::Tensor> inputs;
  for (const auto id : graph.inputs) {
    const auto& value = graph.value(id);
    inputs[value.name] = systole::Tensor(value.type, value.shape);
  }
  const auto result = systole::sim::run(program, machine, inputs, {});
  std::printf("%lld\n", static_cast<long long>(result.report.total.cycles.value));
  return result.outputs.empty() ? 1 : 0;
}
