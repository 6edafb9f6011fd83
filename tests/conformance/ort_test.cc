// Conformance with ONNX Runtime, class (a): single quantised operators. Each case holds a model, an
// input and the bytes ONNX Runtime computed at level `extended` (ort/README.md says how they were
// made); the simulated machine must give the same bytes on both engines.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "cli/tensor_files.h"
#include "compiler/compile.h"
#include "compiler/frontend/load.h"
#include "sim/run.h"

namespace systole {
namespace {

const std::filesystem::path kCases = SYSTOLE_SOURCE_DIR "/tests/conformance/ort/cases";

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class OrtCase : public ::testing::TestWithParam<std::string> {};

TEST_P(OrtCase, equal_bytes) {
  const std::filesystem::path folder = kCases / GetParam();
  const Tensor input = cli::read_tensor_file(folder / "input.npy");
  const Tensor expected = cli::read_tensor_file(folder / "output.npy");
  compiler::LoadOptions load;
  load.batch = input.shape.at(0);
  const compiler::Graph graph = compiler::load_model(folder / "model.onnx", load);
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const isa::Program program = compiler::compile(graph, machine, {});
  for (const sim::Engine engine : {sim::Engine::kFunc, sim::Engine::kCycle}) {
    sim::RunOptions options;
    options.engine = engine;
    const sim::RunResult result = sim::run(program, machine, {{"x", input}}, options);
    ASSERT_EQ(result.outputs.size(), 1U);
    const Tensor& got = result.outputs.begin()->second;
    EXPECT_EQ(got.type, expected.type);
    std::int64_t mismatches = 0;
    ASSERT_EQ(got.bytes(), expected.bytes());
    for (std::size_t i = 0; i < got.data.size(); ++i)
      mismatches += got.data[i] != expected.data[i] ? 1 : 0;
    EXPECT_EQ(mismatches, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, OrtCase, ::testing::ValuesIn(case_names()),
                         [](const auto& instance) { return instance.param; });

TEST(OrtCases, are_there) { EXPECT_GE(case_names().size(), 30U); }

}  // namespace
}  // namespace systole
