// Modelled devices: how long a GPU or CPU takes for a layer, from published figures and at most six
// fitted ones.
//
// A product of M x K by K x N is cut into tiles of m x n results, and if that leaves units idle K
// is cut too and the parts are added (split K). Units take tiles in waves: a last wave that is not
// full costs as much as a full one. A tile runs at its unit's share of the peak times
//     efficiency * reuse / (reuse + half_reuse),  reuse = m n / (m + n),
// since it reads m + n operands for each m n multiply-adds. Operands and results cross the memory's
// wires at `memory_efficiency` of its bandwidth (of a CPU the cache's, if they fit it). Arithmetic
// and memory overlap, but where both take alike each waits for the other at times: together they
// take the fourth root of the sum of fourth powers; of the best tile, and `kernel_seconds` on top:
// first operands, last results. What a GPU does beyond that is in gpu_kernels.h.
// Williams et al., "Roofline", CACM 52(4), 2009; wave and tile quantisation: NVIDIA, "Matrix
// Multiplication Background User's Guide".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compare/model/work.h"

namespace systole::compare {

enum class Family : std::uint8_t { kGpu, kCpu };

// The fitted figures; a device has at most six that are its own.
struct DeviceFit {
  double kernel_seconds = 0.0;
  double efficiency = 1.0;         // 0 to 1, of the units for single floats
  double tensor_efficiency = 1.0;  // 0 to 1, of the tensor cores
  double half_reuse = 0.0;         // multiply-adds per operand
  double memory_efficiency = 1.0;  // 0 to 1
  double reread = 1.0;          // times that operands beyond the cache are read again, as counted
  double fp8_efficiency = 1.0;  // of the tensor cores with 8-bit floats
  bool operator==(const DeviceFit&) const = default;
};

// SMs or cores. Of a GPU: threads that an SM keeps, its clock, whether it has tensor cores.
struct Units {
  std::int64_t count = 1;
  double threads = 0.0, hertz = 0.0;
  bool tensor = false;
};

// Operations a second, dense; 0: no such arithmetic.
struct Peaks {
  double fp32 = 0.0, tf32 = 0.0, bf16 = 0.0, fp16 = 0.0, int8 = 0.0, fp8 = 0.0;
  // 0 for a precision that is none of these. "fp16/fp32" is stored in 16 bits, computed in 32.
  [[nodiscard]] double at(std::string_view precision) const;
};

// Bytes and bytes a second. The cache keeps what each of its parts read, so that two parts hold
// half as much.
struct MemoryFigures {
  double dram = 0.0, cache_bytes = 0.0, cache = 0.0, cache_parts = 1.0;
};

struct Device {
  std::string name, text;
  Family family = Family::kGpu;
  Units units;
  Peaks peaks;
  MemoryFigures memory;
  double link = 0.0;  // bytes a second each way; 0: computes in host memory
  DeviceFit fit;
  std::string fit_of;  // the device whose figures these are; empty: its own, from measured tables
};

// Rows of devices.def, and one by its name (null if there is none).
[[nodiscard]] const std::vector<Device>& devices();
[[nodiscard]] const Device* find_device(std::string_view name);

// How a product was cut: the rows and columns of results that a unit keeps, and the steps of K that
// it adds to them. 0: no product.
struct Blocking {
  double m = 0.0, n = 0.0, k = 0.0;
};

// What a time is made of, and which part decides it; the bytes of memory that it counts.
struct DeviceTime {
  double compute = 0.0, memory = 0.0, launch = 0.0;
  double bytes = 0.0;
  Blocking blocking = {};
  [[nodiscard]] double total() const;
};

// One product of a precision the device has: [m, k] by [k, n], `count` of them in one kernel.
struct Product {
  std::int64_t count = 1, m = 1, k = 1, n = 1;
};
// The product in tiles of m x n, K cut into `splits`.
[[nodiscard]] Blocking blocking(const Product& product, std::int64_t m, std::int64_t n,
                                std::int64_t splits);
[[nodiscard]] DeviceTime product_time(const Device& device, std::string_view precision,
                                      const Product& product);

// How a GPU's kernels are started, a stated setting: seconds between two launches into a stream, or
// between two nodes of a CUDA graph. A kernel takes no less.
struct LaunchCost {
  const char* setting;
  double seconds;
};
// Back-to-back launches take 2 to 5 us, nodes of a graph 1 to 2 us (folk figures without a source
// of their own; measurements/README.md says how to measure them).
inline constexpr LaunchCost kStreamLaunch = {"cuda_graph off", 5e-6};
inline constexpr LaunchCost kGraphLaunch = {"cuda_graph on", 1.5e-6};

// A layer of a precision the device has.
[[nodiscard]] DeviceTime layer_time(const Device& device, std::string_view precision,
                                    const LayerWork& layer);

// A whole model: its kernels one after the other, none sooner than `launch_seconds` after the one
// before, its input and output over the link, each copy at a kernel's cost. Values cross it in the
// precision, or as wide as the graph has them if that is wider: a float model's as floats.
struct ModelTime {
  std::vector<DeviceTime> layers;  // as the works given
  double device = 0.0;             // seconds of all kernels
  double copy_in = 0.0, copy_out = 0.0;
  double bytes_in = 0.0, bytes_out = 0.0;  // over the link
  // compute, memory, launch or link: what decides the period, and the largest share of one batch
  // alone.
  std::string bound, bound_alone;
  [[nodiscard]] double alone() const { return copy_in + device + copy_out; }
  // Back-to-back batches: copies each way and kernels overlap.
  [[nodiscard]] double period() const;
};
[[nodiscard]] ModelTime model_time(const Device& device, std::string_view precision,
                                   const ModelWork& work, double launch_seconds = 0.0);

// Bytes of an element: 4, 2 or 1.
[[nodiscard]] double precision_bytes(std::string_view precision);

}  // namespace systole::compare
