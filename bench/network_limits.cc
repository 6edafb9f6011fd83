// network_limits: whole networks against the bounds of network_bound.h.
//
// For each network at each batch: the cycles of one batch, cold, and of one more, back to back
// (half of what 8 batches more take than 8 do, by the completions of the whole), the two bounds,
// each resource's part of the period, and the floor useful multiply-adds / (R C).
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/diag.h"
#include "bench/network_bound.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/zoo/networks.h"
#include "sim/run.h"

namespace systole::bench {
namespace {

constexpr std::int64_t kBackToBack = 8;  // batches

std::int64_t bytes_of(const compiler::Graph& graph, const std::vector<compiler::ValueId>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0},
                         [&](std::int64_t sum, compiler::ValueId id) {
                           return sum + element_count(graph.value(id).shape);
                         });
}

// A byte an element, as in int8.
std::optional<NetworkLayer> layer_of(const compiler::Graph& graph, const compiler::Node& node) {
  const Shape& out = graph.value(node.outputs[0]).shape;
  const auto elements = [&](std::size_t input) {
    return element_count(graph.value(node.inputs[input]).shape);
  };
  NetworkLayer layer;
  layer.name = node.name;
  if (const auto* conv = std::get_if<compiler::ConvAttrs>(&node.attrs)) {
    const Shape& w = graph.value(node.inputs[1]).shape;
    layer.groups = conv->groups;
    layer.inner = w[1] * w[2] * w[3];
    layer.outer = w[0] / conv->groups;
    layer.rows = out[0] * out[2] * out[3];
    return layer;
  }
  if (node.kind == compiler::OpKind::kMatmul) {
    layer.inner = graph.value(node.inputs[0]).shape.back();
    layer.outer = out.back();
    layer.rows = element_count(out) / layer.outer;
    return layer;
  }
  layer.written_bytes = element_count(out);
  if (node.kind == compiler::OpKind::kPool) {
    layer.read_bytes = elements(0);
    return layer;
  }
  if (node.kind != compiler::OpKind::kZip) return std::nullopt;
  layer.read_bytes = elements(0) + elements(1);
  return layer;
}

Network network_of(const compiler::Graph& graph) {
  Network network;
  for (const compiler::Node& node : graph.nodes) {
    if (auto layer = layer_of(graph, node)) network.layers.push_back(std::move(*layer));
  }
  network.input_bytes = bytes_of(graph, graph.inputs);
  network.output_bytes = bytes_of(graph, graph.outputs);
  return network;
}

std::int64_t cycles_of(const compiler::Graph& graph, const isa::Machine& machine,
                       std::int64_t batches) {
  compiler::CompileOptions options;
  options.batches = batches;
  options.timing_only = true;
  sim::RunOptions run;
  run.timing_only = true;
  return sim::run(compiler::compile(graph, machine, options), machine, {}, run)
      .report.total.cycles.value;
}

void print_loads(const Loads& loads) {
  for (std::size_t i = 0; i < kLoads.size(); ++i) {
    fmt::print("  {:<12} {:>12}\n", kLoads[i], loads[i]);
  }
}

void print_one(const std::string& model, std::int64_t batch, const isa::Machine& machine,
               bool layers) {
  compiler::LoadOptions load;
  load.batch = batch;
  load.structure_only = true;
  const compiler::Graph graph =
      compiler::is_network(model) ? compiler::load_onnx(model, compiler::network_model(model), load)
                                  : compiler::load_model(model, load);
  const Network network = network_of(graph);
  const std::int64_t cold = cycles_of(graph, machine, 1);
  const std::int64_t period =
      (cycles_of(graph, machine, 2 * kBackToBack) - cycles_of(graph, machine, kBackToBack)) /
      kBackToBack;
  const auto line = [](const char* what, std::int64_t found, std::int64_t bound) {
    fmt::print("  {:<12} {:>12} cycles, bound {:>12}: {:.3f}\n", what, found, bound,
               static_cast<double>(found) / static_cast<double>(bound));
  };
  fmt::print("{}, batch {}, on {}\n", model, batch, machine.name);
  line("latency", cold, latency_bound(network, machine));
  line("period", period, period_bound(network, machine));
  fmt::print("  {:<12} {:>12}\n", "plain floor", plain_floor(network, machine));
  print_loads(loads_of(network, machine));
  if (!layers) return;
  for (const NetworkLayer& layer : network.layers) {
    fmt::print("  {}\n", layer.name);
    print_loads(loads_of(layer, machine));
  }
}

int main_with(int argc, char** argv) {
  CLI::App app("whole networks against lower bounds", "network_limits");
  std::vector<std::string> models = {"resnet50", "resnet18", "mobilenet_v2"}, changes;
  std::vector<std::int64_t> batches = {1, 8};
  std::string machine_name = "tpu_v1";
  bool layers = false;
  app.add_option("models", models, "ONNX files or inline shapes");
  app.add_option("--batch", batches, "batch sizes")->delimiter(',');
  app.add_option("--machine", machine_name, "preset or file");
  app.add_option("--set", changes, "key=value, a parameter of the machine");
  app.add_flag("--layers", layers, "prints each layer's parts, too");
  CLI11_PARSE(app, argc, argv);
  isa::Machine machine = isa::load_machine(machine_name);
  for (const std::string& change : changes) isa::set_parameter(machine, change);
  isa::validate(machine);
  for (const std::string& model : models) {
    for (const std::int64_t batch : batches) print_one(model, batch, machine, layers);
  }
  return 0;
}

}  // namespace
}  // namespace systole::bench

int main(int argc, char** argv) {
  try {
    return systole::bench::main_with(argc, argv);
  } catch (const systole::InputError& error) {
    fmt::print(stderr, "network_limits: {}\n", error.what());
    return 1;
  }
}
