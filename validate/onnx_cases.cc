// ONNX's operator tests: reading, evaluating and comparing.
//
// A test gives every operand as an input of its model. What has to be constant for us (a shape,
// a scale, weights of a machine) is given as a constant: all inputs but the first, where the model
// as it stands is refused or not lowered. A test keeps the opset in which its operator last
// changed; operators older than the oldest opset we read are read in that one.
#include "validate/onnx_cases.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>

#include "base/files.h"
#include "compiler/compile.h"
#include "compiler/frontend/onnx_constants.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/pipeline.h"
#include "formats/tensor_files.h"
#include "sim/run.h"

namespace systole::validate {
namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, Tensor>;
using Verdict = OnnxOutcome::Verdict;

onnx::ModelProto parse_model(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  onnx::ModelProto model;
  const bool fits = bytes.size() <= std::numeric_limits<int>::max();
  if (!fits || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    throw InputError(path, "is not an ONNX model", "a whole ONNX file");
  return model;
}

bool is_default(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

// Reads the model in the oldest opset we know if all its operators are still the same there.
void raise_opset(onnx::ModelProto& model) {
  constexpr auto kOldest = static_cast<int>(compiler::kOldestOpset);
  for (onnx::OperatorSetIdProto& set : *model.mutable_opset_import()) {
    if (!is_default(set.domain()) || set.version() >= kOldest) continue;
    for (const onnx::NodeProto& node : model.graph().node()) {
      const auto* schema = onnx::OpSchemaRegistry::Schema(node.op_type(), kOldest, node.domain());
      if (schema == nullptr || schema->SinceVersion() > set.version()) return;
    }
    set.set_version(kOldest);
  }
}

bool is_read(const onnx::NodeProto& node) {
  if (compiler::find_onnx_constant(node) != nullptr) return true;
  const std::string domain = is_default(node.domain()) ? "" : node.domain();
  const auto all = compiler::onnx_operators();
  return std::any_of(all.begin(), all.end(), [&](const compiler::OnnxOperator& op) {
    return op.name == node.op_type() && op.domain == domain;
  });
}

// Names of the inputs that a data set gives, in its order.
std::vector<std::string> data_names(const onnx::GraphProto& graph) {
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    const auto& stored = graph.initializer();
    const bool constant = std::any_of(stored.begin(), stored.end(),
                                      [&](const auto& t) { return t.name() == input.name(); });
    if (!constant) names.push_back(input.name());
  }
  return names;
}

std::vector<std::string> output_names(const onnx::GraphProto& graph) {
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto& output : graph.output()) names.push_back(output.name());
  return names;
}

// float64 as the compiler has it.
Tensor narrowed(Tensor t) {
  if (t.type != DType::kFloat64) return t;
  Tensor made(DType::kFloat32, t.shape);
  const auto from = t.as<double>();
  std::transform(from.begin(), from.end(), made.as<float>().begin(),
                 [](double v) { return static_cast<float>(v); });
  return made;
}

Tensors read_set(const fs::path& set, const std::string& prefix,
                 const std::vector<std::string>& names) {
  Tensors tensors;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const fs::path file = set / fmt::format("{}_{}.pb", prefix, i);
    if (fs::exists(file)) tensors[names[i]] = narrowed(formats::read_tensor_file(file.string()));
  }
  return tensors;
}

void make_constant(onnx::GraphProto& graph, const std::string& name, const Tensor& t) {
  onnx::TensorProto& proto = *graph.add_initializer();
  proto.set_name(name);
  proto.set_data_type(dtype_onnx_code(t.type));
  for (const std::int64_t dim : t.shape) proto.add_dims(dim);
  proto.set_raw_data(t.data.data(), t.data.size());
}

struct Test {
  std::string path;
  onnx::ModelProto model;
  Tensors inputs, expected;
};

// The test's graph, all inputs but the first constant if that is asked for.
compiler::Graph import_test(const Test& test, bool constants) {
  onnx::ModelProto model = test.model;
  const std::vector<std::string> names = data_names(model.graph());
  for (std::size_t i = 1; constants && i < names.size(); ++i) {
    if (test.inputs.contains(names[i]))
      make_constant(*model.mutable_graph(), names[i], test.inputs.at(names[i]));
  }
  compiler::OnnxFile file = compiler::onnx_file(test.path, std::move(model));
  return compiler::fuse_quantised(compiler::import_onnx(file, {}));
}

Tensors graph_inputs(const compiler::Graph& graph, const Test& test) {
  Tensors inputs;
  for (const compiler::ValueId id : graph.inputs)
    inputs[graph.value(id).name] = test.inputs.at(graph.value(id).name);
  return inputs;
}

std::vector<Tensor> evaluated(const compiler::Graph& graph, const Test& test) {
  std::vector<Tensor> inputs;
  for (const compiler::ValueId id : graph.inputs) {
    const compiler::Value& value = graph.value(id);
    const Tensor& given = test.inputs.at(value.name);
    if (given.type != value.type || given.shape != value.shape) {
      throw InputError(value.name,
                       fmt::format("is {} {}", dtype_name(given.type), shape_text(given.shape)),
                       "data of the model's type and shape");
    }
    inputs.push_back(given);
  }
  return compiler::evaluate(graph, inputs);
}

// The first output that is not as expected; empty if all are.
std::string difference_from(const Test& test, const std::vector<Tensor>& outputs) {
  const std::vector<std::string> names = output_names(test.model.graph());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto expected = test.expected.find(names[i]);
    if (expected == test.expected.end()) return "no expected " + names[i];
    if (!matches(outputs.at(i), expected->second)) return "another " + names[i];
  }
  return "";
}

// Whether the graph's program gives the evaluator's bytes on both engines; nothing if it has none.
std::optional<bool> simulated(const compiler::Graph& graph, const Test& test,
                              const std::vector<Tensor>& outputs) {
  const isa::Machine machine = isa::load_machine("tpu_v1");
  isa::Program program;
  try {
    program = compiler::compile(graph, machine, {});
  } catch (const InputError&) {
    return std::nullopt;
  }
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
    sim::RunOptions options;
    options.engine = engine;
    const sim::RunResult run = sim::run(program, machine, graph_inputs(graph, test), options);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string& name = graph.value(graph.outputs[i]).name;
      if (run.outputs.at(name).data != outputs[i].data) return false;
    }
  }
  return true;
}

// Runs one data set; `outcome` keeps the worst.
void run_test(const Test& test, OnnxOutcome& outcome) {
  compiler::Graph graph;
  try {
    graph = import_test(test, false);
  } catch (const InputError&) {
    graph = import_test(test, true);
  }
  const std::vector<Tensor> outputs = evaluated(graph, test);
  outcome.reason = difference_from(test, outputs);
  std::optional<bool> same = simulated(graph, test, outputs);
  if (!same) {
    const compiler::Graph fixed = import_test(test, true);
    same = simulated(fixed, test, evaluated(fixed, test));
  }
  if (same == false) outcome.reason = "the engines differ from the evaluator";
  outcome.simulated = same == true;
  outcome.verdict = outcome.reason.empty() ? Verdict::kPassed : Verdict::kFailed;
}

std::vector<fs::path> data_sets(const std::string& folder) {
  std::vector<fs::path> sets;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("test_data_set_"))
      sets.push_back(entry.path());
  }
  std::sort(sets.begin(), sets.end());
  return sets;
}

}  // namespace

std::vector<std::string> onnx_cases(const std::string& root) {
  std::vector<std::string> folders;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename() == "model.onnx")
      folders.push_back(entry->path().parent_path().string());
  }
  if (folders.empty()) {
    throw InputError(root, "holds no tests (model.onnx and test_data_set_0)",
                     "Debian's package libonnx-testdata, or --data FOLDER");
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

bool matches(const Tensor& got, const Tensor& expected) {
  if (got.type != expected.type || got.shape != expected.shape) return false;
  if (got.type != DType::kFloat32) return got.data == expected.data;
  const auto a = got.as<float>();
  const auto b = expected.as<float>();
  return std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
    if (std::isnan(y)) return std::isnan(x);
    if (std::isinf(y)) return x == y;
    return std::abs(x - y) <= 1e-7F + 1e-3F * std::abs(y);
  });
}

OnnxOutcome run_onnx_case(const std::string& folder) {
  OnnxOutcome outcome;
  Test test{(fs::path(folder) / "model.onnx").string(), {}, {}, {}};
  try {
    test.model = parse_model(test.path);
    raise_opset(test.model);
    bool known = true;
    for (const auto& input : test.model.graph().input()) {
      if (!input.type().has_tensor_type()) throw InputError(input.name(), "no tensor", "tensors");
    }
    for (const onnx::NodeProto& node : test.model.graph().node()) {
      outcome.operators.insert(node.op_type());
      known = known && is_read(node);
    }
    if (!known) {
      outcome.reason = kNotRead;
      return outcome;
    }
    for (const fs::path& set : data_sets(folder)) {
      test.inputs = read_set(set, "input", data_names(test.model.graph()));
      test.expected = read_set(set, "output", output_names(test.model.graph()));
      run_test(test, outcome);
      if (outcome.verdict == Verdict::kFailed) return outcome;
    }
  } catch (const InputError& error) {
    outcome.verdict = Verdict::kSkipped;
    const Diag& diag = error.diag();
    outcome.reason =
        diag.expected.empty() ? "refused: " + diag.what : "refused, expected: " + diag.expected;
  }
  return outcome;
}

}  // namespace systole::validate
