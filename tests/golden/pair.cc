// From a pair's name to a program with inputs.
#include "tests/golden/pair.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <sstream>

#include "base/diag.h"
#include "base/source.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "compiler/passes/quantise_graph.h"
#include "compiler/zoo/networks.h"
#include "tests/support/random_choice.h"

namespace systole::golden {
namespace {

using compiler::Graph;

struct Words {
  std::string model, schedule = "overlap", machine;
  std::int64_t batch = 0, divisor = 1, batches = 1;  // batch 0: the model's own
  bool timing = false;
};

Words parsed(const std::string& name) {
  Words words;
  std::istringstream in(name);
  in >> words.model;
  for (std::string word; in >> word && word != "on";) {
    if (word == "timing") {
      words.timing = true;
    } else if (word == "schedule") {
      in >> words.schedule;
    } else if (word == "batch") {
      in >> words.batch;
    } else if (word == "divisor") {
      in >> words.divisor;
    } else if (word == "batches") {
      in >> words.batches;
    } else {
      throw InternalError("pair '" + name + "': what is '" + word + "'?");
    }
  }
  std::getline(in >> std::ws, words.machine);
  return words;
}

// The file of a model that is named by folder and name.
std::string file_of(const std::string& model) {
  const std::size_t slash = model.find('/');
  const std::string folder = model.substr(0, slash), name = model.substr(slash + 1);
  if (folder == "models") return source_path("models/" + name + ".onnx");
  if (folder == "scalesim") return source_path("models/scalesim/" + name + ".csv");
  const std::string file = source_path("tests/conformance/" + model + ".onnx");
  return std::filesystem::exists(file) ? file : file + "txt";
}

Graph load(const Words& words) {
  const bool is_file = words.model.find('/') != std::string::npos;
  if (!is_file && words.model.find(':') == std::string::npos) {
    return compiler::make_network(words.model, {.batch = std::max<std::int64_t>(1, words.batch),
                                                .structure_only = words.timing,
                                                .divisor = words.divisor});
  }
  compiler::LoadOptions options;
  if (words.batch != 0) options.batch = words.batch;
  options.structure_only = words.timing;
  return compiler::load_model(is_file ? file_of(words.model) : words.model, options);
}

// Every tensor of a float model with a quantisation of its own, in steps of about `step`.
Graph with_fixed_quantisations(Graph graph, float step) {
  const auto is_quantiser = [](const compiler::Node& node) {
    return node.kind == compiler::OpKind::kQuantise || node.kind == compiler::OpKind::kDequantise;
  };
  if (std::ranges::any_of(graph.nodes, is_quantiser)) return graph;
  graph = compiler::absorb_biases(std::move(graph));
  const compiler::QuantisePlan plan = compiler::plan_quantisation(graph);
  if (plan.products.empty()) return graph;
  compiler::Quantisations quantisations;
  quantisations.where = graph.name;
  int i = 0;
  for (const compiler::ValueId id : plan.tensors) {
    const float scale = step * (1.0F + 0x1p-4F * static_cast<float>(i % 8));
    quantisations.tensors[id] = compiler::Quant{{scale}, {120 + i % 16}, 0, DType::kUint8};
    ++i;
  }
  return compiler::insert_quantisers(std::move(graph), plan, quantisations);
}

bool calls_library(isa::HostOp op) {
  constexpr std::array kOps = {isa::HostOp::kSoftmax, isa::HostOp::kSigmoid, isa::HostOp::kTanh};
  return std::ranges::find(kOps, op) != kOps.end();
}

// What such steps read becomes an output, what they write none.
void leave_out_library(isa::Program& program) {
  const auto set_roles = [&](const std::vector<std::int64_t>& tensors, isa::Role from,
                             isa::Role to) {
    for (const std::int64_t i : tensors) {
      isa::HostTensor& t = program.tensors.at(static_cast<std::size_t>(i));
      if (t.role == from) t.role = to;
    }
  };
  for (const isa::HostStep& step : program.host_steps) {
    if (!calls_library(step.op)) continue;
    set_roles(step.inputs, isa::Role::kIntermediate, isa::Role::kOutput);
    set_roles(step.outputs, isa::Role::kOutput, isa::Role::kIntermediate);
  }
}

// Floats in [-2, 2] that are exact, bytes of any value, small numbers of wider types.
Tensor random_tensor(const isa::HostTensor& t, RandomChoice& random) {
  Tensor tensor(t.type, t.shape);
  const auto fill = [&](auto values, std::int64_t low, std::int64_t high) {
    for (auto& v : values) v = static_cast<std::decay_t<decltype(v)>>(random.pick(low, high));
  };
  constexpr std::int64_t kSmall = 100;
  switch (t.type) {
    case DType::kFloat32:
      for (float& v : tensor.as<float>()) v = static_cast<float>(random.pick(-128, 128)) / 64.0F;
      break;
    case DType::kInt16:
      fill(tensor.as<std::int16_t>(), -kSmall, kSmall);
      break;
    case DType::kInt32:
      fill(tensor.as<std::int32_t>(), -kSmall, kSmall);
      break;
    case DType::kInt64:
      fill(tensor.as<std::int64_t>(), -kSmall, kSmall);
      break;
    default:
      SYSTOLE_CHECK(dtype_bytes(t.type) == 1 && t.type != DType::kBool, "input {}", t.name);
      for (std::uint8_t& v : tensor.data) v = random.byte();
  }
  return tensor;
}

}  // namespace

Pair make_pair(const std::string& name) {
  const Words words = parsed(name);
  Pair pair;
  Graph graph = load(words);
  pair.timing = words.timing || graph.structure_only;
  // Values of networks with seeded weights are near 1, those of trained ones larger.
  const float step = words.model.starts_with("models/") ? 0x1p-2F : 0x1p-5F;
  if (!pair.timing) graph = with_fixed_quantisations(std::move(graph), step);
  pair.program = compiler::compile(
      graph, isa::load_machine(words.machine),
      {.batches = words.batches, .timing_only = pair.timing, .schedule = words.schedule});
  leave_out_library(pair.program);
  if (pair.timing) return pair;
  RandomChoice random(1);
  for (const isa::HostTensor& t : pair.program.tensors) {
    if (t.role == isa::Role::kInput) pair.inputs.emplace(t.name, random_tensor(t, random));
  }
  return pair;
}

}  // namespace systole::golden
