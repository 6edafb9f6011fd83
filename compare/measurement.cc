// See measurement.h.
#include "compare/measurement.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>

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

std::vector<Sample> measure(const std::function<Sample(std::int64_t)>& run_batch,
                            const MeasureOptions& options) {
  using Clock = std::chrono::steady_clock;
  for (std::int64_t i = 0; i < options.warm_ups; ++i) run_batch(i);
  std::vector<Sample> samples;
  const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
  for (std::int64_t i = 0; i < options.max_samples; ++i) {
    if (i >= options.min_samples && Clock::now() >= end) break;
    samples.push_back(run_batch(options.warm_ups + i));
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

Interval Measurement::end_to_end() const {
  return median_interval(column(samples, &Sample::total));
}
Interval Measurement::device_only() const {
  return median_interval(column(samples, &Sample::device));
}

nlohmann::ordered_json to_json(const OutputCheck& check) {
  return {{"reference", check.reference},
          {"metric", check.metric},
          {"compared", check.compared},
          {"mismatches", check.mismatches},
          {"max_difference", check.max_difference}};
}

nlohmann::ordered_json to_json(const Interval& interval) {
  return {{"low", interval.low}, {"median", interval.median}, {"high", interval.high}};
}

nlohmann::ordered_json to_json(const Measurement& m) {
  return {{"schema", "systole.measurement/1"},
          {"kind", m.kind},
          {"target", m.target},
          {"model", m.model},
          {"model_hash", m.model_hash},
          {"batch", m.batch},
          {"precision", m.precision},
          {"threads", m.threads},
          {"device", m.device},
          {"libraries", m.libraries},
          {"kernels", m.kernels},
          {"date", m.date},
          {"command", m.command},
          {"warm_ups", m.warm_ups},
          {"end_to_end_seconds", to_json(m.end_to_end())},
          {"device_seconds", to_json(m.device_only())},
          {"output_check", to_json(m.check)},
          {"samples",
           {{"end_to_end_seconds", column(m.samples, &Sample::total)},
            {"device_seconds", column(m.samples, &Sample::device)}}}};
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      return line.substr(colon + 2);
    }
  }
  return "unknown processor";
}

std::string utc_now() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace systole::compare
