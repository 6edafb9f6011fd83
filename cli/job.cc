// Job: options, sources, compilation (story in job.h).
#include "cli/job.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/named_error.h"
#include "base/page.h"
#include "base/terminal.h"
#include "cli/calibrate.h"
#include "cli/help.h"
#include "cli/model_name.h"
#include "cli/numbers.h"
#include "compiler/compile.h"
#include "compiler/frontend/scalesim_topology.h"
#include "compiler/ir/batch.h"
#include "compiler/load.h"
#include "formats/program_files.h"

namespace systole::cli {
namespace {

// A named input; its leading extent does not matter if it has rows.
struct InputPlace {
  std::string name;
  Shape shape;
  bool has_rows = true;
};
using InputPlaces = std::vector<InputPlace>;

// Sources for the named inputs; timing alone needs none.
void read_job_sources(const JobOptions& o, const InputPlaces& inputs, Job& job) {
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
std::int64_t batches_for(const JobOptions& o, std::int64_t rows, std::int64_t batch) {
  const std::int64_t needed = std::max<std::int64_t>(1, ceil_div(rows, batch));
  if (o.batches && *o.batches < needed) {
    throw InputError("--batches", fmt::format("{} batches of {} rows", *o.batches, batch),
                     fmt::format("at least {} for {} rows", needed, rows));
  }
  return o.batches.value_or(needed);
}

// Rows that are spread over batches of one must not need one another.
void check_rows_apart(const JobOptions& o, compiler::LoadOptions load, std::int64_t rows) {
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

JobSource source_from_model(const JobOptions& o) {
  compiler::LoadOptions load = load_options(o.shapes);
  load.structure_only = o.timing_only && o.calibrate.empty();
  load.inline_floats = multiplies_floats_alone(o.machine);
  compiler::Graph graph = read_model(o.subject, load);
  JobSource source;
  Job& job = source.job;
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
    note_once("batch 1; --batch N computes N rows together");
  source.batches = batches_for(o, job.rows, batch.rows);
  if (!o.calibrate.empty()) {
    compiler::Graph quantised = load_quantised(o.subject, o.calibrate, load);
    quantised.hash = graph.hash;  // of the file the user named
    job.float_graph = std::move(graph);
    graph = std::move(quantised);
  }
  source.graph = std::move(graph);
  return source;
}

JobSource source_from_program(const JobOptions& o, isa::Program program) {
  JobSource source;
  Job& job = source.job;
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
  return source;
}

}  // namespace

void add_job_options(Command app, JobOptions& o) {
  app.add_option("MODEL|PROGRAM", o.subject, std::string(kModelHelp) + ", .tpu or .asm").required();
  add_job_settings(app, o);
}

void add_job_settings(Command app, JobOptions& o) {
  add_machine_options(app, o.machine);
  add_shape_options(app, o.shapes);
  app.add_option("--batches", o.batches, "batches to compute; default: as the input needs")
      .check(check_count)
      .type_name("N");
  add_schedule_option(app, o.schedule);
}

void resolve_subject(JobOptions& o, const std::string& command) {
  if (!formats::is_program(o.subject)) o.subject = resolve_model(o.subject, command, o.shapes);
  o.timing_only |= compiler::is_topology(o.subject);
}

void check_job_options(const JobOptions& o) {
  if (!o.inputs.empty() && compiler::is_topology(o.subject)) {
    throw InputError("--input", "a topology has no values", "no --input");
  }
  if (formats::is_program(o.subject) && o.schedule != JobOptions{}.schedule) {
    throw InputError(o.subject, "a program is scheduled already", "no --schedule");
  }
  const bool shapes = o.shapes.batch || !o.shapes.dims.empty() || !o.shapes.shapes.empty() ||
                      !o.shapes.binds.empty();
  if (formats::is_program(o.subject) && (shapes || o.batches || !o.calibrate.empty())) {
    throw InputError(o.subject, "a program has its shapes, batches and scales already",
                     "no --batch, --batches, --dim, --shape, --bind or --calibrate");
  }
}

JobSource read_job(const JobOptions& o, std::optional<isa::Program> program) {
  return program ? source_from_program(o, std::move(*program)) : source_from_model(o);
}

isa::Program program_for(const JobOptions& o, const JobSource& source,
                         const isa::Machine& machine) {
  return in_file(o.subject, [&] {
    return compiler::compile(
        *source.graph, machine,
        {.batches = source.batches, .timing_only = o.timing_only, .schedule = o.schedule});
  });
}

Job make_job(const JobOptions& o, std::optional<isa::Program> program,
             const isa::Machine& machine) {
  const Progress progress(program ? "reading" : "compiling");
  JobSource source = read_job(o, std::move(program));
  if (source.graph) source.job.program = program_for(o, source, machine);
  return std::move(source.job);
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

}  // namespace systole::cli
