// systole measure cpu: a model on this computer's CPU, every sample kept. What cannot be had is
// said, and costs nothing of what was measured.
#include "cli/measure_cpu.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json_text.h"
#include "base/outputs.h"
#include "base/terminal.h"
#include "cli/compare_source.h"
#include "cli/numbers.h"
#include "cli/trace_options.h"
#include "compare/comparison/summary.h"
#include "compare/targets/host_isa.h"
#include "compare/targets/targets.h"
#include "traces/sinks/open.h"

namespace systole::cli {
namespace {

struct Options {
  SourceOptions source;
  std::string output, trace;
  std::vector<int> threads;
  double seconds = compare::MeasureOptions{}.seconds;
  bool json = false;
};

// What was asked for and cannot be had: said where it is found, and the rest goes on.
class Absences {
 public:
  explicit Absences(bool to_error) : to_(to_error ? stderr : stdout) {}

  void add(const std::string& what, const std::string& reason) {
    const std::string text = fmt::format("{}: none: {}", what, reason);
    if (std::ranges::find(said_, text) != said_.end()) return;
    said_.push_back(text);
    fmt::print(to_, "{}\n", text);
  }
  [[nodiscard]] std::string first() const { return said_.empty() ? "no batch" : said_.front(); }

 private:
  std::FILE* to_;
  std::vector<std::string> said_;
};

// The precisions to measure: those asked for, or all that the model has. Throws InputError, before
// anything is measured, for one that the model or every CPU lacks.
std::vector<std::string> precisions_of(const Options& o, const compare::Workload& workload) {
  std::vector<std::string> all = o.source.precisions;
  for (const char* precision : {"int8", "fp32", "bf16"}) {
    if (o.source.precisions.empty() && workload.graph(precision) != nullptr) {
      all.emplace_back(precision);
    }
  }
  for (const std::string& precision : all) {
    const bool known = precision == "int8" || precision == "fp32" || precision == "bf16";
    if (known && workload.graph(precision) != nullptr) continue;
    throw InputError("--precision " + precision,
                     known ? "the model has no such form" : "oneDNN does not compute in it here",
                     "int8 of a quantised model (or --calibrate), fp32 or bf16");
  }
  return all;
}

// The model's own hash: the float file's, if it was quantised on the way.
std::string hash_of(const compare::Workload& workload) {
  return workload.has_float_model() ? workload.graph("fp32")->hash : workload.loaded().hash;
}

// How the outputs agree with the reference, if that is not all of them.
std::string check_text(const compare::OutputCheck& check) {
  if (check.compared == 0) return ", outputs not checked";
  if (check.mismatches == 0 || check.metric != "bytes") return "";
  return fmt::format(", {} of {} bytes off by {:g} at most", check.mismatches, check.compared,
                     check.max_difference);
}

std::string line_of(const compare::Measurement& m) {
  const compare::Interval total = m.end_to_end();
  return fmt::format(
      "{:<5} {:>2} thread{} batch {:>5}: {:>9} ({} to {})\n"
      "    device {}, {} samples{}{}\n",
      m.precision, m.threads, m.threads == 1 ? " " : "s", m.batch, compare::time_text(total.median),
      compare::time_text(total.low), compare::time_text(total.high),
      compare::time_text(m.device_only().median), m.samples.size(), compare::remarks(m),
      check_text(m.check));
}

compare::MeasureOptions options_of(const Options& o) {
  compare::MeasureOptions options;
  if (o.seconds < options.seconds) options = compare::quick_options(o.seconds);
  options.seconds = o.seconds;
  return options;
}

// A run of the command: what was measured so far, and what is to be said of it.
struct Job {
  const Options& options;
  const std::string& command_line;
  Absences absent;
  std::unique_ptr<traces::Sink> trace;  // for the first setting that can be measured
  std::string libraries;                // as printed last
  std::vector<compare::Measurement> all;
};

void measure_setting(Job& job, compare::Workload& workload, const compare::HostSetting& setting) {
  std::optional<Progress> progress(
      fmt::format("measuring {} on {} threads", setting.precision, setting.threads));
  compare::Measurement m =
      compare::measure_host_once(workload, setting, options_of(job.options), job.trace.get());
  progress.reset();
  job.trace.reset();
  m.model = workload.loaded().name;
  m.model_hash = hash_of(workload);
  m.command = job.command_line;
  const std::string libraries =
      fmt::format("{} by {}\n", m.precision, fmt::join(m.libraries, ", "));
  if (!job.options.json && libraries != job.libraries) fmt::print("{}", libraries);
  job.libraries = libraries;
  if (!job.options.json) fmt::print("{}", line_of(m));
  job.all.push_back(std::move(m));
}

// All settings of one batch size.
void measure_batch(Job& job, compare::Workload& workload) {
  std::set<int> threads(job.options.threads.begin(), job.options.threads.end());
  if (threads.empty()) threads = {1, omp_get_num_procs()};
  for (const std::string& precision : precisions_of(job.options, workload)) {
    if (const auto reason = compare::host_lacks(precision)) {
      job.absent.add(precision, *reason);
      continue;
    }
    for (const int count : threads) {
      try {
        measure_setting(job, workload, {precision, count});
      } catch (const InputError& error) {
        job.absent.add(fmt::format("{} at batch {}", precision, workload.batch()), error.what());
        break;  // no other number of threads helps
      }
    }
  }
}

void measure(const Options& o, const std::string& command_line) {
  OutputSet outputs;
  AtomicFile* file = outputs.file("--output", o.output);
  std::unique_ptr<traces::Sink> trace;
  constexpr std::int64_t kNanoseconds = 1'000'000'000;
  if (!o.trace.empty()) {
    const traces::TraceInfo info{
        .model = o.source.model, .machine = compare::cpu_name(), .clock_hertz = kNanoseconds};
    traces::check_trace(o.trace, info);
    trace = traces::open_sink(o.trace, outputs.file("--trace", o.trace)->stream(), info);
  }
  ModelSource model(o.source);
  const compare::Source source = model.source();
  Job job{o, command_line, Absences(o.json), std::move(trace), {}, {}};
  for (const std::int64_t batch : model.batches()) {
    try {
      compare::Workload workload(source, batch);
      measure_batch(job, workload);
    } catch (const InputError& error) {
      if (job.all.empty()) throw;
      job.absent.add(fmt::format("batch {}", batch), error.what());
    }
  }
  if (job.all.empty()) {
    throw InputError("measure cpu", "measured nothing: " + job.absent.first(),
                     "a precision that the model and this host have");
  }
  auto json = nlohmann::ordered_json::array();
  for (const compare::Measurement& m : job.all) json.push_back(compare::to_json(m));
  const std::string text = json_text(json, 1);
  if (file != nullptr) file->write(text);
  outputs.commit();
  if (o.json) fmt::print("{}", text);
}

}  // namespace

void add_measure_cpu(Command measure_command, const std::string& command_line) {
  Command command = measure_command.add_subcommand(
      "cpu", "measures a model on this computer's CPU with oneDNN or XNNPACK");
  const auto o = std::make_shared<Options>();
  add_source_options(command, o->source);
  command.add_option("-o,--output", o->output, "measurement file to write").type_name("FILE");
  add_trace_option(command, o->trace, "writes one run as a timeline: ");
  command.add_option("--threads", o->threads, "threads; may be repeated; default 1 and all")
      .check(whole_within(1, 4096))
      .type_name("N");
  command
      .add_option("--seconds", o->seconds,
                  "samples of each setting add up to this; below 10 they are marked quick")
      .check(real_within(0.01, 3600.0))
      .type_name("S");
  command.add_flag("--json", o->json, "prints the measurements as JSON");
  command.footer(
      "Example:\n  systole measure cpu fashion_mlp --batch 64 --seconds 1 -o mlp_cpu.json");
  command.callback([o, command_line] { measure(*o, command_line); });
}

}  // namespace systole::cli
