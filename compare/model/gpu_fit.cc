// See gpu_fit.h.
#include "compare/model/gpu_fit.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

namespace systole::compare {
namespace {

// A figure, where its two searches begin, and its bounds. A kernel's own seconds end where they
// would stand for what the model leaves out of long kernels.
struct Figure {
  double DeviceFit::*member;
  std::array<double, 2> first;
  double low, high;
};
constexpr auto kFigures = std::to_array<Figure>({
    {&DeviceFit::kernel_seconds, {3e-6, 2e-6}, 1e-7, 4e-6},
    {&DeviceFit::efficiency, {0.8, 0.95}, 0.05, 1.0},
    {&DeviceFit::tensor_efficiency, {0.8, 0.9}, 0.05, 1.0},
    {&DeviceFit::half_reuse, {10.0, 20.0}, 0.01, 200.0},
    {&DeviceFit::memory_efficiency, {0.8, 0.6}, 0.05, 1.0},
    {&DeviceFit::reread, {1.0, 1.0}, 0.01, 8.0},
    {&DeviceFit::fp8_efficiency, {0.9, 1.0}, 0.05, 4.0},
});

// Rows of one table, precision and operation.
struct Group {
  std::vector<const GpuRow*> rows;
};

std::vector<Group> groups_of(const Device& device, const std::vector<GpuTable>& tables) {
  std::map<std::string, Group> groups;
  for (const GpuTable& table : tables) {
    for (const GpuRow& row : table.rows) {
      if (row.device != device.name || !row.fitted_on) continue;
      groups[table.name + "," + row.precision + "," + row.operation].rows.push_back(&row);
    }
  }
  std::vector<Group> result;
  for (auto& [name, group] : groups) result.push_back(std::move(group));
  return result;
}

double misfit(const Device& device, const std::vector<Group>& groups) {
  double sum = 0.0;
  for (const Group& group : groups) {
    double logs = 0.0;
    for (const GpuRow* row : group.rows) {
      logs += std::abs(std::log(modelled_seconds(device, *row) / row->seconds));
    }
    sum += logs / std::sqrt(static_cast<double>(group.rows.size()));
  }
  return sum;
}

const Figure& figure_of(double DeviceFit::*member) {
  return *std::ranges::find(kFigures, member, &Figure::member);
}

double rounded(double value) {
  const std::string text = fmt::format("{:.4g}", value);
  double result = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

// One round over all figures; whether anything got better.
bool step(Device& device, double& best, double width, const std::vector<Group>& groups,
          const std::vector<double DeviceFit::*>& figures) {
  bool better = false;
  for (const auto member : figures) {
    const Figure& figure = figure_of(member);
    for (const double factor : {1.0 + width, 1.0 / (1.0 + width)}) {
      const double before = device.fit.*member;
      device.fit.*member = std::clamp(before * factor, figure.low, figure.high);
      const double now = misfit(device, groups);
      if (now < best) {
        best = now;
        better = true;
      } else {
        device.fit.*member = before;
      }
    }
  }
  return better;
}

}  // namespace

std::vector<double DeviceFit::*> fitted_figures(const Device& device,
                                                const std::vector<GpuRow>& rows) {
  const auto any = [&](auto has) { return std::ranges::any_of(rows, has); };
  const bool floats = any([](const GpuRow& r) {
    return r.precision == "fp32" &&
           (r.kind == GpuKind::kProduct || r.kind == GpuKind::kConvolution);
  });
  const bool tensor = device.units.tensor && any([](const GpuRow& r) {
                        return r.precision != "fp32" && r.kind != GpuKind::kElement;
                      });
  const bool fp8 = any([](const GpuRow& r) { return r.precision == "fp8"; });
  std::vector<double DeviceFit::*> figures = {&DeviceFit::kernel_seconds};
  if (floats || !device.units.tensor) figures.push_back(&DeviceFit::efficiency);
  if (tensor) figures.push_back(&DeviceFit::tensor_efficiency);
  figures.insert(figures.end(), {&DeviceFit::half_reuse, &DeviceFit::memory_efficiency});
  figures.push_back(fp8 ? &DeviceFit::fp8_efficiency : &DeviceFit::reread);
  return figures;
}

DeviceFit fitted_gpu(Device device, const std::vector<GpuTable>& tables) {
  constexpr double kFirstStep = 0.3, kLastStep = 2e-3;
  const std::vector<Group> groups = groups_of(device, tables);
  std::vector<GpuRow> rows;
  for (const Group& group : groups) {
    for (const GpuRow* row : group.rows) rows.push_back(*row);
  }
  const auto figures = fitted_figures(device, rows);
  DeviceFit found;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t start = 0; start < 2; ++start) {
    device.fit = {};
    for (const auto member : figures) device.fit.*member = figure_of(member).first.at(start);
    double best = misfit(device, groups);
    for (double width = kFirstStep; width > kLastStep;) {
      if (!step(device, best, width, groups, figures)) width /= 2.0;
    }
    if (best < least) found = device.fit;
    least = std::min(least, best);
  }
  for (const Figure& figure : kFigures) found.*figure.member = rounded(found.*figure.member);
  return found;
}

std::string fit_text(const DeviceFit& fit) {
  std::string text;
  for (const Figure& figure : kFigures) {
    text += fmt::format("{}{:.4g}", text.empty() ? "(" : ", ", fit.*figure.member);
  }
  return text + ")";
}

}  // namespace systole::compare
