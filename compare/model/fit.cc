// See fit.h.
#include "compare/model/fit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

#include "base/diag.h"
#include "base/files.h"

namespace systole::compare {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 26;
constexpr std::int64_t kMaxDim = std::int64_t{1} << 24;

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) {
    std::erase_if(cell, [](unsigned char c) { return std::isspace(c) != 0; });
    cells.push_back(cell);
  }
  return cells;
}

// How a column of times becomes seconds.
struct TimeColumn {
  const char* name;
  double (*seconds)(double value, double operations);
};
constexpr auto kTimeColumns = std::to_array<TimeColumn>({
    {"tflops", [](double value, double operations) { return operations / (value * 1e12); }},
    {"latency_ns", [](double value, double /*operations*/) { return value * 1e-9; }},
    {"seconds", [](double value, double /*operations*/) { return value; }},
});

// Where the columns stand in this file.
struct Columns {
  std::size_t m = 0, k = 0, n = 0, time = 0;
  const TimeColumn* kind = nullptr;
};

Columns columns_of(const std::vector<std::string>& heading, const std::string& path) {
  const auto find = [&](const char* name) -> std::optional<std::size_t> {
    const auto at = std::ranges::find(heading, name);
    if (at == heading.end()) return std::nullopt;
    return static_cast<std::size_t>(at - heading.begin());
  };
  Columns columns;
  for (const TimeColumn& kind : kTimeColumns) {
    if (const auto at = find(kind.name); at && columns.kind == nullptr) {
      columns.time = *at;
      columns.kind = &kind;
    }
  }
  const auto m = find("m"), k = find("k"), n = find("n");
  if (!m || !k || !n || columns.kind == nullptr) {
    throw InputError(path, "lacks a column", "m, k, n and one of tflops, latency_ns, seconds");
  }
  columns.m = *m;
  columns.k = *k;
  columns.n = *n;
  return columns;
}

double number_in(const std::vector<std::string>& cells, std::size_t column,
                 const std::string& where) {
  double value = 0.0;
  if (column < cells.size()) {
    const std::string& text = cells[column];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && std::isfinite(value) && value > 0.0) return value;
  }
  throw InputError(where, fmt::format("column {} is no number above 0", column + 1),
                   "a positive number");
}

std::int64_t dim_in(const std::vector<std::string>& cells, std::size_t column,
                    const std::string& where) {
  const double value = number_in(cells, column, where);
  if (value != std::floor(value) || value > static_cast<double>(kMaxDim)) {
    throw InputError(where, fmt::format("a dimension of {}", value),
                     fmt::format("a whole number up to {}", kMaxDim));
  }
  return static_cast<std::int64_t>(value);
}

// Of one product: no computer is outside these bounds, and errors in percent stay numbers.
double seconds_in(double seconds, const std::string& where) {
  constexpr double kLeast = 1e-12, kMost = 1e9;
  if (seconds >= kLeast && seconds <= kMost) return seconds;
  throw InputError(where, fmt::format("a product in {:g} s", seconds),
                   fmt::format("{:g} to {:g} s", kLeast, kMost));
}

double operations(const Product& p) {
  return 2.0 * static_cast<double>(p.count) * static_cast<double>(p.m) * static_cast<double>(p.k) *
         static_cast<double>(p.n);
}

// Of the ratio's logarithm: twice as long and half as long are equally wrong.
double squared_error(const Device& device, std::string_view precision,
                     const std::vector<ProductRow>& rows) {
  double sum = 0.0;
  for (const ProductRow& row : rows) {
    const double seconds = product_time(device, precision, row.product).total();
    const double error = std::log(seconds / row.seconds);
    sum += error * error;
  }
  return sum;
}

bool in_range(const DeviceFit& fit) {
  return fit.efficiency <= 1.0 && fit.memory_efficiency <= 1.0;
}

}  // namespace

std::vector<ProductRow> read_product_rows(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path, kMaxBytes);
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  std::optional<Columns> columns;
  std::vector<ProductRow> rows;
  std::int64_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    const std::vector<std::string> cells = cells_of(line);
    if (!columns) {
      columns = columns_of(cells, path);
      continue;
    }
    const std::string where = fmt::format("{}:{}", path, number);
    ProductRow row;
    row.product = {.m = dim_in(cells, columns->m, where),
                   .k = dim_in(cells, columns->k, where),
                   .n = dim_in(cells, columns->n, where)};
    const double time = number_in(cells, columns->time, where);
    row.seconds = seconds_in(columns->kind->seconds(time, operations(row.product)), where);
    rows.push_back(row);
  }
  if (rows.empty()) throw InputError(path, "holds no rows", "a heading and one row at least");
  return rows;
}

bool is_held_out(std::size_t index) { return index % 3 == 2; }

std::vector<ProductRow> rows_to_fit(const std::vector<ProductRow>& rows) {
  std::vector<ProductRow> result;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!is_held_out(i)) result.push_back(rows[i]);
  }
  return result;
}

double error_percent(const Device& device, std::string_view precision, const ProductRow& row) {
  const double seconds = product_time(device, precision, row.product).total();
  return 100.0 * (seconds - row.seconds) / row.seconds;
}

double mean_error_percent(const Device& device, std::string_view precision,
                          const std::vector<ProductRow>& rows) {
  double sum = 0.0;
  for (const ProductRow& row : rows) sum += std::abs(error_percent(device, precision, row));
  return rows.empty() ? 0.0 : sum / static_cast<double>(rows.size());
}

DeviceFit fitted(Device device, std::string_view precision, const std::vector<ProductRow>& rows) {
  constexpr auto kFigures = std::to_array({&DeviceFit::kernel_seconds, &DeviceFit::efficiency,
                                           &DeviceFit::half_reuse, &DeviceFit::memory_efficiency});
  constexpr double kFirstStep = 0.2, kLastStep = 1e-3;
  double best = squared_error(device, precision, rows);
  for (double step = kFirstStep; step > kLastStep;) {
    bool better = false;
    for (const auto figure : kFigures) {
      for (const double factor : {1.0 + step, 1.0 / (1.0 + step)}) {
        Device moved = device;
        moved.fit.*figure *= factor;
        if (!in_range(moved.fit)) continue;
        const double error = squared_error(moved, precision, rows);
        if (error >= best) continue;
        best = error;
        device = moved;
        better = true;
      }
    }
    if (!better) step /= 2.0;
  }
  return device.fit;
}

}  // namespace systole::compare
