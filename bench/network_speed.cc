// network_speed: what compiling and simulating whole networks costs, and how good the compiler's
// predictions are.
//
// Each network is made (structure and weights), written to a temporary ONNX file, then loaded and
// compiled for timing alone and simulated, a few times; medians. `predicted` is the compiler's
// total against the simulated one; the layers' errors count layers of at least a thousandth of the
// run.
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "sim/run.h"

namespace systole::bench {
namespace {

constexpr std::int64_t kFewest = 1000;  // a layer counts if it has a thousandth of the cycles

struct Options {
  std::vector<std::string> models;
  std::vector<std::int64_t> batches = {1, 8};
  std::string machine = "tpu_v1";
  std::vector<std::string> changes;
  int repeats = 5;
  bool layers = false, json = false;
};

struct Error {
  std::string layer;
  std::int64_t predicted = 0, simulated = 0;
  [[nodiscard]] double percent() const {
    return 100.0 * static_cast<double>(predicted - simulated) / static_cast<double>(simulated);
  }
};

struct Row {
  std::string model;
  std::int64_t batch = 1, instructions = 0, cycles = 0;
  double load_seconds = 0, compile_seconds = 0, simulate_seconds = 0;
  Error total;
  std::vector<Error> layers;  // smallest error first
};

template <typename Work>
double seconds_of(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void compare(const isa::Program& program, const sim::Report& report, Row& row) {
  row.total = {"total", 0, report.total.cycles.value};
  for (std::size_t l = 0; l < program.layers.size(); ++l) {
    const Error layer{program.layers[l].name, program.layers[l].predicted_cycles,
                      report.layers[l].counters.cycles.value};
    row.total.predicted += layer.predicted;
    if (layer.simulated * kFewest >= row.total.simulated) row.layers.push_back(layer);
  }
  std::ranges::sort(row.layers, [](const Error& a, const Error& b) {
    return std::abs(a.percent()) < std::abs(b.percent());
  });
}

Row measure(const std::string& model, const std::string& path, std::int64_t batch,
            const Options& o) {
  isa::Machine machine = isa::load_machine(o.machine);
  for (const std::string& change : o.changes) isa::set_parameter(machine, change);
  isa::validate(machine);
  compiler::LoadOptions load;
  load.batch = batch;
  load.structure_only = true;
  sim::RunOptions run;
  run.timing_only = true;
  Row row;
  row.model = model;
  row.batch = batch;
  std::vector<double> loading, compiling, simulating;
  for (int i = 0; i < o.repeats; ++i) {
    compiler::Graph graph;
    isa::Program program;
    sim::Report report;
    loading.push_back(seconds_of([&] { graph = compiler::load_model(path, load); }));
    compiling.push_back(
        seconds_of([&] { program = compiler::compile(graph, machine, {.timing_only = true}); }));
    simulating.push_back(seconds_of([&] { report = sim::run(program, machine, {}, run).report; }));
    if (i > 0) continue;
    row.instructions = report.total.instructions;
    row.cycles = report.total.cycles.value;
    compare(program, report, row);
  }
  row.load_seconds = median(loading);
  row.compile_seconds = median(compiling);
  row.simulate_seconds = median(simulating);
  return row;
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

void print_header() {
  fmt::print("{:<14} {:>5} {:>12} {:>9} {:>12} {:>8} {:>8} {:>10} {:>10} {:>10}\n", "model",
             "batch", "instructions", "cycles", "predicted", "median", "largest", "load ms",
             "compile ms", "simulate ms");
}

void print(const Row& row, bool layers) {
  fmt::print(
      "{:<14} {:>5} {:>12} {:>9} {:>+11.2f}% {:>7.2f}% {:>+7.2f}% {:>10.1f} {:>10.1f} {:>10.1f}\n",
      row.model, row.batch, row.instructions, row.cycles, row.total.percent(),
      std::abs(row.layers[row.layers.size() / 2].percent()), row.layers.back().percent(),
      row.load_seconds * 1e3, row.compile_seconds * 1e3, row.simulate_seconds * 1e3);
  if (!layers) return;
  for (const Error& e : row.layers)
    fmt::print("  {:<40} {:>10} {:>10} {:>+8.2f}%\n", e.layer, e.predicted, e.simulated,
               e.percent());
}

nlohmann::json json_of(const Row& row) {
  return {{"model", row.model},
          {"batch", row.batch},
          {"instructions", row.instructions},
          {"cycles", row.cycles},
          {"predicted_percent", row.total.percent()},
          {"layer_median_percent", std::abs(row.layers[row.layers.size() / 2].percent())},
          {"layer_largest_percent", row.layers.back().percent()},
          {"load_seconds", row.load_seconds},
          {"compile_seconds", row.compile_seconds},
          {"simulate_seconds", row.simulate_seconds}};
}

std::vector<std::string> known_networks() {
  std::vector<std::string> names;
  for (const compiler::Network& network : compiler::networks()) names.emplace_back(network.name);
  return names;
}

// A network's name becomes a file; anything else is one already.
std::string path_of(const std::string& model, const std::filesystem::path& folder) {
  if (std::ranges::count(known_networks(), model) == 0) return model;
  const std::string path = folder / (model + ".onnx");
  write_file(path, compiler::network_model(model));
  return path;
}

void run(const Options& o, const std::filesystem::path& folder) {
  nlohmann::json rows = nlohmann::json::array();
  if (!o.json) print_header();
  for (const std::string& model : o.models) {
    const std::string path = path_of(model, folder);
    for (const std::int64_t batch : o.batches) {
      const Row row = measure(model, path, batch, o);
      if (o.json) {
        rows.push_back(json_of(row));
      } else {
        print(row, o.layers);
      }
    }
  }
  if (o.json) {
    fmt::print("{}\n",
               nlohmann::json{{"rows", rows}, {"peak_megabytes", peak_megabytes()}}.dump(2));
  } else {
    fmt::print("peak memory {:.0f} MB\n", peak_megabytes());
  }
}

int main_with(int argc, char** argv) {
  Options o;
  o.models = known_networks();
  CLI::App app("cost of compiling and simulating networks, timing only", "network_speed");
  app.add_option("MODEL", o.models, "network names or ONNX files with an open batch");
  app.add_option("--batch", o.batches, "batches");
  app.add_option("--machine", o.machine, "preset or file");
  app.add_option("--set", o.changes, "key=value, a parameter of the machine");
  app.add_option("--repeats", o.repeats, "runs of each, whose median counts")
      ->check(CLI::PositiveNumber);
  app.add_flag("--layers", o.layers, "prints each layer's prediction");
  app.add_flag("--json", o.json, "prints JSON");
  CLI11_PARSE(app, argc, argv);

  const auto folder = std::filesystem::temp_directory_path() / fmt::format("systole_{}", getpid());
  std::filesystem::create_directory(folder);
  run(o, folder);
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace systole::bench

int main(int argc, char** argv) {
  try {
    return systole::bench::main_with(argc, argv);
  } catch (const systole::InputError& error) {
    fmt::print(stderr, "network_speed: {}\n", error.what());
    return 1;
  }
}
