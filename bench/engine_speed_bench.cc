// Speed of the cycle engine, timing only: instructions a second from 10^3 to 10^7 instructions, and
// tiles a second with either memory model.
#include <benchmark/benchmark.h>

#include "isa/machine.h"
#include "isa/program.h"
#include "sim/chip.h"

namespace systole {
namespace {

constexpr std::int64_t kTileBytes = 65'536;

isa::Program program_of(const isa::Machine& machine) {
  isa::Program program;
  program.machine = machine;
  program.layers.push_back({"(none)", "none", 0, 0});
  return program;
}

isa::Matmul pass(std::int64_t rows) {
  isa::Matmul matmul;
  matmul.rows = rows;
  matmul.k = matmul.n = 256;
  matmul.switch_tile = 1;
  return matmul;
}

sim::Counters simulate(const isa::Program& program) {
  sim::RunOptions options;
  options.timing_only = true;
  sim::Chip chip(program, program.machine, options, {}, [](std::int64_t) {});
  chip.run();
  sim::Report report;
  chip.report(report);
  return report.total;
}

// Tile after tile of one image, without a repeat.
void instructions(benchmark::State& state) {
  isa::Machine machine = isa::load_machine("tpu_v1");
  machine.dram_kind = isa::DramKind::kSimple;
  isa::Program program = program_of(machine);
  while (std::ssize(program.code) + 3 <= state.range(0)) {
    isa::ReadWeights read;
    read.dram = std::ssize(program.code) / 2 * kTileBytes % machine.dram_bytes;
    program.code.emplace_back(read);
    program.code.emplace_back(pass(200));
  }
  program.code.emplace_back(isa::Halt{});
  std::int64_t done = 0;
  for (auto _ : state) done = simulate(program).instructions;
  state.counters["instructions/s"] =
      benchmark::Counter(static_cast<double>(done), benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(instructions)
    ->RangeMultiplier(10)
    ->Range(1'000, 10'000'000)
    ->Unit(benchmark::kMillisecond);

// 10^6 tiles one after the other through weight memory, in a repeat.
void tiles(benchmark::State& state, isa::DramKind kind) {
  constexpr std::int64_t kTiles = 1'000'000;
  isa::Machine machine = isa::load_machine("tpu_v1");
  machine.dram_kind = kind;
  isa::Program program = program_of(machine);
  isa::StepBy step;
  step.dram = kTileBytes;
  program.code = {isa::Repeat{kTiles / 10, 3 * 10}};
  for (int i = 0; i < 10; ++i) {
    program.code.emplace_back(step);
    program.code.emplace_back(isa::ReadWeights{});
    program.code.emplace_back(pass(32));
  }
  program.code.emplace_back(isa::Halt{});
  sim::Counters total;
  for (auto _ : state) total = simulate(program);
  state.counters["tiles/s"] = benchmark::Counter(static_cast<double>(total.tiles),
                                                 benchmark::Counter::kIsIterationInvariantRate);
  state.counters["% of peak bandwidth"] = 100.0 * static_cast<double>(total.weights_read.value) /
                                          machine.seconds(total.cycles) /
                                          static_cast<double>(machine.dram_bytes_per_second);
}
BENCHMARK_CAPTURE(tiles, simple, isa::DramKind::kSimple)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(tiles, banked, isa::DramKind::kBanked)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace systole
