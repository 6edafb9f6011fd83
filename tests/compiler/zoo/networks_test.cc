// Known networks: as many weights and multiply-adds as published, and activations that neither
// vanish nor explode.
#include "compiler/zoo/networks.h"

#include <gmock/gmock-matchers.h>

#include <cmath>
#include <random>

#include "compiler/ir/shapes.h"
#include "compiler/load.h"
#include "tests/compiler/frontend/onnx_text.h"
#include "tests/support/sanitized.h"

namespace systole::compiler {
namespace {

using ::testing::HasSubstr;

struct Published {
  std::string name;
  std::int64_t parameters, normalised;  // with BatchNormalization's two numbers a channel; channels
  std::int64_t macs;
};

class Networks : public ::testing::TestWithParam<Published> {};

std::int64_t macs_of(const Graph& graph) {
  std::int64_t macs = 0;
  for (const Node& node : graph.nodes) {
    const bool matmul = node.kind == OpKind::kMatmul;
    if (!matmul && node.kind != OpKind::kConv) continue;
    const Shape& w = graph.value(node.inputs[1]).shape;
    const std::int64_t each = matmul ? w[0] : extent(w, 1, 4);
    macs += element_count(graph.value(node.outputs[0]).shape) * each;
  }
  return macs;
}

TEST_P(Networks, HaveThePublishedWeightsAndProducts) {
  const Graph graph = make_network(GetParam().name);
  std::int64_t parameters = 0;
  for (const Value& v : graph.values) parameters += v.constant ? v.constant->count() : 0;
  EXPECT_EQ(parameters, GetParam().parameters - GetParam().normalised);  // folded: one bias each
  EXPECT_EQ(macs_of(graph), GetParam().macs);
}

TEST_P(Networks, KeepTheDeviationOfEveryConvolutionNearOne) {
  if (testing_support::kSanitized && GetParam().macs > 1'000'000'000)
    GTEST_SKIP() << "the same loops as a smaller network, for half a minute";
  const Graph graph = make_network(GetParam().name);
  std::map<ValueId, std::string> convolutions;
  for (const Node& node : graph.nodes) {
    if (node.kind == OpKind::kConv) convolutions[node.outputs[0]] = node.name;
  }
  std::mt19937 random(1);
  Tensor x(DType::kFloat32, {1, 3, 224, 224});
  for (float& v : x.as<float>()) v = static_cast<float>(random() % 256) / 255.0F;
  evaluate_each(graph, {x}, [&](ValueId id, const Tensor& t) {
    if (!convolutions.contains(id)) return;
    double sum = 0.0;
    double squares = 0.0;
    for (const float v : t.as<float>()) {
      sum += v;
      squares += double{v} * v;
    }
    const double mean = sum / static_cast<double>(t.count());
    const double deviation = std::sqrt(squares / static_cast<double>(t.count()) - mean * mean);
    EXPECT_GT(deviation, 0.2) << convolutions[id];
    EXPECT_LT(deviation, 4.0) << convolutions[id];
  });
}

// Parameters and multiply-adds as torchvision's documentation lists them
// (https://pytorch.org/vision/stable/models.html), to the last digit from the layers' shapes.
INSTANTIATE_TEST_SUITE_P(All, Networks,
                         ::testing::Values(Published{"resnet18", 11'689'512, 4'800, 1'814'073'344},
                                           Published{"resnet50", 25'557'032, 26'560, 4'089'184'256},
                                           Published{"mobilenet_v2", 3'504'872, 17'056,
                                                     300'774'272}),
                         [](const auto& instance) { return instance.param.name; });

TEST(NetworkModel, IsAnOnnxFileWithAnOpenBatch) {
  const testing_support::ScratchFolder scratch;
  const std::string path = scratch.file("m.onnx");
  write_file(path, network_model("mobilenet_v2"));
  LoadOptions options;
  options.batch = 3;
  const Graph graph = load_model(path, options);
  EXPECT_EQ(graph.value(graph.outputs[0]).shape, (Shape{3, 1000}));
  EXPECT_EQ(macs_of(graph), 3 * 300'774'272);
}

TEST(NetworkModel, UnknownNamesListTheKnownOnes) {
  try {
    static_cast<void>(make_network("resnet51"));
    FAIL();
  } catch (const InputError& e) {
    EXPECT_THAT(e.what(), HasSubstr("resnet50"));
  }
}

}  // namespace
}  // namespace systole::compiler
