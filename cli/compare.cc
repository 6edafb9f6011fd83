// systole compare: one model on simulated, measured, modelled and published targets.
#include "compare/comparison/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json_text.h"
#include "base/outputs.h"
#include "base/page.h"
#include "base/source.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "cli/compare_source.h"
#include "cli/numbers.h"
#include "isa/machine_name.h"

namespace systole::cli {
namespace {

constexpr double kQuickSeconds = 0.2;

struct Options {
  SourceOptions source;
  MachineOptions machine;
  std::string targets, output, report, onnxruntime;
  std::vector<std::string> measurements;
  double seconds = kQuickSeconds;
  double p99_milliseconds = 7.0;
  bool json = false, all = false, no_what_if = false, rules = false;
};

// Modelled devices by default: three generations of GPUs.
std::vector<std::string> targets_of(const Options& o, const std::string& simulated) {
  if (o.targets.empty()) {
    return {simulated, "cpu:host", "cpu:onnxruntime", "gpu:v100", "gpu:a100", "gpu:h100"};
  }
  std::vector<std::string> targets;
  if (o.targets == "all") {
    targets = compare::fixed_targets();
    targets.insert(targets.begin(), simulated);
    return targets;
  }
  std::istringstream in(o.targets);
  for (std::string target; std::getline(in, target, ',');) targets.push_back(target);
  return targets;
}

// The machine that equals `machine`, added if there is none. Two that are called alike and are not
// the same get names that tell them apart.
const isa::Machine& one_of(std::vector<isa::Machine>& machines, isa::Machine machine) {
  const auto same = std::ranges::find(machines, machine);
  if (same != machines.end()) return *same;
  const auto called = std::ranges::find(machines, machine.name, &isa::Machine::name);
  if (called != machines.end()) {
    machine.name = isa::changed_name(called->name, *called, machine);
  }
  machines.push_back(std::move(machine));
  return machines.back();
}

// Sets the machines and names the targets after them: --machine's, or those named as targets.
// --set holds for every one of them; "tpu:" alone is --machine's.
void set_targets(const Options& o, compare::CompareRequest& request) {
  constexpr std::string_view kPrefix = "tpu:";
  std::vector<isa::Machine> machines;
  if (!o.machine.machine.empty()) machines.push_back(resolve_machine(o.machine));
  bool asked = machines.empty(), simulates = false;  // whether --machine is a target; any machine
  request.targets = targets_of(o, std::string(kPrefix));
  for (std::string& target : request.targets) {
    if (!target.starts_with(kPrefix)) {
      compare::require_target(target);
      continue;
    }
    simulates = true;
    MachineOptions named = o.machine;
    if (target != kPrefix) named.machine = target.substr(kPrefix.size());
    const isa::Machine& found = one_of(machines, resolve_machine(named));
    asked = asked || found == machines.front();
    target = std::string(kPrefix) + found.name;
  }
  if (simulates && !asked) {
    throw InputError("--machine " + o.machine.machine, "is none of --targets",
                     fmt::format("tpu:{} among them, or no --machine", o.machine.machine));
  }
  if (machines.empty()) machines.push_back(resolve_machine(o.machine));
  request.machine = machines.front();
  request.more_machines.assign(machines.begin() + 1, machines.end());
}

// Rule 5's whole measurement from 10 seconds a row on, else a quick look.
compare::MeasureOptions measuring(double seconds) {
  const compare::MeasureOptions full;
  if (seconds < full.seconds) return compare::quick_options(seconds);
  compare::MeasureOptions longer = full;
  longer.seconds = seconds;
  return longer;
}

// The files that were asked for.
struct Results {
  explicit Results(const Options& o) {
    if (!o.report.empty()) {
      files.folder("--report", o.report);
      for (const char* name : compare::kReportFiles) {
        report[name] = files.file("--report", o.report + "/" + name);
      }
    }
    json = files.file("--output", o.output);
  }

  void write(const compare::Comparison& comparison) {
    if (json != nullptr) json->write(json_text(compare::to_json(comparison)));
    if (!report.empty()) write_report(compare::report(comparison));
    files.commit();
  }

 private:
  void write_report(const compare::Report& texts) {
    for (const auto& [name, file] : report) {
      const auto text = texts.files.find(name);
      text == texts.files.end() ? files.drop(file) : file->write(text->second);
    }
    if (texts.missing) note(*texts.missing);
  }

  OutputSet files;
  AtomicFile* json = nullptr;
  std::map<std::string, AtomicFile*> report;  // by name
};

// A comparison of nothing is none.
void require_rows(const compare::Comparison& comparison) {
  if (!comparison.rows.empty()) return;
  const std::string why = comparison.absent.empty() ? "no target has figures of this model"
                                                    : comparison.absent.front().target + ": " +
                                                          comparison.absent.front().reason;
  throw InputError("compare", "no row: " + why, "a target that runs this model and precision");
}

void print_rules() {
  fmt::print("\nRules:\n");
  constexpr std::size_t kIndent = 5;
  std::size_t number = 0;
  for (const std::string& rule : compare::rules()) {
    fmt::print("{:>3}. {}\n", ++number, wrapped(rule, kIndent, kIndent));
  }
}

void compare_targets(const Options& o, const std::string& command_line) {
  Results results(o);
  compare::CompareRequest request;
  for (const std::string& path : o.measurements) {
    request.measurements.push_back(compare::open_measurements(path));
  }
  request.what_if = !o.no_what_if;
  set_targets(o, request);
  ModelSource model(o.source);
  request.source = model.source();
  request.batches = model.batches();
  request.precisions = o.source.precisions;
  request.measure = measuring(o.seconds);
  request.onnxruntime = {.script = data_path("compare/targets/onnxruntime.js"),
                         .packages = o.onnxruntime,
                         .integer_file = model.integer_file(),
                         .float_file = model.float_file()};
  request.p99_limit = o.p99_milliseconds * 1e-3;
  request.command = command_line;
  request.version = program_version();
  std::optional<Progress> progress("comparing");
  const compare::Comparison comparison = compare::compare_model(request);
  progress.reset();
  require_rows(comparison);
  results.write(comparison);
  fmt::print("{}", o.json ? json_text(compare::to_json(comparison))
                          : compare::table_text(comparison, o.all));
  if (o.rules && !o.json) print_rules();
}

void add_result_options(Command app, Options& o) {
  app.add_option("-o,--output", o.output, "writes rows, points and samples as JSON")
      .type_name("FILE");
  app.add_option("--report", o.report, "writes a page (HTML), JSON, CSV, Markdown and SVG plots")
      .type_name("DIR");
  app.add_flag("--json", o.json, "prints the JSON instead of the table");
  app.add_flag("--no-what-if", o.no_what_if, "what bounds a machine is predicted, not run again");
  app.add_flag("--rules", o.rules, "prints the rules by which rows are compared, too");
  app.add_flag("--all", o.all, "the table has every batch size and setting");
}

}  // namespace

void add_compare(Command app, const std::string& command_line) {
  Command command = app.add_subcommand(
      "compare", "sets the simulated machine beside CPUs and GPUs, measured and modelled");
  const auto o = std::make_shared<Options>();
  add_source_options(command, o->source);
  add_machine_options(command, o->machine);
  command
      .add_option("--targets", o->targets,
                  fmt::format("all, or of tpu:MACHINE, {}; default: the machine, cpu:host, "
                              "cpu:onnxruntime, gpu:v100, gpu:a100, gpu:h100",
                              fmt::join(compare::fixed_targets(), ", ")))
      .type_name("LIST");
  command
      .add_option("--seconds", o->seconds,
                  "measuring time of each row; below 10 the row is marked quick; default 0.2")
      .check(real_within(0.01, 3600.0))
      .type_name("S");
  command
      .add_option("--measurements", o->measurements,
                  "files of `systole measure`, or a folder of them")
      .type_name("FILE|DIR");
  command
      .add_option("--onnxruntime", o->onnxruntime,
                  "node_modules folder with onnxruntime-node; default: as node finds it")
      .type_name("DIR");
  command
      .add_option("--p99", o->p99_milliseconds,
                  "server scenario: limit of the p99 response in ms; default 7")
      .check(real_within(1e-3, 1e6))
      .type_name("MS");
  add_result_options(command, *o);
  command.footer(
      "Example:\n  systole compare mlp:784,512,10 --batches 1..64\n"
      "  systole compare gemm:1024,1024,1024 --targets tpu:tpu_v1,cpu:host,gpu:h100\n"
      "  systole compare mlp:784,512,10 --targets tpu:tpu_v1,tpu:tpu_v1_prime\n"
      "  systole compare vadd:65536 --report vadd_report");
  command.callback([o, command_line] { compare_targets(*o, command_line); });
}

}  // namespace systole::cli
