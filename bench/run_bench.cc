// Whole runs of the simulator: cycles alone, and with values beside oneDNN's int8 on the same
// layers in the same process.
//
// The network is a 784-512-10 perceptron on 10,000 pictures: Fashion-MNIST's test set where
// Debian's dataset-fashion-mnist is installed, random bytes elsewhere.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <random>
#include <span>
#include <string>

#include "base/files.h"
#include "base/tensor.h"
#include "compare/targets/cpu/cpu_onednn.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "isa/machine.h"
#include "sim/kernel/causes.h"
#include "sim/run.h"

namespace systole {
namespace {

constexpr std::int64_t kPictures = 10'000;
constexpr std::int64_t kBatch = 200;
constexpr const char* kFile = "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz";
constexpr std::size_t kIdxHeader = 16;

compiler::Graph perceptron() {
  compiler::LoadOptions options;
  options.batch = kBatch;
  return compiler::load_model("mlp:784,512,10", options);
}

isa::Program compiled(const compiler::Graph& graph, std::int64_t batches) {
  compiler::CompileOptions options;
  options.batches = batches;
  return compiler::compile(graph, isa::load_machine("tpu_v1"), options);
}

Tensor pictures() {
  Tensor result(DType::kUint8, {kPictures, 784});
  if (std::filesystem::exists(kFile)) {
    const auto file = read_file(kFile);
    SYSTOLE_CHECK(file.size() == kIdxHeader + result.data.size(), "{} bytes", file.size());
    std::copy(file.begin() + kIdxHeader, file.end(), result.data.begin());
    return result;
  }
  std::mt19937_64 random(1);
  for (auto& byte : result.data) byte = static_cast<std::uint8_t>(random());
  return result;
}

template <typename F>
double seconds_of(const F& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

sim::Report run_timing_only(const isa::Program& program) {
  sim::RunOptions options;
  options.timing_only = true;
  return sim::run(program, program.machine, {}, options).report;
}

// All pictures, cycles only.
void pictures_timing_only(benchmark::State& state) {
  const isa::Program program = compiled(perceptron(), kPictures / kBatch);
  for (auto _ : state) {
    const sim::Report report = run_timing_only(program);
    state.counters["cycles"] = static_cast<double>(report.total.cycles.value);
  }
  state.counters["pictures/s"] =
      benchmark::Counter(kPictures, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(pictures_timing_only)->Unit(benchmark::kMillisecond);

// Instructions a second of the cycle engine, on a multiplication of 256 tiles, 100 times.
void cycle_engine(benchmark::State& state) {
  const isa::Program program = compiled(compiler::load_model("gemm:64,4096,4096", {}), 100);
  std::int64_t instructions = 0;
  for (auto _ : state) instructions = run_timing_only(program).total.instructions;
  state.counters["instructions/s"] = benchmark::Counter(
      static_cast<double>(instructions), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(cycle_engine)->Unit(benchmark::kMillisecond);

// All pictures with values on one engine, and on one thread of oneDNN; `ratio` is oneDNN's time
// over the simulator's, so 1 means that the simulation costs no more than the layers themselves.
void pictures_with_values(benchmark::State& state) {
  const compiler::Graph graph = perceptron();
  const isa::Program program = compiled(graph, kPictures / kBatch);
  const Tensor input = pictures();
  const std::map<std::string, Tensor> inputs{{graph.value(graph.inputs[0]).name, input}};
  compare::CpuModel model(compiler::fuse_quantised(graph), {});
  const std::size_t bytes = kBatch * 784;

  double simulated = 0.0;
  double measured = 0.0;
  for (auto _ : state) {
    const double seconds =
        seconds_of([&] { (void)sim::run(program, program.machine, inputs, {}); });
    state.SetIterationTime(seconds);
    simulated += seconds;
    measured += seconds_of([&] {
      for (std::size_t at = 0; at < input.data.size(); at += bytes) {
        model.run({std::span(input.data).subspan(at, bytes)});
      }
    });
  }
  state.counters["ratio"] = measured / simulated;
  state.counters["onednn_ms"] = measured * 1e3 / static_cast<double>(state.iterations());
}
BENCHMARK(pictures_with_values)->Unit(benchmark::kMillisecond)->UseManualTime();

// What recording the causes of every moment costs, for the critical path: `ratio` of a recorded run
// to a plain one in the same process, of cycles alone (at most 3) and with values (at most 1.25).
void recording(benchmark::State& state) {
  const bool values = state.range(0) != 0;
  const compiler::Graph graph = perceptron();
  const isa::Program program = values
                                   ? compiled(graph, kPictures / kBatch)
                                   : compiled(compiler::load_model("gemm:64,4096,4096", {}), 100);
  std::map<std::string, Tensor> inputs;
  if (values) inputs.emplace(graph.value(graph.inputs[0]).name, pictures());

  double plain = 0.0;
  double recorded = 0.0;
  for (auto _ : state) {
    sim::Causes causes;
    sim::RunOptions options;
    options.timing_only = !values;
    plain += seconds_of([&] { (void)sim::run(program, program.machine, inputs, options); });
    options.causes = &causes;
    const double seconds =
        seconds_of([&] { (void)sim::run(program, program.machine, inputs, options); });
    state.SetIterationTime(seconds);
    recorded += seconds;
  }
  state.counters["ratio"] = recorded / plain;
}
BENCHMARK(recording)
    ->ArgName("values")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseManualTime();

}  // namespace
}  // namespace systole
