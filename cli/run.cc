// systole run: model or program -> machine -> outputs, summary, statistics, trace.
//
// Order of work: everything cheap that can be wrong is found first (arguments, machine, result
// files, model, inputs), then calibration, compilation and the run itself.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/page.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/choices.h"
#include "cli/commands.h"
#include "cli/float_check.h"
#include "cli/job.h"
#include "cli/sweep.h"
#include "cli/trace_options.h"
#include "compiler/frontend/scalesim_topology.h"
#include "formats/program_files.h"
#include "formats/results.h"
#include "isa/code_hash.h"
#include "report/listing.h"
#include "report/record.h"
#include "report/stats.h"
#include "report/summary.h"
#include "report/why.h"
#include "traces/sinks/scalesim.h"
#include "traces/sinks/tee.h"

namespace systole::cli {
namespace {

constexpr const char* kStandardOutput = "-";

struct Options : JobOptions {
  SweepOptions sweep;
  std::string engine = "cycle";
  bool json = false, all_layers = false, no_float = false, listing = false, no_what_if = false;
  std::string labels, output, stats, scalesim;
  TraceOptions trace;
};

// The result files that were asked for.
struct Results {
  OutputSet files;
  std::optional<formats::TensorFiles> tensors;
  AtomicFile *stats = nullptr, *trace = nullptr;
  // SCALE-Sim's reports, all three or none.
  AtomicFile *compute = nullptr, *bandwidth = nullptr, *access = nullptr;
};

constexpr auto kEngines = [] {
  std::array<sim::Engine, sim::kEngineCount> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<sim::Engine>(i);
  return all;
}();

// The name has been checked when the command line was read.
sim::Engine engine_named(const std::string& name) {
  return *std::ranges::find(kEngines, name, sim::engine_name);
}

void add_engine_option(Command app, std::string& engine) {
  std::vector<std::string> names;
  std::string text = "default " + engine;
  for (const sim::Engine e : kEngines) {
    names.emplace_back(sim::engine_name(e));
    text += fmt::format("; {}: {}", names.back(), sim::engine_meaning(e));
  }
  app.add_option("--engine", engine, text).check(one_of(names)).type_name("NAME");
}

// Options that contradict each other.
void check_options(const Options& o) {
  check_job_options(o);
  if (o.timing_only && !o.labels.empty()) {
    throw InputError("--labels", "--timing-only computes no outputs", "one of the two");
  }
  if (o.timing_only && !o.output.empty()) {
    throw InputError("--output", "--timing-only computes no outputs", "one of the two");
  }
  const bool timed = engine_named(o.engine) != sim::Engine::kFunc;
  if (o.listing && (o.json || o.stats == kStandardOutput)) {
    throw InputError("--listing", "standard output is JSON", "one of the two, or --stats FILE");
  }
  if (o.timing_only && !timed && compiler::is_topology(o.subject)) {
    throw InputError(o.subject, "a topology has no values, and the func engine keeps no time",
                     "--engine cycle");
  }
  if (o.timing_only && !timed) {
    throw InputError("--timing-only", "the func engine keeps no time", "--engine cycle");
  }
  if (!timed && !(o.trace.file.empty() && o.scalesim.empty())) {
    throw InputError(o.trace.file.empty() ? "--scalesim-reports" : "--trace",
                     "the func engine keeps no time", "--engine cycle");
  }
}

// What a trace of the run is about; the program is known once it is compiled.
traces::TraceInfo trace_info(const Options& o, const isa::Machine& machine,
                             const isa::Program* program = nullptr) {
  return {.model = o.subject,
          .machine = machine.name,
          .clock_hertz = machine.clock_hertz,
          .shows_array = engine_named(o.engine) == sim::Engine::kRegister,
          .parameters = &machine,
          .program = program};
}

void open_results(const Options& o, const isa::Machine& machine, Results& results) {
  // The reports take each tile as a fold of its own, and one batch as the layer.
  if (!o.scalesim.empty() && machine.array_weight_load != isa::WeightLoad::kSingle) {
    throw InputError("--scalesim-reports", machine.name + " overlaps shifts and passes",
                     "array.weight_load = single, as scale_sim_ws and .cfg files have it");
  }
  if (!o.scalesim.empty() && o.batches.value_or(1) > 1) {
    throw InputError("--scalesim-reports", fmt::format("--batches {}", *o.batches), "one batch");
  }
  OutputSet& files = results.files;
  if (!o.output.empty()) files.folder("--output", o.output);
  if (!o.scalesim.empty()) {
    const auto report = [&](const char* name) {
      return files.file("--scalesim-reports", o.scalesim + "/" + name);
    };
    files.folder("--scalesim-reports", o.scalesim);
    results.compute = report("COMPUTE_REPORT.csv");
    results.bandwidth = report("BANDWIDTH_REPORT.csv");
    results.access = report("DETAILED_ACCESS_REPORT.csv");
  }
  if (o.stats != kStandardOutput) results.stats = files.file("--stats", o.stats);
  check_trace_options(o.trace, trace_info(o, machine));
  results.trace = files.file("--trace", o.trace.file);
}

// Files for the tensors, whose names are known only now.
void open_tensors(const Options& o, const isa::Program& program, Results& results) {
  if (o.output.empty()) return;
  std::vector<std::string> names;
  for (const isa::HostTensor& t : program.tensors) {
    if (t.role == isa::Role::kOutput) names.push_back(t.name);
  }
  results.tensors.emplace(results.files, o.output, names);
}

const Tensor& first_output(const isa::Program& program,
                           const std::map<std::string, Tensor>& outputs) {
  for (const isa::HostTensor& t : program.tensors) {
    if (t.role == isa::Role::kOutput) return outputs.at(t.name);
  }
  throw InputError(program.model, "has no output", "one to compare with --labels");
}

report::Record new_record(const Options& o, const Job& job, const isa::Machine& machine) {
  report::Record record;
  record.model = o.subject;
  record.model_hash = job.program.model_hash;
  record.program_hash = isa::code_hash(job.program);
  record.machine = machine;
  record.batch = job.program.batch;
  record.batches = job.program.batches;
  record.rows = job.rows != 0 ? job.rows : record.batch * record.batches;
  for (const isa::Layer& layer : job.program.layers) record.model_macs += layer.macs;
  record.engine = engine_named(o.engine);
  record.timing_only = o.timing_only;
  return record;
}

// Runs the job and fills in the record; writes outputs and trace.
void run_job(const Options& o, const Job& job, Results& results, report::Record& record) {
  std::map<std::string, Tensor> inputs;
  if (!o.timing_only) inputs = input_tensors(job);
  std::vector<std::int64_t> labels;
  if (!o.labels.empty()) labels = report::read_labels(o.labels, record.rows);
  std::unique_ptr<traces::Sink> trace;
  if (results.trace != nullptr) {
    trace = open_trace(o.trace, *results.trace, trace_info(o, record.machine, &job.program));
  }
  std::optional<traces::ScaleSimLayers> layers;
  if (results.compute != nullptr) layers.emplace(job.program);
  traces::Tee tee({trace.get(), layers ? &*layers : nullptr});
  Progress progress("simulating");
  sim::RunResult result = sim::run(job.program, record.machine, inputs,
                                   {.engine = record.engine,
                                    .timing_only = o.timing_only,
                                    .probe = tee.empty() ? nullptr : &tee,
                                    .progress = progress.callback()});
  record.report = std::move(result.report);
  const auto outputs =
      trimmed(std::move(result.outputs), record.batch * record.batches, record.rows, job);
  if (!labels.empty()) {
    record.accuracy = report::top1(first_output(job.program, outputs), labels);
    if (job.float_graph && !o.no_float) {
      record.float_accuracy = float_accuracy(*job.float_graph, inputs, labels);
    }
  }
  if (results.tensors) {
    for (const auto& [name, tensor] : outputs) results.tensors->write(name, tensor);
  }
  if (trace) check_trace_begins(o.trace, record.report.total.cycles);
  if (trace) trace->finish(record.report.total.cycles);
  if (layers) {
    const auto [compute, bandwidth, access] =
        traces::scalesim_reports(layers->layers(), record.machine);
    results.compute->write(compute);
    results.bandwidth->write(bandwidth);
    results.access->write(access);
  }
}

void report(const Options& o, Results& results, const report::Record& record) {
  const std::string json = report::stats_json(record);
  if (results.stats != nullptr) results.stats->write(json);
  results.files.commit();
  const bool to_standard_output = o.json || o.stats == kStandardOutput;
  fmt::print("{}", to_standard_output ? json : summary(record, o.all_layers));
}

// What is of one run, and not of every point of a list.
void check_list_options(const Options& o) {
  const std::pair<const char*, bool> single[] = {
      {"--labels", !o.labels.empty()},
      {"--output", !o.output.empty()},
      {"--stats", !o.stats.empty()},
      {"--trace", !o.trace.file.empty()},
      {"--scalesim-reports", !o.scalesim.empty()},
      {"--layers", o.all_layers},
      {"--listing", o.listing},
      {"--engine func", engine_named(o.engine) == sim::Engine::kFunc}};
  for (const auto& [name, given] : single) {
    if (given)
      throw InputError(name, "--set has a list: many runs, cycles alone", "one of the two");
  }
}

void run(const Options& o, const std::string& command_line) {
  const bool lists = has_lists(o, o.sweep);
  if (lists) check_list_options(o);
  check_options(o);
  if (lists) {
    return sweep({o, o.sweep, engine_named(o.engine), {.what_if = !o.no_what_if}, false, o.json});
  }
  Results results;
  std::optional<isa::Program> program;
  if (formats::is_program(o.subject)) program = formats::read_program(o.subject);
  const isa::Machine machine =
      program ? resolve_machine(o.machine, program->machine) : resolve_machine(o.machine);
  if (!program) note_units(machine);
  open_results(o, machine, results);
  const Job job = make_job(o, std::move(program), machine);
  open_tensors(o, job.program, results);
  report::Record record = new_record(o, job, machine);
  record.command_line = command_line;
  run_job(o, job, results, record);
  if (record.engine != sim::Engine::kFunc) {
    const Progress progress("asking why");
    set_why(record,
            report::explain(job.program, machine, {.what_if = !o.no_what_if, .verified = true}));
  }
  report(o, results, record);
  if (o.listing) fmt::print("\n{}", report::listing(job.program, machine));
}

void add_data_options(Command app, Options& o) {
  app.add_option("--input", o.inputs,
                 "values of an input: .npy, IDX (.gz), ONNX .pb or random[:SEED]; default random:0")
      .type_name("[NAME=]FILE");
  app.add_option("--labels", o.labels, "IDX or .npy labels: prints top-1 accuracy")
      .type_name("FILE");
  add_calibrate_option(app, o.calibrate);
  app.add_flag("--no-float", o.no_float, "with --calibrate and --labels: skip float32 accuracy");
  app.add_option("--output", o.output, "folder for the outputs, one .npy each").type_name("DIR");
}

void add_report_options(Command app, Options& o) {
  app.add_option("--stats", o.stats, "writes every counter as JSON; - is standard output")
      .type_name("FILE|-");
  app.add_flag("--json", o.json, "the same as --stats -");
  add_trace_options(app, o.trace);
  app.add_option("--scalesim-reports", o.scalesim,
                 "writes SCALE-Sim's COMPUTE, BANDWIDTH and DETAILED_ACCESS reports")
      .type_name("DIR");
  app.add_flag("--layers", o.all_layers, "lists every layer, not only the top three");
  app.add_flag("--listing", o.listing,
               "lists every executed instruction: dispatch, start, end, what it waited for");
  app.add_flag("--no-what-if", o.no_what_if, "what bounds the run is predicted, not run again");
}

std::string class_list() {
  std::string text = "Classes of the matrix unit's cycles, the first that holds:\n";
  for (std::size_t i = 0; i < sim::kStallCount; ++i) {
    const auto stall = static_cast<sim::Stall>(i);
    const std::string name = fmt::format("  {:<13}", sim::stall_name(stall));
    text += name + wrapped(std::string(sim::stall_meaning(stall)), name.size(), name.size()) + "\n";
  }
  return text +
         "H: the next pass in the queue, looking past syncs. s, B, p: the cycle in which a\n"
         "pass injects its first row, its rows, the cycles a row takes (1 for int8). raw:\n"
         "read after write; war: write after read.\n";
}

}  // namespace

void add_run(Command app, const std::string& command_line) {
  Command command = app.add_subcommand("run", "runs a model or program on a machine");
  const auto o = std::make_shared<Options>();
  add_job_options(command, *o);
  add_engine_option(command, o->engine);
  command.add_flag("--timing-only", o->timing_only, "computes cycles but no values");
  add_data_options(command, *o);
  add_report_options(command, *o);
  add_sweep_options(command, o->sweep);
  command.footer(
      class_list() +
      "`systole counters` defines every counter.\n"
      "Example:\n  systole run mlp:784,512,10 --batch 200 --machine tpu_v1\n"
      "  systole run fashion_mlp --batch 200 --calibrate random --trace run.json\n"
      "  systole run resnet50 --batch 8 --timing-only --set dram.bytes_per_second=2x\n"
      "  systole run resnet50 --set dram.bytes_per_second=1x,2x --set dram.channels=1,2");
  command.callback([o, command_line] {
    resolve_subject(*o, "run");
    o->timing_only |= has_lists(*o, o->sweep);
    run(*o, command_line);
  });
}

}  // namespace systole::cli
