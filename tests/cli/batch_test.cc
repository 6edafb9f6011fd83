// The batch rule as users meet it: what is a batch, what is just a shape, and what --batch may
// change.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <map>

#include "base/files.h"
#include "formats/tensor_files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;
using Words = std::vector<std::string>;

Tensor bytes(Shape shape, const std::vector<std::uint8_t>& values) {
  return make_tensor<std::uint8_t>(std::move(shape), values);
}
Tensor words(Shape shape, const std::vector<std::int32_t>& values) {
  return make_tensor<std::int32_t>(std::move(shape), values);
}
Tensor floats(Shape shape, const std::vector<float>& values) {
  return make_tensor<float>(std::move(shape), values);
}

class BatchRule : public testing::Test {
 protected:
  std::string model(const std::string& signature, const std::string& nodes) {
    const std::string path = folder_.file("model.onnxtxt");
    write_file(path, "<ir_version: 8, opset_import: [\"\" : 13]> g " + signature +
                         " <int8[2,1] w = {1, 2}, int64[1] front = {0}> { " + nodes + " }");
    return path;
  }
  Finished run(const std::string& path, const std::map<std::string, Tensor>& inputs,
               const Words& more = {}, const std::string& command = "run") {
    Words line = {command, path};
    for (const auto& [name, tensor] : inputs) {
      write_file(folder_.file(name + ".npy"), formats::npy_bytes(tensor));
      line.insert(line.end(), {"--input", name + "=" + folder_.file(name + ".npy")});
    }
    line.insert(line.end(), more.begin(), more.end());
    return testing_support::systole(line);
  }
  void expect(const std::string& path, const std::map<std::string, Tensor>& inputs,
              const std::map<std::string, Tensor>& outputs, Words more = {}) {
    const std::string out = folder_.file("out");
    more.insert(more.end(), {"--output", out});
    const Finished finished = run(path, inputs, more);
    ASSERT_EQ(finished.code, 0) << finished.err;
    for (const auto& [name, wanted] : outputs) {
      SCOPED_TRACE(name);
      const Tensor found = formats::read_tensor_file(out + "/" + name + ".npy");
      EXPECT_EQ(found.shape, wanted.shape);
      EXPECT_EQ(found.data, wanted.data);
    }
  }
  ScratchFolder folder_;
};

TEST_F(BatchRule, InputsOfUnlikeLeadingDimensionsAreJustShapes) {
  expect(model("(uint8[2,2] a, uint8[3,2] b) => (int32[2,1] y, int32[3,1] z)",
               "y = MatMulInteger(a, w) z = MatMulInteger(b, w)"),
         {{"a", bytes({2, 2}, {1, 2, 3, 4})}, {"b", bytes({3, 2}, {5, 6, 7, 8, 9, 10})}},
         {{"y", words({2, 1}, {5, 11})}, {"z", words({3, 1}, {17, 23, 29})}});
}

TEST_F(BatchRule, MatricesVectorsAndPicturesNeedNoBatch) {
  expect(model("(uint8[2,3] a) => (int32[3,1] y)", "t = Transpose(a) y = MatMulInteger(t, w)"),
         {{"a", bytes({2, 3}, {1, 2, 3, 4, 5, 6})}}, {{"y", words({3, 1}, {9, 12, 15})}});
  expect(model("(uint8[2] a) => (int32[1] y)", "y = MatMulInteger(a, w)"),
         {{"a", bytes({2}, {3, 4})}}, {{"y", words({1}, {11})}});
  const std::string chw =
      "v = Constant<value = int8[1,2,1,1] {1, 2}>() u = Unsqueeze(a, front) y = ConvInteger(u, v)";
  expect(model("(uint8[2,1,3] a) => (int32[1,1,1,3] y)", chw),
         {{"a", bytes({2, 1, 3}, {1, 2, 3, 4, 5, 6})}}, {{"y", words({1, 1, 1, 3}, {9, 12, 15})}});
  const std::string hwc =
      "v = Constant<value = int8[1,2,1,1] {1, 2}>() t = Transpose<perm = [2, 0, 1]>(a) "
      "u = Unsqueeze(t, front) y = ConvInteger(u, v)";
  expect(model("(uint8[1,3,2] a) => (int32[1,1,1,3] y)", hwc),
         {{"a", bytes({1, 3, 2}, {1, 4, 2, 5, 3, 6})}}, {{"y", words({1, 1, 1, 3}, {9, 12, 15})}});
  const std::string hw =
      "s = Constant<value_ints = [1, 2]>() r = Reshape(a, s) y = MatMulInteger(r, w)";
  expect(model("(uint8[2,1] a) => (int32[1,1] y)", hw), {{"a", bytes({2, 1}, {3, 4})}},
         {{"y", words({1, 1}, {11})}});
}

TEST_F(BatchRule, ScalarsAreInputs) {
  const std::string scaled =
      "c = Constant<value_float = 0.5>() f = DequantizeLinear(a, c) y = Mul(f, s)";
  const std::string path = model("(uint8[N,2] a, float s) => (float[N,2] y)", scaled);
  const Tensor three = floats({}, {3.0F});
  expect(path, {{"a", bytes({1, 2}, {2, 4})}, {"s", three}}, {{"y", floats({1, 2}, {3, 6})}});
  // The scalar serves every batch.
  const std::map<std::string, Tensor> rows = {{"a", bytes({3, 2}, {2, 4, 6, 8, 10, 12})},
                                              {"s", three}};
  const Tensor result = floats({3, 2}, {3, 6, 9, 12, 15, 18});
  expect(path, rows, {{"y", result}}, {"--batch", "3"});
  expect(path, rows, {{"y", result}}, {"--batch", "2"});
  expect(path, rows, {{"y", result}});
}

TEST_F(BatchRule, RowsThatNeedOneAnotherTakeOneBatch) {
  const std::string path = model("(uint8[N,2] a) => (int32[2,1] y)",
                                 "v = Constant<value = int8[3,1] {1, 1, 1}>() t = Transpose(a) "
                                 "y = MatMulInteger(t, v)");
  const std::map<std::string, Tensor> three = {{"a", bytes({3, 2}, {1, 2, 3, 4, 5, 6})}};
  expect(path, three, {{"y", words({2, 1}, {9, 12})}}, {"--batch", "3"});
  // Of one row, the product does not fit; of two, its error says so.
  const std::string soft =
      model("(float[N,2] a) => (float[2,N] y)", "t = Transpose(a) y = Softmax(t)");
  const Finished finished = run(soft, {{"a", floats({3, 2}, {1, 2, 3, 4, 5, 6})}});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("node 'y'"), HasSubstr("expected --batch 3")));
  EXPECT_EQ(run(soft, {{"a", floats({3, 2}, {1, 2, 3, 4, 5, 6})}}, {"--batch", "3"}).code, 0);
}

// Batches of a model that has none are runs of it, one behind the other.
TEST_F(BatchRule, BatchesAreKeptApartOnTheHost) {
  const std::string nodes =
      "t = Transpose(a) y = MatMulInteger(t, w) u = Transpose(y) k = Constant<value = int32[1,1] "
      "{7}>() "
      "z = Concat<axis = 1>(u, k)";
  const std::string path = model("(uint8[2,3] a) => (int32[1,4] z)", nodes);
  const std::string program = folder_.file("p.tpu");
  ASSERT_EQ(testing_support::systole({"compile", path, "--batches", "2", "-o", program}).code, 0);
  expect(program, {{"a", bytes({4, 3}, {1, 2, 3, 4, 5, 6, 1, 1, 1, 2, 2, 2})}},
         {{"z", words({2, 4}, {9, 12, 15, 7, 5, 5, 5, 7})}});
}

TEST_F(BatchRule, StatesOfAnotherSizeServeEveryBatch) {
  const std::string nodes = "y = MatMulInteger(x, w) z = MatMulInteger(h, w)";
  const std::string path =
      model("(uint8[N,2] x, uint8[2,1,2] h) => (int32[N,1] y, int32[2,1,1] z)", nodes);
  const std::map<std::string, Tensor> inputs = {{"x", bytes({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8})},
                                                {"h", bytes({2, 1, 2}, {1, 1, 2, 2})}};
  const std::map<std::string, Tensor> outputs = {{"y", words({4, 1}, {5, 11, 17, 23})},
                                                 {"z", words({2, 1, 1}, {3, 6})}};
  expect(path, inputs, outputs);
  expect(path, inputs, outputs, {"--batch", "3"});
  expect(path, inputs, outputs, {"--batch", "4"});
  // A dimension that has the batch's name follows it wherever it stands.
  const std::string named =
      model("(uint8[N,2] x, uint8[2,N,2] h) => (int32[N,1] y, int32[2,N,1] z)", nodes);
  expect(named,
         {{"x", bytes({2, 2}, {1, 2, 3, 4})}, {"h", bytes({2, 2, 2}, {1, 1, 2, 2, 3, 3, 4, 4})}},
         {{"z", words({2, 2, 1}, {3, 6, 9, 12})}}, {"--batch", "2"});
  // Another open leading dimension is what --dim says.
  const std::string other =
      model("(uint8[N,2] x, uint8[L,1,2] h) => (int32[N,1] y, int32[L,1,1] z)", nodes);
  expect(other, inputs, outputs, {"--batch", "4", "--dim", "L=2"});
}

TEST_F(BatchRule, AFixedBatchIsRewrittenOrTheNodeThatForbidsItNamed) {
  const std::string free =
      model("(uint8[1,2] a) => (int32[1,1] y)",
            "s = Constant<value_ints = [1, 2]>() r = Reshape(a, s) y = MatMulInteger(r, w)");
  expect(free, {{"a", bytes({3, 2}, {1, 2, 3, 4, 5, 6})}}, {{"y", words({3, 1}, {5, 11, 17})}},
         {"--batch", "3"});
  const std::map<std::string, std::string> forbidding = {
      {"t = Transpose(a) y = MatMulInteger(t, w)", "node 'y'"},
      {"k = Constant<value = uint8[1,2] {1, 2}>() c = Concat<axis = 0>(a, k) y = MatMulInteger(c, "
       "w)",
       "node 'c'"},
      {"k = Constant<value = uint8[2,1] {1, 2}>() c = Concat<axis = 1>(a, k) "
       "v = Constant<value = int8[3,1] {1, 1, 1}>() y = MatMulInteger(c, v)",
       "node 'c'"},
      {"s = Constant<value_ints = [4]>() r = Reshape(a, s) o = Unsqueeze(r, front) "
       "v = Constant<value = int8[4,1] {1, 1, 1, 1}>() y = MatMulInteger(o, v)",
       "node 'r'"}};
  for (const auto& [nodes, where] : forbidding) {
    SCOPED_TRACE(nodes);
    const std::string path = model("(uint8[2,2] a) => (int32[M,1] y)", nodes);
    const Finished finished = run(path, {}, {"--batch", "3"});
    EXPECT_EQ(finished.code, 1);
    EXPECT_THAT(finished.err, AllOf(HasSubstr(where), HasSubstr("forbids batch 3"),
                                    HasSubstr("batch 2 as in the file (no --batch)")));
    EXPECT_EQ(run(path, {}).code, 0);
  }
}

TEST_F(BatchRule, FilesOfOtherShapesAreRefused) {
  const std::string path =
      model("(uint8[2,3] a) => (int32[3,1] y)", "t = Transpose(a) y = MatMulInteger(t, w)");
  const Finished finished = run(path, {{"a", bytes({1, 3}, {1, 2, 3})}});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.err, AllOf(HasSubstr("has shape [1, 3]"), HasSubstr("[2, 3]")));
}

TEST_F(BatchRule, ComparesModelsAtTheBatchTheyHave) {
  const std::string path =
      model("(uint8[2,3] a) => (int32[3,1] y)", "t = Transpose(a) y = MatMulInteger(t, w)");
  const Finished finished = testing_support::systole({"compare", path, "--targets", "tpu:tpu_v1"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("tpu:tpu_v1  int8"));
}

// A detector's end: boxes beside constants, which only a batch of 1 fits.
TEST_F(BatchRule, CalibrationRunsSamplesOneByOneWhereTheBatchCannotGrow) {
  const std::string path =
      model("(float[1,2] x, float s) => (float[1,5] y)",
            "v = Constant<value = float[2,4] {1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0}>() a = MatMul(x, v) "
            "k = Constant<value = float[1,1] {1.0}>() c = Concat<axis = 1>(a, k) y = Mul(c, s)");
  const Tensor samples = floats({3, 2}, {0.5, 1.0, -1.0, 0.25, 1.0, 1.0});
  write_file(folder_.file("x.npy"), formats::npy_bytes(samples));
  write_file(folder_.file("s.npy"), formats::npy_bytes(floats({}, {2.0F})));
  const std::string out = folder_.file("int8.onnx");
  const Finished made =
      testing_support::systole({"quantize", path, "--calibrate", "x=" + folder_.file("x.npy"),
                                "--calibrate", "s=" + folder_.file("s.npy"), "-o", out});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("3 rows"));
  const std::string results = folder_.file("results");
  const Finished finished = run(
      out, {{"x", floats({1, 2}, {0.5F, 1.0F})}, {"s", floats({}, {2.0F})}}, {"--output", results});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Tensor y = formats::read_tensor_file(results + "/y.npy");
  const std::vector<float> wanted = {11.0F, 14.0F, 17.0F, 20.0F, 2.0F};
  for (std::size_t i = 0; i < wanted.size(); ++i) EXPECT_NEAR(y.as<float>()[i], wanted[i], 0.3);
  // The same in one command.
  EXPECT_EQ(run(path, {{"x", floats({1, 2}, {0.5F, 1.0F})}, {"s", floats({}, {2.0F})}},
                {"--calibrate", "x=" + folder_.file("x.npy"), "--calibrate",
                 "s=" + folder_.file("s.npy")})
                .code,
            0);
}

TEST_F(BatchRule, WhatTheReaderNotesIsSaidOnce) {
  const std::string path = folder_.file("scalar.onnxtxt");
  write_file(
      path,
      "<ir_version: 8, opset_import: [\"\" : 13]> g (float x) => (float[3] y) { y = Relu(x) }");
  for (const char* command : {"run", "compare"}) {
    Words line = {command, path, "--batch", "4"};
    if (command == std::string("compare")) line.insert(line.end(), {"--targets", "tpu:tpu_v1"});
    const Finished finished = testing_support::systole(line);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.err, "systole: note: " + path +
                                ": batch 4 changes nothing, as no input has a dimension\n"
                                "systole: note: " +
                                path +
                                ": output 'y' has shape [], where the file says [3]\n"
                                "systole: note: no --input for 'x': random:0\n");
  }
}

TEST_F(BatchRule, AShapeOfZeroSaysWhyItIsRefused) {
  const Finished finished =
      run(model("(uint8[2,2] a) => (int32[2,1] y)", "y = MatMulInteger(a, w)"), {},
          {"--shape", "a=2x0"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.err,
            "systole: error: --shape a: '0'; expected a whole number from 1 to 2147483647, "
            "as tensors without elements are not computed\n");
}

TEST_F(BatchRule, QuantiseRefusesWhatHasNoFloatWeights) {
  const Finished finished = testing_support::systole(
      {"quantize", "gemm:8,8,8", "--calibrate", "random", "-o", folder_.file("q.onnx")});
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.err,
            "systole: error: gemm:8,8,8: is an inline shape, which has no float weights; expected "
            "a float ONNX model\n");
}

}  // namespace
}  // namespace systole::cli
