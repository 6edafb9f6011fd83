// Measurements, their checks, layers, traces and shapes, on the host's backend.
#include "compare/targets/gpu/measure.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "compiler/load.h"
#include "tests/compare/small_graphs.h"
#include "tests/compare/targets/gpu/host_backend.h"
#include "traces/sinks/open.h"

namespace systole::compare::gpu {
namespace {

using Kernel = Measurer::Kernel;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class GpuMeasure : public ::testing::Test {
 protected:
  static MeasureOptions options() { return {.seconds = 0.0, .warm_ups = 2, .min_samples = 3}; }

  std::unique_ptr<Backend> backend_ = host_backend();
  Measurer measurer_{*backend_, options(), "systole measure gpu x", {}};
};

// The file's reader takes what is written, and gives it back.
void expect_valid(const Measurement& m) {
  const nlohmann::ordered_json json = to_json(m);
  EXPECT_EQ(to_json(measurement_from_json(json, "test")), json);
}

TEST(GpuTarget, IsTheModelInTheDevicesName) {
  EXPECT_EQ(target_name("NVIDIA H100 80GB HBM3"), "gpu:h100");
  EXPECT_EQ(target_name("NVIDIA A100-SXM4-80GB"), "gpu:a100");
  EXPECT_EQ(target_name("Tesla V100-PCIE-16GB"), "gpu:v100");
  EXPECT_EQ(target_name("NVIDIA GeForce RTX 4090"), "gpu:4090");
  EXPECT_EQ(target_name(""), "gpu:unknown");
}

TEST(GpuTarget, PrecisionsAreNamed) {
  EXPECT_EQ(math_named("bf16"), Math::kBf16);
  EXPECT_THROW(static_cast<void>(math_named("fp8")), InputError);
}

TEST_F(GpuMeasure, ProductsEqualTheEvaluatorInEveryPrecision) {
  for (const Math math : {Math::kFp32, Math::kTf32, Math::kInt8}) {
    const Measurement m = measurer_.product({20, 24, 12}, math, Kernel::kLibrary);
    const bool integers = math == Math::kInt8;
    EXPECT_EQ(m.model, integers ? "gemm_s32:20,32,16" : "gemm:20,24,12");
    EXPECT_EQ(m.precision, info(math).name);
    EXPECT_EQ(m.target, "gpu:t100");
    EXPECT_EQ(m.settings.at("kernel"), "library");
    EXPECT_EQ(m.batch, 20);
    EXPECT_EQ(m.samples.size(), 3U);
    EXPECT_EQ(m.check.compared, 16 * (integers ? 16 : 12));  // the first 16 rows
    EXPECT_EQ(m.check.mismatches, 0);
    EXPECT_EQ(m.layers.at(0).op, "matmul");
    expect_valid(m);
  }
}

// Sums of 24 seven-bit products are exact in binary32; storing them in 11 or 8 bits rounds by at
// most half a step of the largest sum, 24 * (127/64)^2 < 128.
TEST_F(GpuMeasure, SixteenBitProductsRoundOnlyTheirResult) {
  const Measurement half = measurer_.product({4, 24, 8}, Math::kFp16, Kernel::kLibrary);
  EXPECT_LE(half.check.max_difference, 64.0 / 2048);
  const Measurement brain = measurer_.product({4, 24, 8}, Math::kBf16, Kernel::kLibrary);
  EXPECT_LE(brain.check.max_difference, 64.0 / 256);
  EXPECT_GT(brain.check.max_difference, 64.0 / 2048);
}

TEST_F(GpuMeasure, LessonKernelsAreNamedInTheSettings) {
  const Measurement naive = measurer_.product({5, 7, 3}, Math::kFp32, Kernel::kNaive);
  const Measurement tiled = measurer_.product({5, 7, 3}, Math::kFp32, Kernel::kTiled);
  EXPECT_EQ(naive.settings.at("kernel"), "naive");
  EXPECT_EQ(tiled.settings.at("kernel"), "tiled");
  EXPECT_EQ(naive.check.mismatches + tiled.check.mismatches, 0);
}

TEST_F(GpuMeasure, RefusesProductsThatAreTooLargeOrEmpty) {
  const auto kernel = Kernel::kLibrary;
  EXPECT_THROW(static_cast<void>(measurer_.product({0, 4, 4}, Math::kFp32, kernel)), InputError);
  EXPECT_THROW(static_cast<void>(measurer_.product({1 << 16, 4, 1 << 15}, Math::kFp32, kernel)),
               InputError);
}

TEST_F(GpuMeasure, AddsVectorsAndStartsEmptyKernels) {
  const Measurement sum = measurer_.vector_add(1000);
  EXPECT_EQ(sum.model, "vadd:1000");
  EXPECT_EQ(sum.check.compared, 1000);
  EXPECT_EQ(sum.check.mismatches, 0);
  expect_valid(sum);
  EXPECT_THROW(static_cast<void>(measurer_.vector_add(0)), InputError);

  const std::vector<Measurement> launches = measurer_.launches(10);
  ASSERT_EQ(launches.size(), 2U);
  EXPECT_EQ(launches[0].settings.at("cuda_graph"), "off");
  EXPECT_EQ(launches[1].settings.at("cuda_graph"), "on");
  expect_valid(launches[1]);
  EXPECT_THROW(static_cast<void>(measurer_.launches(0)), InputError);
}

struct Chain {
  compiler::Graph graph = quantised_chain_graph(3, 20, 5);
  Tensor inputs{DType::kFloat32, {6, 20}};  // two batches
  std::vector<Tensor> expected;
  std::vector<std::int64_t> labels;
  Chain() {
    for (std::size_t i = 0; i < inputs.as<float>().size(); ++i) {
      inputs.as<float>()[i] = static_cast<float>(i * 37 % 101) / 101.0F;
    }
    expected = expected_outputs(graph, inputs, 2);
  }
  [[nodiscard]] Measurer::ModelJob job() const {
    return {.model = "chain",
            .model_hash = "12ab",
            .graph = &graph,
            .inputs = &inputs,
            .expected = &expected,
            .labels = labels,
            .trace = {}};
  }
};

TEST_F(GpuMeasure, AModelIsCheckedAndHasATimeForEachKernel) {
  const Chain chain;
  const std::vector<Measurement> measured = measurer_.model(chain.job(), Math::kInt8);
  ASSERT_EQ(measured.size(), 2U);
  for (const Measurement& m : measured) {
    EXPECT_EQ(m.model_hash, "12ab");
    EXPECT_EQ(m.batch, 3);
    EXPECT_EQ(m.check.compared, 2 * 3 * 5);
    EXPECT_EQ(m.check.mismatches, 0);
    EXPECT_FALSE(m.accuracy);
    std::vector<std::string> names;
    for (const LayerTime& layer : m.layers) names.push_back(layer.name + " " + layer.op);
    // Of 20 columns each row is filled up to 32, so fc1 has patches before its product.
    EXPECT_THAT(names, ElementsAre("(none) copy_in", "quantise quantise", "fc1 matmul",
                                   "fc1 matmul", "fc1 matmul", "fc2 matmul", "fc2 matmul",
                                   "dequantise dequantise", "softmax reduce", "(none) copy_out"));
    expect_valid(m);
  }
  EXPECT_EQ(measured[0].settings.at("cuda_graph"), "off");
  EXPECT_EQ(measured[1].settings.at("cuda_graph"), "on");
}

TEST_F(GpuMeasure, AccuracyCountsTheLargestOutputs) {
  Chain chain;
  for (const Tensor& batch : chain.expected) {
    for (std::size_t row = 0; row < 3; ++row) {
      const auto scores = batch.as<float>().subspan(row * 5, 5);
      chain.labels.push_back(std::ranges::max_element(scores) - scores.begin());
    }
  }
  EXPECT_EQ(measurer_.model(chain.job(), Math::kInt8)[0].accuracy, 1.0);
  chain.labels[4] = (chain.labels[4] + 1) % 5;
  EXPECT_EQ(measurer_.model(chain.job(), Math::kInt8)[0].accuracy, 5.0 / 6.0);
}

TEST_F(GpuMeasure, ATraceHoldsKernelsAndCopiesUnderTheirLayer) {
  const Chain chain;
  std::ostringstream out;
  Measurer::ModelJob job = chain.job();
  job.trace = [&](const traces::TraceInfo& info) {
    return traces::open_sink("trace.csv", out, info);
  };
  static_cast<void>(measurer_.model(job, Math::kInt8));
  const std::string text = out.str();
  EXPECT_THAT(text, HasSubstr("slice,copy_in,copy host to device,busy,(none),0,1,,,240,"));
  EXPECT_THAT(text, HasSubstr(",busy,fc2,"));
  EXPECT_THAT(text, HasSubstr("counter,cycles,,,,10,,,,,10"));
}

// --- shapes ---

std::string text_of(const std::vector<Measurer::Product>& products) {
  std::string text;
  for (const auto& p : products) {
    text += std::to_string(p.m) + "x" + std::to_string(p.k) + "x" + std::to_string(p.n) + " ";
  }
  return text;
}

TEST(GpuShapes, ComeFromAModelsLayersOnceEach) {
  compiler::LoadOptions options;
  options.batch = 8;
  options.structure_only = true;
  EXPECT_EQ(text_of(products_of(compiler::load_model("mlp:784,512,512,512,10", options))),
            "8x784x512 8x512x512 8x512x10 ");
  EXPECT_EQ(text_of(products_of(compiler::load_model("conv:2,3,9,8,5,3,3,2,1", {}))), "40x27x5 ");
}

TEST(GpuShapes, ComeFromNamedColumns) {
  EXPECT_EQ(text_of(products_in("# a comment\nm,n,k,tflops\n1,2,3,9.5\n\n40,50, 60,1\n", "f")),
            "1x3x2 40x60x50 ");
}

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(products_in(text, "f"));
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

TEST(GpuShapes, BadFilesAreRefusedByLine) {
  EXPECT_THAT(refusal("m,n,x\n1,2,3\n"), HasSubstr("f:1: no column 'k'"));
  EXPECT_THAT(refusal("m,n,k\n1,2\n"), HasSubstr("f:2: 2 columns"));
  EXPECT_THAT(refusal("m,n,k\n1,0,3\n"), HasSubstr("f:2: '0'"));
  EXPECT_THAT(refusal("m,n,k\n1,2,3x\n"), HasSubstr("f:2: '3x'"));
  EXPECT_THAT(refusal("m,n,k\n1,2,99999999999999999999\n"), HasSubstr("f:2"));
  EXPECT_THAT(refusal("# nothing\n"), HasSubstr("f: no shape"));
}

TEST(GpuShapes, ASweepAsAFileHasItsRates) {
  Measurement m;
  m.model = "gemm:1000,500,2000";
  m.samples = {{2e-3, 1e-3}};
  EXPECT_EQ(products_csv({m}, "H100"), "# H100\nm,n,k,tflops\n1000,2000,500,2.0\n");
  EXPECT_EQ(text_of(products_in(products_csv({m}, "H100"), "f")), "1000x500x2000 ");
}

}  // namespace
}  // namespace systole::compare::gpu
