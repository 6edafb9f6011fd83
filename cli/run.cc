// systole run: model or program -> machine -> outputs, summary, statistics, trace.
//
// Order of work: everything cheap that can be wrong is found first (arguments, machine, result
// files, model, inputs), then calibration, compilation and the run itself.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "base/named_error.h"
#include "base/page.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/choices.h"
#include "cli/commands.h"
#include "cli/float_check.h"
#include "cli/inputs.h"
#include "cli/model_name.h"
#include "cli/model_options.h"
#include "cli/numbers.h"
#include "compiler/compile.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/ir/batch.h"
#include "compiler/load.h"
#include "formats/program_files.h"
#include "formats/results.h"
#include "report/record.h"
#include "report/stats.h"
#include "report/summary.h"
#include "traces/sinks/open.h"
#include "traces/sinks/scalesim.h"
#include "traces/sinks/tee.h"

namespace systole::cli {
namespace {

constexpr const char* kStandardOutput = "-";

struct Options {
  std::string subject;  // model or program
  MachineOptions machine;
  ShapeOptions shapes;
  std::optional<std::int64_t> batches;
  std::string engine = "cycle", schedule = "overlap";
  bool timing_only = false, json = false, all_layers = false, no_float = false;
  std::vector<std::string> inputs;
  std::vector<std::string> calibrate;  // "[NAME=]FILE"
  std::string labels, output, stats, trace, scalesim;
};

// The result files that were asked for.
struct Results {
  OutputSet files;
  std::optional<formats::TensorFiles> tensors;
  AtomicFile* stats = nullptr;
  std::unique_ptr<traces::Sink> trace;
  // SCALE-Sim's reports, all three or none.
  AtomicFile *compute = nullptr, *bandwidth = nullptr, *access = nullptr;
};

// What is to run, ready but for the inputs' values.
struct Job {
  isa::Program program;
  std::optional<compiler::Graph> float_graph;  // what the program was quantised from
  std::map<std::string, InputSource> sources;
  // Inputs and outputs that are the same for every batch, with their shapes.
  std::map<std::string, Shape> without_rows;
  std::int64_t rows = 0;
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
  if (!o.inputs.empty() && compiler::is_topology(o.subject)) {
    throw InputError("--input", "a topology has no values", "no --input");
  }
  if (o.timing_only && !o.labels.empty()) {
    throw InputError("--labels", "--timing-only computes no outputs", "one of the two");
  }
  if (o.timing_only && !o.output.empty()) {
    throw InputError("--output", "--timing-only computes no outputs", "one of the two");
  }
  const bool timed = engine_named(o.engine) != sim::Engine::kFunc;
  if (o.timing_only && !timed && compiler::is_topology(o.subject)) {
    throw InputError(o.subject, "a topology has no values, and the func engine keeps no time",
                     "--engine cycle");
  }
  if (o.timing_only && !timed) {
    throw InputError("--timing-only", "the func engine keeps no time", "--engine cycle");
  }
  if (!timed && !(o.trace.empty() && o.scalesim.empty())) {
    throw InputError(o.trace.empty() ? "--scalesim-reports" : "--trace",
                     "the func engine keeps no time", "--engine cycle");
  }
  if (formats::is_program(o.subject) && o.schedule != Options{}.schedule) {
    throw InputError(o.subject, "a program is scheduled already", "no --schedule");
  }
  const bool shapes = o.shapes.batch || !o.shapes.dims.empty() || !o.shapes.shapes.empty();
  if (formats::is_program(o.subject) && (shapes || o.batches || !o.calibrate.empty())) {
    throw InputError(o.subject, "a program has its shapes, batches and scales already",
                     "no --batch, --batches, --dim, --shape or --calibrate");
  }
}

// A named input; its leading extent does not matter if it has rows.
struct InputPlace {
  std::string name;
  Shape shape;
  bool has_rows = true;
};
using InputPlaces = std::vector<InputPlace>;

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
  if (!o.trace.empty()) {
    traces::require_trace_name(o.trace);
    results.trace = traces::open_sink(
        o.trace, files.file("--trace", o.trace)->stream(),
        {.model = o.subject, .machine = machine.name, .clock_hertz = machine.clock_hertz});
  }
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

// Sources for the named inputs; timing alone needs none.
void read_job_sources(const Options& o, const InputPlaces& inputs, Job& job) {
  if (o.timing_only && o.inputs.empty()) return;
  std::vector<std::string> names;
  for (const InputPlace& input : inputs) names.push_back(input.name);
  job.sources = read_sources(o.inputs, names);
  std::set<std::string> without;
  for (const auto& [name, shape, has_rows] : inputs) {
    if (has_rows) {
      match_rows(name, job.sources.at(name), shape);
    } else {
      match_shape(name, job.sources.at(name), shape);
      job.without_rows[name] = shape;
      without.insert(name);
    }
  }
  job.rows = source_rows(job.sources, without);
}

// Batches for the rows at hand: what was asked for, else as many as hold every row.
std::int64_t batches_for(const Options& o, std::int64_t rows, std::int64_t batch) {
  const std::int64_t needed = std::max<std::int64_t>(1, ceil_div(rows, batch));
  if (o.batches && *o.batches < needed) {
    throw InputError("--batches", fmt::format("{} batches of {} rows", *o.batches, batch),
                     fmt::format("at least {} for {} rows", needed, rows));
  }
  return o.batches.value_or(needed);
}

// Rows that are spread over batches of one must not need one another.
void check_rows_apart(const Options& o, compiler::LoadOptions load, std::int64_t rows) {
  std::optional<compiler::RowMixer> mixer;
  try {
    load.batch = 2;
    mixer = compiler::batch_of(compiler::load_model(o.subject, load)).mixer;
  } catch (const InputError&) {
    return;  // its batch is 1 for good
  }
  if (!mixer) return;
  throw InputError(fmt::format("{}: node '{}'", o.subject, mixer->node),
                   fmt::format("{}, and there are {} rows for batches of 1", mixer->how, rows),
                   fmt::format("--batch {}", rows));
}

Job job_from_model(const Options& o, const isa::Machine& machine) {
  compiler::LoadOptions load = load_options(o.shapes);
  load.structure_only = o.timing_only && o.calibrate.empty();
  compiler::Graph graph = read_model(o.subject, load);
  Job job;
  const compiler::Batch batch = compiler::batch_of(graph);
  InputPlaces inputs;
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const compiler::Value& value = graph.value(graph.inputs[i]);
    inputs.push_back({value.name, value.shape, batch.inputs[i]});
  }
  read_job_sources(o, inputs, job);
  for (std::size_t i = 0; i < graph.outputs.size(); ++i) {
    const compiler::Value& value = graph.value(graph.outputs[i]);
    if (!batch.outputs[i]) job.without_rows[value.name] = value.shape;
  }
  if (!o.shapes.batch && batch.rows == 1 && job.rows > 1) check_rows_apart(o, load, job.rows);
  const bool one_row = batch.rows == 1 && batch.inputs.front();
  if (!o.shapes.batch && one_row && !graph.separate_layers)
    note("batch 1; --batch N computes N rows together");
  const std::string hash = graph.hash;
  if (!o.calibrate.empty()) {
    compiler::Graph quantised = load_quantised(o.subject, o.calibrate, load);
    job.float_graph = std::move(graph);
    graph = std::move(quantised);
  }
  const compiler::CompileOptions how = {.batches = batches_for(o, job.rows, batch.rows),
                                        .timing_only = o.timing_only,
                                        .schedule = o.schedule};
  job.program = in_file(o.subject, [&] { return compiler::compile(graph, machine, how); });
  job.program.model_hash = hash;  // of the file the user named, quantised here or not
  return job;
}

Job job_from_program(const Options& o, isa::Program program) {
  Job job;
  InputPlaces inputs;
  for (const isa::HostTensor& t : program.tensors) {
    const bool rows = !t.shape.empty() && t.shape[0] == program.batch * program.batches;
    if (t.role == isa::Role::kInput) inputs.push_back({t.name, t.shape, rows});
  }
  job.program = std::move(program);
  if (!job.program.has_values && !o.timing_only) {
    throw InputError(o.subject, "was compiled for timing only and has no weights", "--timing-only");
  }
  read_job_sources(o, inputs, job);
  return job;
}

Job make_job(const Options& o, std::optional<isa::Program> program, const isa::Machine& machine) {
  const Progress progress(program ? "reading" : "compiling");
  return program ? job_from_program(o, std::move(*program)) : job_from_model(o, machine);
}

std::map<std::string, Tensor> input_tensors(const Job& job) {
  std::map<std::string, Tensor> tensors;
  const std::int64_t capacity = job.program.batch * job.program.batches;
  if (job.rows != 0 && job.rows < capacity) {
    const std::int64_t zeros = capacity - job.rows;
    note(fmt::format("{} in {} of {}: the last {}", counted(job.rows, "row"),
                     counted(job.program.batches, "batch", "batches"), job.program.batch,
                     zeros == 1 ? "row is zeros" : fmt::format("{} rows are zeros", zeros)));
  }
  for (const isa::HostTensor& t : job.program.tensors) {
    if (t.role != isa::Role::kInput) continue;
    const auto alike = job.without_rows.find(t.name);
    const bool rows = alike == job.without_rows.end();
    Tensor tensor =
        fit_input(t.name, job.sources.at(t.name), t.type, rows ? t.shape : alike->second);
    const std::int64_t room = t.bytes() / std::max<std::int64_t>(1, tensor.bytes());
    tensors[t.name] = rows ? std::move(tensor) : repeated(std::move(tensor), room, t.shape);
  }
  return tensors;
}

// Outputs without the rows that padding added, and once what is the same for every batch.
std::map<std::string, Tensor> trimmed(std::map<std::string, Tensor> outputs, std::int64_t capacity,
                                      std::int64_t rows, const Job& job) {
  for (auto& [name, tensor] : outputs) {
    if (const auto alike = job.without_rows.find(name); alike != job.without_rows.end()) {
      tensor.shape = alike->second;
      tensor.data.resize(static_cast<std::size_t>(tensor.count() * dtype_bytes(tensor.type)));
      continue;
    }
    if (tensor.shape.empty() || tensor.shape.front() != capacity) continue;
    const std::size_t row_bytes = tensor.data.size() / static_cast<std::size_t>(capacity);
    tensor.data.resize(row_bytes * static_cast<std::size_t>(rows));
    tensor.shape.front() = rows;
  }
  return outputs;
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
  std::optional<traces::ScaleSimLayers> layers;
  if (results.compute != nullptr) layers.emplace(job.program);
  traces::Tee tee({results.trace.get(), layers ? &*layers : nullptr});
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
  if (results.trace) results.trace->finish(record.report.total.cycles);
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

void run(const Options& o, const std::string& command_line) {
  check_options(o);
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
  report(o, results, record);
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
  app.add_option("--trace", o.trace, "writes a timeline: .json (Perfetto) or .csv")
      .type_name("FILE");
  app.add_option("--scalesim-reports", o.scalesim,
                 "writes SCALE-Sim's COMPUTE, BANDWIDTH and DETAILED_ACCESS reports")
      .type_name("DIR");
  app.add_flag("--layers", o.all_layers, "lists every layer, not only the top three");
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
  command.add_option("MODEL|PROGRAM", o->subject, std::string(kModelHelp) + ", .tpu or .asm")
      .required();
  add_machine_options(command, o->machine);
  add_shape_options(command, o->shapes);
  command.add_option("--batches", o->batches, "batches to compute; default: as the input needs")
      .check(check_count)
      .type_name("N");
  add_engine_option(command, o->engine);
  add_schedule_option(command, o->schedule);
  command.add_flag("--timing-only", o->timing_only, "computes cycles but no values");
  add_data_options(command, *o);
  add_report_options(command, *o);
  command.footer(class_list() +
                 "`systole counters` defines every counter.\n"
                 "Example:\n  systole run mlp:784,512,10 --batch 200 --machine tpu_v1\n"
                 "  systole run fashion_mlp --batch 200 --calibrate random --trace run.json\n"
                 "  systole run resnet50 --batch 8 --timing-only --set dram.bytes_per_second=2x");
  command.callback([o, command_line] {
    if (!formats::is_program(o->subject)) o->subject = resolve_model(o->subject, "run", o->shapes);
    o->timing_only |= compiler::is_topology(o->subject);
    run(*o, command_line);
  });
}

}  // namespace systole::cli
