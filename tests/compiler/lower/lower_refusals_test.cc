// Models that load but cannot be lowered, or only with little room: refused in one line, or right.
#include <gmock/gmock-matchers.h>

#include <algorithm>

#include "compiler/compile.h"
#include "tests/compiler/frontend/onnx_text.h"
#include "tests/compiler/random_graph.h"

namespace systole::compiler {
namespace {

using testing::HasSubstr;

class LowerRefusals : public OnnxText {
 protected:
  static std::string error_of(const Graph& graph, const isa::Machine& machine) {
    try {
      static_cast<void>(compile(graph, machine, {}));
      return {};
    } catch (const InputError& e) {
      return e.what();
    }
  }
};

// A table of 256 entries takes 16 rows of 16 columns, bias and scale two more.
TEST_F(LowerRefusals, AProductsParametersHaveToBeHeldTogether) {
  const Graph graph = load(
      "<ir_version: 7, opset_import: [\"\" : 13]>\n"
      "net (uint8[7,4] x) => (uint8[7,4] y)\n"
      "<float s = {0.5}, uint8 z = {3}, int8[4,4] w = {1,2,3,4,5,6,7,8,9,1,2,3,4,5,6,7}>\n"
      "{ f = DequantizeLinear(x, s, z) v = DequantizeLinear(w, s) c = MatMul(f, v)\n"
      "  q = QuantizeLinear(c, s, z) d = DequantizeLinear(q, s, z) e = Sigmoid(d)\n"
      "  y = QuantizeLinear(e, s, z) }\n");
  isa::Machine machine = isa::load_machine("tpu_v1");
  machine.array_rows = machine.array_columns = 16;
  machine.parameters_rows = 16 + 2 - 1;
  EXPECT_THAT(error_of(graph, machine), HasSubstr("18 parameter rows are needed together"));
  machine.parameters_rows = 16 + 2;
  Random random(1);
  expect_evaluators_bytes(graph, compile(graph, machine, {}), random);
}

// A line of the sum and of the look-up takes more rows than there are, of the product it does not.
TEST_F(LowerRefusals, WhatAloneIsTooLargeIsAStepOfTheHost) {
  const Graph graph = load(
      "<ir_version: 7, opset_import: [\"\" : 13]>\n"
      "net (uint8[1,8,1,144] x) => (uint8[1,8,1,144] y)\n"
      "<float s = {0.5}, uint8 z = {3}, int8[8,8,1,1] w = {1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,"
      "1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8,"
      "1,2,3,4,5,6,7,8}>\n"
      "{ f = DequantizeLinear(x, s, z) v = DequantizeLinear(w, s) c = Conv(f, v)\n"
      "  q = QuantizeLinear(c, s, z) d = DequantizeLinear(q, s, z) a = Add(d, f)\n"
      "  b = QuantizeLinear(a, s, z) e = DequantizeLinear(b, s, z) t = Tanh(e)\n"
      "  y = QuantizeLinear(t, s, z) }\n");
  isa::Machine machine = isa::load_machine("tiny_8");
  // Rows of 8 channels: 144 a map. A sum has three maps, a product and a look-up two.
  const auto steps_with_maps = [&](std::int64_t maps) {
    machine.unified_buffer_bytes = machine.unified_buffer_row_bytes * (144 * maps + 8);
    const isa::Program program = compile(graph, machine, {});
    Random random(1);
    expect_evaluators_bytes(graph, program, random);
    return std::ranges::count_if(program.host_steps, [](const isa::HostStep& step) {
      return step.op == isa::HostOp::kAdd || step.op == isa::HostOp::kTable;
    });
  };
  EXPECT_EQ(steps_with_maps(3), 0);
  EXPECT_EQ(steps_with_maps(2), 1);
}

// A Pad may cut everything off: nothing is left that units could work on.
TEST_F(LowerRefusals, TensorsWithoutElements) {
  const auto without_rows = [&](const std::string& body) {
    return load(
        "<ir_version: 7, opset_import: [\"\" : 13]>\n"
        "net (uint8[1,2] x) => (uint8[0,2] y)\n"
        "<float s = {0.5}, float t = {0.25}, uint8 z = {3}, int8[2,2] w = {1,2,3,4},\n"
        " int64[4] p = {0,0,-1,0}>\n"
        "{ e = Pad(x, p) f = DequantizeLinear(e, s, z) " +
        body + " }\n");
  };
  const isa::Machine machine = isa::load_machine("tiny_8");
  EXPECT_EQ(error_of(without_rows("y = QuantizeLinear(f, t, z)"), machine), "");  // on the host
  EXPECT_THAT(error_of(without_rows("v = DequantizeLinear(w, s) c = MatMul(f, v) "
                                    "y = QuantizeLinear(c, s, z)"),
                       machine),
              HasSubstr("without elements"));
}

// Rows in front of those of each batch, not of all together.
TEST_F(LowerRefusals, PadsOfTheFirstDimensionAreEachBatchs) {
  const Graph graph = load(
      "<ir_version: 7, opset_import: [\"\" : 13]>\n"
      "net (uint8[2,3] x) => (uint8[3,3] y)\n"
      "<float s = {0.5}, float t = {0.25}, uint8 z = {3}, int64[4] p = {1,0,0,0}>\n"
      "{ e = Pad(x, p) f = DequantizeLinear(e, s, z) y = QuantizeLinear(f, t, z) }\n");
  Random random(1);
  const isa::Machine machine = isa::load_machine("tiny_8");
  expect_evaluators_bytes(graph, compile(graph, machine, {.batches = 3}), random);
}

// With a scale of 0 no number of steps is a bias.
TEST_F(LowerRefusals, ABiasWithoutAScale) {
  const auto biased = [&](const std::string& bias) {
    return load(
        "<ir_version: 7, opset_import: [\"\" : 13]>\n"
        "net (uint8[1,2] x) => (uint8[1,2] y)\n"
        "<float s = {0.5}, float t = {0.0}, uint8 z = {3}, int8[2,2] w = {1,2,3,4},\n"
        " float[2] b = {" +
        bias +
        "}>\n"
        "{ f = DequantizeLinear(x, s, z) v = DequantizeLinear(w, t) c = Gemm(f, v, b)\n"
        "  y = QuantizeLinear(c, s, z) }\n");
  };
  const isa::Machine machine = isa::load_machine("tiny_8");
  // It has no integer form, so the host computes it in floats.
  for (const char* const bias : {"0.0, 1.0", "0.0, 0.0"}) {
    const Graph graph = biased(bias);
    Random random(1);
    expect_evaluators_bytes(graph, compile(graph, machine, {}), random);
  }
}

// Padding as wide as the window and wider, on each side: some windows reach no pixel.
TEST_F(LowerRefusals, WindowsThatReachNoPixelAreZeros) {
  const auto with_pads = [&](const std::string& pads) {
    return load(
        "<ir_version: 7, opset_import: [\"\" : 13]>\n"
        "net (uint8[2,1,8,8] x) => (uint8[2,1,H,W] y)\n"
        "<float s = {0.5}, uint8 z = {3}, int8[1,1,3,3] w = {1,2,3,4,5,6,7,8,9}>\n"
        "{ f = DequantizeLinear(x, s, z) v = DequantizeLinear(w, s)\n"
        "  c = Conv<pads = [" +
        pads + "]>(f, v) y = QuantizeLinear(c, s, z) }\n");
  };
  const isa::Machine machine = isa::load_machine("tpu_v1");
  Random random(1);
  for (const char* pads : {"2,2,2,2", "3,0,0,0", "0,3,0,0", "0,0,3,0", "0,0,0,3", "9,11,10,12",
                           "0,0,255,0", "255,0,255,0", "0,255,0,255"}) {
    SCOPED_TRACE(pads);
    const Graph graph = with_pads(pads);
    expect_evaluators_bytes(graph, compile(graph, machine, {}), random);
  }
  EXPECT_THAT(error_of(with_pads("256,0,0,0"), machine), HasSubstr("padding of 256"));
}

TEST_F(LowerRefusals, AModelWithoutInputs) {
  EXPECT_THAT(error("<ir_version: 7, opset_import: [\"\" : 13]>\n"
                    "n () => (float[2] y) <float[2] w = {1,2}> { y = Relu(w) }\n"),
              HasSubstr("has no inputs"));
}

}  // namespace
}  // namespace systole::compiler
