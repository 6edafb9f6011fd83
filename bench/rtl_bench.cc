// The Verilated matrix unit's speed: 64 x 64, one module per PE, one thread, rows entering in every
// cycle and a fresh tile every 64, as the register engine's bench does it. Large to compile, so
// only built when asked for: ninja rtl_bench. Items are cycles.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "rtl/matrix_model.h"

namespace systole::rtl {

std::unique_ptr<MatrixModel> make_Vmatrix_64_64_kThrough_0();

namespace {

constexpr std::int64_t kSize = 64;

void verilated_array(benchmark::State& state) {
  const auto model = make_Vmatrix_64_64_kThrough_0();
  std::vector<std::uint8_t> bytes(2 * kSize);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(37 * i);
  std::int64_t cycle = 0;
  for (auto _ : state) {
    Inputs inputs;
    const std::int64_t phase = cycle % kSize;
    inputs.weights = WeightRow{bytes.data() + phase, {}, true, kSize, kSize};
    // The first tile shifts before the first row.
    if (cycle >= kSize) {
      ActivationRow row;
      row.data = bytes.data() + phase / 2;
      row.lanes = kSize;
      row.columns = kSize;
      row.address = phase;
      row.switch_tile = phase == 0;
      inputs.row = row;
    }
    const Outputs& outputs = model->settle(inputs);
    if (outputs.error != 0) state.SkipWithError("the array was fed out of turn");
    benchmark::DoNotOptimize(outputs.writes.data());
    model->clock();
    ++cycle;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(verilated_array)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace systole::rtl
