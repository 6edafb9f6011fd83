// systole measure gpu: a model, a matrix product, the sweep of products or a micro-benchmark on
// this computer's GPU, written as measurement files (docs/comparison.md).
#include "cli/measure_gpu.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/clean.h"
#include "base/files.h"
#include "base/json_text.h"
#include "base/outputs.h"
#include "base/terminal.h"
#include "cli/batches.h"
#include "cli/calibrate.h"
#include "cli/model_name.h"
#include "cli/model_options.h"
#include "cli/numbers.h"
#include "cli/trace_options.h"
#include "compare/comparison/summary.h"
#include "compare/model/work.h"
#include "compare/targets/gpu/measure.h"
#include "compare/targets/gpu/module.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "traces/sinks/open.h"

namespace systole::cli {
namespace {

using compare::Measurement;
using compare::gpu::Math;
using compare::gpu::Measurer;
using compiler::Graph;

struct Options {
  std::string model, output, csv, trace, labels;
  std::vector<std::string> inputs, precisions, calibrate;
  ShapeOptions shapes;
  double seconds = compare::MeasureOptions{}.seconds;
  int device = 0;
  bool json = false;
};

// What follows a prefix, if the model has it.
std::optional<std::string> after(const std::string& model, const std::string& prefix) {
  if (!model.starts_with(prefix)) return std::nullopt;
  return model.substr(prefix.size());
}

std::int64_t number_of(const std::string& model, const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [next, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || next != end)
    throw InputError(model, "no number", "vadd:N or launch:N");
  return value;
}

std::vector<Math> maths_of(const Options& o, const std::vector<std::string>& usual) {
  std::vector<Math> maths;
  for (const std::string& name : o.precisions.empty() ? usual : o.precisions) {
    maths.push_back(compare::gpu::math_named(name));
  }
  return maths;
}

const std::vector<std::string> kFloats = {"fp32", "tf32", "fp16", "bf16"};

// --- products ---

std::vector<Measurement> measure_product(const Options& o, Measurer& measurer, Math math) {
  const std::string sizes = o.model.substr(o.model.find(':') + 1);
  const auto product = compare::gpu::products_in("m,k,n\n" + sizes, o.model).at(0);
  std::vector<Measurement> result = {measurer.product(product, math, Measurer::Kernel::kLibrary)};
  if (math != Math::kFp32) return result;
  result.push_back(measurer.product(product, math, Measurer::Kernel::kNaive));
  result.push_back(measurer.product(product, math, Measurer::Kernel::kTiled));
  return result;
}

// The shapes of the sweep: a file with columns m, n and k, or any model's layers.
std::vector<Measurer::Product> sweep_shapes(const Options& o, const std::string& source) {
  compiler::LoadOptions load = load_options(o.shapes);
  if (compiler::is_topology(source)) {
    const std::vector<std::uint8_t> bytes = read_file(source);
    const std::string text(bytes.begin(), bytes.end());
    if (text.find("m,n,k") != std::string::npos) return compare::gpu::products_in(text, source);
  }
  load.structure_only = true;
  return compare::gpu::products_of(compiler::load_model(source, load));
}

std::vector<Measurement> measure_sweep(const Options& o, Measurer& measurer,
                                       const std::string& source) {
  std::vector<std::string> all = kFloats;
  all.emplace_back("int8");
  std::vector<Measurement> result;
  for (const Math math : maths_of(o, all)) {
    for (const Measurer::Product& product : sweep_shapes(o, source)) {
      result.push_back(measurer.product(product, math, Measurer::Kernel::kLibrary));
    }
  }
  return result;
}

// --- whole models ---

bool is_quantised(const Graph& graph) {
  return std::ranges::any_of(graph.nodes, [&](const compiler::Node& node) {
    const bool product =
        node.kind == compiler::OpKind::kMatmul || node.kind == compiler::OpKind::kConv;
    return product && graph.value(node.inputs.at(0)).type != DType::kFloat32;
  });
}

// How many batches the evaluator can check in a bearable time.
std::int64_t checked_batches(const Graph& graph, std::int64_t rows) {
  constexpr std::int64_t kRows = 2'000;
  constexpr std::int64_t kMacs = 20'000'000'000;
  const compare::ModelWork work = compare::model_work(graph);
  const std::int64_t by_macs = kMacs / std::max<std::int64_t>(1, work.macs());
  return std::clamp<std::int64_t>(std::min(kRows / work.batch, by_macs), 1, rows / work.batch);
}

// One graph, its inputs and what they should give.
struct Prepared {
  explicit Prepared(const Options& o, Graph g)
      : graph(std::move(g)), data(read_batches(o.model, o.inputs, o.labels, graph)) {
    const std::int64_t rows = data.inputs.shape.empty() ? 1 : data.inputs.shape.front();
    expected = compare::gpu::expected_outputs(graph, data.inputs, checked_batches(graph, rows));
  }
  Graph graph;
  BatchData data;
  std::vector<Tensor> expected;
};

std::vector<Measurement> measure_model(const Options& o, Measurer& measurer,
                                       const compare::gpu::OpenSink& trace) {
  const compiler::LoadOptions load = load_options(o.shapes);
  Graph loaded = compiler::fuse_quantised(read_model(o.model, load));
  const std::string hash = loaded.hash;
  const bool quantised = is_quantised(loaded);
  std::vector<std::string> usual = quantised ? std::vector<std::string>{"int8"} : kFloats;
  if (!o.calibrate.empty()) usual.emplace_back("int8");
  const std::vector<Math> maths = maths_of(o, usual);
  if (!o.trace.empty() && maths.size() != 1) {
    throw InputError("--trace", fmt::format("{} precisions", maths.size()), "one, by --precision");
  }
  const bool inline_shape = hash.empty();
  const std::string name = inline_shape ? o.model : std::filesystem::path(o.model).stem().string();
  std::unique_ptr<Prepared> as_loaded;
  std::unique_ptr<Prepared> calibrated;
  std::vector<Measurement> result;
  for (const Math math : maths) {
    const bool integers = math == Math::kInt8;
    if (!integers && quantised) {
      throw InputError(o.model, "is quantised", "--precision int8, or a float model");
    }
    if (integers && !quantised && o.calibrate.empty()) {
      throw InputError(o.model, "is a float model", "--calibrate DATA for --precision int8");
    }
    auto& prepared = integers && !quantised ? calibrated : as_loaded;
    if (!prepared) {
      prepared = std::make_unique<Prepared>(
          o, integers && !quantised
                 ? compiler::fuse_quantised(load_quantised(o.model, o.calibrate, load))
                 : loaded);
    }
    const auto measured = measurer.model({.model = name,
                                          .model_hash = hash,
                                          .graph = &prepared->graph,
                                          .inputs = &prepared->data.inputs,
                                          .expected = &prepared->expected,
                                          .labels = prepared->data.labels,
                                          .trace = trace},
                                         math);
    result.insert(result.end(), measured.begin(), measured.end());
  }
  return result;
}

// Before the device is opened: whether MODEL is one at all.
void check_model(const Options& o) {
  for (const char* prefix : {"vadd:", "launch:"}) {
    if (const auto count = after(o.model, prefix)) {
      number_of(o.model, *count);
      return;
    }
  }
  if (const auto source = after(o.model, "gemms:")) {
    static_cast<void>(sweep_shapes(o, *source));
    return;
  }
  compiler::LoadOptions load = load_options(o.shapes);
  load.structure_only = true;
  static_cast<void>(read_model(o.model, load));
}

// Products in floats are measured kernel by kernel, not as a model.
bool is_product(const Options& o) {
  const bool floats = std::ranges::find(o.precisions, "int8") == o.precisions.end();
  return o.model.starts_with("gemm:") && floats;
}

bool is_whole_model(const Options& o) {
  const auto starts = [&](const char* prefix) { return o.model.starts_with(prefix); };
  return !starts("vadd:") && !starts("launch:") && !starts("gemms:") && !is_product(o);
}

std::vector<Measurement> measure_any(const Options& o, Measurer& measurer,
                                     const compare::gpu::OpenSink& trace) {
  if (const auto count = after(o.model, "vadd:")) {
    return {measurer.vector_add(number_of(o.model, *count))};
  }
  if (const auto count = after(o.model, "launch:")) {
    return measurer.launches(number_of(o.model, *count));
  }
  if (const auto source = after(o.model, "gemms:")) return measure_sweep(o, measurer, *source);
  if (!is_product(o)) return measure_model(o, measurer, trace);
  std::vector<Measurement> result;
  for (const Math math : maths_of(o, kFloats)) {
    const auto measured = measure_product(o, measurer, math);
    result.insert(result.end(), measured.begin(), measured.end());
  }
  return result;
}

std::vector<Measurement> measure(const Options& o, Measurer& measurer,
                                 const compare::gpu::OpenSink& trace) {
  const Progress progress("measuring");
  try {
    return measure_any(o, measurer, trace);
  } catch (const compare::gpu::DeviceError& error) {
    throw InputError(o.model, error.what(), "another shape, batch or precision");
  }
}

// --- output ---

void print_table(const std::vector<Measurement>& measurements) {
  fmt::print("{:<28} {:>6} {:<5} {:>12} {:>12} {:>10}\n    setting\n", "model", "batch", "type",
             "latency", "device", "difference");
  for (const Measurement& m : measurements) {
    const auto setting = [&](const char* key) {
      const auto found = m.settings.find(key);
      return found == m.settings.end() ? std::string() : fmt::format("{} {}", key, found->second);
    };
    constexpr double kMicroseconds = 1e6;
    fmt::print("{:<28} {:>6} {:<5} {:>9.2f} us {:>9.2f} us {:>10.2g}\n", clean(m.model), m.batch,
               m.precision, m.end_to_end().median * kMicroseconds,
               m.device_only().median * kMicroseconds, m.check.max_difference);
    const std::string more = setting("kernel") + setting("cuda_graph") + compare::remarks(m);
    if (!more.empty()) fmt::print("    {}\n", more);
  }
}

void measure_gpu(const Options& o, const std::string& command_line) {
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  AtomicFile* csv = outputs.file("--csv", o.csv);
  compare::gpu::OpenSink open_trace;
  if (AtomicFile* trace = outputs.file("--trace", o.trace)) {
    traces::check_trace(o.trace, {});
    open_trace = [&o, trace](const traces::TraceInfo& info) {
      return traces::open_sink(o.trace, trace->stream(), info);
    };
  }
  static_cast<void>(maths_of(o, {}));  // names are checked before the device is
  if (!o.csv.empty() && (!o.model.starts_with("gemms:") || o.precisions.size() != 1)) {
    throw InputError("--csv", "is for a sweep in one precision", "gemms:SOURCE --precision P");
  }
  if (!o.trace.empty() && !is_whole_model(o)) {
    throw InputError("--trace", "is of a whole model's run", "a model, not single kernels");
  }
  check_model(o);
  const auto backend = compare::gpu::open_device(o.device);
  compare::MeasureOptions options;
  options.seconds = o.seconds;
  Measurer measurer(*backend, options, command_line, [](const std::string& text) { note(text); });
  const std::vector<Measurement> measurements = measure(o, measurer, open_trace);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Measurement& m : measurements) json.push_back(compare::to_json(m));
  const std::string text = json_text(json, 1);
  if (file != nullptr) file->write(text);
  if (csv != nullptr) {
    const Measurement& first = measurements.front();
    csv->write(compare::gpu::products_csv(
        measurements,
        fmt::format("{}, {}, {}: {}", first.device, first.precision, first.date, first.command)));
  }
  outputs.commit();
  if (o.json) {
    fmt::print("{}", text);
  } else {
    print_table(measurements);
  }
}

}  // namespace

void add_measure_gpu(Command measure, const std::string& command_line) {
  Command command = measure.add_subcommand("gpu", "on this computer's GPU, by CUDA");
  const auto o = std::make_shared<Options>();
  command
      .add_option("MODEL", o->model,
                  fmt::format("{}; or gemms:SOURCE (every product of a model or of a file with "
                              "columns m,n,k), vadd:N, launch:N",
                              kModelHelp))
      .required();
  add_shape_options(command, o->shapes);
  command
      .add_option("--precision", o->precisions,
                  "fp32, tf32, fp16, bf16 or int8; default: all that the model allows")
      .type_name("P");
  command
      .add_option(
          "--input", o->inputs,
          "values of the input: .npy, IDX (.gz), ONNX .pb or random[:SEED]; default random:0")
      .type_name("FILE");
  command.add_option("--labels", o->labels, "IDX or .npy labels: adds accuracy").type_name("FILE");
  add_calibrate_option(command, o->calibrate);
  command.add_option("--seconds", o->seconds, "measuring time of each row; default 10")
      .check(real_within(0.001, 3600.0))
      .type_name("S");
  command.add_option("--device", o->device, "which GPU; default 0")
      .check(whole_within(0, 1023))
      .type_name("N");
  add_trace_option(command, o->trace, "one run's kernels and copies: ");
  command.add_option("-o,--output", o->output, "writes the measurements as JSON").type_name("FILE");
  command.add_option("--csv", o->csv, "of a sweep in one precision: m,n,k,tflops")
      .type_name("FILE");
  command.add_flag("--json", o->json, "prints the measurements as JSON");
  command.footer(
      "Example:\n  systole measure gpu mlp:784,512,10 --batch 64 -o mlp.json\n"
      "  systole measure gpu gemm:1024,1024,1024 --precision fp32\n"
      "  systole measure gpu gemms:resnet50 --precision bf16");
  command.callback([o, command_line] {
    const bool benchmark = after(o->model, "launch:") || after(o->model, "gemms:");
    if (!benchmark) o->model = resolve_model(o->model, "measure gpu", o->shapes);
    measure_gpu(*o, command_line);
  });
}

}  // namespace systole::cli
