// The vector unit's loops (sim/unit/vector_values.h) on ResNet-50's shapes, one thread, beside a
// copy of the bytes they read and write.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <vector>

#include "sim/unit/vector_values.h"

namespace systole::sim {
namespace {

namespace type = isa::type;

std::vector<std::uint8_t> random_bytes(std::int64_t count) {
  std::mt19937_64 random(1);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// A residual addition of 56 x 56 pixels of 256 channels.
void residual_add(benchmark::State& state) {
  constexpr std::int64_t kRows = 56 * 56, kChannels = 256;
  const auto a = random_bytes(kRows * kChannels), b = random_bytes(kRows * kChannels);
  std::vector<std::uint8_t> to(a.size());
  const Result result{type::kU8, 0.03F, {7, 0, 255}};
  for ([[maybe_unused]] auto _ : state) {
    VectorMath math(isa::vector_op::kAdd, {type::kU8, 0.02F, 11}, {type::kU8, 0.01F, 0}, result,
                    kChannels);
    for (std::int64_t i = 0; i < kRows * kChannels; i += kChannels) {
      math.load_b(b.data() + i);
      math.row(a.data() + i, to.data() + i);
    }
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(state.iterations() * 3 * kRows * kChannels);
}
BENCHMARK(residual_add);

// What the same bytes take to be copied: two streams read, one written.
void plain_copies(benchmark::State& state) {
  const auto a = random_bytes(56 * 56 * 256);
  std::vector<std::uint8_t> to(a.size());
  for ([[maybe_unused]] auto _ : state) {
    std::memcpy(to.data(), a.data(), a.size());
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(state.iterations() * 2 * std::ssize(a));
}
BENCHMARK(plain_copies);

// The network's two pools: 3 x 3 maxima of 112 x 112 x 64, and the mean of 7 x 7 x 2048.
void pool(benchmark::State& state, bool average, const isa::Pool& insn) {
  const PoolMap map(insn);
  auto from = random_bytes(map.pixels() * insn.n), to = random_bytes(map.outputs() * insn.n);
  const Pooling pooling{average, {type::kU8, 0.02F, 3}, {type::kU8, 0.02F, {3, 0, 255}}, insn.n};
  for ([[maybe_unused]] auto _ : state) {
    pool_rows(pooling, map, {from.data(), insn.n}, {to.data(), insn.n});
    benchmark::DoNotOptimize(to.data());
  }
  state.SetBytesProcessed(state.iterations() * map.taken() * insn.n);
}

isa::Pool shape(std::int64_t map, std::int64_t out, std::int64_t kernel, std::int64_t channels) {
  isa::Pool i;
  i.n = channels;
  i.in_height = i.in_width = map;
  i.out_height = i.out_width = out;
  i.kernel_y = i.kernel_x = kernel;
  i.stride_y = i.stride_x = 2;
  i.pad_top = i.pad_left = kernel == 3 ? 1 : 0;
  return i;
}

BENCHMARK_CAPTURE(pool, largest_112x112x64, false, shape(112, 56, 3, 64));
BENCHMARK_CAPTURE(pool, average_7x7x2048, true, shape(7, 1, 7, 2048));

}  // namespace
}  // namespace systole::sim
