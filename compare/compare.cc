// Runs the rows of a comparison one after the other, never two at a time: simulated first, then the
// CPU by precision and thread count.
#include "compare/compare.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "compare/cpu_onednn.h"
#include "compiler/compile.h"
#include "compiler/passes/fuse_quantised.h"
#include "sim/run.h"

namespace systole::compare {
namespace {

using compiler::Graph;

constexpr std::int64_t kSteadyBatches = 10;   // batches over which the simulated increment is taken
constexpr std::int64_t kCheckedRows = 2'000;  // rows compared with the reference evaluator

// The inputs as whole batches of a graph's input.
class Batches {
 public:
  Batches(const Tensor& inputs, const Graph& graph) : inputs_(inputs) {
    const compiler::Value& input = graph.value(graph.inputs.at(0));
    Shape expected = input.shape;
    if (!expected.empty() && !inputs.shape.empty()) expected[0] = inputs.shape[0];
    rows_ = input.shape.empty() ? 1 : input.shape[0];
    if (inputs.type != input.type || inputs.shape != expected || inputs.bytes() == 0 ||
        rows_ == 0 || expected[0] % rows_ != 0) {
      throw InputError(
          input.name,
          fmt::format("inputs of {} {}", dtype_name(inputs.type), shape_text(inputs.shape)),
          fmt::format("whole batches of {} {}", dtype_name(input.type), shape_text(input.shape)));
    }
    shape_ = input.shape;
    count_ = expected[0] / rows_;
  }

  [[nodiscard]] std::int64_t rows() const { return rows_; }  // of one batch
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] std::int64_t checked() const {
    return std::clamp<std::int64_t>(kCheckedRows / rows_, 1, count_);
  }
  [[nodiscard]] std::span<const std::uint8_t> bytes(std::int64_t i) const {
    const auto size = inputs_.data.size() / static_cast<std::size_t>(count_);
    return std::span(inputs_.data).subspan(static_cast<std::size_t>(i % count_) * size, size);
  }
  [[nodiscard]] Tensor tensor(std::int64_t i) const {
    Tensor result(inputs_.type, shape_);
    std::ranges::copy(bytes(i), result.data.begin());
    return result;
  }

 private:
  const Tensor& inputs_;
  Shape shape_;
  std::int64_t rows_ = 1, count_ = 1;
};

template <typename T>
std::int64_t count_right(std::span<const T> outputs, std::span<const std::int64_t> labels) {
  const std::size_t classes = outputs.size() / labels.size();
  std::int64_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = outputs.subspan(i * classes, classes);
    right += std::ranges::max_element(row) - row.begin() == labels[i] ? 1 : 0;
  }
  return right;
}

// Rows of `outputs` whose largest element (the first of equals) stands at the label.
std::int64_t count_right(const Tensor& outputs, std::span<const std::int64_t> labels) {
  switch (outputs.type) {
    case DType::kUint8:
      return count_right(outputs.as<std::uint8_t>(), labels);
    case DType::kInt8:
      return count_right(outputs.as<std::int8_t>(), labels);
    case DType::kFloat32:
      return count_right(outputs.as<float>(), labels);
    default:
      throw InputError("labels", fmt::format("outputs of {}", dtype_name(outputs.type)),
                       "float32, uint8 or int8 outputs");
  }
}

std::string metric(DType type) { return type == DType::kFloat32 ? "absolute difference" : "bytes"; }

// The work of one comparison.
class Comparer {
 public:
  explicit Comparer(const CompareRequest& request)
      : request_(request),
        fused_(compiler::fuse_quantised(request.quantised)),
        batches_(request.inputs, fused_) {
    const std::int64_t rows = batches_.rows() * batches_.count();
    if (!request.labels.empty() && std::ssize(request.labels) != rows) {
      throw InputError("labels", fmt::format("{} labels", request.labels.size()),
                       fmt::format("one for each of {} rows", rows));
    }
  }

  Comparison run();

 private:
  void simulate();
  void measure_on(const Graph& graph, int threads);
  void check(CpuChain& chain, const Graph& graph, Row& row);
  sim::RunResult simulate(std::int64_t batches, bool values) const;
  void check_simulated(const Tensor& output, Row& row);
  void set_ratios();
  [[nodiscard]] std::span<const std::int64_t> labels(std::int64_t batch) const {
    const auto rows = static_cast<std::size_t>(batches_.rows());
    return std::span(request_.labels).subspan(static_cast<std::size_t>(batch) * rows, rows);
  }
  void say(const std::string& text) const {
    if (request_.progress) request_.progress(text);
  }
  void finish(Row& row) const {
    row.latency_seconds =
        row.interval ? row.interval->median : row.device_seconds + row.host_seconds;
    row.throughput = static_cast<double>(batches_.rows()) / row.latency_seconds;
  }

  const CompareRequest& request_;
  Graph fused_;
  Batches batches_;
  Comparison result_;
};

Comparison Comparer::run() {
  result_.model = request_.quantised.name;
  result_.model_hash = request_.float_graph ? request_.float_graph->hash : request_.quantised.hash;
  result_.machine = request_.machine.name;
  result_.device = cpu_name();
  result_.date = utc_now();
  result_.command = request_.command;
  result_.batch = batches_.rows();

  simulate();
  std::set<int> thread_counts{1, omp_get_num_procs()};
  for (const int threads : thread_counts) measure_on(fused_, threads);
  if (request_.float_graph) {
    [[maybe_unused]] const Batches fitting(request_.inputs, *request_.float_graph);  // or throws
    for (const int threads : thread_counts) measure_on(*request_.float_graph, threads);
  }
  set_ratios();
  result_.summary = summarise(result_);
  return std::move(result_);
}

// --- simulated ---

sim::RunResult Comparer::simulate(std::int64_t batches, bool values) const {
  compiler::CompileOptions compile;
  compile.batches = batches;
  compile.timing_only = !values;
  const isa::Program program = compiler::compile(request_.quantised, request_.machine, compile);
  std::map<std::string, Tensor> inputs;
  if (values) inputs.emplace(fused_.value(fused_.inputs[0]).name, request_.inputs);
  sim::RunOptions options;
  options.timing_only = !values;
  return sim::run(program, request_.machine, inputs, options);
}

void Comparer::simulate() {
  say(fmt::format("simulating {}", request_.machine.name));
  const sim::Report one = simulate(1, false).report;
  const sim::Report many = simulate(1 + kSteadyBatches, false).report;
  const auto values = simulate(batches_.count(), true);

  Row steady;
  steady.target = "tpu:" + request_.machine.name;
  steady.kind = "simulated";
  steady.precision = "int8";
  steady.scenario = "steady state";
  check_simulated(values.outputs.begin()->second, steady);
  Row first = steady;
  first.scenario = "first inference";

  const auto per_batch = static_cast<double>(kSteadyBatches);
  steady.device_seconds = (many.device_seconds - one.device_seconds) / per_batch;
  steady.host_seconds = (many.host_seconds - one.host_seconds) / per_batch;
  first.device_seconds = one.device_seconds;
  first.host_seconds = one.host_seconds;
  finish(steady);
  finish(first);
  result_.rows = {std::move(steady), std::move(first)};
}

void Comparer::check_simulated(const Tensor& output, Row& row) {
  row.check.reference = "reference evaluator";
  row.check.metric = metric(output.type);
  const auto size = output.data.size() / static_cast<std::size_t>(batches_.count());
  for (std::int64_t i = 0; i < batches_.checked(); ++i) {
    const Tensor expected = compiler::evaluate(fused_, {batches_.tensor(i)})[0];
    Tensor got(expected.type, expected.shape);
    std::copy_n(output.data.begin() + static_cast<std::ptrdiff_t>(i) * std::ssize(got.data), size,
                got.data.begin());
    add_to_check(row.check, got, expected);
  }
  if (request_.labels.empty()) return;
  row.accuracy = static_cast<double>(count_right(output, request_.labels)) /
                 static_cast<double>(request_.labels.size());
}

// --- measured ---

void Comparer::measure_on(const Graph& graph, int threads) {
  CpuChain chain(graph, threads);
  say(fmt::format("measuring {} on {} thread{} of this CPU", chain.precision(), threads,
                  threads == 1 ? "" : "s"));
  Row row;
  row.target = "cpu:host";
  row.kind = "measured";
  row.scenario = "steady state";
  row.precision = chain.precision();
  row.threads = threads;
  check(chain, graph, row);

  const compiler::Value& output = graph.value(graph.outputs[0]);
  Tensor results(output.type, output.shape);
  const MeasureOptions options = quick_options(request_.seconds);
  Measurement m;
  m.samples = measure(
      [&](std::int64_t i) {
        const CpuTiming timing = chain.run(batches_.bytes(i), results.data);
        return Sample{timing.total, timing.device};
      },
      options);
  m.target = row.target;
  m.model = result_.model;
  m.model_hash = result_.model_hash;
  m.batch = result_.batch;
  m.precision = row.precision;
  m.threads = threads;
  m.device = result_.device;
  m.libraries = {onednn_version()};
  m.driver = kernel_name();
  m.settings = {{"kernels", chain.kernels()}, {"pinning", "none"}};
  m.date = utc_now();
  m.command = request_.command;
  m.warm_ups = options.warm_ups;
  m.check = row.check;

  row.interval = m.end_to_end();
  row.device_seconds = m.device_only().median;
  row.host_seconds = row.interval->median - row.device_seconds;
  finish(row);
  result_.rows.push_back(std::move(row));
  result_.measurements.push_back(std::move(m));
}

// Integer chains are compared where they leave the device (the last multiplication's bytes), float
// chains at the graph's output.
void Comparer::check(CpuChain& chain, const Graph& graph, Row& row) {
  const bool integer = row.precision == "int8";
  const compiler::ValueId wanted = integer ? chain.last_matmul() : graph.outputs[0];
  row.check.reference = "reference evaluator";
  row.check.metric = metric(graph.value(wanted).type);
  std::int64_t right = 0;
  const std::int64_t count = request_.labels.empty() ? batches_.checked() : batches_.count();
  for (std::int64_t i = 0; i < count; ++i) {
    const auto got = chain.compute(batches_.bytes(i));
    if (!request_.labels.empty()) right += count_right(got.output, labels(i));
    if (i >= batches_.checked()) continue;
    const Tensor expected = compiler::evaluate(graph, {batches_.tensor(i)}, {wanted})[0];
    add_to_check(row.check, integer ? got.last_matmul : got.output, expected);
  }
  if (request_.labels.empty()) return;
  row.accuracy = static_cast<double>(right) / static_cast<double>(request_.labels.size());
}

// --- ratios ---

// True if both rows keep 99 % of the fp32 accuracy on labelled data.
bool both_keep_accuracy(const Row& a, const Row& b, std::optional<double> fp32) {
  return fp32 && a.accuracy && b.accuracy && *a.accuracy >= 0.99 * *fp32 &&
         *b.accuracy >= 0.99 * *fp32;
}

void Comparer::set_ratios() {
  std::optional<double> fp32;
  for (const Row& row : result_.rows) {
    if (row.precision == "fp32") fp32 = row.accuracy;
  }
  const Row base = result_.rows.front();
  for (Row& row : result_.rows) {
    const bool fair = row.precision == base.precision || both_keep_accuracy(row, base, fp32);
    if (row.scenario == base.scenario && fair) {
      row.ratio = row.latency_seconds / base.latency_seconds;
    }
  }
}

}  // namespace

Comparison compare_model(const CompareRequest& request) { return Comparer(request).run(); }

}  // namespace systole::compare
