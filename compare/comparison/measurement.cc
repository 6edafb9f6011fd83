// Statistics, output checks and the timed loop.
#include "compare/comparison/measurement.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

namespace systole::compare {

Interval median_interval(std::span<const double> samples) {
  SYSTOLE_CHECK(!samples.empty(), "no samples");
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const auto count = static_cast<double>(sorted.size());
  const auto at_rank = [&](double rank) {
    return sorted[static_cast<std::size_t>(std::clamp(rank, 1.0, count)) - 1];
  };
  const double spread = 1.96 * std::sqrt(count);
  Interval result;
  result.low = at_rank(std::floor((count - spread) / 2));
  result.median = (at_rank(std::floor((count + 1) / 2)) + at_rank(std::ceil((count + 1) / 2))) / 2;
  result.high = at_rank(std::ceil(1 + (count + spread) / 2));
  return result;
}

double percentile(std::span<const double> samples, double share) {
  SYSTOLE_CHECK(!samples.empty() && share > 0.0 && share <= 1.0, "percentile {}", share);
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

namespace {

template <typename T>
void compare_elements(OutputCheck& check, std::span<const T> got, std::span<const T> expected) {
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] == expected[i]) continue;
    ++check.mismatches;
    const double difference =
        std::abs(static_cast<double>(got[i]) - static_cast<double>(expected[i]));
    const double bounded =
        std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
    check.max_difference = std::max(check.max_difference, bounded);
  }
}

}  // namespace

void add_to_check(OutputCheck& check, const Tensor& got, const Tensor& expected) {
  SYSTOLE_CHECK(got.type == expected.type && got.data.size() == expected.data.size(),
                "{} {} compared with {} {}", dtype_name(got.type), shape_text(got.shape),
                dtype_name(expected.type), shape_text(expected.shape));
  check.compared += got.count();
  switch (got.type) {
    case DType::kFloat32:
      return compare_elements(check, got.as<float>(), expected.as<float>());
    case DType::kUint8:
      return compare_elements(check, got.as<std::uint8_t>(), expected.as<std::uint8_t>());
    case DType::kInt8:
      return compare_elements(check, got.as<std::int8_t>(), expected.as<std::int8_t>());
    case DType::kInt32:
      return compare_elements(check, got.as<std::int32_t>(), expected.as<std::int32_t>());
    default:
      SYSTOLE_CHECK(false, "no comparison of {}", dtype_name(got.type));
  }
}

bool OutputCheck::fails() const {
  if (std::isinf(max_difference)) return true;
  return metric == "bytes" && max_difference > 1.0 && mismatches > compared / 10;
}

std::size_t median_run(std::span<const Sample> samples, std::size_t count) {
  std::vector<double> totals;
  for (const Sample& sample : samples) totals.push_back(sample.total);
  const double median = median_interval(totals).median;
  std::size_t nearest = 0;
  for (std::size_t i = 1; i < count; ++i) {
    if (std::abs(totals[i] - median) < std::abs(totals[nearest] - median)) nearest = i;
  }
  return nearest;
}

MeasureOptions quick_options(double seconds) {
  return {.seconds = seconds, .warm_ups = 3, .min_samples = 10};
}

std::vector<Sample> measure(const std::function<Sample(std::int64_t)>& run_batch,
                            const MeasureOptions& options) {
  for (std::int64_t i = 0; i < options.warm_ups; ++i) run_batch(i);
  std::vector<Sample> samples;
  double seconds = 0.0;
  for (std::int64_t i = 0; i < options.max_samples; ++i) {
    if (i >= options.min_samples && seconds >= options.seconds) break;
    samples.push_back(run_batch(options.warm_ups + i));
    seconds += samples.back().total;
  }
  return samples;
}

namespace {

std::vector<double> column(const std::vector<Sample>& samples, double Sample::*member) {
  std::vector<double> values;
  values.reserve(samples.size());
  for (const Sample& sample : samples) values.push_back(sample.*member);
  return values;
}

}  // namespace

std::vector<double> Measurement::totals() const { return column(samples, &Sample::total); }
Interval Measurement::end_to_end() const { return median_interval(totals()); }
Interval Measurement::device_only() const {
  return median_interval(column(samples, &Sample::device));
}

double Measurement::spread() const {
  const std::vector<double> all = totals();
  return (percentile(all, 0.9) - percentile(all, 0.1)) / median_interval(all).median;
}

bool Measurement::quick() const {
  const MeasureOptions full;
  const std::vector<double> all = totals();
  const double seconds = std::accumulate(all.begin(), all.end(), 0.0);
  const bool bounded = std::ssize(samples) >= full.max_samples;
  return warm_ups < full.warm_ups || std::ssize(samples) < full.min_samples ||
         (seconds < full.seconds && !bounded);
}

}  // namespace systole::compare
