// systole diff: two runs side by side, simulated here or by their statistics; or two machines.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/diag.h"
#include "base/files.h"
#include "base/json_text.h"
#include "base/outputs.h"
#include "base/read_file.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/job.h"
#include "cli/trace_options.h"
#include "formats/program_files.h"
#include "isa/file_kind.h"
#include "isa/machine_name.h"
#include "report/diff_text.h"
#include "report/profile.h"
#include "report/timed.h"
#include "traces/sinks/open.h"
#include "traces/sinks/two_runs.h"

namespace systole::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string a, b, against, trace, trace_time;
  JobOptions job;
  bool json = false, all = false;
};

// What an argument is.
enum class Kind : std::uint8_t { kStats, kMachine, kRun };

bool is_file(const std::string& text) {
  std::error_code error;
  return std::filesystem::exists(text, error);
}

// Statistics are JSON, which no model or program begins as.
bool is_stats(const std::string& text) {
  if (!is_file(text)) return isa::has_ending(isa::unpacked_name(text), ".json");
  const std::vector<std::uint8_t> head = file_head(text);
  const auto first = std::ranges::find_if(head, [](std::uint8_t byte) {
    return std::string_view(" \t\r\n").find(static_cast<char>(byte)) == std::string_view::npos;
  });
  return first != head.end() && *first == '{';
}

bool is_machine(const std::string& text) {
  const std::vector<std::string> presets = isa::machine_names();
  const std::string name = text.substr(0, text.find(" + "));
  return std::ranges::find(presets, name) != presets.end() ||
         isa::has_ending(isa::unpacked_name(name), ".toml") ||
         isa::file_kind(name) == isa::FileKind::kScaleSimConfig;
}

Kind kind_of(const std::string& text) {
  if (is_machine(text)) return Kind::kMachine;
  return is_stats(text) ? Kind::kStats : Kind::kRun;
}

traces::Profile read_stats(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr const char* kExpected = "what `systole run --stats FILE` writes";
  return report::profile_from_stats(parse_json(text, path, kExpected), path);
}

// Runs once more for the timeline.
void write_trace(const Options& options, const report::Record& record, const isa::Program& program,
                 traces::TwoRuns& trace) {
  const auto sink = trace.open({.model = record.model,
                                .machine = record.machine.name,
                                .clock_hertz = record.machine.clock_hertz,
                                .real_time = is_real_time(options.trace_time),
                                .parameters = &record.machine,
                                .program = &program});
  sim::RunOptions how;
  how.timing_only = how.verified = true;
  how.probe = sink.get();
  static_cast<void>(sim::run(program, record.machine, {}, how));
  sink->finish(record.report.total.cycles);
}

// The run of a model or program for its cycles; `trace` may be null.
traces::Profile simulate(JobOptions o, const Options& options, traces::TwoRuns* trace) {
  o.timing_only = true;
  resolve_subject(o, "diff");
  check_job_options(o);
  std::optional<isa::Program> program;
  if (formats::is_program(o.subject)) program = formats::read_program(o.subject);
  const isa::Machine machine =
      program ? resolve_machine(o.machine, program->machine) : resolve_machine(o.machine);
  if (!program) note_units(machine);
  const Job job = make_job(o, std::move(program), machine);
  const Progress progress("simulating");
  report::Record record = report::timed_record(job.program, machine, {.what_if = false});
  record.model = o.subject;
  if (trace != nullptr) write_trace(options, record, job.program, *trace);
  return report::profile_of(record);
}

traces::Profile profile_of(const Options& o, const std::string& subject, const std::string& machine,
                           traces::TwoRuns* trace) {
  if (kind_of(subject) == Kind::kStats) return read_stats(subject);
  JobOptions job = o.job;
  job.subject = subject;
  job.machine.machine = machine;
  return simulate(std::move(job), o, trace);
}

void diff_machines(const Options& o) {
  const isa::Machine a = isa::load_machine(o.a), b = isa::load_machine(o.b);
  std::vector<traces::ParameterChange> parameters;
  for (const isa::Change& change : isa::changes(a, b)) {
    parameters.push_back({change.key, change.before, change.now});
  }
  if (!o.json) return fmt::print("{}", report::parameters_text({a.name, b.name}, parameters));
  fmt::print("{}", json_text(Json{{"a", a.name},
                                  {"b", b.name},
                                  {"parameters", report::parameters_json(parameters)}}));
}

// Throws InputError for options that say how to run what is not run.
void refuse_settings(const Options& o, const char* what) {
  const JobOptions& job = o.job;
  const std::pair<const char*, bool> settings[] = {
      {"--against", !o.against.empty()},     {"--machine", !job.machine.machine.empty()},
      {"--set", !job.machine.sets.empty()},  {"--batch", job.shapes.batch.has_value()},
      {"--dim", !job.shapes.dims.empty()},   {"--shape", !job.shapes.shapes.empty()},
      {"--bind", !job.shapes.binds.empty()}, {"--batches", job.batches.has_value()},
      {"--trace", !o.trace.empty()},         {"--schedule", job.schedule != JobOptions{}.schedule}};
  for (const auto& [name, given] : settings) {
    if (given)
      throw InputError(name, fmt::format("A and B are {}, which are not run", what), "none");
  }
}

void diff_runs(const Options& o) {
  const std::string& b = o.b.empty() ? o.a : o.b;
  if (o.b.empty() && o.against.empty()) throw_missing("B or --against MACHINE");
  const bool reads_a = kind_of(o.a) == Kind::kStats, reads_b = kind_of(b) == Kind::kStats;
  if (reads_a && reads_b) refuse_settings(o, "statistics");
  if (reads_b && !o.against.empty()) {
    throw InputError("--against " + o.against, b + " has run already", "a model or program as B");
  }
  if (!o.trace.empty() && (reads_a || reads_b)) {
    throw InputError("--trace", (reads_a ? o.a : b) + " is statistics, which have no timeline",
                     "models or programs as A and B");
  }
  const std::string& machine = o.job.machine.machine;
  OutputSet files;
  AtomicFile* const file = files.file("--trace", o.trace);
  std::optional<traces::TwoRuns> trace;
  if (file != nullptr) trace.emplace(o.trace, file->stream());
  const traces::Profile of_a = profile_of(o, o.a, machine, trace ? &*trace : nullptr);
  const traces::Profile of_b =
      profile_of(o, b, o.against.empty() ? machine : o.against, trace ? &*trace : nullptr);
  if (trace) trace->finish();
  files.commit();
  const traces::Diff difference = traces::diff(of_a, of_b);
  const report::DiffView view{of_a, of_b, difference};
  fmt::print("{}", o.json ? json_text(report::diff_json(view)) : report::diff_text(view, o.all));
}

void diff(const Options& o) {
  if (o.trace.empty() && !o.trace_time.empty()) {
    throw InputError("--trace-time", "there is no trace", "--trace FILE");
  }
  const bool machine_a = kind_of(o.a) == Kind::kMachine;
  const bool machine_b = o.b.empty() ? machine_a : kind_of(o.b) == Kind::kMachine;
  if (machine_a != machine_b) {
    throw InputError(machine_a ? o.b : o.a, "is no machine, and the other is one",
                     "two machines; or models, programs or statistics, and machines by --machine "
                     "and --against");
  }
  if (!machine_a) return diff_runs(o);
  if (o.b.empty()) throw_missing("B");
  refuse_settings(o, "machines");
  diff_machines(o);
}

}  // namespace

void add_diff(Command app, const std::string& /*command_line*/) {
  Command command = app.add_subcommand(
      "diff", "says what two runs differ in, and where: layers, resources, stalls; or machines");
  const auto o = std::make_shared<Options>();
  command
      .add_option("A", o->a,
                  "a model or program to run, statistics of `run --stats FILE`, or a machine")
      .required();
  command.add_option("B", o->b, "the same; default: A, on the machine of --against");
  add_job_settings(command, o->job);
  command.add_option("--against", o->against, "the machine that B runs on; default: --machine's")
      .type_name("NAME|FILE");
  command
      .add_option("--trace", o->trace,
                  "writes one timeline with both runs, A's tracks and B's: " +
                      traces::two_runs_format_list())
      .type_name("FILE");
  add_trace_time_option(command, o->trace_time);
  command.add_flag("--all", o->all, "tables have every row, not only the largest changes");
  command.add_flag("--json", o->json, "prints JSON");
  command.footer(
      "--set, --batch and the like are of both runs. Both compute cycles alone.\n"
      "Example:\n  systole diff mlp:784,512,10 --batch 64 --against edge_64\n"
      "  systole diff resnet50 --against \"tpu_v1 + dram.bytes_per_second=2x\"\n"
      "  systole diff before.json after.json\n"
      "  systole diff tpu_v1 edge_64");
  command.callback([o] { diff(*o); });
}

}  // namespace systole::cli
