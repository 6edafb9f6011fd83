// Networks: made again, run node by node on ONNX Runtime's tensors, then by themselves.
//
// With products as QLinearConv and QLinearMatMul and everything else in float32 as written, ONNX
// Runtime's level `disabled` computes each node as its class says: (a) and (b) equal, (c) and
// products in float32 (a Gemm with bias) within a step. So large tensors need no more than a CRC.
#include "validate/ort_networks.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/source.h"
#include "compiler/compile.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/ir/integers.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "compiler/quantize/quantize.h"
#include "compiler/zoo/networks.h"
#include "formats/tensor_files.h"
#include "sim/run.h"
#include "validate/ort_cases.h"

namespace systole::validate {
namespace {

namespace fs = std::filesystem;
using compiler::Graph;
using compiler::Node;
using compiler::OpKind;
using compiler::ValueId;

// One tensor as ONNX Runtime computed it.
struct Stored {
  std::uint32_t crc = 0;
  std::optional<Tensor> whole;
};

struct Network {
  std::string model;
  Shape samples, input;
  std::uint32_t model_crc = 0;
  std::map<std::string, Stored> tensors;  // by ONNX name
};

std::uint32_t crc_of(const std::vector<std::uint8_t>& bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, bytes.data(), bytes.size()));
}

Network read_network(const std::string& folder) {
  const std::string index = (fs::path(folder) / "network.json").string();
  Network network;
  try {
    const auto json = nlohmann::json::parse(read_file(index));
    network.model = json.at("model");
    network.samples = json.at("samples").get<Shape>();
    network.input = json.at("input").get<Shape>();
    network.model_crc = json.at("model_crc32");
    for (const auto& [name, tensor] : json.at("tensors").items()) {
      Stored stored{tensor.at("crc32"), std::nullopt};
      if (tensor.contains("file")) {
        const std::string file = tensor.at("file");
        stored.whole = formats::read_tensor_file((fs::path(folder) / file).string());
      }
      network.tensors.emplace(name, std::move(stored));
    }
  } catch (const nlohmann::json::exception& error) {
    throw InputError(index, error.what(), "a network as make_networks.py writes it");
  }
  return network;
}

// The float network: a file of models/ or what the generator makes.
compiler::OnnxFile float_network(const std::string& model) {
  if (model.ends_with(".onnx")) return compiler::read_onnx((models_folder() / model).string());
  return compiler::parse_onnx(model, compiler::network_model(model));
}

// The quantised network, fused.
Graph make_graph(const Network& network, const std::string& folder) {
  const std::vector<std::uint8_t> bytes =
      compiler::quantize_onnx(float_network(network.model), network_pattern(network.samples),
                              {.percentile = {}, .format = compiler::QuantFormat::kQlinear});
  if (crc_of(bytes) != network.model_crc) {
    throw InputError(folder,
                     fmt::format("the quantised {} has CRC {}", network.model, crc_of(bytes)),
                     fmt::format("{}, of the file ONNX Runtime ran (make_networks.py renews it)",
                                 network.model_crc));
  }
  compiler::OnnxFile file = compiler::parse_onnx(network.model, bytes);
  compiler::LoadOptions options;
  options.batch = network.input.at(0);
  return compiler::fuse_quantised(compiler::import_onnx(file, options));
}

// How equal a node's result has to be (docs/quantisation.md), as the index of its class, and
// whether at ONNX Runtime's level `disabled` its bytes are promised.
struct Promise {
  std::size_t letter;
  bool exact;
};
Promise promise_of(const Node& node) {
  if (node.kind == OpKind::kConv) return {0, true};
  if (node.kind == OpKind::kMatmul) return {0, node.inputs.size() == 2};  // a Gemm ran in float32
  const auto* const pool = std::get_if<compiler::PoolAttrs>(&node.attrs);
  const bool average = pool != nullptr && pool->fn == compiler::PoolFn::kAverage;
  return {average || node.kind == OpKind::kReduce ? std::size_t{2} : std::size_t{1},
          !average && node.kind != OpKind::kReduce};
}

// A graph of this node alone; what it reads at run time are the graph's inputs.
Graph alone(const Graph& graph, const Node& node) {
  Graph one;
  Node copy = node;
  const auto add = [&](ValueId& id) { id = one.add_value(graph.value(id)); };
  for (ValueId& id : copy.inputs) {
    if (id == compiler::kNoValue) continue;
    add(id);
    if (!one.value(id).constant) one.inputs.push_back(id);
  }
  for (ValueId& id : copy.outputs) add(id);
  one.outputs = copy.outputs;
  one.nodes.push_back(std::move(copy));
  return one;
}

class NodeByNode {
 public:
  NodeByNode(const Graph& graph, const Network& network, NetworkOutcome& outcome)
      : graph_(graph), network_(network), outcome_(outcome) {}

  void run(const Tensor& input) {
    known_[graph_.inputs.at(0)] = input;
    for (const Node& node : graph_.nodes) {
      std::vector<Tensor> inputs;
      for (const ValueId id : node.inputs) {
        if (id != compiler::kNoValue && !graph_.value(id).constant) inputs.push_back(known_.at(id));
      }
      known_[node.outputs[0]] = compiler::evaluate(alone(graph_, node), inputs).at(0);
      compare(node, known_[node.outputs[0]]);
    }
    if (compared_ != network_.tensors.size()) {
      outcome_.failure = fmt::format("{} of {} stored tensors are none of the network's",
                                     network_.tensors.size() - compared_, network_.tensors.size());
    }
  }

 private:
  // Counts what differs; the nodes behind get ONNX Runtime's tensor, if it is stored whole.
  void compare(const Node& node, Tensor& got) {
    const std::string& name = graph_.value(node.outputs[0]).name;
    const auto found = network_.tensors.find(name);
    if (found == network_.tensors.end()) return;
    ++compared_;
    const Promise promise = promise_of(node);
    NetworkTally& tally = outcome_.classes.at(promise.letter);
    ++tally.tensors;
    tally.bytes += got.bytes();
    const Stored& stored = found->second;
    if (crc_of(got.data) == stored.crc) return;
    const OrtDifference found_difference = stored.whole
                                               ? difference(got, *stored.whole)
                                               : OrtDifference{got.bytes(), got.bytes(), kFarOff};
    tally.mismatching += found_difference.mismatching;
    tally.largest_step = std::max(tally.largest_step, found_difference.largest_step);
    const bool passes = !promise.exact && found_difference.largest_step <= 1;
    if (!passes && outcome_.failure.empty())
      outcome_.failure =
          fmt::format("'{}' differs by {} steps", name, found_difference.largest_step);
    if (stored.whole) got = *stored.whole;
  }

  const Graph& graph_;
  const Network& network_;
  NetworkOutcome& outcome_;
  std::map<ValueId, Tensor> known_;
  std::size_t compared_ = 0;
};

// The place of the largest element of each row.
std::vector<std::int64_t> top1(const Tensor& t) {
  std::vector<std::int64_t> places;
  const std::int64_t rows = t.shape.at(0);
  const std::int64_t each = t.count() / rows;
  compiler::with_integers(t, [&](auto values) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto first = values.begin() + r * each;
      places.push_back(std::max_element(first, first + each) - first);
    }
  });
  return places;
}

// The last stored tensor that the network computes: its answer before DequantizeLinear.
ValueId answer_of(const Graph& graph, const Network& network, const std::string& folder) {
  for (auto node = graph.nodes.rbegin(); node != graph.nodes.rend(); ++node) {
    const auto found = network.tensors.find(graph.value(node->outputs[0]).name);
    if (found != network.tensors.end() && found->second.whole) return node->outputs[0];
  }
  throw InputError(folder, "no tensor is stored whole", "the network's answer at least");
}

// Whether the network on tpu_v1 gives the evaluator's bytes, untimed and timed.
bool engines_agree(const Graph& graph, const Tensor& input) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const isa::Program program = compiler::compile(graph, machine, {});
  const Tensor expected = compiler::evaluate(graph, {input}).at(0);
  const std::string name = graph.value(graph.inputs.at(0)).name;
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
    sim::RunOptions options;
    options.engine = engine;
    const sim::RunResult run = sim::run(program, machine, {{name, input}}, options);
    if (run.outputs.begin()->second.data != expected.data) return false;
  }
  return true;
}

}  // namespace

std::vector<std::string> ort_networks(const std::string& root) {
  std::vector<std::string> folders;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(root, error)) {
    if (fs::exists(entry.path() / "network.json")) folders.push_back(entry.path().string());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

Tensor network_pattern(const Shape& shape) {
  Tensor t(DType::kFloat32, shape);
  std::int64_t i = 0;
  for (float& v : t.as<float>()) v = static_cast<float>(i++ * 7919 % 1021) / 1020.0F;
  return t;
}

NetworkOutcome run_network(const std::string& folder) {
  NetworkOutcome outcome;
  outcome.name = fs::path(folder).filename().string();
  const Network network = read_network(folder);
  const Graph graph = make_graph(network, folder);
  const Tensor input = network_pattern(network.input);
  NodeByNode(graph, network, outcome).run(input);
  const ValueId answer = answer_of(graph, network, folder);
  const Tensor ours = compiler::evaluate(graph, {input}, {answer}).at(0);
  const Tensor& theirs = *network.tensors.at(graph.value(answer).name).whole;
  outcome.largest_step = difference(ours, theirs).largest_step;
  const std::vector<std::int64_t> a = top1(ours);
  const std::vector<std::int64_t> b = top1(theirs);
  outcome.rows = std::ssize(a);
  for (std::size_t i = 0; i < a.size(); ++i) outcome.same_top1 += a[i] == b[i] ? 1 : 0;
  outcome.simulated = engines_agree(graph, input);
  if (!outcome.simulated && outcome.failure.empty())
    outcome.failure = "the engines differ from the evaluator";
  return outcome;
}

}  // namespace systole::validate
