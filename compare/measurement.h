// Measurements: every sample of one target, the median with its 95 % interval, and the file they
// are kept in (docs/comparison.md has the schema).
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::compare {

// A median and the 95 % confidence interval around it.
struct Interval {
  double low = 0.0, median = 0.0, high = 0.0;
};

// By order statistics, so no distribution is assumed: for n sorted samples the interval runs from
// rank floor((n - 1.96 sqrt n) / 2) to rank ceil(1 + (n + 1.96 sqrt n) / 2), counted from 1 (normal
// approximation of the binomial; Le Boudec, Performance Evaluation of Computer and Communication
// Systems, 2010, chapter 2). `samples` is not empty and need not be sorted.
[[nodiscard]] Interval median_interval(std::span<const double> samples);

// How results agree with a reference.
struct OutputCheck {
  std::string reference;  // where the expected values came from
  std::string metric;     // what is compared: "bytes" or "absolute difference"
  std::int64_t compared = 0, mismatches = 0;
  double max_difference = 0.0;  // NaN against a number counts as infinite
};

// Counts elements that are not equal and finds the largest difference; adds to `check`. Both
// tensors have one type (float32, uint8, int8 or int32) and one shape.
void add_to_check(OutputCheck& check, const Tensor& got, const Tensor& expected);

// One timed run: seconds end to end, and the part spent on the device itself.
struct Sample {
  double total = 0.0, device = 0.0;
};

struct MeasureOptions {
  double seconds = 2.0;  // measure at least this long
  std::int64_t warm_ups = 10;
  std::int64_t min_samples = 100;
  std::int64_t max_samples = 1'000'000;  // bounds the memory of very short runs
};

// Warm-ups, then samples until there are both enough of them and enough seconds. `run_batch(i)`
// does the i-th run.
[[nodiscard]] std::vector<Sample> measure(const std::function<Sample(std::int64_t)>& run_batch,
                                          const MeasureOptions& options);

struct Measurement {
  std::string kind = "measured";
  std::string target;  // "cpu:host"
  std::string model, model_hash;
  std::int64_t batch = 1;
  std::string precision;  // "int8" or "fp32"
  int threads = 1;
  std::string device;                  // the processor's name
  std::vector<std::string> libraries;  // "oneDNN 2.6.3"
  std::string kernels;                 // the library's names of the code it ran
  std::string date;                    // UTC, ISO 8601
  std::string command;
  std::int64_t warm_ups = 0;
  std::vector<Sample> samples;
  OutputCheck check;

  [[nodiscard]] Interval end_to_end() const;  // seconds per batch
  [[nodiscard]] Interval device_only() const;
};

[[nodiscard]] nlohmann::ordered_json to_json(const OutputCheck& check);
[[nodiscard]] nlohmann::ordered_json to_json(const Interval& interval);
[[nodiscard]] nlohmann::ordered_json to_json(const Measurement& measurement);

// This host's processor: "model name" of /proc/cpuinfo, or "unknown processor".
[[nodiscard]] std::string cpu_name();
// Now, "2026-11-21T14:58:01Z".
[[nodiscard]] std::string utc_now();

}  // namespace systole::compare
