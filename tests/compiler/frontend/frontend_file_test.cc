// Binary ONNX files: stored tensors of every kind, external data, and damaged files.
#include <gmock/gmock-matchers.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <random>

#include "compiler/load.h"
#include "compiler/quantize/quantize.h"
#include "tests/compiler/frontend/onnx_text.h"

namespace systole::compiler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Proto = onnx::TensorProto;

class FrontendFile : public OnnxText {
 protected:
  // y [1, n] = x [1, k] w, with the initialiser w to be filled in.
  onnx::ModelProto matmul_model(std::int64_t ir, std::int64_t opset) {
    onnx::ModelProto model;
    model.set_ir_version(ir);
    onnx::OperatorSetIdProto& set = *model.add_opset_import();
    set.set_version(opset);
    onnx::GraphProto& graph = *model.mutable_graph();
    graph.set_name("test");
    add_float(*graph.add_input(), "x", {1, 2});
    add_float(*graph.add_output(), "y", {1, 2});
    onnx::NodeProto& node = *graph.add_node();
    node.set_name("product");
    node.set_op_type("MatMul");
    node.add_input("x");
    node.add_input("w");
    node.add_output("y");
    return model;
  }

  static void add_float(onnx::ValueInfoProto& info, const std::string& name,
                        const std::vector<std::int64_t>& dims) {
    info.set_name(name);
    onnx::TypeProto_Tensor& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(Proto::FLOAT);
    for (const std::int64_t d : dims) type.mutable_shape()->add_dim()->set_dim_value(d);
  }

  static Proto& add_weights(onnx::ModelProto& model, int type) {
    Proto& w = *model.mutable_graph()->add_initializer();
    w.set_name("w");
    w.set_data_type(type);
    w.add_dims(2);
    w.add_dims(2);
    return w;
  }

  static void set_external(Proto& w, const std::string& location, std::int64_t offset,
                           std::int64_t length) {
    w.set_data_location(Proto::EXTERNAL);
    const auto add = [&w](const std::string& key, const std::string& value) {
      auto& entry = *w.add_external_data();
      entry.set_key(key);
      entry.set_value(value);
    };
    add("location", location);
    add("offset", std::to_string(offset));
    add("length", std::to_string(length));
  }

  std::string write(const onnx::ModelProto& model, const std::string& name = "model.onnx") {
    std::string bytes;
    EXPECT_TRUE(model.SerializeToString(&bytes));
    write_file(scratch_.file(name), bytes);
    return scratch_.file(name);
  }

  std::string file_error(const onnx::ModelProto& model) {
    const std::string path = write(model);
    try {
      static_cast<void>(load_model(path, {}));
      return {};
    } catch (const InputError& e) {
      return e.what();
    }
  }

  std::vector<float> product_of(const onnx::ModelProto& model) {
    const Graph graph = load_model(write(model), {});
    return list<float>(evaluate(graph, {floats({1, 2}, {1, 1})})[0]);
  }
};

TEST_F(FrontendFile, WidensEveryFloatType) {
  onnx::ModelProto half = matmul_model(7, 13);
  Proto& h = add_weights(half, Proto::FLOAT16);
  // 1, 2^-24 (the smallest subnormal), 65504 (the largest), -0.5
  for (const int bits : {0x3C00, 0x0001, 0x7BFF, 0xB800}) h.add_int32_data(bits);
  EXPECT_THAT(product_of(half), ElementsAre(1.0F + 65504.0F, 0x1p-24F - 0.5F));

  onnx::ModelProto brain = matmul_model(7, 13);
  const std::string bf16("\x80\x3F\x00\x40\x40\xC0\x00\x00", 8);  // 1, 2, -3, 0
  add_weights(brain, Proto::BFLOAT16).set_raw_data(bf16);
  EXPECT_THAT(product_of(brain), ElementsAre(-2, 2));

  onnx::ModelProto wide = matmul_model(7, 13);
  Proto& d = add_weights(wide, Proto::DOUBLE);
  for (const double v : {0.5, 1.0, 0.25, -2.0}) d.add_double_data(v);
  EXPECT_THAT(product_of(wide), ElementsAre(0.75, -1));
}

TEST_F(FrontendFile, TensorsMustBeExactlyAsLongAsTheirShape) {
  onnx::ModelProto model = matmul_model(7, 13);
  Proto& w = add_weights(model, Proto::FLOAT);
  EXPECT_THAT(file_error(model), AllOf(HasSubstr("'w'"), HasSubstr("0 elements"), HasSubstr("4")));
  w.set_raw_data(std::string(15, 'a'));
  EXPECT_THAT(file_error(model), AllOf(HasSubstr("15 bytes"), HasSubstr("16")));
  w.set_raw_data(std::string(17, 'a'));
  EXPECT_THAT(file_error(model), HasSubstr("17 bytes"));
  w.set_dims(0, std::int64_t{1} << 60);
  EXPECT_THAT(file_error(model), HasSubstr("too many elements"));
  w.set_dims(0, -2);
  EXPECT_THAT(file_error(model), HasSubstr("negative"));
}

TEST_F(FrontendFile, TensorTypesAndValuesAreChecked) {
  onnx::ModelProto model = matmul_model(7, 13);
  Proto& w = add_weights(model, Proto::STRING);
  EXPECT_THAT(file_error(model),
              HasSubstr("ONNX element type STRING; expected one of FLOAT, UINT8,"));
  w.set_data_type(Proto::INT8);
  for (const int v : {1, 2, 3, 300}) w.add_int32_data(v);
  EXPECT_THAT(file_error(model), HasSubstr("300 is out of range"));
}

TEST_F(FrontendFile, ExternalDataGiveTheSameGraphAsTheirTwin) {
  const std::vector<float> values = {1, 2, 3, 4};
  const std::string bytes(reinterpret_cast<const char*>(values.data()), 16);
  onnx::ModelProto inside = matmul_model(7, 13);
  add_weights(inside, Proto::FLOAT).set_raw_data(bytes);
  onnx::ModelProto outside = matmul_model(10, 18);
  set_external(add_weights(outside, Proto::FLOAT), "data.bin", 4096, 16);
  write_file(scratch_.file("data.bin"), std::string(4096, '\0') + bytes);
  EXPECT_EQ(product_of(inside), product_of(outside));
  const std::string twin = write(inside, "twin.onnx");
  EXPECT_EQ(to_text(load_model(twin, {})), to_text(load_model(write(outside), {})));
}

TEST_F(FrontendFile, TheHashCoversExternalData) {
  onnx::ModelProto model = matmul_model(10, 18);
  set_external(add_weights(model, Proto::FLOAT), "data.bin", 0, 16);
  write_file(scratch_.file("data.bin"), std::string(16, 'a'));
  const std::string first = load_model(write(model), {}).hash;
  write_file(scratch_.file("data.bin"), std::string(16, 'b'));
  EXPECT_NE(first, load_model(write(model), {}).hash);
}

TEST_F(FrontendFile, ExternalDataStayInsideTheFolderAndTheFile) {
  namespace fs = std::filesystem;
  fs::create_directories(scratch_.file("inner"));
  write_file(scratch_.file("secret.bin"), std::string(64, 'a'));
  fs::create_symlink(scratch_.file("secret.bin"), scratch_.file("inner/link.bin"));
  write_file(scratch_.file("inner/data.bin"), std::string(64, 'a'));
  const auto error_at = [&](const std::string& location, std::int64_t offset, std::int64_t length) {
    onnx::ModelProto model = matmul_model(10, 18);
    set_external(add_weights(model, Proto::FLOAT), location, offset, length);
    const std::string path = write(model, "inner/model.onnx");
    try {
      static_cast<void>(load_model(path, {}));
      return std::string();
    } catch (const InputError& e) {
      return std::string(e.what());
    }
  };
  EXPECT_EQ(error_at("data.bin", 48, 16), "");
  EXPECT_THAT(error_at("data.bin", 49, 16), HasSubstr("has 64 bytes"));
  EXPECT_THAT(error_at("data.bin", 100, 16), HasSubstr("has 64 bytes"));
  EXPECT_THAT(error_at("data.bin", 0, 12), HasSubstr("12 bytes of external data"));
  EXPECT_THAT(error_at("data.bin", -1, 16), HasSubstr("'-1'"));
  EXPECT_THAT(error_at("../secret.bin", 0, 16), HasSubstr("outside"));
  EXPECT_THAT(error_at(scratch_.file("secret.bin"), 0, 16), HasSubstr("outside"));
  EXPECT_THAT(error_at("link.bin", 0, 16), HasSubstr("outside"));
  EXPECT_THAT(error_at("", 0, 16), HasSubstr("outside"));
  EXPECT_THAT(error_at(".", 0, 16), HasSubstr("not a file"));
  EXPECT_THAT(error_at("missing.bin", 0, 16), HasSubstr("cannot be read"));
}

TEST_F(FrontendFile, UnknownOperatorsAreNamedErrors) {
  onnx::ModelProto model = matmul_model(7, 13);
  add_weights(model, Proto::FLOAT).set_raw_data(std::string(16, '\0'));
  model.mutable_graph()->mutable_node(0)->set_op_type("SequenceMap");
  EXPECT_THAT(file_error(model),
              AllOf(HasSubstr("'product'"), HasSubstr("unknown operator SequenceMap")));
}

// Loads bytes that may be damaged: an InputError or a graph, nothing else.
void load_damaged(const std::string& path, const std::string& bytes) {
  write_file(path, bytes);
  try {
    static_cast<void>(load_model(path, {}));
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
  }
}

class DamagedFile : public FrontendFile {
 protected:
  // A small model with most kinds of fields: attributes, initialisers, quantisation.
  std::string quantised_bytes() {
    const std::string path = scratch_.file("model.onnxtxt");
    write_file(
        path,
        model(13,
              "(float[N,4] x) => (float[N,3] y) <float[4,3] w = {1,2,3,4,5,6,7,8,9,10,11,12}, "
              "float[3] b = {1,2,3}>",
              "g = Gemm<alpha = 0.5>(x, w, b) r = Relu(g) y = Softmax<axis = -1>(r)"));
    const std::vector<std::uint8_t> bytes =
        quantize_model(path, floats({2, 4}, {1, 2, 3, 4, 5, 6, 7, -8}));
    return {bytes.begin(), bytes.end()};
  }
};

TEST_F(DamagedFile, EveryTruncationIsHandled) {
  const std::string bytes = quantised_bytes();
  const std::string path = scratch_.file("cut.onnx");
  for (std::size_t n = 0; n < bytes.size(); ++n) load_damaged(path, bytes.substr(0, n));
}

TEST_F(DamagedFile, RandomByteChangesAreHandled) {
  const std::string bytes = quantised_bytes();
  const std::string path = scratch_.file("changed.onnx");
  std::mt19937 random(1);
  for (int i = 0; i < 1500; ++i) {
    std::string changed = bytes;
    for (unsigned n = 0; n <= random() % 3; ++n) {
      changed[random() % changed.size()] = static_cast<char>(random() % 256);
    }
    load_damaged(path, changed);
  }
}

TEST_F(DamagedFile, RandomChangesOfTextAreHandled) {
  const std::string text =
      model(13, "(float[N,2] x) => (float[N,2] y) <float[2,2] w = {1,2,3,4}>",
            "a = Gemm<alpha = 2.0, transB = 1>(x, w) y = Softmax<axis = -1>(a)");
  const std::string path = scratch_.file("changed.onnxtxt");
  const std::string letters = "<>(){}[],:=\"0123456789.-ex y\n";
  std::mt19937 random(2);
  for (int i = 0; i < 1500; ++i) {
    std::string changed = text;
    for (unsigned n = 0; n <= random() % 3; ++n) {
      changed[random() % changed.size()] = letters[random() % letters.size()];
    }
    if (i % 5 == 0) changed.resize(random() % changed.size());
    load_damaged(path, changed);
  }
}

}  // namespace
}  // namespace systole::compiler
