// cpu:host: the workload on this computer, by precision and number of threads.
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <set>

#include "compare/targets/targets.h"

namespace systole::compare {
namespace {

constexpr std::int64_t kLayerSamples = 200;  // that the layers' medians are taken over

// The step times of the first samples; layer i's are in row i.
class LayerClock {
 public:
  explicit LayerClock(const CpuModel& model) : model_(model), seconds_(model.steps().size()) {}
  void take() {
    if (!seconds_.empty() && std::ssize(seconds_[0]) >= kLayerSamples) return;
    for (std::size_t i = 0; i < seconds_.size(); ++i) {
      seconds_[i].push_back(model_.steps()[i].seconds);
    }
  }
  // The step times of run `i`.
  [[nodiscard]] std::vector<double> run(std::size_t i) const {
    std::vector<double> seconds;
    for (const std::vector<double>& step : seconds_) seconds.push_back(step.at(i));
    return seconds;
  }
  [[nodiscard]] std::vector<LayerTime> layers() const {
    std::vector<LayerTime> all;
    for (std::size_t i = 0; i < seconds_.size(); ++i) {
      const CpuStep& step = model_.steps()[i];
      all.push_back({step.name, step.op, step.kernel, step.device ? "device" : "host",
                     median_interval(seconds_[i]).median});
    }
    return all;
  }

 private:
  const CpuModel& model_;
  std::vector<std::vector<double>> seconds_;
};

// A value of the model's first batch beside the evaluator's, or its first row where the evaluator
// takes too long for all.
void check_value(OutputCheck& check, const Tensor& got, Workload& workload,
                 const std::string& precision, compiler::ValueId id) {
  if (workload.can_check()) return add_to_check(check, got, workload.expected(precision, id));
  const std::optional<Tensor>& expected = workload.expected_of_first_row(precision, id);
  if (!expected) return;
  Tensor row(expected->type, expected->shape);
  std::copy_n(got.data.begin(), row.data.size(), row.data.begin());
  add_to_check(check, row, *expected);
  check.reference = "reference evaluator, of the first row";
}

// Integer models are compared where they leave the device (the last product's bytes), float models
// at their outputs.
OutputCheck check(const CpuModel& model, Workload& workload, const std::string& precision) {
  OutputCheck check;
  check.reference = "reference evaluator";
  const compiler::Graph& graph = *workload.graph(precision);
  if (precision == "int8" && model.last_product_value() != compiler::kNoValue) {
    check.metric = "bytes";
    check_value(check, model.last_product(), workload, precision, model.last_product_value());
    return check.compared > 0 ? check : OutputCheck{};
  }
  check.metric = precision == "int8" ? "bytes" : "absolute difference";
  const std::vector<Tensor> outputs = model.outputs();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check_value(check, outputs[i], workload, precision, graph.outputs[i]);
  }
  return check.compared > 0 ? check : OutputCheck{};
}

// Before any time is taken: a wrong result has none.
void refuse_if_wrong(const OutputCheck& check, const std::string& precision) {
  if (!check.fails()) return;
  throw InputError("cpu:host " + precision,
                   fmt::format("{} of {} outputs are wrong, by up to {:g}", check.mismatches,
                               check.compared, check.max_difference),
                   "those of the " + check.reference);
}

double accuracy(CpuModel& model, Workload& workload, const std::string& precision) {
  std::int64_t right = 0;
  const auto rows = static_cast<std::size_t>(workload.batch());
  for (std::int64_t i = 0; i < workload.input_batches(); ++i) {
    model.run(workload.input_bytes(precision, i));
    right += count_right(model.outputs()[0],
                         workload.labels().subspan(static_cast<std::size_t>(i) * rows, rows));
  }
  return static_cast<double>(right) / static_cast<double>(workload.labels().size());
}

// One run as a trace: a track for the device's work and one for the host's.
void write_trace(const CpuModel& model, const std::vector<double>& seconds, traces::Sink& sink) {
  constexpr double kNanosecond = 1e9;
  double clock = 0.0;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    const CpuStep& step = model.steps()[i];
    const CyclePoint begin(static_cast<std::int64_t>(clock * kNanosecond));
    clock += seconds[i];
    const CyclePoint end(static_cast<std::int64_t>(clock * kNanosecond));
    sink.slice({.track = step.device ? "cpu" : "host",
                .name = step.kernel,
                .cls = "busy",
                .layer = step.name,
                .begin = begin,
                .end = end});
  }
  sink.finish(CycleCount(static_cast<std::int64_t>(clock * kNanosecond)));
}

}  // namespace

Measurement measure_host_once(Workload& workload, const HostSetting& setting,
                              const MeasureOptions& options, traces::Sink* trace) {
  const compiler::Graph* graph = workload.graph(setting.precision);
  SYSTOLE_CHECK(graph != nullptr, "no graph for {}", setting.precision);
  CpuModel model(*graph, {.threads = setting.threads, .bf16 = setting.precision == "bf16"});
  Measurement m;
  model.run(workload.input_bytes(setting.precision, 0));
  m.check = check(model, workload, setting.precision);
  refuse_if_wrong(m.check, setting.precision);
  if (!workload.labels().empty()) m.accuracy = accuracy(model, workload, setting.precision);
  LayerClock clock(model);
  m.samples = measure(
      [&](std::int64_t i) {
        const CpuTiming timing = model.run(workload.input_bytes(setting.precision, i));
        if (i >= options.warm_ups) clock.take();
        return Sample{timing.total, timing.device};
      },
      options);
  if (trace != nullptr) {
    const std::size_t kept = std::min<std::size_t>(m.samples.size(), kLayerSamples);
    write_trace(model, clock.run(median_run(m.samples, kept)), *trace);
  }
  m.target = "cpu:host";
  m.device = cpu_name();
  m.driver = kernel_name();
  m.libraries = model.libraries();
  m.settings = {{"pinning", "none"}};
  m.model = graph->name;
  m.model_hash = graph->hash;
  m.batch = workload.batch();
  m.precision = setting.precision;
  m.threads = setting.threads;
  m.date = utc_now();
  m.warm_ups = options.warm_ups;
  m.layers = clock.layers();
  return m;
}

void measure_host(const TargetContext& context, Workload& workload) {
  const std::set<int> thread_counts{1, omp_get_num_procs()};
  for (const std::string& precision : context.precisions) {
    if (const auto reason = host_lacks(precision)) {
      context.absent("cpu:host", precision, *reason);
      continue;
    }
    if (workload.graph(precision) == nullptr) {
      context.absent("cpu:host", precision,
                     precision == "int8" ? "the model is float: --calibrate DATA quantises it"
                                         : "the model has no float form");
      continue;
    }
    for (const int threads : thread_counts) {
      context.say(fmt::format("measuring {} at batch {} on {} thread{} of this CPU", precision,
                              workload.batch(), threads, threads == 1 ? "" : "s"));
      try {
        Measurement m = measure_host_once(workload, {precision, threads}, context.measure, nullptr);
        m.model = context.result.model;
        m.model_hash = context.result.model_hash;
        m.command = context.result.command;
        Series names;
        names.peak = host_peak(precision, threads);
        names.bandwidth = host_bandwidth(threads);
        if (precision == "fp32" && m.accuracy && workload.has_float_model()) {
          context.result.float_accuracy = m.accuracy;
        }
        context.note(fmt::format("cpu:host {}: {}", precision, fmt::join(m.libraries, ", ")));
        add_measurement(context, std::move(m), names);
      } catch (const InputError& error) {
        context.absent("cpu:host", precision, error.what());
      }
    }
  }
}

}  // namespace systole::compare
