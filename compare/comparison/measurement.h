// Measurements: every sample of one target, the median with its 95 % interval, and the JSON they
// are kept in, one schema for CPUs and GPUs (docs/comparison.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::compare {

// Least number of samples whose least and largest enclose the median in 95 of 100 cases: both lie
// on one side of it in 2 of 2^n.
inline constexpr std::size_t kLeastForInterval = 6;

// A spread (Measurement::spread) beyond which the computer was busy with something else: a tenth of
// the batches took a quarter of the median longer than another tenth. Clock steps and caches alone
// keep an idle computer within about a tenth.
inline constexpr double kBusySpread = 0.25;

// A median and the 95 % confidence interval around it.
struct Interval {
  double low = 0.0, median = 0.0, high = 0.0;
};

// By order statistics, so no distribution is assumed: for n sorted samples the interval runs from
// rank floor((n - 1.96 sqrt n) / 2) to rank ceil(1 + (n + 1.96 sqrt n) / 2), counted from 1 (normal
// approximation of the binomial; Le Boudec, Performance Evaluation of Computer and Communication
// Systems, 2010, chapter 2). `samples` is not empty and need not be sorted; fewer than
// kLeastForInterval are too few for the 95 %.
[[nodiscard]] Interval median_interval(std::span<const double> samples);
// The smallest sample that at least `share` (0 to 1] of all samples do not pass (nearest rank).
[[nodiscard]] double percentile(std::span<const double> samples, double share);

// How results agree with a reference.
struct OutputCheck {
  std::string reference;  // where the expected values came from
  std::string metric;     // what is compared: "bytes" or "absolute difference"
  std::int64_t compared = 0, mismatches = 0;
  double max_difference = 0.0;  // NaN against a number counts as infinite

  // True if another model must have been computed: a difference without bound, or a tenth of the
  // bytes off by more than the one that a library's rounding may cost.
  [[nodiscard]] bool fails() const;
  bool operator==(const OutputCheck&) const = default;
};

// Counts elements that are not equal and finds the largest difference; adds to `check`. Both
// tensors have one type (float32, uint8, int8 or int32) and one shape.
void add_to_check(OutputCheck& check, const Tensor& got, const Tensor& expected);

// One timed run: seconds end to end, and the part spent on the device itself.
struct Sample {
  double total = 0.0, device = 0.0;
  bool operator==(const Sample&) const = default;
};

// Which of the first `count` samples is nearest to the median of all, end to end.
[[nodiscard]] std::size_t median_run(std::span<const Sample> samples, std::size_t count);

struct MeasureOptions {
  double seconds = 10.0;  // the samples add up to this at least
  std::int64_t warm_ups = 10;
  std::int64_t min_samples = 100;
  std::int64_t max_samples = 1'000'000;  // bounds the memory of very short runs
};

// A fast look: fewer warm-ups and samples than a full measurement, marked wherever it is shown.
[[nodiscard]] MeasureOptions quick_options(double seconds);

// Warm-ups, then samples until there are both enough of them and enough seconds. `run_batch(i)`
// does the i-th run.
[[nodiscard]] std::vector<Sample> measure(const std::function<Sample(std::int64_t)>& run_batch,
                                          const MeasureOptions& options);

// What one kernel or primitive took, median per batch.
struct LayerTime {
  std::string name;    // node of the model
  std::string op;      // row of compiler/ir/ops.def, or copy_in, copy_out
  std::string kernel;  // the library's or the kernel's own name
  std::string on;      // "device", "host" or "link"
  double seconds = 0.0;
  bool operator==(const LayerTime&) const = default;
};

struct Measurement {
  std::string target;                           // "cpu:host", "gpu:h100"
  std::string device;                           // its full name
  std::string driver;                           // of a GPU; of a CPU, the operating system's kernel
  std::vector<std::string> libraries;           // "oneDNN 2.6.3"
  std::map<std::string, std::string> settings;  // what else was set: pinning, clocks, cuda_graph
  std::string model, model_hash;                // the hash is empty for inline shapes
  std::int64_t batch = 1;
  std::string precision;  // fp32, tf32, fp16, bf16 or int8
  int threads = 0;        // 0: not a matter of threads
  std::string date;       // UTC, ISO 8601
  std::string command;
  std::int64_t warm_ups = 0;
  std::vector<Sample> samples;
  std::vector<LayerTime> layers;
  OutputCheck check;
  std::optional<double> accuracy;  // share of rows whose largest output is the label

  [[nodiscard]] Interval end_to_end() const;  // seconds per batch
  [[nodiscard]] Interval device_only() const;
  [[nodiscard]] std::vector<double> totals() const;  // end to end, in order
  // How far the samples end to end lie apart: the 90th less the 10th percentile, as a share of the
  // median.
  [[nodiscard]] double spread() const;
  // True unless it has 10 warm-ups and 100 samples that add up to 10 seconds.
  [[nodiscard]] bool quick() const;
  bool operator==(const Measurement&) const = default;
};

[[nodiscard]] nlohmann::ordered_json to_json(const OutputCheck& check);
[[nodiscard]] nlohmann::ordered_json to_json(const Interval& interval);
[[nodiscard]] nlohmann::ordered_json to_json(const Measurement& measurement);

// Throws InputError naming `where` and the key: another schema, a key that is missing or of another
// type, no samples, a time that is not a positive number or, of the device, longer than end to end,
// an accuracy above 1, more mismatches than were compared, a target that is no cpu: or gpu:.
[[nodiscard]] Measurement measurement_from_json(const nlohmann::ordered_json& json,
                                                const std::string& where);

// The measurements of a file (one object or an array of them), or of all *.json files of a folder
// in order of their names. Throws InputError as above.
[[nodiscard]] std::vector<Measurement> read_measurements(const std::string& path);
// The same with where it comes from.
struct MeasurementFile {
  std::string path;
  bool is_folder = false;
  std::vector<Measurement> measurements;
};
[[nodiscard]] MeasurementFile open_measurements(const std::string& path);

// What a comparison wants measured.
struct Work {
  std::string model, model_hash;
  std::vector<std::int64_t> batches;
  std::vector<std::string> precisions;
};
// Nothing if `m` measured that, else what differs: "model gemm:1,1,1, not mlp", "batch 3, not 1,
// 2".
[[nodiscard]] std::optional<std::string> difference(const Measurement& m, const Work& work);

// This host's processor: "model name" of /proc/cpuinfo, or "unknown processor".
[[nodiscard]] std::string cpu_name();
// Its operating system's kernel: "Linux 6.1.0-18-amd64".
[[nodiscard]] std::string kernel_name();
// Now, "2026-11-21T14:58:01Z".
[[nodiscard]] std::string utc_now();

}  // namespace systole::compare
