// Rung scalesim: cycles of the weight-stationary array against SCALE-Sim's law, layer by layer.
//
// SCALE-Sim (scalesim-project/SCALE-Sim, systolic_compute_ws.py; memory that never limits) gives a
// layer of F folds and M rows on R x C  F (2R + C + M - 2) - 1 cycles: its matrices of demands have
// that many rows, counted from 0. Here the first shift starts a cycle earlier and the last sum is
// readable a cycle later (docs/machine.md, T2 and T4), so a layer takes exactly two cycles more.
#include "traces/sinks/scalesim.h"

#include <fmt/core.h>

#include <array>
#include <filesystem>
#include <string_view>

#include "base/page.h"
#include "base/source.h"
#include "base/terminal.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "isa/machine.h"
#include "isa/scalesim_config.h"
#include "sim/run.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

constexpr std::int64_t kMoreCycles = 2;  // a layer

struct ArrayShape {
  std::int64_t rows, columns;
};
constexpr auto kArrays =
    std::to_array<ArrayShape>({{12, 14}, {16, 16}, {16, 32}, {32, 32}, {128, 128}, {256, 256}});

struct Product {
  std::int64_t m, k, n;
};
constexpr auto kProducts = std::to_array<Product>(
    {{1, 1, 1}, {1, 300, 7}, {5, 8, 8}, {64, 9, 33}, {100, 256, 256}, {777, 130, 515}});

constexpr auto kTopologies =
    std::to_array<std::string_view>({"alexnet", "resnet18", "resnet50", "vit_s16_layer"});

isa::Machine machine_of(const ArrayShape& array) {
  constexpr std::string_view kConfig =
      "[architecture_presets]\nArrayHeight: {}\nArrayWidth: {}\nIfmapSramSzkB: 1024\n"
      "FilterSramSzkB: 4096\nOfmapSramSzkB: 1024\nDataflow: ws\n"
      "[run_presets]\nInterfaceBandwidth: CALC\n";
  return isa::machine_from_scalesim(fmt::format(kConfig, array.rows, array.columns),
                                    fmt::format("{}x{}", array.rows, array.columns),
                                    isa::load_machine("scale_sim_ws"));
}

std::vector<traces::ScaleSimLayer> simulate(const compiler::Graph& graph,
                                            const isa::Machine& machine) {
  const isa::Program program = compiler::compile(graph, machine, {.timing_only = true});
  traces::ScaleSimLayers layers(program);
  static_cast<void>(
      sim::run(program, machine, {}, {.timing_only = true, .probe = &layers, .progress = {}}));
  return layers.layers();
}

// One row: a graph's layers on one array, all compared.
void compare(const std::string& name, const compiler::Graph& graph, const ArrayShape& array,
             Validation& result) {
  const isa::Machine machine = machine_of(array);
  const std::vector<traces::ScaleSimLayer> layers = simulate(graph, machine);
  SYSTOLE_CHECK(layers.size() == graph.nodes.size(), "{} of {} layers", layers.size(),
                graph.nodes.size());
  std::int64_t ours = 0, theirs = 0, equal = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Shape& w = graph.value(graph.nodes[i].inputs[1]).shape;
    const Shape& y = graph.value(graph.nodes[i].outputs[0]).shape;
    const std::int64_t rows = y.at(y.size() - 2);
    const std::int64_t folds = ceil_div(w.at(0), array.rows) * ceil_div(w.at(1), array.columns);
    const std::int64_t law = folds * (2 * array.rows + array.columns + rows - 2) - 1;
    ours += layers[i].cycles().value;
    theirs += law;
    const bool holds = layers[i].cycles().value == law + kMoreCycles && layers[i].folds == folds;
    equal += holds ? 1 : 0;
    ++(holds ? result.tally->passed : result.tally->failed);
  }
  const auto count = static_cast<std::int64_t>(layers.size());
  result.tables[0].rows.push_back({{"name", name},
                                   {"array", fmt::format("{}x{}", array.rows, array.columns)},
                                   {"layers", count},
                                   {"scalesim_cycles", theirs},
                                   {"simulated_cycles", ours},
                                   {"difference", ours - theirs},
                                   {"equal_layers", equal}});
}

ValidationTable new_cases() {
  return {"cases",
          "Cycles, memory that never limits; every layer must take SCALE-Sim's cycles + 2",
          {{"name", "model"},
           {"array", "array"},
           {"layers", "layers"},
           {"scalesim_cycles", "SCALE-Sim"},
           {"simulated_cycles", "systole"},
           {"difference", "difference"},
           {"equal_layers", "layers at + 2"}},
          {}};
}

}  // namespace

Validation validate_scalesim(const ValidateRequest& /*request*/) {
  Validation result;
  result.tables.push_back(new_cases());
  result.tally.emplace();
  compiler::LoadOptions structure;
  structure.structure_only = true;
  Progress progress("validating");
  for (std::size_t a = 0; a < kArrays.size(); ++a) {
    progress.update(static_cast<double>(a) / static_cast<double>(kArrays.size()));
    for (const Product& p : kProducts) {
      const std::string model = fmt::format("gemm:{},{},{}", p.m, p.k, p.n);
      compare(model, compiler::load_model(model, structure), kArrays.at(a), result);
    }
    for (const std::string_view name : kTopologies) {
      const auto file = models_folder() / "scalesim" / fmt::format("{}.csv", name);
      compare(std::string(name), compiler::load_model(file.string(), {}), kArrays.at(a), result);
    }
  }
  result.notes = {
      "SCALE-Sim's cycles are F (2R + C + M - 2) - 1 a layer (systolic_compute_ws.py); its COMPUTE "
      "REPORT has 112283 for AlexNet's first layer on 32x32, which the tests compare too",
      "a layer's cycles here run from the start of its first tile's shift to its last sum being "
      "readable"};
  return result;
}

}  // namespace systole::validate
