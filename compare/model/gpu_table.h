// Measured tables of GPUs: rows of any of the files in compare/model/data, known by their columns,
// as kernels of the device model with the seconds that they took.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "compare/model/gpu_kernels.h"

namespace systole::compare {

enum class GpuKind : std::uint8_t { kProduct, kConvolution, kSoftmax, kLayerNorm, kElement };
[[nodiscard]] const char* kind_name(GpuKind kind);  // "product" ...

struct GpuRow {
  std::string where;      // file:line
  std::string source;     // who measured: "NeuSight", "XLA", "DeepBench", "Vidur", "LLMCompass"
  std::string device;     // a row of devices.def
  std::string precision;  // as the model knows it
  std::string operation;  // "product", "conv", "silu" ...
  std::string shape;      // in words
  GpuKind kind = GpuKind::kProduct;
  std::variant<Product, Convolution, NormRows, ElementWork> work;
  double seconds = 0.0;
  // What the harness measured beside the kernel; where `whole_launch`, the kernel's own start too.
  double launch = 0.0;
  bool whole_launch = false;
  std::string key;  // fields before the time, joined by commas as they stand in the file
  bool fitted_on =
      false;  // the key's SHA-256 is even: of the shared tables the half that is fitted
};

struct GpuTable {
  std::string name;  // the file's, without its folder
  std::vector<GpuRow> rows;
  std::map<std::string, std::int64_t> skipped;  // by reason
};

// Throws InputError naming the line: no such columns, no rows, numbers that are none.
[[nodiscard]] GpuTable read_gpu_table(const std::string& path);

// The tables that ship with the program, in the order of their names; read once.
[[nodiscard]] const std::vector<GpuTable>& shared_gpu_tables();

// The model's seconds of a row, and how far they are off in percent of the measured ones.
[[nodiscard]] double modelled_seconds(const Device& device, const GpuRow& row);
[[nodiscard]] double error_percent(const Device& device, const GpuRow& row);

}  // namespace systole::compare
