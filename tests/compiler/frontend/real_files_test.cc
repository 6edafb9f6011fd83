// Kinds of files that people have: what is read whatever its form, and what is refused with its
// true reason. Those that run are cases of tests/conformance.
#include <gmock/gmock-matchers.h>

#include "compiler/compile.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/load.h"
#include "compiler/quantize/quantize.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class RealFiles : public OnnxText {
 protected:
  std::string compile_error(const std::string& text, const isa::Machine& machine) {
    try {
      static_cast<void>(compile(load(text), machine, {}));
      return {};
    } catch (const InputError& e) {
      return e.what();
    }
  }
};

// Before opset 14 training is told by the number of outputs, since then by an attribute.
TEST_F(RealFiles, BatchNormalizationInTrainingIsRefused) {
  const auto batch_norm = [](int opset, const std::string& outputs, const std::string& attributes) {
    return model(opset, "(float[2,3,4,4] x) => (float[2,3,4,4] y) <float[3] c = {1,2,3}>",
                 outputs + " = BatchNormalization" + attributes + "(x, c, c, c, c)");
  };
  for (const int opset : {7, 8, 9, 11, 13}) {
    SCOPED_TRACE(opset);
    EXPECT_THAT(error(batch_norm(opset, "y, m, v, n, w", "")),
                AllOf(HasSubstr("5 outputs"), HasSubstr("a model for inference")));
    EXPECT_EQ(error(batch_norm(opset, "y", "")), "");
  }
  EXPECT_THAT(error(batch_norm(15, "y, m, v", "<training_mode = 1>")),
              AllOf(HasSubstr("training_mode is 1"), HasSubstr("a model for inference")));
}

TEST_F(RealFiles, NodesOfACycleAreNamed) {
  EXPECT_THAT(error(model(17, "(float[2] x) => (float[2] y)",
                          "a = Add(x, c)\nb = Relu(a)\nc = Tanh(b)\ny = Relu(x)\nz = Relu(c)")),
              "");  // no output needs them
  EXPECT_THAT(error(model(17, "(float[2] x) => (float[2] y)",
                          "a = Add(x, c)\nb = Relu(a)\nc = Tanh(b)\ny = Relu(c)")),
              AllOf(HasSubstr("'a'"), HasSubstr("'b'"), HasSubstr("'c'"), Not(HasSubstr("'y'"))));
}

TEST_F(RealFiles, OnlyUnknownOperatorsThatAnOutputNeedsAreErrors) {
  const std::string signature = "(float[2] x) => (float[2] y)";
  for (const int opset : {7, 13, 17, 22}) {
    SCOPED_TRACE(opset);
    EXPECT_EQ(error(model(opset, signature, "y = Relu(x)\nd = NoSuch(x)\ne = NoSuch(d)")), "");
    EXPECT_THAT(error(model(opset, signature, "d = NoSuch(x)\ny = Relu(d)")), HasSubstr("NoSuch"));
  }
}

TEST_F(RealFiles, ABatchOfMatricesIsNotCalledAnotherK) {
  const std::string shapes = "(uint8[2,3,4] a, uint8[2,4,5] b) => (int32[2,3,5] y)";
  EXPECT_EQ(error(model(13, shapes, "y = MatMulInteger(a, b)")), "");
}

TEST_F(RealFiles, IntegerWeightsOfFloatActivationsAreNotCalledComputed) {
  const std::string text =
      model(13, "(float[2,3] x) => (float[2,2] y) <int8[3,2] w = {1,2,3,4,5,6}, float s = {0.5}>",
            "d = DequantizeLinear(w, s)\ny = MatMul(x, d)");
  EXPECT_THAT(
      compile_error(text, isa::load_machine("tpu_v1")),
      AllOf(HasSubstr("is float32"), HasSubstr("systole quantize"), Not(HasSubstr("run time"))));

  // What the message asks for works: only the weights are integers.
  const std::string path = scratch_.file("weights.onnxtxt"), made = scratch_.file("q.onnx");
  write_file(path, text);
  write_file(made, quantize_onnx(read_onnx(path), floats({2, 3}, {-1, 0, 1, 0.5, -0.5, 0.25}), {}));
  EXPECT_FALSE(compile(load_model(made, {}), isa::load_machine("tpu_v1"), {}).code.empty());
}

// The machine, made as large as the message asks, takes the model.
TEST_F(RealFiles, TooLargeTensorsAreNamed) {
  const std::string text = model(13,
                                 "(uint8[1,2,1,1600] x) => (int32[1,2,1,1600] y) "
                                 "<int8[2,2,1,1] w = {1,2,3,4}, uint8 z = {3}>",
                                 "y = ConvInteger(x, w, z)");
  isa::Machine machine = isa::load_machine("tpu_v1");
  machine.unified_buffer_bytes = 256 * 512;
  EXPECT_THAT(compile_error(text, machine),
              AllOf(HasSubstr("node y"), HasSubstr("for tensor '"),
                    HasSubstr("one sample needs 3200 unified buffer rows")));
  machine.unified_buffer_bytes = 256 * 3200;
  EXPECT_EQ(compile_error(text, machine), "");
}

TEST_F(RealFiles, MalformedNumbersAreToldWithTheirLine) {
  EXPECT_THAT(error(model(13, "(float[99999999999999999999] x) => (float[2] y)", "y = Relu(x)")),
              AllOf(HasSubstr("line: 2"), HasSubstr("number"), Not(HasSubstr("\n"))));
}

// Floats of 16 and 64 bits, as constants and as inputs: the quantised model takes float32.
TEST_F(RealFiles, FloatsOfAllWidthsAreQuantised) {
  const Tensor samples = floats({2, 2}, {-1.0F, 0.5F, 0.25F, 1.0F});
  for (const auto& [name, type] : {std::pair("float16", onnx::TensorProto::FLOAT16),
                                   std::pair("bfloat16", onnx::TensorProto::BFLOAT16),
                                   std::pair("double", onnx::TensorProto::DOUBLE)}) {
    SCOPED_TRACE(name);
    const std::string element(name);
    const std::string path = scratch_.file("model.onnxtxt");
    write_file(path, model(13, "(" + element + "[N,2] x) => (" + element + "[N,2] y)",
                           "y = MatMul(x, w)"));
    OnnxFile file = read_onnx(path);
    onnx::TensorProto& w = *file.model.mutable_graph()->add_initializer();
    w.set_name("w");
    w.set_data_type(type);
    w.add_dims(2);
    w.add_dims(2);
    // 0.5, 0, 0, 1 in little-endian bytes of each type.
    if (type == onnx::TensorProto::DOUBLE) {
      for (const double v : {0.5, 0.0, 0.0, 1.0}) w.add_double_data(v);
    } else {
      const bool half = type == onnx::TensorProto::FLOAT16;
      for (const int bits : {half ? 0x3800 : 0x3F00, 0, 0, half ? 0x3C00 : 0x3F80})
        w.add_int32_data(bits);
    }
    const std::string made = scratch_.file("quantised.onnx");
    write_file(made, quantize_onnx(file, samples, {}));
    LoadOptions options;
    options.batch = 2;
    const Graph graph = load_model(made, options);
    EXPECT_EQ(dtype_name(graph.value(graph.inputs[0]).type), "float32");
    const Tensor y = evaluate(graph, {samples}).at(0);
    EXPECT_NEAR(y.as<float>()[0], -0.5F, 0.02F);
    EXPECT_NEAR(y.as<float>()[3], 1.0F, 0.02F);
    const onnx::ModelProto written = read_onnx(made).model;
    EXPECT_EQ(written.graph().input(0).type().tensor_type().elem_type(), onnx::TensorProto::FLOAT);
    EXPECT_EQ(written.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  }
}

}  // namespace
}  // namespace systole::compiler
