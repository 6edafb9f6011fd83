// The array's multiplication (sim/unit/array_values.h) beside oneDNN's int8 on the same shapes, one
// thread each, in turns. `ratio` is oneDNN's time over ours: 1 is as fast, more is faster.
//
// packing_counted: weights are packed in every call, as dnnl_gemm_u8s8s32 does it.
// packed_before: weights are packed once, as the matmul primitive does with its preferred layout.
//
// Both sides have one instruction set, what oneDNN may use here, and give equal sums. Without VNNI
// oneDNN adds two products in 16 bits: activations stay below 128 there, so that nothing saturates.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <dnnl.hpp>
#include <random>
#include <vector>

#include "base/diag.h"
#include "compare/targets/host_isa.h"
#include "sim/unit/array_values.h"

namespace systole {
namespace {

constexpr std::int64_t kTile = 256;

// x [m, k] u8 times w [k, n] s8 into s32 [m, n].
struct Problem {
  explicit Problem(const benchmark::State& state)
      : m(state.range(0)), k(state.range(1)), n(state.range(2)) {
    std::mt19937_64 random(1);
    x.resize(static_cast<std::size_t>(m * k) + 64);  // compute_pass may read 64 bytes beyond
    w.resize(static_cast<std::size_t>(k * n));
    const std::uint8_t mask = compare::host_isa().exact_int8 ? 0xFF : 0x7F;
    for (auto& value : x) value = static_cast<std::uint8_t>(random() & mask);
    for (auto& value : w) value = static_cast<std::uint8_t>(random());
    ours.resize(static_cast<std::size_t>(m * n));
    theirs.resize(ours.size());
  }

  std::int64_t m, k, n;
  std::vector<std::uint8_t> x, w;
  std::vector<std::int32_t> ours, theirs;
};

// Calls visit(first row, first column) for each tile, columns outside.
template <typename F>
void for_tiles(const Problem& p, const F& visit) {
  for (std::int64_t column = 0; column < p.n; column += kTile) {
    for (std::int64_t row = 0; row < p.k; row += kTile) visit(row, column);
  }
}

sim::PackedTile pack(const Problem& p, std::int64_t row, std::int64_t column) {
  return sim::pack_tile(p.w.data() + row * p.n + column, p.n, std::min(kTile, p.k - row),
                        std::min(kTile, p.n - column), true);
}

void multiply(Problem& p, const sim::PackedTile& tile, std::int64_t row, std::int64_t column) {
  const sim::PassValues pass{.tile = tile,
                             .zero = {},
                             .x = p.x.data() + row,
                             .x_stride = p.k,
                             .rows = p.m,
                             .x_bytes = 1,
                             .x_signed = false,
                             .zero_point = 0,
                             .acc = p.ours.data() + column,
                             .acc_stride = p.n,
                             .accumulate = row != 0};
  benchmark::DoNotOptimize(sim::compute_pass(pass, compare::host_isa().simd));
}

// Times both sides in turns, so that a change of clock or load meets both.
template <typename Ours, typename Theirs>
void in_turns(benchmark::State& state, Problem& p, const Ours& ours, const Theirs& theirs) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](const auto& work) {
    const auto start = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  omp_set_num_threads(1);
  ours();
  theirs();
  SYSTOLE_CHECK(p.ours == p.theirs, "the two results differ");
  double our_seconds = 0.0;
  double their_seconds = 0.0;
  for (auto _ : state) {
    const double once = seconds(ours);
    state.SetIterationTime(once);
    our_seconds += once;
    their_seconds += seconds(theirs);
  }
  const auto macs = static_cast<double>(p.m * p.k * p.n * state.iterations());
  state.counters["ratio"] = their_seconds / our_seconds;
  state.counters["GMAC/s"] = macs / our_seconds * 1e-9;
  state.counters["onednn_GMAC/s"] = macs / their_seconds * 1e-9;
}

void packing_counted(benchmark::State& state) {
  Problem p(state);
  in_turns(
      state, p,
      [&] {
        for_tiles(p, [&](std::int64_t row, std::int64_t column) {
          multiply(p, pack(p, row, column), row, column);
        });
      },
      [&] {
        const std::int32_t offset = 0;
        dnnl::gemm_u8s8s32('N', 'N', 'F', p.m, p.n, p.k, 1.0F, p.x.data(), p.k, 0,
                           reinterpret_cast<const std::int8_t*>(p.w.data()), p.n, 0, 0.0F,
                           p.theirs.data(), p.n, &offset);
      });
}

void packed_before(benchmark::State& state) {
  Problem p(state);
  std::vector<sim::PackedTile> tiles;
  for_tiles(p,
            [&](std::int64_t row, std::int64_t column) { tiles.push_back(pack(p, row, column)); });

  using dnnl::memory;
  omp_set_num_threads(1);  // the primitive plans for the threads of its creation
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto plain = memory::format_tag::ab;
  memory x({{p.m, p.k}, memory::data_type::u8, plain}, engine, p.x.data());
  memory w({{p.k, p.n}, memory::data_type::s8, plain}, engine, p.w.data());
  memory y({{p.m, p.n}, memory::data_type::s32, plain}, engine, p.theirs.data());
  const memory::desc any({p.k, p.n}, memory::data_type::s8, memory::format_tag::any);
  const dnnl::matmul::primitive_desc chosen({x.get_desc(), any, y.get_desc()}, engine);
  memory packed(chosen.weights_desc(), engine);
  dnnl::reorder(w, packed).execute(stream, w, packed);
  const dnnl::matmul matmul(chosen);
  state.SetLabel(chosen.impl_info_str());

  in_turns(
      state, p,
      [&] {
        auto tile = tiles.begin();
        for_tiles(
            p, [&](std::int64_t row, std::int64_t column) { multiply(p, *tile++, row, column); });
      },
      [&] {
        matmul.execute(stream, {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, packed}, {DNNL_ARG_DST, y}});
        stream.wait();
      });
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({200, 784, 512})->Args({200, 512, 10})->Args({2048, 256, 256});
  bench->Args({256, 1024, 1024})->Args({1024, 4096, 1024})->Args({33, 65, 17});
  bench->Unit(benchmark::kMicrosecond)->UseManualTime()->MinTime(0.2);
}
BENCHMARK(packing_counted)->Apply(shapes);
BENCHMARK(packed_before)->Apply(shapes);

}  // namespace
}  // namespace systole
