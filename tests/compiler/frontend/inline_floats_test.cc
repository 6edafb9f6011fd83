// Inline shapes as float models: what their quantised forms compute, before it is rounded.
#include "compiler/frontend/inline_floats.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/frontend/inline.h"
#include "tests/support/random_choice.h"

namespace systole::compiler {
namespace {

Quant input_quant(const Graph& graph) {
  const Attrs& attrs = graph.nodes.front().attrs;
  if (const auto* matmul = std::get_if<MatmulAttrs>(&attrs)) return *matmul->x_quant;
  if (const auto* conv = std::get_if<ConvAttrs>(&attrs)) return *conv->x_quant;
  return *std::get<ZipAttrs>(attrs).a_quant;
}
Quant output_quant(const Graph& graph) {
  const Attrs& attrs = graph.nodes.back().attrs;
  if (const auto* matmul = std::get_if<MatmulAttrs>(&attrs)) return *matmul->output;
  if (const auto* conv = std::get_if<ConvAttrs>(&attrs)) return *conv->output;
  return *std::get<ZipAttrs>(attrs).output;
}

// One layer: both results differ by rounding, at most half a step, where they do not saturate.
void check(const std::string& model) {
  SCOPED_TRACE(model);
  LoadOptions options;
  const Graph integers = load_inline_shape(model, options);
  options.inline_floats = true;
  const Graph floats = load_inline_shape(model, options);
  const Quant from = input_quant(integers), to = output_quant(integers);
  RandomChoice random(3);
  std::vector<Tensor> bytes, reals;
  for (const ValueId id : integers.inputs) {
    Tensor x(DType::kUint8, integers.value(id).shape), y(DType::kFloat32, x.shape);
    for (std::size_t i = 0; i < x.data.size(); ++i) {
      x.data[i] = random.byte();
      y.as<float>()[i] = static_cast<float>(x.data[i] - from.zero_points[0]) * from.scales[0];
    }
    bytes.push_back(std::move(x));
    reals.push_back(std::move(y));
  }
  const Tensor expected = evaluate(integers, bytes).front(),
               found = evaluate(floats, reals).front();
  ASSERT_EQ(found.type, DType::kFloat32);
  ASSERT_EQ(found.shape, expected.shape);
  for (std::size_t i = 0; i < expected.data.size(); ++i) {
    const float steps = found.as<float>()[i] / to.scales[0] + static_cast<float>(to.zero_points[0]);
    EXPECT_NEAR(std::clamp(steps, 0.0F, 255.0F), expected.data[i], 0.51F) << i;
  }
}

TEST(InlineFloats, ComputeWhatIsQuantised) {
  for (const char* model : {"gemm:5,30,7", "conv:2,3,6,5,4,3,3,1,1", "vadd:40", "mlp:20,9"})
    check(model);
}

TEST(InlineFloats, ReluIsANodeOfItsOwn) {
  LoadOptions options;
  options.inline_floats = true;
  const Graph graph = load_inline_shape("mlp:4,5,3", options);
  ASSERT_EQ(graph.nodes.size(), 3U);
  EXPECT_EQ(graph.nodes[1].kind, OpKind::kMap);
  options.structure_only = true;
  const Graph absent = load_inline_shape("mlp:4,5,3", options);
  EXPECT_EQ(absent.nodes.size(), 3U);
  EXPECT_TRUE(absent.value(absent.nodes[0].inputs[1]).constant->data.empty());
}

}  // namespace
}  // namespace systole::compiler
