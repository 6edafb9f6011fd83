// The register engine beside a plain multiply-add loop over arrays of the same sizes and types, in
// one process and in turns. `ratio` is the time of the loops, one a cycle of the array, over that
// of the run: 1 would be a simulated cycle in the time of
//   for (i < R * C) psum[i] += activation[i] * weight[i];
//
// The runs are whole: a multiplication whose passes follow each other without a gap, every register
// moving in every cycle. `streaming`: long passes; `fresh_tiles`: every pass of R rows takes a
// tile, so that weights shift and switch all the time.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <ctime>
#include <random>
#include <vector>

#include "base/diag.h"
#include "isa/program.h"
#include "sim/run.h"
#include "sim/unit/array_values.h"

namespace systole {
namespace {

constexpr std::int64_t kCycles = 60'000;  // about, in which rows enter the array

struct Planes {
  explicit Planes(std::int64_t count)
      : psum(static_cast<std::size_t>(count)), activation(psum.size()), weight(psum.size()) {
    std::mt19937 random(1);
    for (auto& a : activation) a = static_cast<std::int16_t>(random() % 512 - 256);
    for (auto& w : weight) w = static_cast<std::int16_t>(random() % 512 - 256);
  }
  std::vector<std::int32_t> psum;
  std::vector<std::int16_t> activation, weight;
};

[[gnu::always_inline]] inline void plain(Planes& p) {
  std::int32_t* __restrict psum = p.psum.data();
  const std::int16_t* __restrict a = p.activation.data();
  const std::int16_t* __restrict w = p.weight.data();
  for (std::size_t i = 0; i < p.psum.size(); ++i) psum[i] += a[i] * w[i];
}
void plain_portable(Planes& p) { plain(p); }
#if defined(__x86_64__)
[[gnu::target("avx2")]] void plain_avx2(Planes& p) { plain(p); }
[[gnu::target("avx512f,avx512bw,avx512vl,prefer-vector-width=512")]] void plain_avx512(Planes& p) {
  plain(p);
}
#endif

void multiply_add(Planes& p) {
#if defined(__x86_64__)
  if (sim::best_simd() >= sim::Simd::kAvx512) return plain_avx512(p);
  if (sim::best_simd() >= sim::Simd::kAvx2) return plain_avx2(p);
#endif
  plain_portable(p);
}

isa::Machine machine_of(std::int64_t n) {
  isa::Machine m;
  m.array_rows = m.array_columns = m.unified_buffer_row_bytes = n;
  m.dram_bytes_per_second = 100'000'000'000'000;
  m.dram_latency = 1;
  return m;
}

// `passes` passes of `rows` rows over the same input, each with a tile of its own.
isa::Program program_of(const isa::Machine& machine, std::int64_t rows) {
  isa::Program program;
  program.model = "bench";
  program.machine = machine;
  program.layers = {{"(none)", "", 0, 0}};
  const std::int64_t n = machine.r();
  program.weights.resize(static_cast<std::size_t>(n * n));
  std::mt19937 random(2);
  for (auto& w : program.weights) w = static_cast<std::uint8_t>(random());
  program.weight_bytes = n * n;
  program.tensors.push_back({"x", DType::kUint8, {rows, n}, isa::Role::kInput, 0});
  program.host_bytes = rows * n;
  const auto matrix = static_cast<std::int64_t>(isa::Unit::kMatrix);
  const auto in = static_cast<std::int64_t>(isa::Unit::kDmaIn);
  isa::ReadWeights tile;
  tile.k = tile.n = n;
  tile.is_signed = 1;
  isa::Matmul pass;
  pass.rows = rows;
  pass.k = pass.n = n;
  pass.switch_tile = 1;
  program.code = {isa::ReadHost{0, n, 0, 0, rows, n},
                  isa::Sync{matrix, in, 0, isa::why::kRaw},
                  isa::Repeat{kCycles / rows, 2},
                  tile,
                  pass,
                  isa::Halt{}};
  return program;
}

// Of this process's CPU time, which other load on the computer disturbs least.
template <typename F>
double seconds_of(const F& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

void run_beside_loop(benchmark::State& state, std::int64_t rows) {
  const std::int64_t n = state.range(0);
  const isa::Program program = program_of(machine_of(n), rows);
  Tensor x(DType::kUint8, {rows, n});
  std::mt19937 random(3);
  for (auto& v : x.data) v = static_cast<std::uint8_t>(random());
  sim::RunOptions options;
  options.engine = sim::Engine::kRegister;
  Planes planes(n * n);
  double engine = 0.0;
  double loop = 0.0;
  std::int64_t cycles = 0;
  for (auto _ : state) {
    const double seconds = seconds_of([&] {
      const auto report = sim::run(program, program.machine, {{"x", x}}, options).report;
      cycles = report.total.matrix[static_cast<std::size_t>(sim::Stall::kActive)].value;
    });
    state.SetIterationTime(seconds);
    engine += seconds;
    loop += seconds_of([&] {
      for (std::int64_t i = 0; i < cycles; ++i) {
        multiply_add(planes);
        benchmark::ClobberMemory();
      }
    });
  }
  state.counters["ratio"] = loop / engine;
  state.counters["cycles/s"] = static_cast<double>(cycles * state.iterations()) / engine;
}

void streaming(benchmark::State& state) { run_beside_loop(state, 1'000); }
void fresh_tiles(benchmark::State& state) { run_beside_loop(state, state.range(0)); }

void sizes(benchmark::internal::Benchmark* bench) {
  for (const std::int64_t n : {64, 128, 256}) bench->Arg(n);
  bench->Unit(benchmark::kMillisecond)->UseManualTime()->MinTime(0.5);
}
BENCHMARK(streaming)->Apply(sizes);
BENCHMARK(fresh_tiles)->Apply(sizes);

}  // namespace
}  // namespace systole
