// Job: what `run` and `explain` simulate: a program, compiled from a model or read, and where its
// inputs come from.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/model_options.h"
#include "compiler/ir/graph.h"
#include "isa/program.h"

namespace systole::cli {

struct JobOptions {
  std::string subject;  // model or program
  MachineOptions machine;
  ShapeOptions shapes;
  std::optional<std::int64_t> batches;
  std::string schedule = "overlap";
  bool timing_only = false;
  std::vector<std::string> inputs;
  std::vector<std::string> calibrate;  // "[NAME=]FILE"
};
// MODEL|PROGRAM and everything of JobOptions but timing_only.
void add_job_options(Command app, JobOptions& options);
// The same without MODEL|PROGRAM.
void add_job_settings(Command app, JobOptions& options);
// Finishes what the command line said, of the subcommand of this name: names of models, topologies.
void resolve_subject(JobOptions& options, const std::string& command);
// Throws InputError where options contradict each other or the subject.
void check_job_options(const JobOptions& options);

// What is to run, ready but for the inputs' values.
struct Job {
  isa::Program program;
  std::optional<compiler::Graph> float_graph;  // what the program was quantised from
  std::map<std::string, InputSource> sources;
  // Inputs and outputs that are the same for every batch, with their shapes.
  std::map<std::string, Shape> without_rows;
  std::int64_t rows = 0;
};

// What a job is made from, but for its machine.
struct JobSource {
  Job job;                               // its program only where the subject is one
  std::optional<compiler::Graph> graph;  // of a model
  std::int64_t batches = 1;
};

// Everything cheap that can be wrong has been found before anything is computed: reads the model
// and the inputs' files. `program` if the subject is one.
[[nodiscard]] JobSource read_job(const JobOptions& options, std::optional<isa::Program> program);
// The model's program for a machine. Several threads may ask at once.
[[nodiscard]] isa::Program program_for(const JobOptions& options, const JobSource& source,
                                       const isa::Machine& machine);
// Both.
[[nodiscard]] Job make_job(const JobOptions& options, std::optional<isa::Program> program,
                           const isa::Machine& machine);
// Values for the program's inputs; rows beyond those given are zeros, said in a note.
[[nodiscard]] std::map<std::string, Tensor> input_tensors(const Job& job);
// Outputs without the rows that padding added, and once what is the same for every batch.
[[nodiscard]] std::map<std::string, Tensor> trimmed(std::map<std::string, Tensor> outputs,
                                                    std::int64_t capacity, std::int64_t rows,
                                                    const Job& job);

}  // namespace systole::cli
