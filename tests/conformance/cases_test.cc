// Cases: small models reduced from faults found on real files (cases/README.md), run as a user
// would, on every engine, and by the reference evaluator: each has to give the stored outputs.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/files.h"
#include "base/source.h"
#include "compiler/load.h"
#include "formats/tensor_files.h"
#include "sim/run.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole {
namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, Tensor>;

// Float models with products: quantised with their own input, so compared within a step.
constexpr auto kCalibrated = std::to_array<std::string_view>({
    "conv1d",
    "gemm_float",
    "gemm_transA_Ccol",
});

struct Case {
  std::string name, model;
  [[nodiscard]] bool is_calibrated() const {
    return std::ranges::find(kCalibrated, name) != kCalibrated.end();
  }
};

void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

std::string folder() { return source_path("tests/conformance/cases"); }

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder())) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".onnx" || ending == ".onnxtxt")
      all.push_back({entry.path().stem().string(), entry.path().string()});
  }
  std::ranges::sort(all, {}, &Case::name);
  return all;
}

// By name of the tensor: the files NAME.`role`.TENSOR.npy.
std::map<std::string, std::string> files_of(const Case& one, const std::string& role) {
  const std::string prefix = one.name + "." + role + ".";
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder())) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() == ".npy" && stem.starts_with(prefix))
      files[stem.substr(prefix.size())] = entry.path().string();
  }
  return files;
}

Tensors tensors_of(const std::map<std::string, std::string>& files) {
  Tensors tensors;
  for (const auto& [name, path] : files) tensors[name] = formats::read_tensor_file(path);
  return tensors;
}

Tensors written_to(const std::string& path) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(path))
    files[entry.path().stem().string()] = entry.path().string();
  return tensors_of(files);
}

// How far a float output may be off: rounding, or two steps of 256 over the output's range.
float tolerance(const Case& one, std::span<const float> values) {
  float lowest = 0.0F, highest = 0.0F;
  for (const float v : values) {
    lowest = std::min(lowest, v);
    highest = std::max(highest, v);
  }
  constexpr float kRounding = 1e-5F, kSteps = 2.0F;  // of the inputs and of the output
  return (highest - lowest) * (one.is_calibrated() ? kSteps / 255.0F : kRounding);
}

void expect_equal(const Case& one, const std::string& name, const Tensor& got,
                  const Tensor& expected) {
  EXPECT_EQ(dtype_name(got.type), dtype_name(expected.type)) << name;
  EXPECT_EQ(got.shape, expected.shape) << name;
  if (got.type != expected.type || got.bytes() != expected.bytes()) return;
  if (expected.type != DType::kFloat32) {
    EXPECT_EQ(got.data, expected.data) << name;
    return;
  }
  const auto right = expected.as<float>();
  const float most = tolerance(one, right);
  for (std::size_t i = 0; i < right.size(); ++i)
    ASSERT_NEAR(got.as<float>()[i], right[i], most) << name << " at " << i;
}

void expect_outputs(const Case& one, const Tensors& got) {
  const Tensors expected = tensors_of(files_of(one, "exp"));
  EXPECT_FALSE(expected.empty()) << "no output is stored";
  for (const auto& [name, tensor] : got) EXPECT_TRUE(expected.contains(name)) << name;
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(got.contains(name)) << name;
    expect_equal(one, name, got.at(name), tensor);
  }
}

class ConformanceCases : public ::testing::TestWithParam<Case> {};

TEST_P(ConformanceCases, RunOnEveryEngine) {
  const Case& one = GetParam();
  for (std::size_t e = 0; e < sim::kEngineCount; ++e) {
    const std::string engine(sim::engine_name(static_cast<sim::Engine>(e)));
    SCOPED_TRACE(engine);
    const testing_support::ScratchFolder scratch;
    const std::string results = scratch.file("results");
    std::vector<std::string> arguments = {"run",  one.model,  "--engine",
                                          engine, "--output", results};
    for (const auto& [name, path] : files_of(one, "in")) {
      arguments.insert(arguments.end(), {"--input", name + "=" + path});
      if (one.is_calibrated()) arguments.insert(arguments.end(), {"--calibrate", path});
    }
    const testing_support::Finished finished = testing_support::systole(arguments);
    ASSERT_EQ(finished.code, 0) << finished.err;
    expect_outputs(one, written_to(results));
  }
}

TEST_P(ConformanceCases, EvaluateToTheSame) {
  const Case& one = GetParam();
  const Tensors inputs = tensors_of(files_of(one, "in"));
  const compiler::Graph graph = compiler::load_model(one.model, {});
  std::vector<Tensor> values;
  for (const compiler::ValueId id : graph.inputs) {
    ASSERT_TRUE(inputs.contains(graph.value(id).name)) << graph.value(id).name;
    values.push_back(inputs.at(graph.value(id).name));
    ASSERT_EQ(values.back().shape, graph.value(id).shape) << graph.value(id).name;
  }
  const std::vector<Tensor> outputs = compiler::evaluate(graph, values);
  Tensors named;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    named[graph.value(graph.outputs[i]).name] = outputs[i];
  expect_outputs(one, named);
}

INSTANTIATE_TEST_SUITE_P(Cases, ConformanceCases, ::testing::ValuesIn(cases()),
                         [](const auto& instance) { return instance.param.name; });

// A row for a case that is gone would say nothing.
TEST(ConformanceCasesTable, NamesCasesOnly) {
  const std::vector<Case> all = cases();
  for (const std::string_view name : kCalibrated) {
    const bool known = std::ranges::find(all, name, &Case::name) != all.end();
    EXPECT_TRUE(known) << name;
  }
}

// Valid models that do not run yet: refused in one line that names the file and the true reason.
struct Refused {
  const char *name, *graph, *reason;
};

constexpr auto kRefused = std::to_array<Refused>({
    {"conv_of_computed_weights",
     "g (uint8[1,1,4,4] x, uint8[1,1,2,2] w) => (int32[1,1,3,3] y) { y = ConvInteger(x, w) }",
     "its second operand is computed at run time"},
    {"integer_weights_only",
     "g (float[2,2] x) => (float[2,2] y) <int8[2,2] w = {1,2,3,4}, float s = {0.5}>"
     " { d = DequantizeLinear(w, s) y = MatMul(x, d) }",
     "is float32, but machine tpu_v1 multiplies int8"},
});

void PrintTo(const Refused& one, std::ostream* out) { *out << one.name; }

class RefusedModels : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedModels, NameTheFileAndTheReason) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("model.onnxtxt");
  write_file(path,
             std::string("<ir_version: 7, opset_import: [\"\" : 13]>\n") + GetParam().graph + "\n");
  const testing_support::Finished finished =
      testing_support::systole({"run", path, "--output", scratch.file("results")});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.err, testing::HasSubstr(path + ": "));
  EXPECT_THAT(finished.err, testing::HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(Cases, RefusedModels, ::testing::ValuesIn(kRefused),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace systole
