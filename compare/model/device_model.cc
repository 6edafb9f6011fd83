// See device_model.h for the model.
#include "compare/model/device_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "base/diag.h"
#include "base/units.h"
#include "compare/model/gpu_kernels.h"

namespace systole::compare {
namespace {

struct Tile {
  std::int64_t m, n;
};
// A CPU's register blocks grow with the rows there are, and its columns are cut among the cores.
constexpr auto kCpuTiles = std::to_array<Tile>({{1, 64},
                                                {2, 64},
                                                {4, 64},
                                                {8, 64},
                                                {16, 64},
                                                {32, 64},
                                                {64, 64},
                                                {128, 64},
                                                {4, 16},
                                                {16, 16}});
constexpr std::int64_t kMostSplits = 8;
constexpr std::int64_t kLeastSplitK = 128;
constexpr double kSumBytes = 4.0;  // of a partial sum of a split K

double bandwidth(const Device& device, double bytes) {
  const MemoryFigures& memory = device.memory;
  const bool cached = memory.cache > 0.0 && bytes <= memory.cache_bytes;
  return (cached ? memory.cache : memory.dram) * device.fit.memory_efficiency;
}

// Seconds of the array of units on one way to cut the product.
double compute_seconds(const Device& device, double peak, const Product& p, Tile tile,
                       std::int64_t splits) {
  const std::int64_t tiles = p.count * ceil_div(p.m, tile.m) * ceil_div(p.n, tile.n) * splits;
  const auto waves = static_cast<double>(ceil_div(tiles, device.units.count));
  const double results = static_cast<double>(tile.m) * static_cast<double>(tile.n);
  const double reuse = results / static_cast<double>(tile.m + tile.n);
  const double rate = peak / static_cast<double>(device.units.count) * device.fit.efficiency *
                      reuse / (reuse + device.fit.half_reuse);
  return waves * 2.0 * results * static_cast<double>(ceil_div(p.k, splits)) / rate;
}

}  // namespace

double Peaks::at(std::string_view precision) const {
  const std::map<std::string_view, double> by_name = {
      {"fp32", fp32}, {"tf32", tf32}, {"bf16", bf16},     {"fp16", fp16},
      {"int8", int8}, {"fp8", fp8},   {"fp16/fp32", fp32}};
  const auto found = by_name.find(precision);
  return found == by_name.end() ? 0.0 : found->second;
}

Blocking blocking(const Product& product, std::int64_t m, std::int64_t n, std::int64_t splits) {
  return {static_cast<double>(std::min(m, product.m)), static_cast<double>(std::min(n, product.n)),
          static_cast<double>(ceil_div(product.k, splits))};
}

double precision_bytes(std::string_view precision) {
  if (precision == "int8" || precision == "fp8") return 1.0;
  return precision == "fp32" || precision == "tf32" ? 4.0 : 2.0;
}

double DeviceTime::total() const {
  const auto fourth = [](double x) { return x * x * x * x; };
  const double more = std::max(compute, memory);
  if (more <= 0.0) return launch;
  // Of shares, as fourth powers of seconds leave double's range.
  return more * std::sqrt(std::sqrt(fourth(compute / more) + fourth(memory / more))) + launch;
}

const std::vector<Device>& devices() {
  static const std::vector<Device> kDevices = [] {
    constexpr double kTera = 1e12;
    constexpr double kGiga = 1e9;
    const auto units = [](std::int64_t count, double threads, double clock, bool tensor) {
      return Units{count, threads, clock * kGiga, tensor};
    };
    const auto peaks = [](auto... tera) { return Peaks{(tera * kTera)...}; };
    const auto memory = [](double dram, double bytes, double cache, double parts) {
      return MemoryFigures{dram, bytes, cache, parts};
    };
    const auto fit = [](auto... figures) { return DeviceFit{static_cast<double>(figures)...}; };
    return std::vector<Device>{
#define SYSTOLE_DEVICE(name, text, family, cores, peak, mem, link, fitted, fit_of) \
  Device{#name,      text, Family::family, units cores, peaks peak,                \
         memory mem, link, fit fitted,     fit_of},
#include "compare/model/devices.def"
    };
  }();
  return kDevices;
}

const Device* find_device(std::string_view name) {
  const auto found = std::ranges::find(devices(), name, &Device::name);
  return found == devices().end() ? nullptr : &*found;
}

DeviceTime product_time(const Device& device, std::string_view precision, const Product& p) {
  const double peak = device.peaks.at(precision);
  SYSTOLE_CHECK(peak > 0.0, "{} has no {}", device.name, precision);
  if (device.family == Family::kGpu) return gpu_product_time(device, precision, p);
  const auto count = static_cast<double>(p.count);
  const auto m = static_cast<double>(p.m);
  const auto k = static_cast<double>(p.k);
  const auto n = static_cast<double>(p.n);
  const double bytes = count * (m * k + k * n + m * n) * precision_bytes(precision);
  DeviceTime best;
  double least = std::numeric_limits<double>::infinity();
  for (const Tile tile : kCpuTiles) {
    for (std::int64_t splits = 1; splits <= kMostSplits; splits *= 2) {
      if (splits > 1 && p.k / splits < kLeastSplitK) break;
      // Partial sums are written and read once each.
      const double sums =
          splits == 1 ? 0.0 : 2.0 * static_cast<double>(splits) * count * m * n * kSumBytes;
      const DeviceTime time{
          .compute = compute_seconds(device, peak, p, tile, splits),
          .memory = bytes / bandwidth(device, bytes) + sums / bandwidth(device, sums),
          .launch = device.fit.kernel_seconds,
          .bytes = bytes + sums,
          .blocking = blocking(p, tile.m, tile.n, splits)};
      if (time.total() >= least) continue;
      best = time;
      least = time.total();
    }
  }
  return best;
}

DeviceTime layer_time(const Device& device, std::string_view precision, const LayerWork& layer) {
  const bool gpu = device.family == Family::kGpu;
  if (gpu && layer.convolution) return gpu_convolution_time(device, precision, *layer.convolution);
  if (layer.m > 0) {
    return product_time(device, precision, {layer.count, layer.m, layer.k, layer.n});
  }
  const auto elements = static_cast<double>(layer.inputs + layer.weights + layer.outputs);
  if (gpu) return gpu_element_time(device, precision, {.elements = elements, .tensors = 1.0});
  const double bytes = elements * precision_bytes(precision);
  return {.memory = bytes / bandwidth(device, bytes),
          .launch = device.fit.kernel_seconds,
          .bytes = bytes};
}

double ModelTime::period() const { return std::max({device, copy_in, copy_out}); }

namespace {

using Shares = std::vector<std::pair<double, const char*>>;

const char* largest(const Shares& shares) {
  return std::ranges::max_element(shares, {}, &Shares::value_type::first)->second;
}

// What crosses the link: floats stay floats, as the device narrows them itself; integers of an
// inline shape stand for values of the row's own precision.
double link_bytes(std::int64_t bytes, std::int64_t elements, std::string_view precision) {
  return std::max(static_cast<double>(bytes),
                  static_cast<double>(elements) * precision_bytes(precision));
}

}  // namespace

ModelTime model_time(const Device& device, std::string_view precision, const ModelWork& work,
                     double launch_seconds) {
  ModelTime time;
  double compute = 0.0, memory = 0.0, launch = 0.0;
  for (const LayerWork& layer : work.layers) {
    DeviceTime one = layer_time(device, precision, layer);
    one.launch = std::max(one.launch, launch_seconds - (one.total() - one.launch));
    (one.compute >= one.memory ? compute : memory) += one.total() - one.launch;
    launch += one.launch;
    time.device += one.total();
    time.layers.push_back(one);
  }
  if (device.link > 0.0) {
    const auto copy = [&](double bytes) { return bytes / device.link + device.fit.kernel_seconds; };
    time.bytes_in = link_bytes(work.input_bytes, work.input_elements, precision);
    time.bytes_out = link_bytes(work.output_bytes, work.output_elements, precision);
    time.copy_in = copy(time.bytes_in);
    time.copy_out = copy(time.bytes_out);
  }
  Shares shares = {{compute, "compute"}, {memory, "memory"}, {launch, "launch"}};
  time.bound = time.period() > time.device ? "link" : largest(shares);
  shares.emplace_back(time.copy_in + time.copy_out, "link");
  time.bound_alone = largest(shares);
  return time;
}

}  // namespace systole::compare
