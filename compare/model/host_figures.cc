// What this host can do at best: large products, reads of arrays, single products. All by
// the code that is measured, so that a share of the peak is a share of what was seen.
#include <fmt/core.h>
#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "compare/targets/targets.h"
#include "compiler/load.h"

namespace systole::compare {
namespace {

// Sides of the products that stand for the peak: one that is over before anything else gets its
// turn on a busy host, one that keeps many threads busy.
constexpr auto kSides = std::to_array<std::int64_t>({256, 1024});
constexpr std::int64_t kLargeArray = std::int64_t{16}
                                     << 20;                  // elements: 64 MiB, beyond most caches
constexpr std::int64_t kSmallArray = std::int64_t{1} << 16;  // 256 KiB
constexpr MeasureOptions kBrief{.seconds = 0.03, .warm_ups = 2, .min_samples = 8};

double best_of(const std::vector<Sample>& samples) {
  return std::ranges::min_element(samples, {}, &Sample::device)->device;
}

Source gemm_source(const Product& p) {
  return {.load =
              [p](std::int64_t) {
                Models models;
                models.integer =
                    compiler::load_model(fmt::format("gemm:{},{},{}", p.m, p.k, p.n), {});
                return models;
              },
          .inputs =
              [](const compiler::Graph& graph) {
                const compiler::Value& v = graph.value(graph.inputs[0]);
                return std::vector<Tensor>{Tensor(v.type, v.shape)};
              },
          .labels = {}};
}

// In the widest vectors this processor has, as a library would read.
__attribute__((target_clones("avx512f", "avx2", "default"))) float sum_of(
    std::span<const float> values) {
  float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i];
  return sum;
}

// Bytes a second of reading an array of `elements` floats, a part of it on each thread.
double read_bandwidth(int threads, std::int64_t elements) {
  const std::vector<float> values(static_cast<std::size_t>(elements), 1.0F);
  const std::size_t part = values.size() / static_cast<std::size_t>(threads);
  const auto samples = measure(
      [&](std::int64_t) {
        float sum = 0.0F;
        const double start = omp_get_wtime();
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : sum)
        for (int t = 0; t < threads; ++t) {
          sum += sum_of(std::span(values).subspan(static_cast<std::size_t>(t) * part, part));
        }
        const double seconds = omp_get_wtime() - start;
        SYSTOLE_CHECK(sum > 0.0F, "a wrong sum");
        return Sample{seconds, seconds};
      },
      kBrief);
  const auto read = static_cast<double>(part) * threads;
  return sizeof(float) * read / best_of(samples);
}

}  // namespace

double host_product_seconds(const Product& product, const HostSetting& setting) {
  const Workload workload(gemm_source(product), product.m);
  CpuModel model(*workload.graph(setting.precision),
                 {.threads = setting.threads, .bf16 = setting.precision == "bf16"});
  return best_of(measure(
      [&](std::int64_t) {
        const CpuTiming timing = model.run(workload.input_bytes(setting.precision, 0));
        return Sample{timing.total, timing.device};
      },
      kBrief));
}

double host_peak(const std::string& precision, int threads) {
  static std::map<std::pair<std::string, int>, double> known;
  const auto found = known.find({precision, threads});
  if (found != known.end()) return found->second;
  double& best = known[{precision, threads}];
  for (const std::int64_t side : kSides) {
    const auto length = static_cast<double>(side);
    const double seconds = host_product_seconds({1, side, side, side}, {precision, threads});
    best = std::max(best, 2.0 * length * length * length / seconds);
  }
  return best;
}

double host_bandwidth(int threads) {
  static std::map<int, double> known;
  const auto found = known.find(threads);
  if (found != known.end()) return found->second;
  return known[threads] = read_bandwidth(threads, kLargeArray);
}

Device host_device(const std::string& precision, int threads) {
  Device device;
  device.name = "host";
  device.text = cpu_name();
  device.family = Family::kCpu;
  device.units.count = threads;
  const double peak = host_peak(precision, threads);
  (precision == "int8"   ? device.peaks.int8
   : precision == "bf16" ? device.peaks.bf16
                         : device.peaks.fp32) = peak;
  const auto cache = static_cast<double>(std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)));
  device.memory = {.dram = host_bandwidth(threads),
                   .cache_bytes = cache,
                   .cache = read_bandwidth(threads, kSmallArray)};
  device.fit = {
      .kernel_seconds = 2e-6, .efficiency = 0.9, .half_reuse = 4.0, .memory_efficiency = 0.8};
  return device;
}

}  // namespace systole::compare
