// See gpu_kernels.h. Constants without another source were chosen by looking at all shared tables
// (docs/comparison.md); they are the same for every device.
#include "compare/model/gpu_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "base/diag.h"
#include "base/units.h"

namespace systole::compare {
namespace {

struct Tile {
  std::int64_t m, n;
};
// What cuBLAS and CUTLASS offer for tensor cores, and their sgemm kernels.
constexpr auto kTensorTiles =
    std::to_array<Tile>({{256, 128}, {128, 256}, {128, 128}, {128, 64}, {64, 128}, {64, 64}});
constexpr auto kFloatTiles = std::to_array<Tile>({{128, 128},
                                                  {128, 64},
                                                  {64, 128},
                                                  {128, 32},
                                                  {32, 128},
                                                  {64, 64},
                                                  {64, 32},
                                                  {32, 64},
                                                  {32, 32}});
constexpr std::int64_t kMostSplits = 8;
constexpr std::int64_t kLeastSplitK = 128;
constexpr std::int64_t kPrologue = 16;          // steps of K
constexpr double kSumBytes = 4.0;               // of a partial sum of a split K
constexpr double kSumsInFlight = 65'536.0;      // of an SM: its registers (CUDA programming guide)
constexpr double kCacheShare = 0.5;             // of the cache for operands that are kept
constexpr double kWinogradCost = 1.2;           // of a multiply-add, for the transforms beside it
constexpr std::int64_t kWinogradChannels = 16;  // fewer leave nothing to gain
constexpr std::int64_t kTensorChannels = 8;     // NVIDIA, "Convolutional Layers User's Guide"
constexpr double kElementSeconds = 1.5e-6;      // of a kernel that has no operands to keep

// A product as a kernel sees it.
struct Task {
  Product product;
  double peak = 0.0;        // operations a second that endless tiles reach
  double bytes = 0.0;       // an operand's element
  double traffic = 0.0;     // least bytes of memory, all operands and results once
  double reread = 0.0;      // how much what is read again counts
  std::int64_t splits = 1;  // at most
  bool tensor = false;
};

double number(std::int64_t value) { return static_cast<double>(value); }

double bandwidth(const Device& device) { return device.memory.dram * device.fit.memory_efficiency; }

bool on_tensor_cores(const Device& device, std::string_view precision) {
  return device.units.tensor && precision != "fp32" && precision != "fp16/fp32";
}

double efficiency(const Device& device, std::string_view precision) {
  if (!on_tensor_cores(device, precision)) return device.fit.efficiency;
  return precision == "fp8" ? device.fit.fp8_efficiency : device.fit.tensor_efficiency;
}

// Seconds of the array of SMs.
double compute_seconds(const Device& device, const Task& task, Tile tile, std::int64_t splits) {
  const Product& p = task.product;
  const std::int64_t tiles = p.count * ceil_div(p.m, tile.m) * ceil_div(p.n, tile.n) * splits;
  const double results = number(tile.m) * number(tile.n);
  const double reuse = results / number(tile.m + tile.n);
  const double rate =
      task.peak / number(device.units.count) * reuse / (reuse + device.fit.half_reuse);
  const double steps = number(ceil_div(p.k, splits) + kPrologue);
  return number(ceil_div(tiles, device.units.count)) * 2.0 * results * steps / rate;
}

// Bytes of operands that are read more than once, of one product.
double reread_bytes(const Device& device, const Task& task, Tile tile) {
  const Product& p = task.product;
  const double once = (number(p.m) + number(p.n)) * number(p.k) * task.bytes;
  if (once <= kCacheShare * device.memory.cache_bytes) return 0.0;
  const double along = number(ceil_div(p.n, tile.n));
  const double tiles = along * number(ceil_div(p.m, tile.m));
  const double held = number(device.units.count) * kSumsInFlight;
  const double flight = std::min(std::max(1.0, held / (number(tile.m) * number(tile.n))), tiles);
  const double columns = std::min(along, flight), rows = std::max(1.0, flight / along);
  const double read = tiles / flight * (columns * number(tile.n) + rows * number(tile.m)) *
                      number(p.k) * task.bytes;
  return std::max(0.0, read - once);
}

DeviceTime best_time(const Device& device, const Task& task) {
  const Product& p = task.product;
  const std::span<const Tile> tiles =
      task.tensor ? std::span<const Tile>(kTensorTiles) : std::span<const Tile>(kFloatTiles);
  DeviceTime best;
  double least = std::numeric_limits<double>::infinity();
  for (const Tile tile : tiles) {
    const double again =
        task.reread == 0.0 ? 0.0 : number(p.count) * task.reread * reread_bytes(device, task, tile);
    for (std::int64_t splits = 1; splits <= task.splits; splits *= 2) {
      if (splits > 1 && p.k / splits < kLeastSplitK) break;
      // Partial sums are written and read once each.
      const double sums =
          splits == 1 ? 0.0
                      : 2.0 * number(splits * p.count) * number(p.m) * number(p.n) * kSumBytes;
      const DeviceTime time{.compute = compute_seconds(device, task, tile, splits),
                            .memory = (task.traffic + again + sums) / bandwidth(device),
                            .launch = device.fit.kernel_seconds,
                            .bytes = task.traffic + again + sums,
                            .blocking = blocking(p, tile.m, tile.n, splits)};
      if (time.total() >= least) continue;
      best = time;
      least = time.total();
    }
  }
  return best;
}

// The same convolution as 16 products, each of 2 x 2 results of a window.
Task winograd(Task task, const Convolution& c) {
  const std::int64_t tiles = c.images * ceil_div(c.out_h, 2) * ceil_div(c.out_w, 2);
  task.product = {.count = 16 * c.groups, .m = tiles, .k = c.channels, .n = c.filters};
  task.peak /= kWinogradCost;
  return task;
}

bool fits_winograd(const Convolution& c, std::string_view precision) {
  return (precision == "fp32" || precision == "fp16") && c.kernel_h == 3 && c.kernel_w == 3 &&
         c.stride_h == 1 && c.stride_w == 1 && c.channels >= kWinogradChannels;
}

}  // namespace

DeviceTime gpu_product_time(const Device& device, std::string_view precision, const Product& p) {
  const double bytes = precision_bytes(precision);
  // Results of 8-bit floats are written as 16-bit ones.
  const double result_bytes = precision == "fp8" ? 2.0 : bytes;
  const double operands = (number(p.m) + number(p.n)) * number(p.k) * bytes;
  const double traffic = number(p.count) * (operands + number(p.m) * number(p.n) * result_bytes);
  return best_time(device, {.product = p,
                            .peak = device.peaks.at(precision) * efficiency(device, precision),
                            .bytes = bytes,
                            .traffic = traffic,
                            .reread = device.fit.reread,
                            .splits = kMostSplits,
                            .tensor = on_tensor_cores(device, precision)});
}

DeviceTime gpu_convolution_time(const Device& device, std::string_view precision,
                                const Convolution& c) {
  const bool tensor = on_tensor_cores(device, precision) && c.channels % kTensorChannels == 0;
  const bool falls_back = on_tensor_cores(device, precision) && !tensor;
  const std::string_view units = falls_back ? "fp32" : precision;
  const std::int64_t pixels = c.out_h * c.out_w;
  const std::int64_t read = std::min(c.height * c.width, pixels * c.kernel_h * c.kernel_w);
  const std::int64_t depth = c.channels * c.kernel_h * c.kernel_w;
  const double elements =
      number(c.groups) * (number(c.images * c.channels) * number(read) + number(c.filters * depth) +
                          number(c.images * c.filters) * number(pixels));
  Task task{.product = {.count = c.groups, .m = c.images * pixels, .k = depth, .n = c.filters},
            .peak = device.peaks.at(units) * efficiency(device, units),
            .bytes = precision_bytes(precision),
            .traffic = elements * precision_bytes(precision),
            .tensor = tensor};
  DeviceTime best = best_time(device, task);
  if (!tensor && !falls_back && fits_winograd(c, precision)) {
    const DeviceTime other = best_time(device, winograd(task, c));
    if (other.total() < best.total()) best = other;
  }
  return best;
}

namespace {

// Where the reads after the first find their rows: none is missed while the rows in flight take
// less than kCacheKept of the cache, all where they take kCacheLost more.
constexpr double kCacheKept = 0.4, kCacheLost = 0.9;

struct NormKernel {
  double threads = 0.0;  // of a row
  double reads = 0.0;    // after the first
};

DeviceTime norm_time(const Device& device, double row_bytes, double rows, NormKernel kernel) {
  double missed = 0.0;
  if (kernel.reads > 0.0) {
    const double kept = number(device.units.count) *
                        std::max(1.0, std::floor(device.units.threads / kernel.threads));
    const double held = device.memory.cache_bytes / device.memory.cache_parts;
    const double share = std::min(rows, kept) * row_bytes / held;
    missed = std::clamp((share - kCacheKept) / kCacheLost, 0.0, 1.0);
  }
  const double bytes = rows * row_bytes * (2.0 + kernel.reads * missed);
  return {.memory = bytes / bandwidth(device), .launch = device.fit.kernel_seconds, .bytes = bytes};
}

// Threads of a block of PyTorch's softmax: 16 bytes a thread and read, a power of two up to 512.
double softmax_threads(double row_bytes) {
  const double most = std::min(row_bytes / 16.0, 1024.0);
  double threads = 32.0;
  while (threads < most / 2.0) threads *= 2.0;
  return threads;
}

}  // namespace

DeviceTime gpu_softmax_time(const Device& device, std::string_view precision, const NormRows& r) {
  constexpr std::int64_t kInRegisters = 1024;  // a warp keeps rows up to this
  const double row_bytes = number(r.width) * precision_bytes(precision);
  if (r.width <= kInRegisters) return norm_time(device, row_bytes, number(r.rows), {});
  return norm_time(device, row_bytes, number(r.rows),
                   {.threads = softmax_threads(row_bytes), .reads = 2.0});
}

DeviceTime gpu_layer_norm_time(const Device& device, std::string_view precision,
                               const NormRows& r) {
  const double row_bytes = number(r.width) * precision_bytes(precision);
  return norm_time(device, row_bytes, number(r.rows), {.threads = 128.0, .reads = 1.0});
}

DeviceTime gpu_element_time(const Device& device, std::string_view precision,
                            const ElementWork& work) {
  const double bytes = work.elements * work.tensors * precision_bytes(precision);
  const double clocks = work.elements * work.clocks;
  return {
      .compute = clocks == 0.0 ? 0.0 : clocks / (device.units.hertz * number(device.units.count)),
      .memory = bytes / bandwidth(device),
      .launch = kElementSeconds,
      .bytes = bytes};
}

}  // namespace systole::compare
