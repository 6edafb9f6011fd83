// systole measure cpu: a model on this computer's oneDNN, every sample kept.
#include "cli/measure_cpu.h"

#include <fmt/core.h>
#include <omp.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "cli/compare_source.h"
#include "cli/terminal.h"
#include "compare/summary.h"
#include "compare/targets.h"
#include "traces/open.h"

namespace systole::cli {
namespace {

struct Options {
  SourceOptions source;
  std::string output, trace;
  std::vector<int> threads;
  double seconds = compare::MeasureOptions{}.seconds;
  bool json = false;
};

std::vector<std::string> precisions_of(const Options& o, const compare::Workload& workload) {
  if (!o.source.precisions.empty()) return o.source.precisions;
  std::vector<std::string> all;
  for (const char* precision : {"int8", "fp32", "bf16"}) {
    if (workload.graph(precision) != nullptr) all.emplace_back(precision);
  }
  return all;
}

void require_graph(const compare::Workload& workload, const std::string& precision) {
  const bool known = precision == "int8" || precision == "fp32" || precision == "bf16";
  if (known && workload.graph(precision) != nullptr) return;
  throw InputError("--precision " + precision,
                   known ? "the model has no such form" : "oneDNN does not compute in it here",
                   "int8 of a quantised model (or --calibrate), fp32 or bf16");
}

// The model's own hash: the float file's, if it was quantised on the way.
std::string hash_of(const compare::Workload& workload) {
  return workload.has_float_model() ? workload.graph("fp32")->hash : workload.loaded().hash;
}

std::string line_of(const compare::Measurement& m) {
  const compare::Interval total = m.end_to_end();
  return fmt::format(
      "{:<5} {:>2} thread{} batch {:>5}: {:>9} ({} to {}), device {:>9}, {} samples{}\n",
      m.precision, m.threads, m.threads == 1 ? " " : "s", m.batch, compare::time_text(total.median),
      compare::time_text(total.low), compare::time_text(total.high),
      compare::time_text(m.device_only().median), m.samples.size(), m.quick() ? " (quick)" : "");
}

// All settings of one batch size; the first of all is traced.
void measure_batch(const Options& o, compare::Workload& workload,
                   std::unique_ptr<traces::Sink>& trace, const std::string& command_line,
                   std::vector<compare::Measurement>& all) {
  compare::MeasureOptions options;
  if (o.seconds < options.seconds) options = compare::quick_options(o.seconds);
  options.seconds = o.seconds;
  std::set<int> threads(o.threads.begin(), o.threads.end());
  if (threads.empty()) threads = {1, omp_get_num_procs()};
  for (const std::string& precision : precisions_of(o, workload)) {
    require_graph(workload, precision);
    for (const int count : threads) {
      compare::Measurement m =
          compare::measure_host_once(workload, {precision, count}, options, trace.get());
      trace.reset();
      m.model = workload.loaded().name;
      m.model_hash = hash_of(workload);
      m.command = command_line;
      if (!o.json) fmt::print("{}", line_of(m));
      all.push_back(std::move(m));
    }
  }
}

void measure(const Options& o, const std::string& command_line) {
  std::optional<AtomicFile> file;
  if (!o.output.empty()) file.emplace(o.output);
  std::unique_ptr<traces::Sink> trace;
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  if (!o.trace.empty()) {
    trace = traces::open_sink(
        o.trace,
        {.model = o.source.model, .machine = compare::cpu_name(), .clock_hertz = kNanoseconds});
  }
  ModelSource model(o.source);
  const compare::Source source = model.source();
  std::vector<compare::Measurement> all;
  for (const std::int64_t batch : model.batches()) {
    compare::Workload workload(source, batch);
    measure_batch(o, workload, trace, command_line, all);
  }
  auto json = nlohmann::ordered_json::array();
  for (const compare::Measurement& m : all) json.push_back(compare::to_json(m));
  using Json = nlohmann::ordered_json;
  const std::string text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  if (file) {
    file->stream() << text;
    file->commit();
  }
  if (o.json) fmt::print("{}", text);
}

}  // namespace

void add_measure_cpu(CLI::App& measure_command, const std::string& command_line) {
  CLI::App* command =
      measure_command.add_subcommand("cpu", "measures a model on this computer's CPU with oneDNN");
  const auto o = std::make_shared<Options>();
  add_source_options(*command, o->source);
  command->add_option("-o,--output", o->output, "measurement file to write")->type_name("FILE");
  command->add_option("--trace", o->trace, "writes one run as a timeline: .json (Perfetto) or .csv")
      ->type_name("FILE");
  command->add_option("--threads", o->threads, "threads; may be repeated; default 1 and all")
      ->allow_extra_args(false)
      ->check(CLI::Range(1, 4096))
      ->type_name("N");
  command
      ->add_option("--seconds", o->seconds,
                   "samples of each setting add up to this; below 10 they are marked quick")
      ->check(CLI::Range(0.01, 3600.0))
      ->type_name("S");
  command->add_flag("--json", o->json, "prints the measurements as JSON");
  command->footer(
      "Example:\n  systole measure cpu models/fashion_mlp.onnx --batch 64 -o mlp_cpu.json");
  command->callback([o, command_line] { measure(*o, command_line); });
}

}  // namespace systole::cli
