// Quantisation layer by layer: layers left in floats, which the host computes; weights of 7 bits;
// what each layer costs.
#include <gmock/gmock-matchers.h>

#include <algorithm>
#include <cmath>

#include "compiler/compile.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/pipeline.h"
#include "compiler/quantize/quantize.h"
#include "sim/run.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class QuantizeLayers : public OnnxText {
 protected:
  static std::string text() {
    return model(
        13,
        "(float[1,2,4,4] x) => (float[1,2,3,3] y) <float[2,2,2,2] w = "
        "{1,-2,3,4,5,-6,7,8,1,2,-3,4,5,6,7,-8}, float[2] b = {1,-1}, float[2,1,2,2] v = "
        "{1,2,-3,4,0.5,0.25,-1,1}>",
        "first = Conv(x, w, b) r = Relu(first) y = Conv<group = 2, pads = [1,1,0,0]>(r, v, b)");
  }
  static Tensor samples() {
    Tensor t(DType::kFloat32, {1, 2, 4, 4});
    for (std::size_t i = 0; i < 32; ++i) t.as<float>()[i] = static_cast<float>(i * 7 % 16) / 16.0F;
    return t;
  }
  std::string float_model() {
    std::string path = scratch_.file("float.onnxtxt");
    write_file(path, text());
    return path;
  }
  Graph quantised(const QuantizeOptions& options) {
    const std::string path = scratch_.file("quantised.onnx");
    write_file(path, quantize_model(float_model(), samples(), options));
    return load_model(path, {});
  }
  static std::vector<DType> weight_types(const Graph& graph) {
    std::vector<DType> types;
    for (const Node& node : fuse_quantised(graph).nodes) {
      if (node.kind == OpKind::kConv) types.push_back(graph_type(node));
    }
    return types;
  }
  static DType graph_type(const Node& node) {
    const auto& quant = std::get<ConvAttrs>(node.attrs).w_quant;
    return quant ? quant->type : DType::kFloat32;
  }
};

TEST_F(QuantizeLayers, AnExcludedLayerStaysInFloatsOnTheHost) {
  const Graph graph = quantised({.excluded = {"y"}});
  EXPECT_THAT(weight_types(graph), ElementsAre(DType::kInt8, DType::kFloat32));
  const isa::Machine machine = isa::load_machine("tpu_v1");
  const isa::Program program = compile(graph, machine, {});
  const auto on_host = [](const isa::HostStep& step) { return step.op == isa::HostOp::kConv; };
  EXPECT_EQ(std::ranges::count_if(program.host_steps, on_host), 1);
  sim::RunOptions options;
  options.engine = sim::Engine::kFunc;
  const sim::RunResult run = sim::run(program, machine, {{"x", samples()}}, options);
  EXPECT_EQ(run.outputs.at("y").data, evaluate(graph, {samples()}).front().data);
}

TEST_F(QuantizeLayers, ExcludedNamesAreLayers) {
  try {
    static_cast<void>(quantised({.excluded = {"frist"}}));
    FAIL() << "no layer has that name";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no layer 'frist'"));
    EXPECT_THAT(error.what(), HasSubstr("first"));
  }
  EXPECT_THROW(quantised({.excluded = {"first", "y"}}), InputError);
}

TEST_F(QuantizeLayers, WeightsOfSevenBitsUseHalfTheRange) {
  const auto largest = [&](int bits) {
    int most = 0;
    for (const Value& v : quantised({.weight_bits = bits}).values) {
      if (!v.constant || v.type != DType::kInt8 || v.shape.size() != 4) continue;
      for (const std::int8_t w : v.constant->as<std::int8_t>()) most = std::max(most, std::abs(w));
    }
    return most;
  };
  EXPECT_EQ(largest(8), 127);
  EXPECT_EQ(largest(7), 63);
}

TEST_F(QuantizeLayers, ErrorsAreThoseOfEachLayerAlone) {
  const CalibrationData data = {{"x", samples()}};
  const auto errors = [&](const QuantizeOptions& options) {
    return quantisation_errors(open_onnx(float_model()), data, {}, options);
  };
  const QuantisationErrors both = errors({});
  ASSERT_EQ(both.layers.size(), 2U);
  EXPECT_LE(both.layers[0].decibels, both.layers[1].decibels);
  EXPECT_GT(both.all, 20.0);
  EXPECT_LE(both.all, both.layers[0].decibels + 3.0);
  const QuantisationErrors one = errors({.excluded = {"y"}});
  ASSERT_EQ(one.layers.size(), 1U);
  EXPECT_EQ(one.layers[0].layer, "first");
  EXPECT_LT(errors({.weight_bits = 7}).all, both.all);
}

}  // namespace
}  // namespace systole::compiler
