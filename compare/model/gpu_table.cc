// The forms of tables, and what reads them. See gpu_table.h.
#include "compare/model/gpu_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/diag.h"
#include "base/source.h"
#include "compare/model/gpu_rows.h"

namespace systole::compare {
namespace {

// XLA's profiles hold a part of the launch: between what device_model.h gives for a stream and for
// a graph. LLMCompass names its own harness's costs (hardware_model/compute_module.py,
// overhead_dict), which hold all of it. Profilers of kernels add nothing.
constexpr double kXlaLaunch = 2e-6;
constexpr double kLlmProduct = 2.1e-5, kLlmSoftmax = 1.2e-5, kLlmLayerNorm = 4.5e-5,
                 kLlmGelu = 4.5e-5;

double operations(const Product& p) {
  return 2.0 * static_cast<double>(p.count) * static_cast<double>(p.m) * static_cast<double>(p.k) *
         static_cast<double>(p.n);
}

// m, n, k, a time and no device: an H100 in bf16, the one such file's own subject.
void read_bf16(const Cells& cells, GpuTable& table, std::string_view column,
               double (*seconds)(double value, double operations)) {
  GpuRow row = row_of(cells, "sm_90", column);
  row.source = "XLA";
  row.precision = "bf16";
  row.launch = kXlaLaunch;
  const Product p = product_of(cells, 1);
  set_product(row, p);
  row.seconds = cells.seconds(seconds(cells.number(column), operations(p)));
  add(std::move(row), table);
}

void read_tflops(const Cells& cells, GpuTable& table) {
  read_bf16(cells, table, "tflops",
            [](double value, double operations) { return operations / (value * 1e12); });
}

void read_latency(const Cells& cells, GpuTable& table) {
  read_bf16(cells, table, "latency_ns", [](double value, double) { return value * 1e-9; });
}

void read_seconds(const Cells& cells, GpuTable& table) {
  read_bf16(cells, table, "seconds", [](double value, double) { return value; });
}

// A column per precision; XLA multiplies single floats as tf32.
void read_precisions(const Cells& cells, GpuTable& table) {
  constexpr auto kColumns = std::to_array<std::pair<const char*, const char*>>(
      {{"bf16_tflops", "bf16"}, {"f32_tflops", "tf32"}, {"fp8_e4m3_tflops", "fp8"}});
  for (const auto& [column, precision] : kColumns) {
    if (!cells.has(column)) continue;
    GpuRow row = row_of(cells, cells.text("device"), kColumns[0].first);
    row.source = "XLA";
    row.precision = precision;
    row.launch = kXlaLaunch;
    const Product p = product_of(cells, cells.whole("b", kMostCount));
    set_product(row, p);
    row.seconds = cells.seconds(operations(p) / (cells.number(column) * 1e12));
    add(std::move(row), table);
  }
}

void read_gemm(const Cells& cells, GpuTable& table) {
  GpuRow row = row_of(cells, cells.text("device"), "latency_ms");
  row.source = "NeuSight";
  row.precision = "fp32";
  set_product(row, product_of(cells, cells.whole("b", kMostCount)));
  row.seconds = cells.seconds(cells.number("latency_ms") * 1e-3);
  add(std::move(row), table);
}

void read_norms(const Cells& cells, GpuTable& table) {
  GpuRow row = row_of(cells, cells.text("device"), "latency_ms");
  const std::string& op = cells.text("op");
  if (op != "ln" && op != "softmax") {
    throw InputError(cells.where(), fmt::format("op is '{}'", op), "ln or softmax");
  }
  row.source = "NeuSight";
  row.precision = "fp32";
  set_norm(row, op == "ln" ? GpuKind::kLayerNorm : GpuKind::kSoftmax,
           {.rows = cells.whole("b"), .width = cells.whole("h")});
  row.seconds = cells.seconds(cells.number("latency_ms") * 1e-3);
  add(std::move(row), table);
}

// LLMCompass: products by their time, others by 10^9 elements a second.
void read_a100_ops(const Cells& cells, GpuTable& table) {
  const std::string& op = cells.text("op");
  GpuRow row = row_of(cells, cells.text("device"), "time_ms");
  row.source = "LLMCompass";
  row.precision = "fp16";
  row.whole_launch = true;
  if (op == "matmul") {
    set_product(row, {.m = cells.whole("d0"), .k = cells.whole("d1"), .n = cells.whole("d2")});
    row.seconds = cells.seconds(cells.number("time_ms") * 1e-3);
    row.launch = kLlmProduct;
    return add(std::move(row), table);
  }
  double elements = static_cast<double>(cells.whole("d0", std::int64_t{1} << 40));
  if (op == "gelu") {
    set_element(row, op, {.elements = elements});
    row.launch = kLlmGelu;
  } else if (op == "softmax" || op == "layernorm") {
    const NormRows rows{.rows = cells.whole("d0"), .width = cells.whole("d1")};
    set_norm(row, op == "softmax" ? GpuKind::kSoftmax : GpuKind::kLayerNorm, rows);
    elements *= static_cast<double>(rows.width);
    row.launch = op == "softmax" ? kLlmSoftmax : kLlmLayerNorm;
  } else {
    throw InputError(cells.where(), fmt::format("op is '{}'", op),
                     "matmul, softmax, layernorm or gelu");
  }
  row.seconds = cells.seconds(elements / (cells.number("rate") * 1e9));
  add(std::move(row), table);
}

// Adds the rows of one line.
using ReadLine = void (*)(const Cells& cells, GpuTable& table);

// The forms, by the columns that they have; the first that fits is taken.
struct Form {
  std::vector<std::string_view> columns;
  ReadLine read;
};

const std::vector<Form>& forms() {
  static const std::vector<Form> kForms = {
      {{"device", "b", "m", "n", "k", "latency_ms"}, read_gemm},
      {{"device", "b", "m", "n", "k", "bf16_tflops", "f32_tflops", "fp8_e4m3_tflops"},
       read_precisions},
      {{"device", "sheet_precision", "m", "n", "k", "time_ms"}, read_deepbench_gemm},
      {{"device", "sheet_precision", "w", "h", "c", "n", "k", "s_filter_w", "r_filter_h", "pad_w",
        "pad_h", "stride_w", "stride_h", "fwd_ms"},
       read_deepbench_conv},
      {{"op", "device", "d0", "d1", "d2", "time_ms", "rate"}, read_a100_ops},
      {{"op", "device", "b", "h", "latency_ms"}, read_norms},
      {{"device", "n_embd", "ffn", "n_head", "n_kv", "tp", "tokens", "attn_pre_proj",
        "attn_post_proj", "mlp_up_proj", "mlp_act", "mlp_down_proj", "input_layernorm", "attn_rope",
        "add", "emb"},
       read_llama},
      {{"m", "n", "k", "tflops"}, read_tflops},
      {{"m", "n", "k", "latency_ns"}, read_latency},
      {{"m", "n", "k", "seconds"}, read_seconds},
  };
  return kForms;
}

ReadLine form_of(const CsvTable& table) {
  const auto has = [&](std::string_view column) {
    return std::ranges::find(table.heading, column) != table.heading.end();
  };
  for (const Form& form : forms()) {
    if (std::ranges::all_of(form.columns, has)) return form.read;
  }
  throw InputError(table.path, "has the columns of no table of GPUs",
                   "those of a file of compare/model/data, as device, b, m, n, k, latency_ms");
}

}  // namespace

const char* kind_name(GpuKind kind) {
  constexpr std::array<const char*, 5> kNames = {"product", "convolution", "softmax", "layer norm",
                                                 "element-wise"};
  return kNames.at(static_cast<std::size_t>(kind));
}

GpuTable read_gpu_table(const std::string& path) {
  const CsvTable csv = read_csv(path);
  const ReadLine read = form_of(csv);
  GpuTable table;
  table.name = path.substr(path.find_last_of('/') + 1);
  for (const CsvRow& row : csv.rows) read(Cells(csv, row), table);
  if (table.rows.empty()) throw InputError(path, "holds no row that the model can do", "one");
  return table;
}

const std::vector<GpuTable>& shared_gpu_tables() {
  static const std::vector<GpuTable> kTables = [] {
    std::vector<GpuTable> tables;
    for (const char* name :
         {"deepbench_conv", "deepbench_gemm", "gpu_a100_ops_fp16", "gpu_batched_gemm_fp32",
          "gpu_gemm_fp32", "gpu_gemm_h100_b200", "gpu_llama_layers_fp16",
          "gpu_softmax_layernorm_fp32", "h100_gemm_bf16"}) {
      tables.push_back(read_gpu_table(data_path(fmt::format("compare/model/data/{}.csv", name))));
    }
    return tables;
  }();
  return kTables;
}

namespace {

DeviceTime kernel_time(const Device& device, const GpuRow& row) {
  if (const auto* product = std::get_if<Product>(&row.work)) {
    return gpu_product_time(device, row.precision, *product);
  }
  if (const auto* conv = std::get_if<Convolution>(&row.work)) {
    return gpu_convolution_time(device, row.precision, *conv);
  }
  if (const auto* rows = std::get_if<NormRows>(&row.work)) {
    return row.kind == GpuKind::kSoftmax ? gpu_softmax_time(device, row.precision, *rows)
                                         : gpu_layer_norm_time(device, row.precision, *rows);
  }
  return gpu_element_time(device, row.precision, std::get<ElementWork>(row.work));
}

}  // namespace

double modelled_seconds(const Device& device, const GpuRow& row) {
  DeviceTime time = kernel_time(device, row);
  if (row.whole_launch) time.launch = 0.0;
  return time.total() + row.launch;
}

double error_percent(const Device& device, const GpuRow& row) {
  return 100.0 * (modelled_seconds(device, row) - row.seconds) / row.seconds;
}

}  // namespace systole::compare
