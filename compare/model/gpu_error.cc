// See gpu_error.h. The quantiles are taken from the tables themselves, not kept.
#include "compare/model/gpu_error.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace systole::compare {
namespace {

std::string_view as_measured(std::string_view precision) {
  return precision == "bf16" ? "fp16" : precision;
}

GpuKind kind_of(const LayerWork& layer) {
  if (layer.convolution) return GpuKind::kConvolution;
  return layer.m > 0 ? GpuKind::kProduct : GpuKind::kElement;
}

}  // namespace

namespace {

std::optional<double> quantile_of(const Device& device, std::string_view precision, GpuKind kind) {
  constexpr double kShare = 0.9;
  if (!device.fit_of.empty() || device.family != Family::kGpu) return std::nullopt;
  std::vector<double> errors;
  for (const GpuTable& table : shared_gpu_tables()) {
    for (const GpuRow& row : table.rows) {
      const bool one = !row.fitted_on && row.device == device.name && row.kind == kind &&
                       as_measured(row.precision) == as_measured(precision);
      if (one) errors.push_back(std::abs(error_percent(device, row)));
    }
  }
  if (errors.size() < kLeastErrorRows) return std::nullopt;
  std::ranges::sort(errors);
  const auto rank =
      static_cast<std::size_t>(std::ceil(kShare * static_cast<double>(errors.size())));
  return errors[rank - 1];
}

}  // namespace

std::optional<double> gpu_error_percent(const Device& device, std::string_view precision,
                                        GpuKind kind) {
  static std::map<std::tuple<std::string, std::string, GpuKind>, std::optional<double>> known;
  const auto [entry, added] =
      known.try_emplace({device.name, std::string(as_measured(precision)), kind});
  if (added) entry->second = quantile_of(device, precision, kind);
  return entry->second;
}

std::optional<double> model_error_percent(const Device& device, std::string_view precision,
                                          const ModelWork& work, const ModelTime& time) {
  constexpr double kAll = 100.0;
  double errors = 0.0, unknown = 0.0;
  for (std::size_t i = 0; i < work.layers.size(); ++i) {
    const double seconds = time.layers.at(i).total();
    const auto known = gpu_error_percent(device, precision, kind_of(work.layers[i]));
    errors += seconds * known.value_or(kAll);
    if (!known) unknown += seconds;
  }
  const double all = time.alone();
  if (all <= 0.0 || unknown > kMostUnknownShare * all) return std::nullopt;
  errors += (time.copy_in + time.copy_out) * kLinkErrorPercent;
  return errors / all;
}

}  // namespace systole::compare
