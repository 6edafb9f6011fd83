// See gpu_rows.h.
#include "compare/model/gpu_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/clean.h"
#include "base/diag.h"
#include "base/sha256.h"

namespace systole::compare {
namespace {

// The names of devices in the tables, and ours.
constexpr auto kDeviceNames = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"P4", "p4"},
    {"M40", "m40"},
    {"1080Ti", "gtx1080ti"},
    {"P100", "p100"},
    {"P100-PCIE-16GB", "p100_pcie"},
    {"V100", "v100"},
    {"V100-PCIE-32GB", "v100_pcie"},
    {"T4", "t4"},
    {"L4", "l4"},
    {"A100", "a100"},
    {"a100", "a100"},
    {"A100-PCIE-40GB", "a100_pcie_40"},
    {"A100-80GB-PCIe", "a100_pcie_80"},
    {"H100-80GB-HBM3", "h100"},
    {"h100", "h100"},
    {"sm_90", "h100"},
    {"sm_100_B200", "b200"},
});

}  // namespace

const std::string& Cells::text(std::string_view column) const {
  return row_.cells[table_.column(column)];
}

std::int64_t Cells::whole(std::string_view column, std::int64_t most) const {
  return whole_number(table_, row_, column, 1, most);
}

double Cells::number(std::string_view column) const {
  const std::string& cell = text(column);
  double value = 0.0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool all = error == std::errc{} && end == cell.data() + cell.size();
  if (all && std::isfinite(value) && value > 0.0) return value;
  throw InputError(where(), fmt::format("{} is '{}'", column, cell), "a number above 0");
}

double Cells::seconds(double value) const {
  // No kernel is outside these bounds, and errors in percent stay numbers.
  constexpr double kLeast = 1e-12, kMost = 1e9;
  if (value >= kLeast && value <= kMost) return value;
  throw InputError(where(), fmt::format("a kernel in {:g} s", value),
                   fmt::format("{:g} to {:g} s", kLeast, kMost));
}

std::string Cells::before(std::string_view column) const {
  std::string joined;
  for (std::size_t i = 0; i < table_.column(column); ++i) {
    joined += (i == 0 ? "" : ",") + csv_cell(row_.cells[i]);
  }
  return joined;
}

GpuRow row_of(const Cells& cells, std::string_view device, std::string_view time_column) {
  GpuRow row;
  row.where = cells.where();
  const auto* const known =
      std::ranges::find(kDeviceNames, device, &decltype(kDeviceNames)::value_type::first);
  if (known != kDeviceNames.end()) row.device = known->second;
  row.key = cells.before(time_column);
  row.fitted_on = sha256_modulo(row.key, 2) == 0;
  return row;
}

// Takes the row, or counts why not.
void add(GpuRow row, GpuTable& table) {
  const Device* device = find_device(row.device);
  if (device == nullptr) {
    ++table.skipped["a device without a model"];
  } else if (device->peaks.at(row.precision) <= 0.0) {
    ++table.skipped[fmt::format("{} has no {}", row.device, row.precision)];
  } else {
    table.rows.push_back(std::move(row));
  }
}

Product product_of(const Cells& cells, std::int64_t count) {
  return {.count = count, .m = cells.whole("m"), .k = cells.whole("k"), .n = cells.whole("n")};
}

void set_product(GpuRow& row, const Product& p) {
  row.kind = GpuKind::kProduct;
  row.operation = kind_name(row.kind);
  row.work = p;
  const std::string times = p.count > 1 ? fmt::format("{} of ", p.count) : "";
  row.shape = fmt::format("{}{} x {} by {} x {}", times, p.m, p.k, p.k, p.n);
}

void set_norm(GpuRow& row, GpuKind kind, const NormRows& rows) {
  row.kind = kind;
  row.operation = kind_name(kind);
  row.work = rows;
  row.shape = fmt::format("{} rows of {}", rows.rows, rows.width);
}

void set_element(GpuRow& row, const std::string& operation, const ElementWork& work) {
  row.kind = GpuKind::kElement;
  row.operation = operation;
  row.work = work;
  row.shape = fmt::format("{} elements", work.elements);
}

}  // namespace systole::compare
