// Quantisation of float models: form, formulas, names, determinism, accuracy on a small layer.
#include "compiler/quantize/quantize.h"

#include <gmock/gmock-matchers.h>
#include <onnx/onnx_pb.h>

#include <cmath>

#include "compiler/frontend/onnx_file.h"
#include "compiler/load.h"
#include "compiler/pipeline.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Quantize : public OnnxText {
 protected:
  std::vector<std::uint8_t> quantised(const std::string& text, const Tensor& samples) {
    const std::string path = scratch_.file("float.onnxtxt");
    write_file(path, text);
    return quantize_model(path, samples);
  }

  onnx::ModelProto parsed(const std::string& text, const Tensor& samples) {
    const std::vector<std::uint8_t> bytes = quantised(text, samples);
    onnx::ModelProto model;
    EXPECT_TRUE(model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    return model;
  }

  Graph reloaded(const std::string& text, const Tensor& samples, std::int64_t batch = 1) {
    const std::string path = scratch_.file("quantised.onnx");
    write_file(path, quantised(text, samples));
    LoadOptions options;
    options.batch = batch;
    return load_model(path, options);
  }

  std::string quantise_error(const std::string& text, const Tensor& samples) {
    try {
      static_cast<void>(quantised(text, samples));
      return {};
    } catch (const InputError& e) {
      return e.what();
    }
  }

  static std::vector<std::string> operators(const onnx::ModelProto& model) {
    std::vector<std::string> names;
    for (const auto& node : model.graph().node()) names.push_back(node.op_type());
    return names;
  }

  static std::string mlp(int opset) {
    return model(
        opset,
        "(float[N,2] x) => (float[N,2] y) <float[2,3] w = {1,-2,0,3,4,0}, float[3] b = {1,0,-1}, "
        "float[3,2] v = {1,-1,0.5,2,-1,1}, float[2] c = {0.5,-0.5}>",
        "h = MatMul(x, w) hb = Add(h, b) r = Relu(hb) d = Dropout(r) z = Gemm(d, v, c) y = "
        "Softmax(z)");
  }
  static Tensor samples() { return floats({3, 2}, {1, 2, -1, 0.5, 2, -1}); }
};

TEST_F(Quantize, WritesTheFormThatRuntimesFuse) {
  EXPECT_THAT(
      operators(parsed(mlp(13), samples())),
      ElementsAre("QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "DequantizeLinear",
                  "Gemm", "Relu", "QuantizeLinear", "DequantizeLinear", "DequantizeLinear",
                  "DequantizeLinear", "Gemm", "QuantizeLinear", "DequantizeLinear", "Softmax"));
}

TEST_F(Quantize, ScalesFollowTheirFormulas) {
  const Graph graph = reloaded(mlp(13), samples());
  const auto quant_of = [&](const std::string& name) {
    for (const Node& node : graph.nodes) {
      if (graph.value(node.outputs[0]).name == name) return std::get<QuantAttrs>(node.attrs).quant;
    }
    ADD_FAILURE() << name;
    return Quant{};
  };
  const Quant x = quant_of("x_quantized");  // samples span [-1, 2]
  EXPECT_EQ(x.scales, std::vector<float>{3.0F / 255.0F});
  EXPECT_EQ(x.zero_points, std::vector<std::int32_t>{85});
  const Quant w = quant_of("h_weight_dequantized");  // the last column is zero
  EXPECT_EQ(w.scales, (std::vector<float>{3.0F / 127.0F, 4.0F / 127.0F, 1.0F}));
  const Quant b = quant_of("h_bias_dequantized");
  for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(b.scales[c], w.scales[c] * x.scales[0]);
  EXPECT_EQ(quant_of("r_quantized").zero_points, std::vector<std::int32_t>{0});
}

TEST_F(Quantize, StaysCloseToTheFloatModel) {
  const Tensor x = samples();
  LoadOptions options;
  options.batch = 3;
  const std::vector<float> exact = list<float>(evaluate(load(mlp(13), options), {x})[0]);
  const std::vector<float> rounded = list<float>(evaluate(reloaded(mlp(13), x, 3), {x})[0]);
  for (std::size_t i = 0; i < exact.size(); ++i) EXPECT_NEAR(rounded[i], exact[i], 0.02);
}

TEST_F(Quantize, IsDeterministicAndKeepsInterfaceAndVersion) {
  EXPECT_EQ(quantised(mlp(15), samples()), quantised(mlp(15), samples()));
  const onnx::ModelProto model = parsed(mlp(15), samples());
  EXPECT_EQ(model.opset_import(0).version(), 15);
  EXPECT_EQ(model.graph().input(0).name(), "x");
  EXPECT_EQ(model.graph().input(0).type().tensor_type().shape().dim(0).dim_param(), "N");
  EXPECT_EQ(model.graph().output(0).name(), "y");
}

TEST_F(Quantize, RaisesOlderOpsets) {
  const onnx::ModelProto model = parsed(mlp(9), samples());
  EXPECT_EQ(model.opset_import(0).version(), 13);
  EXPECT_EQ(evaluate(reloaded(mlp(9), samples(), 3), {samples()})[0].data,
            evaluate(reloaded(mlp(13), samples(), 3), {samples()})[0].data);
}

TEST_F(Quantize, ChunksOfSamplesGiveTheRangeOfAll) {
  Tensor many(DType::kFloat32, {130, 2});
  many.as<float>()[257] = -1.0F;  // in the second chunk of 64, and the last one is short
  many.as<float>()[259] = 2.0F;
  many.as<float>()[100] = 0.25F;
  const Graph graph = reloaded(mlp(13), many);
  EXPECT_EQ(std::get<QuantAttrs>(graph.nodes[0].attrs).quant.scales[0], 3.0F / 255.0F);
}

TEST_F(Quantize, HigherRanksStayMatMulWithTheirAdd) {
  const std::string text = model(
      13, "(float[N,3,2] x) => (float[N,3,2] y) <float[2,2] w = {1,2,3,4}, float[2] b = {1,2}>",
      "h = MatMul(x, w) y = Add(h, b)");
  EXPECT_THAT(operators(parsed(text, floats({1, 3, 2}, {1, 2, 3, 4, 5, 6}))),
              ElementsAre("QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "MatMul",
                          "QuantizeLinear", "DequantizeLinear", "DequantizeLinear", "Add",
                          "QuantizeLinear", "DequantizeLinear"));
}

TEST_F(Quantize, RefusesWhatItCannotQuantise) {
  const std::string relu = model(13, "(float[N,2] x) => (float[N,2] y)", "y = Relu(x)");
  EXPECT_THAT(quantise_error(relu, samples()), HasSubstr("no Gemm, MatMul or Conv"));
  const std::string qdq = model(13, "(float[N,2] x) => (float[N,2] y) <float s = {1}>",
                                "q = QuantizeLinear(x, s) y = DequantizeLinear(q, s)");
  EXPECT_THAT(quantise_error(qdq, samples()), HasSubstr("quantised already"));
  EXPECT_THAT(quantise_error(mlp(13), floats({3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9})),
              HasSubstr("[3, 3]"));
  EXPECT_THAT(quantise_error(mlp(13), floats({0, 2}, {})), HasSubstr("[0, 2]"));
  EXPECT_THAT(quantise_error(mlp(13), floats({1, 2}, {1, INFINITY})), HasSubstr("inf"));
  EXPECT_THAT(quantise_error(mlp(13), Tensor(DType::kUint8, {1, 2})), HasSubstr("float32"));
}

TEST_F(Quantize, SaysWhyALayerCannotBeQuantised) {
  const auto refuses = [&](const std::string& signature, const std::string& node,
                           const std::string& why) {
    EXPECT_THAT(quantise_error(model(13, signature, node), floats({2, 2}, {1, 2, 3, 4})),
                HasSubstr("cannot be quantised: " + why));
  };
  const std::string w = " <float[2,2] w = {1,2,3,4}>";
  const std::string matrix = "(float[2,2] x) => (float[2,2] y)" + w;
  refuses(matrix, "y = MatMul(w, x)", "A 'w' is constant");
  refuses(matrix, "y = MatMul(x, x)", "B 'x' is computed");
}

// ONNX text has no NaN: an element of each constant becomes one in the binary form.
TEST_F(Quantize, RefusesConstantsThatAreNotFinite) {
  const std::string text = scratch_.file("finite.onnxtxt");
  write_file(text, mlp(13));
  const onnx::ModelProto finite = read_onnx(text).model;
  for (int i = 0; i < finite.graph().initializer_size(); ++i) {
    onnx::ModelProto broken = finite;
    broken.mutable_graph()->mutable_initializer(i)->set_float_data(1, NAN);
    const std::string path = scratch_.file("nan.onnx");
    write_file(path, broken.SerializeAsString());
    try {
      static_cast<void>(quantize_model(path, samples()));
      ADD_FAILURE() << i;
    } catch (const InputError& e) {
      const std::string name = finite.graph().initializer(i).name();
      EXPECT_THAT(e.what(), HasSubstr("constant '" + name + "' holds inf or NaN"));
    }
  }
  const std::string large =
      model(13, "(float[N,2] x) => (float[N,2] y) <float[2,2] w = {3e38,2,3,4}>",
            "y = Gemm <alpha = 10.0> (x, w)");
  EXPECT_THAT(quantise_error(large, samples()), HasSubstr("constant 'w' holds inf or NaN"));
}

// At the scale xs * ws of inputs and weights alone the bias would be about 1e11 steps.
TEST_F(Quantize, ABiasFarLargerThanTheInputsIsKept) {
  const std::string text = model(13,
                                 "(float[N,2] x) => (float[N,2] y) <float[2,2] w = {1,2,3,4}, "
                                 "float[2] b = {3,-0.25}>",
                                 "y = Gemm(x, w, b)");
  const Tensor tiny = floats({1, 2}, {1e-7F, -1e-7F});
  const std::vector<float> y = list<float>(evaluate(reloaded(text, tiny), {tiny})[0]);
  const float half_step = 3.25F / 255.0F / 2.0F;
  EXPECT_NEAR(y[0], 3.0F, half_step);
  EXPECT_NEAR(y[1], -0.25F, half_step);
}

class QuantizeImages : public Quantize {
 protected:
  // Two convolutions with a residual sum, pools and a dense layer: x [N, 2, 6, 6] to y [N, 3].
  static std::string residual() {
    return model(
        13,
        "(float[N,2,6,6] x) => (float[N,3] y) <float[2,2,1,1] w = {1,-0.5,0.25,2}, float[2] s = "
        "{0.5,2}, float[2] t = {0.1,-0.1}, float[2] m = {0,1}, float[2] v = {1,4}, float[2,1,3,3] "
        "k "
        "= {1,2,1,2,4,2,1,2,1,0,-1,0,-1,4,-1,0,-1,0}, float[2,3] f = {1,2,3,-1,-2,-3}>",
        "a = Conv(x, w) b = BatchNormalization(a, s, t, m, v) c = Relu(b) "
        "d = Conv<group = 2, pads = [1,1,1,1]>(c, k) e = Add(d, c) r = Relu(e) "
        "p = MaxPool<kernel_shape = [2,2], strides = [2,2]>(r) "
        "g = GlobalAveragePool(p) l = Flatten(g) y = MatMul(l, f)");
  }
  static Tensor pictures(std::int64_t count) {
    Tensor x(DType::kFloat32, {count, 2, 6, 6});
    for (std::size_t i = 0; i < x.as<float>().size(); ++i)
      x.as<float>()[i] = static_cast<float>(i * 7 % 31) / 15.0F - 1.0F;
    return x;
  }
};

TEST_F(QuantizeImages, EverythingBehindTheFirstConvBecomesInteger) {
  const Graph fused = fuse_quantised(reloaded(residual(), pictures(5)));
  std::vector<OpKind> kinds;
  for (const Node& node : fused.nodes) kinds.push_back(node.kind);
  EXPECT_THAT(kinds, ElementsAre(OpKind::kQuantise, OpKind::kConv, OpKind::kConv, OpKind::kZip,
                                 OpKind::kPool, OpKind::kMove, OpKind::kPool, OpKind::kMove,
                                 OpKind::kMove, OpKind::kMatmul, OpKind::kDequantise));
}

// The QLinear form holds the same integers: both give the same bytes.
TEST_F(QuantizeImages, QLinearOperatorsStandForTheSameIntegers) {
  const std::string path = scratch_.file("float.onnxtxt");
  write_file(path, residual());
  const auto bytes = quantize_model(path, pictures(5), {.format = QuantFormat::kQlinear});
  onnx::ModelProto written;
  ASSERT_TRUE(written.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  EXPECT_THAT(operators(written), testing::IsSupersetOf({"QLinearConv", "QLinearConv",
                                                         "QLinearMatMul", "MaxPool", "Add"}));
  EXPECT_THAT(operators(written), testing::Not(testing::Contains("Conv")));
  write_file(scratch_.file("qlinear.onnx"), bytes);
  LoadOptions options;
  options.batch = 3;
  const Graph qlinear = fuse_quantised(load_model(scratch_.file("qlinear.onnx"), options));
  const Graph qdq = fuse_quantised(reloaded(residual(), pictures(5), 3));
  EXPECT_EQ(evaluate(qlinear, {pictures(3)})[0].data, evaluate(qdq, {pictures(3)})[0].data);
}

// A Gemm with a bias has no QLinear form; it stays between QuantizeLinear and DequantizeLinear.
TEST_F(Quantize, WhatHasNoQLinearFormStaysQdq) {
  const std::string path = scratch_.file("float.onnxtxt");
  write_file(path, mlp(13));
  const auto bytes = quantize_model(path, samples(), {.format = QuantFormat::kQlinear});
  EXPECT_EQ(bytes, quantised(mlp(13), samples()));
}

TEST_F(QuantizeImages, StaysCloseToTheFloatModelAtAnyBatch) {
  LoadOptions options;
  options.batch = 3;
  const Tensor x = pictures(3);
  const std::vector<float> exact = list<float>(evaluate(load(residual(), options), {x})[0]);
  const Graph quantised = fuse_quantised(reloaded(residual(), pictures(5), 3));
  const std::vector<float> rounded = list<float>(evaluate(quantised, {x})[0]);
  const auto [low, high] = std::minmax_element(exact.begin(), exact.end());
  for (std::size_t i = 0; i < exact.size(); ++i)
    EXPECT_NEAR(rounded[i], exact[i], (*high - *low) / 50.0F);
}

TEST_F(QuantizeImages, APercentileLeavesOutWhatLiesBeyondIt) {
  Tensor x(DType::kFloat32, {1000, 1});
  for (std::size_t i = 0; i < 1000; ++i) x.as<float>()[i] = static_cast<float>(i) / 1000.0F;
  x.as<float>()[999] = 100.0F;
  const std::string path = scratch_.file("one.onnxtxt");
  write_file(
      path, model(13, "(float[N,1] x) => (float[N,1] y) <float[1,1] w = {1}>", "y = MatMul(x, w)"));
  const auto scale = [&](std::optional<double> percentile) {
    const std::string out = scratch_.file("out.onnx");
    write_file(out, quantize_model(path, x, {.percentile = percentile}));
    const Graph graph = load_model(out, {});
    return std::get<QuantAttrs>(graph.nodes.at(0).attrs).quant.scales[0];
  };
  EXPECT_EQ(scale(std::nullopt), 100.0F / 255.0F);
  EXPECT_NEAR(scale(99.5), 1.0F / 255.0F, 100.0F / 8192.0F);
  // 99.85 leaves out one and a half of 1,000 values: one.
  EXPECT_NEAR(scale(99.85), 1.0F / 255.0F, 100.0F / 8192.0F);
  x.as<float>()[999] = 0.999F;
  x.as<float>()[0] = -100.0F;
  EXPECT_NEAR(scale(99.85), 1.0F / 255.0F, 100.0F / 8192.0F);
}

}  // namespace
}  // namespace systole::compiler
