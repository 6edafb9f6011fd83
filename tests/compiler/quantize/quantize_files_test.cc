// What quantize writes, over models of many shapes: the ONNX checker takes it, our reader takes it,
// and its inputs and outputs are the original's, in order, with their types.
#include <gmock/gmock-matchers.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/source.h"
#include "compiler/frontend/onnx_examples.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/frontend/onnx_import.h"
#include "compiler/frontend/onnx_writer.h"
#include "compiler/quantize/quantize.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names(
    const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& infos) {
  std::vector<std::string> result;
  for (const onnx::ValueInfoProto& info : infos) {
    const std::string text =
        info.name() + ":" + std::to_string(info.type().tensor_type().elem_type());
    if (std::find(result.begin(), result.end(), text) == result.end()) result.push_back(text);
  }
  return result;
}

std::set<std::string> stored(const onnx::GraphProto& graph) {
  std::set<std::string> result;
  for (const onnx::TensorProto& tensor : graph.initializer()) result.insert(tensor.name());
  return result;
}

// Names are defined before they are used, once each, and every initialiser is used.
void expect_sound(const onnx::GraphProto& graph) {
  std::set<std::string> defined = stored(graph), used, nodes;
  EXPECT_EQ(defined.size(), static_cast<std::size_t>(graph.initializer_size()));
  for (const auto& input : graph.input()) EXPECT_TRUE(defined.insert(input.name()).second);
  for (const onnx::NodeProto& node : graph.node()) {
    EXPECT_TRUE(nodes.insert(node.name()).second) << node.name();
    for (const std::string& name : node.input()) {
      EXPECT_TRUE(name.empty() || defined.contains(name)) << node.name() << " reads " << name;
      used.insert(name);
    }
    for (const std::string& name : node.output()) EXPECT_TRUE(defined.insert(name).second) << name;
  }
  for (const auto& output : graph.output()) EXPECT_TRUE(defined.contains(output.name()));
  for (const std::string& name : stored(graph)) EXPECT_TRUE(used.contains(name)) << name;
}

class QuantizeFiles : public OnnxText {
 protected:
  // True if it was quantised; false if it was refused, which is an error of one line.
  bool check(const OnnxFile& original, const QuantizeOptions& options = {}) {
    OnnxFile file = original;
    Graph graph;
    try {
      graph = import_onnx(file, {});
    } catch (const InputError& e) {
      ADD_FAILURE() << e.what();
      return false;
    }
    Tensor samples(DType::kFloat32, graph.value(graph.inputs[0]).shape);
    float next = 0.0F;
    for (float& x : samples.as<float>()) x = std::fmod(next += 0.37F, 2.0F) - 1.0F;
    std::vector<std::uint8_t> bytes;
    try {
      bytes = quantize_onnx(original, samples, options);
    } catch (const InputError& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
      refusals_.push_back(e.what());
      return false;
    }
    OnnxFile written = parse_onnx("written.onnx", bytes);
    EXPECT_NO_THROW(onnx::checker::check_model(written.model));
    expect_sound(written.model.graph());
    std::vector<std::string> inputs;
    for (const ValueId id : graph.inputs) inputs.push_back(graph.value(id).name + ":1");
    EXPECT_EQ(names(written.model.graph().input()), inputs);
    EXPECT_EQ(names(written.model.graph().output()), names(original.model.graph().output()));
    expect_close(import_onnx(written, {}), graph, samples);
    return true;
  }

  // Outputs of the same names, shapes and types, and of values that 8 bits can have.
  static void expect_close(const Graph& quantised, const Graph& graph, const Tensor& samples) {
    ASSERT_EQ(quantised.outputs.size(), graph.outputs.size());
    const std::vector<Tensor> found = evaluate(quantised, {samples});
    const std::vector<Tensor> expected = evaluate(graph, {samples});
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(quantised.value(quantised.outputs[i]).name, graph.value(graph.outputs[i]).name);
      ASSERT_EQ(found[i].shape, expected[i].shape);
      ASSERT_EQ(found[i].type, expected[i].type);
      if (found[i].type != DType::kFloat32) continue;
      float largest = 0.0F, off = 0.0F;
      for (std::size_t e = 0; e < found[i].as<float>().size(); ++e) {
        largest = std::max(largest, std::abs(expected[i].as<float>()[e]));
        off = std::max(off, std::abs(expected[i].as<float>()[e] - found[i].as<float>()[e]));
      }
      EXPECT_LE(off, 0.1F * largest + 1e-6F) << graph.value(graph.outputs[i]).name;
    }
  }

  bool check_text(const std::string& text) {
    SCOPED_TRACE(text);
    const std::vector<std::uint8_t> bytes(text.begin(), text.end());
    const bool plain = check(parse_onnx("test.onnxtxt", bytes));
    QuantizeOptions qlinear;
    qlinear.format = QuantFormat::kQlinear;
    EXPECT_EQ(check(parse_onnx("test.onnxtxt", bytes), qlinear), plain);
    return plain;
  }

  std::vector<std::string> refusals_;
};

constexpr const char* kWeights = "<float[2,3] w = {1,-2,0.5,3,-1,2}>";

TEST_F(QuantizeFiles, OutputsOfEveryKind) {
  const auto with = [](const std::string& outputs, const std::string& body) {
    return model(13, "(float[N,2] x) => (" + outputs + ") " + kWeights, body);
  };
  const std::string product = "y = MatMul(x, w) ";
  // An initialiser, alone and beside others; used by the product or by nobody.
  EXPECT_TRUE(check_text(with("float[N,3] y, float[2,3] w", product)));
  EXPECT_TRUE(check_text(model(13,
                               "(float[N,2] x) => (float[2] u, float[N,3] y) <float[2,3] w = "
                               "{1,-2,0.5,3,-1,2}, float[2] u = {1,2}>",
                               product)));
  // An input, by its own name and by another.
  EXPECT_TRUE(check_text(with("float[N,3] y, float[N,2] x", product)));
  EXPECT_TRUE(check_text(with("float[N,2] p, float[N,3] y", product + "p = Identity(x)")));
  EXPECT_TRUE(check_text(with("float[N,2] p, float[N,2] q, float[N,3] y",
                              product + "p = Identity(x) q = Identity(x)")));
  // One tensor by two names, before and behind the product, and one name twice.
  EXPECT_TRUE(check_text(with("float[N,3] z, float[N,3] y", product + "z = Identity(y)")));
  EXPECT_TRUE(check_text(with("float[N,3] y, float[N,3] y", product)));
  EXPECT_TRUE(check_text(with("float[N,3] h, float[N,3] y", "h = MatMul(x, w) y = Relu(h)")));
  // A constant of a node, a constant branch, an integer constant.
  EXPECT_TRUE(
      check_text(with("float[N,3] y, float[2,3] k", product + "k = Constant <value = float[2,3] "
                                                              "{1,2,3,4,5,6}> ()")));
  EXPECT_TRUE(check_text(with("float[N,3] y, float[2,3] k", product + "k = Relu(w)")));
  EXPECT_TRUE(
      check_text(with("float[N,3] y, float[3,2] k", product + "k = Transpose <perm = [1,0]> (w)")));
  EXPECT_TRUE(check_text(
      with("float[N,3] y, int64[2] k", product + "k = Constant <value = int64[2] {1,2}> ()")));
}

TEST_F(QuantizeFiles, NamesThatInsertedOnesWouldHave) {
  const auto with = [](const std::string& outputs, const std::string& body) {
    return model(13, "(float[N,2] x) => (" + outputs + ") " + kWeights, body);
  };
  for (const char* name : {"x_quantized", "x_dequantized", "x_quantized_scale", "h_unquantized",
                           "h_weight_quantized", "y_quantized", "w_value", "h", "x_2"}) {
    const std::string taken = name;
    EXPECT_TRUE(check_text(with("float[N,3] y, float[N,3] " + taken,
                                taken + " = MatMul(x, w) y = Relu(" + taken + ")")));
    EXPECT_TRUE(
        check_text(with("float[N,3] y", taken + " = MatMul(x, w) y = Relu(" + taken + ")")));
  }
  EXPECT_TRUE(
      check_text(model(13, "(float[N,2] x_dequantized) => (float[N,3] x) " + std::string(kWeights),
                       "x = MatMul(x_dequantized, w)")));
}

TEST_F(QuantizeFiles, ConstantBranchesAndUnusedParts) {
  const std::string signature =
      "(float[N,2] x) => (float[N,3] y) <float[2,3] w = {1,-2,0.5,3,-1,2}, float[3] b = {1,2,3}, "
      "float[4] unused = {1,2,3,4}>";
  EXPECT_TRUE(check_text(model(13, signature, "c = Relu(b) h = MatMul(x, w) y = Add(h, c)")));
  EXPECT_TRUE(check_text(model(13, signature, "v = Relu(w) y = MatMul(x, v)")));
  EXPECT_TRUE(check_text(model(13, signature, "v = Add(w, w) h = MatMul(x, v) y = Mul(h, b)")));
  EXPECT_TRUE(check_text(model(13, signature, "d = Relu(b) y = MatMul(x, w)")));
  EXPECT_TRUE(check_text(model(13, signature,
                               "k = Constant <value = float[3] {1,2,3}> () h = MatMul(x, w) "
                               "y = Concat <axis = 1> (h) d = Add(k, b)")));
}

// Every operator as a float model: quantised soundly, or refused for a reason.
TEST_F(QuantizeFiles, EveryOperator) {
  int quantised = 0;
  for (const OnnxOperator& op : onnx_operators()) {
    SCOPED_TRACE(op.name);
    const std::optional<Graph> graph = example_graph(op, ExampleForm::kFloat);
    if (!graph || graph->inputs.size() != 1) continue;
    // What multiplies integers already is written by no float operator.
    const bool multiplies_integers = std::ranges::any_of(graph->nodes, [](const Node& node) {
      const auto* const matmul = std::get_if<MatmulAttrs>(&node.attrs);
      return matmul != nullptr && matmul->x_quant;
    });
    if (multiplies_integers) continue;
    OnnxStyle style;
    style.open_batch = false;
    quantised += check(onnx_file("example.onnx", write_onnx(*graph, style))) ? 1 : 0;
  }
  EXPECT_GE(quantised, 3);
}

TEST_F(QuantizeFiles, TheModelsOfThisProject) {
  int quantised = 0, files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_path("tests"))) {
    const std::string path = entry.path().string();
    if (entry.path().extension() != ".onnx") continue;
    SCOPED_TRACE(path);
    ++files;
    std::optional<OnnxFile> file;
    try {
      file = read_onnx(path);
      static_cast<void>(import_onnx(*file, {}));
    } catch (const InputError&) {
      continue;  // a model for an error
    }
    quantised += check(*file) ? 1 : 0;
  }
  EXPECT_GE(quantised, 2);
  EXPECT_GE(files, 100);
}

}  // namespace
}  // namespace systole::compiler
