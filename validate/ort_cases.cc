// Stored cases of ONNX Runtime: reading, running and counting what differs.
#include "validate/ort_cases.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "compiler/compile.h"
#include "compiler/ir/integers.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "formats/tensor_files.h"
#include "sim/run.h"

namespace systole::validate {
namespace {

namespace fs = std::filesystem;

std::string file_of(const OrtCase& one, const std::string& name) {
  return (fs::path(one.folder) / name).string();
}

compiler::Graph load_case(const OrtCase& one, const Tensor& input) {
  compiler::LoadOptions options;
  options.batch = input.shape.at(0);
  return compiler::load_model(file_of(one, "model.onnx"), options);
}

OrtOutcome outcome(const OrtCase& one, const Tensor& got) {
  OrtOutcome result;
  result.bytes = got.bytes();
  result.extended = difference(got, formats::read_tensor_file(file_of(one, "output.npy")));
  if (one.letter != 'a')
    result.disabled =
        difference(got, formats::read_tensor_file(file_of(one, "output_disabled.npy")));
  return result;
}

void widen(OrtDifference& worst, const OrtDifference& other) {
  worst.mismatching = std::max(worst.mismatching, other.mismatching);
  worst.largest_step = std::max(worst.largest_step, other.largest_step);
}

}  // namespace

std::vector<OrtCase> ort_cases(const std::string& folder) {
  const fs::path index = fs::path(folder) / "classes.json";
  const std::vector<std::uint8_t> bytes = read_file(index.string());
  const auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (!json.is_object() || json.empty()) {
    throw InputError(index.string(), "is no list of cases", "an object of case: class");
  }
  std::vector<OrtCase> cases;
  for (const auto& [name, letter] : json.items()) {
    const bool known = letter == "a" || letter == "b" || letter == "c";
    if (!known) throw InputError(index.string(), "case " + name + " has no class", "a, b or c");
    cases.push_back({name, (fs::path(folder) / name).string(), letter.get<std::string>().front()});
  }
  return cases;
}

OrtDifference difference(const Tensor& got, const Tensor& expected) {
  OrtDifference result;
  result.bytes = expected.bytes();
  if (got.type != expected.type || got.bytes() != expected.bytes()) {
    return {expected.bytes(), expected.bytes(), kFarOff};
  }
  for (std::size_t i = 0; i < got.data.size(); ++i) {
    if (got.data[i] != expected.data[i]) ++result.mismatching;
  }
  if (result.mismatching == 0) return result;
  if (got.type == DType::kFloat32) {
    result.largest_step = kFarOff;
    return result;
  }
  compiler::with_integers(got, [&](auto values) {
    using T = typename decltype(values)::value_type;
    const auto others = expected.as<std::remove_const_t<T>>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::int64_t step = std::int64_t{values[i]} - std::int64_t{others[i]};
      result.largest_step = std::max(result.largest_step, std::abs(step));
    }
  });
  return result;
}

bool OrtOutcome::passes(char letter) const {
  switch (letter) {
    case 'a':
      return extended.mismatching == 0;
    case 'b':
      return disabled.mismatching == 0 && extended.largest_step <= 1;
    default:
      return disabled.largest_step <= 1 && extended.largest_step <= 1;
  }
}

OrtOutcome evaluate_case(const OrtCase& one) {
  const Tensor input = formats::read_tensor_file(file_of(one, "input.npy"));
  const compiler::Graph graph = compiler::fuse_quantised(load_case(one, input));
  return outcome(one, compiler::evaluate(graph, {input}).at(0));
}

OrtSimulated simulate_case(const OrtCase& one) {
  const Tensor input = formats::read_tensor_file(file_of(one, "input.npy"));
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const compiler::Graph graph = load_case(one, input);
  isa::Program program;
  try {
    program = compiler::compile(graph, machine, {});
  } catch (const InputError& error) {
    return {std::nullopt, error.what()};
  }
  OrtSimulated result;
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
    sim::RunOptions options;
    options.engine = engine;
    const sim::RunResult run = sim::run(program, machine, {{"x", input}}, options);
    const OrtOutcome found = outcome(one, run.outputs.begin()->second);
    if (!result.outcome) result.outcome = found;
    widen(result.outcome->extended, found.extended);
    widen(result.outcome->disabled, found.disabled);
  }
  return result;
}

}  // namespace systole::validate
