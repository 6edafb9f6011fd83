// systole compare: the model on the simulated machine and, measured, on this computer's CPU.
#include "compare/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>

#include "base/files.h"
#include "cli/accuracy.h"
#include "cli/calibrate.h"
#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/model_options.h"
#include "cli/program_files.h"
#include "cli/terminal.h"

namespace systole::cli {
namespace {

struct Options {
  std::string model, calibrate, labels, output;
  std::vector<std::string> inputs;
  MachineOptions machine;
  ShapeOptions shapes;
  double seconds = 2.0;
  bool json = false;
};

// Inputs and labels, cut to whole batches of the graph's input.
void add_data(const Options& o, const compiler::Graph& graph, compare::CompareRequest& request) {
  if (graph.inputs.size() != 1) {
    throw InputError(o.model, fmt::format("has {} inputs", graph.inputs.size()), "one");
  }
  const compiler::Value& input = graph.value(graph.inputs.front());
  InputSource source = read_sources(o.inputs, {input.name}).at(input.name);
  match_rows(input.name, source, input.shape);
  Shape shape = input.shape;
  const std::int64_t batch = shape.empty() ? 1 : shape.front();
  const std::int64_t rows = source.is_random ? batch : source_rows({{input.name, source}});
  if (!o.labels.empty()) request.labels = read_labels(o.labels, rows);
  const std::int64_t whole = rows / batch * batch;
  if (whole == 0) {
    throw InputError(source.origin, fmt::format("holds {} rows", rows),
                     fmt::format("at least a batch of {}", batch));
  }
  if (whole != rows) note(fmt::format("the last {} rows fill no batch: left out", rows - whole));
  if (!shape.empty()) shape.front() = whole;
  truncate_rows(source.tensor, whole);
  request.inputs = fit_input(input.name, source, input.type, shape);
  if (!request.labels.empty()) request.labels.resize(static_cast<std::size_t>(whole));
}

void compare_targets(const Options& o, const std::string& command_line) {
  require_model(o.model, "compare");
  compare::CompareRequest request;
  request.machine = resolve_machine(o.machine);
  std::optional<AtomicFile> file;
  if (!o.output.empty()) file.emplace(o.output);
  const compiler::LoadOptions load = load_options(o.shapes);
  compiler::Graph graph = compiler::load_model(o.model, load);
  add_data(o, graph, request);
  if (o.calibrate.empty()) {
    request.quantised = std::move(graph);
  } else {
    request.quantised = load_quantised(o.model, o.calibrate, load);
    request.float_graph = std::move(graph);
  }
  request.seconds = o.seconds;
  request.command = command_line;
  const compare::Comparison comparison = compare::compare_model(request);
  constexpr int kIndent = 2;
  const std::string json = compare::to_json(comparison).dump(kIndent) + "\n";
  if (file) {
    file->stream() << json;
    file->commit();
  }
  if (o.json) {
    fmt::print("{}", json);
  } else {
    compare::print_table(comparison, std::cout);
    std::cout.flush();
  }
}

}  // namespace

void add_compare(CLI::App& app, const std::string& command_line) {
  CLI::App* command =
      app.add_subcommand("compare", "sets the simulated machine beside this computer's CPU");
  const auto o = std::make_shared<Options>();
  command->add_option("MODEL", o->model, kModelHelp)->required();
  add_machine_options(*command, o->machine);
  add_shape_options(*command, o->shapes);
  add_repeatable(
      *command, "--input", o->inputs,
      "values of the input: .npy, IDX (.gz), ONNX .pb or random[:SEED]; default random:0")
      ->type_name("FILE");
  command->add_option("--labels", o->labels, "IDX or .npy labels: adds accuracy")
      ->type_name("FILE");
  command
      ->add_option("--calibrate", o->calibrate,
                   "quantise a float model with these samples first; adds fp32 rows")
      ->type_name("DATA");
  command->add_option("--seconds", o->seconds, "measuring time of each row; default 2")
      ->check(CLI::Range(0.01, 3600.0))
      ->type_name("S");
  command->add_option("-o,--output", o->output, "writes rows and samples as JSON")
      ->type_name("FILE");
  command->add_flag("--json", o->json, "prints that JSON instead of the table");
  command->footer("Example:\n  systole compare mlp:784,512,512,10 --batch 200");
  command->callback([o, command_line] { compare_targets(*o, command_line); });
}

}  // namespace systole::cli
