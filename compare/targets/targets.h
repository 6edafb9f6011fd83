// Targets: what turns a workload into points of a comparison, one function per kind of target. Each
// appends to the comparison's series, or says in `absent` why it cannot.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/comparison/comparison.h"
#include "compare/model/device_model.h"
#include "compare/targets/workload.h"
#include "isa/machine.h"
#include "traces/sinks/sink.h"

namespace systole::compare {

// The precisions that are known, integers first.
inline constexpr std::string_view kPrecisions[] = {"int8", "fp32", "tf32", "bf16", "fp16"};

// What the targets of one comparison share.
struct TargetContext {
  Comparison& result;
  std::vector<std::string> precisions;
  MeasureOptions measure;
  bool what_if = true;  // whether what bounds a machine is found by running again
  std::function<void(const std::string&)> progress;  // told what is being done; may be empty

  void say(const std::string& text) const {
    if (progress) progress(text);
  }
  // The series with these names, made if there is none.
  [[nodiscard]] Series& series(const Series& names) const;
  // Says once that there is none.
  void absent(const std::string& target, const std::string& precision,
              const std::string& reason) const;
  // Says once what a reader of the rows should know.
  void note(const std::string& text) const;
  [[nodiscard]] bool wants(std::string_view precision) const;
};

// tpu:<machine>: cycles of the workload's program, steady state and first batch; values are checked
// against the reference evaluator with `values`.
void simulate_target(const TargetContext& context, const isa::Machine& machine, Workload& workload,
                     bool values);

// cpu:host: oneDNN or XNNPACK (host_isa.h) in every wanted precision, on one thread and on all.
void measure_host(const TargetContext& context, Workload& workload);

// One setting of cpu:host: the measurement, every sample kept. With `trace`, the run that took the
// median time, or came next to it, is written to it, a cycle being a nanosecond. Throws InputError,
// before any time is taken, for a model that the library cannot do or does wrong.
struct HostSetting {
  std::string precision;
  int threads = 1;
};
[[nodiscard]] Measurement measure_host_once(Workload& workload, const HostSetting& setting,
                                            const MeasureOptions& options, traces::Sink* trace);

// cpu:onnxruntime: a model file on ONNX Runtime's node package.
struct OnnxRuntime {
  std::string script;  // compare/targets/onnxruntime.js
  std::string
      packages;  // folder that holds onnxruntime-node; empty: NODE_PATH and node's own places
  std::string integer_file, float_file;  // .onnx files; empty: there is none
};
void measure_onnxruntime(const TargetContext& context, const OnnxRuntime& runtime,
                         Workload& workload);

// gpu:<device> and cpu:<device> by the device model.
void model_target(const TargetContext& context, const Device& device, const Workload& workload);

// Throws InputError if nothing of a single file measures `work`: all is of another model, batch or
// precision.
void require_work(const MeasurementFile& file, const Work& work);
// Points from a measurement file of this model; those of other models, batches or precisions in a
// folder are counted in a note.
void add_measurements(const TargetContext& context, const MeasurementFile& file, const Work& work);

// paper:<name>: published figures of this model, by its inline text. False if there are none by
// that name for any model.
bool add_published(const TargetContext& context, const std::string& target,
                   const std::string& model);
[[nodiscard]] std::vector<std::string> published_targets();

// A measurement as a point, without its series.
[[nodiscard]] Point point_of(const Measurement& measurement);
// Adds a measurement and its point to the series that its names give.
void add_measurement(const TargetContext& context, Measurement measurement, Series names);

// What this host reaches: operations a second of square products in a precision (int8, fp32, bf16)
// on `threads`, and bytes a second of reading 64 MiB. Measured once and kept.
[[nodiscard]] double host_peak(const std::string& precision, int threads);
[[nodiscard]] double host_bandwidth(int threads);

// This host as a device of the model, its four figures still to be fitted: peaks and bandwidths as
// measured above, the last cache as the operating system reports it.
[[nodiscard]] Device host_device(const std::string& precision, int threads);

// Seconds of one product on this host, the least of several runs: what the load of the moment adds
// is no matter of the model.
[[nodiscard]] double host_product_seconds(const Product& product, const HostSetting& setting);

}  // namespace systole::compare
