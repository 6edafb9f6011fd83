// Modelled devices: how long a GPU or CPU takes for a layer, from a handful of published figures
// and four fitted ones.
//
// A product of M x K by K x N is cut into tiles of m x n results, and if that leaves units idle K
// is cut too and the parts are added (split K). Units take tiles in waves: a last wave that is not
// full costs as much as a full one. A tile runs at its unit's share of the peak times
//     efficiency * reuse / (reuse + half_reuse),  reuse = m n / (m + n),
// since it reads m + n operands for each m n multiply-adds. Operands and results cross the cache's
// wires if they fit the cache, else the memory's, at `memory_efficiency` of the bandwidth. A kernel
// takes the larger of the two times, of the best tile, and `kernel_seconds` on top: launch, first
// operands, last results. Everything else (element-wise, pools, moves) is bytes over bandwidth.
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

// The four fitted figures.
struct DeviceFit {
  double kernel_seconds = 0.0;
  double efficiency = 1.0;         // 0 to 1
  double half_reuse = 0.0;         // multiply-adds per operand
  double memory_efficiency = 1.0;  // 0 to 1
};

// Operations a second, dense; 0: no such arithmetic.
struct Peaks {
  double fp32 = 0.0, tf32 = 0.0, bf16 = 0.0, fp16 = 0.0, int8 = 0.0;
  // 0 for a precision that is none of these.
  [[nodiscard]] double at(std::string_view precision) const;
};

// Bytes and bytes a second.
struct MemoryFigures {
  double dram = 0.0, cache_bytes = 0.0, cache = 0.0;
};

struct Device {
  std::string name, text;
  Family family = Family::kGpu;
  std::int64_t units = 1;
  Peaks peaks;
  MemoryFigures memory;
  double link = 0.0;  // bytes a second each way; 0: computes in host memory
  DeviceFit fit;
  double error_percent = -1.0;  // bf16 products on rows not fitted; negative: unknown
  std::string error_source;
};

// Rows of devices.def, and one by its name (null if there is none).
[[nodiscard]] const std::vector<Device>& devices();
[[nodiscard]] const Device* find_device(std::string_view name);

// What a time is made of, and which part decides it.
struct DeviceTime {
  double compute = 0.0, memory = 0.0, launch = 0.0;  // memory: what exceeds compute is waited for
  [[nodiscard]] double total() const { return (compute > memory ? compute : memory) + launch; }
};

// One product of a precision the device has: [m, k] by [k, n], `count` of them in one kernel.
struct Product {
  std::int64_t count = 1, m = 1, k = 1, n = 1;
};
[[nodiscard]] DeviceTime product_time(const Device& device, std::string_view precision,
                                      const Product& product);

// A layer of a precision the device has.
[[nodiscard]] DeviceTime layer_time(const Device& device, std::string_view precision,
                                    const LayerWork& layer);

// A whole model: its kernels one after the other, its input and output over the link, each copy at
// a kernel's cost. Values cross it in the precision, or as wide as the graph has them if that is
// wider: a float model's as floats.
struct ModelTime {
  std::vector<DeviceTime> layers;  // as the works given
  double device = 0.0;             // seconds of all kernels
  double copy_in = 0.0, copy_out = 0.0;
  // compute, memory, launch or link: what decides the period, and the largest share of one batch
  // alone.
  std::string bound, bound_alone;
  [[nodiscard]] double alone() const { return copy_in + device + copy_out; }
  // Back-to-back batches: copies each way and kernels overlap.
  [[nodiscard]] double period() const;
};
[[nodiscard]] ModelTime model_time(const Device& device, std::string_view precision,
                                   const ModelWork& work);

// Bytes of an element: 4, 2 or 1.
[[nodiscard]] double precision_bytes(std::string_view precision);

}  // namespace systole::compare
