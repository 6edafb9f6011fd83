// Whole models: check, samples with and without a CUDA graph, then a few traced runs for the times
// of the kernels.
#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "compare/targets/gpu/measure.h"
#include "compare/targets/gpu/model.h"

namespace systole::compare::gpu {
namespace {

constexpr int kTracedRuns = 11;  // an odd number has a median

// The inputs in pinned memory, batch by batch, and room for one output.
class Batches {
 public:
  Batches(Backend& backend, const Tensor& inputs, std::int64_t input_bytes,
          std::int64_t output_bytes)
      : input_bytes_(static_cast<std::size_t>(input_bytes)),
        output_bytes_(static_cast<std::size_t>(output_bytes)),
        inputs_(backend.allocate_host(std::max<std::size_t>(1, inputs.data.size()))),
        output_(backend.allocate_host(std::max<std::size_t>(1, output_bytes_))),
        count_(input_bytes == 0 ? 1 : inputs.bytes() / input_bytes) {
    std::ranges::copy(inputs.data, static_cast<std::uint8_t*>(inputs_.get()));
  }
  [[nodiscard]] std::span<const std::uint8_t> input(std::int64_t i) const {
    const auto* first = static_cast<const std::uint8_t*>(inputs_.get());
    return {first + static_cast<std::size_t>(i % count_) * input_bytes_, input_bytes_};
  }
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::span<std::uint8_t> output() const {
    return {static_cast<std::uint8_t*>(output_.get()), output_bytes_};
  }

 private:
  std::size_t input_bytes_, output_bytes_;
  Memory inputs_, output_;
  std::int64_t count_;
};

std::int64_t bytes_of(const compiler::Value& v) {
  return element_count(v.shape, v.name) * dtype_bytes(v.type);
}

OutputCheck check(Model& model, const Batches& batches, const std::vector<Tensor>& expected) {
  OutputCheck check;
  check.reference = "reference evaluator";
  check.metric = expected.at(0).type == DType::kFloat32 ? "absolute difference" : "bytes";
  for (std::size_t i = 0; i < expected.size(); ++i) {
    std::ranges::fill(batches.output(), std::uint8_t{0xA5});  // what is not written shows
    model.run(batches.input(static_cast<std::int64_t>(i)), batches.output(), false);
    Tensor got(expected[i].type, expected[i].shape);
    std::ranges::copy(batches.output(), got.data.begin());
    add_to_check(check, got, expected[i]);
  }
  return check;
}

template <typename T>
std::int64_t right_rows(std::span<const T> outputs, std::span<const std::int64_t> labels) {
  const std::size_t classes = outputs.size() / labels.size();
  std::int64_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = outputs.subspan(i * classes, classes);
    right += std::ranges::max_element(row) - row.begin() == labels[i] ? 1 : 0;
  }
  return right;
}

// Rows whose largest output (the first of equals) stands at the label.
std::int64_t right_rows(const Tensor& t, std::span<const std::int64_t> labels) {
  if (t.type == DType::kFloat32) return right_rows(t.as<float>(), labels);
  if (t.type == DType::kUint8) return right_rows(t.as<std::uint8_t>(), labels);
  if (t.type == DType::kInt8) return right_rows(t.as<std::int8_t>(), labels);
  throw InputError("labels", fmt::format("outputs of {}", dtype_name(t.type)),
                   "float32, uint8 or int8 outputs");
}

std::optional<double> accuracy(Model& model, const Batches& batches, const Tensor& like,
                               std::span<const std::int64_t> labels) {
  if (labels.empty()) return std::nullopt;
  Tensor output(like.type, like.shape);
  const auto rows = labels.size() / static_cast<std::size_t>(batches.count());
  std::int64_t right = 0;
  for (std::int64_t i = 0; i < batches.count(); ++i) {
    model.run(batches.input(i), batches.output(), false);
    std::ranges::copy(batches.output(), output.data.begin());
    right += right_rows(output, labels.subspan(static_cast<std::size_t>(i) * rows, rows));
  }
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

std::string layer_of(const Activity& activity, const std::vector<Step>& steps) {
  if (activity.mark < 0) return "(none)";
  return steps.at(static_cast<std::size_t>(activity.mark)).name;
}

void write_trace(const OpenSink& open, const Measurement& m,
                 const std::vector<Activity>& activities, const std::vector<Step>& steps) {
  constexpr std::int64_t kNanosecond = 1'000'000'000;
  const auto sink = open(
      {.model = m.model, .machine = m.device + ", " + m.precision, .clock_hertz = kNanosecond});
  std::int64_t end = 0;
  for (const Activity& a : activities) {
    sink->slice({.track = a.track,
                 .name = a.kernel,
                 .cls = "busy",
                 .layer = layer_of(a, steps),
                 .begin = CyclePoint(a.begin),
                 .end = CyclePoint(a.end),
                 .bytes = a.bytes});
    end = std::max(end, a.end);
  }
  sink->finish(CycleCount(end));
}

// The run of the median length.
const std::vector<Activity>& typical_run(const std::vector<std::vector<Activity>>& runs) {
  std::vector<Sample> samples;
  for (const std::vector<Activity>& run : runs) {
    std::int64_t end = 0;
    for (const Activity& activity : run) end = std::max(end, activity.end);
    samples.push_back({.total = static_cast<double>(end)});
  }
  return runs[median_run(samples, runs.size())];
}

// The median time of each activity over runs that did the same.
std::vector<LayerTime> layer_times(const std::vector<std::vector<Activity>>& runs,
                                   const std::vector<Step>& steps) {
  std::vector<LayerTime> layers;
  for (std::size_t i = 0; i < runs.front().size(); ++i) {
    const Activity& first = runs.front()[i];
    std::vector<double> seconds;
    for (const auto& run : runs) {
      if (run.size() != runs.front().size()) continue;
      seconds.push_back(static_cast<double>(run[i].end - run[i].begin) * 1e-9);
    }
    const bool link = first.track != "gpu";
    const auto step = static_cast<std::size_t>(first.mark);
    layers.push_back({.name = layer_of(first, steps),
                      .op = link             ? first.track
                            : first.mark < 0 ? "(none)"
                                             : steps.at(step).op,
                      .kernel = first.kernel,
                      .on = link ? "link" : "device",
                      .seconds = median_interval(seconds).median});
  }
  return layers;
}

std::vector<std::vector<Activity>> traced_runs(Backend& backend, Model& model,
                                               const Batches& batches) {
  std::vector<std::vector<Activity>> runs;
  for (int i = 0; i < kTracedRuns; ++i) {
    backend.start_trace();
    model.run(batches.input(i), batches.output(), false);
    runs.push_back(backend.finish_trace());
  }
  return runs;
}

}  // namespace

std::vector<Measurement> Measurer::model(const ModelJob& job, Math math) {
  const compiler::Graph& graph = *job.graph;
  say(fmt::format("{} in {}: choosing algorithms", job.model, info(math).name));
  Model model(graph, math, backend_);
  const compiler::Value& in = graph.value(graph.inputs[0]);
  const Batches batches(backend_, *job.inputs, bytes_of(in),
                        bytes_of(graph.value(graph.outputs[0])));

  Measurement m = blank(job.model, math);
  m.model_hash = job.model_hash;
  m.batch = in.shape.empty() ? 1 : in.shape[0];
  m.check = check(model, batches, *job.expected);
  m.accuracy = accuracy(model, batches, job.expected->front(), job.labels);
  std::vector<Measurement> result;
  for (const bool recorded : {false, true}) {
    if (recorded && !model.no_recording().empty()) {
      say(fmt::format("no CUDA graph: {}", model.no_recording()));
      continue;
    }
    say(fmt::format("{} in {}: measuring {} a CUDA graph", job.model, info(math).name,
                    recorded ? "as" : "without"));
    m.settings["cuda_graph"] = recorded ? "on" : "off";
    sample(m,
           [&](std::int64_t i) { return model.run(batches.input(i), batches.output(), recorded); });
    result.push_back(m);
  }
  try {  // last, as what CUPTI needs for its records slows later launches
    const auto runs = traced_runs(backend_, model, batches);
    for (Measurement& each : result) each.layers = layer_times(runs, model.steps());
    if (job.trace) write_trace(job.trace, m, typical_run(runs), model.steps());
  } catch (const DeviceError& error) {  // reading a device's records may need a right
    if (job.trace) throw;
    say(fmt::format("no times of kernels: {}", error.what()));
  }
  return result;
}

std::vector<Tensor> expected_outputs(const compiler::Graph& graph, const Tensor& inputs,
                                     std::int64_t batches) {
  const compiler::Value& in = graph.value(graph.inputs.at(0));
  std::vector<Tensor> expected;
  for (std::int64_t i = 0; i < batches; ++i) {
    Tensor batch(in.type, in.shape);
    std::copy_n(inputs.data.begin() + static_cast<std::ptrdiff_t>(i) * std::ssize(batch.data),
                batch.data.size(), batch.data.begin());
    expected.push_back(compiler::evaluate(graph, {batch})[0]);
  }
  return expected;
}

}  // namespace systole::compare::gpu
