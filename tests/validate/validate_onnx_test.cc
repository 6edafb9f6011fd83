// validate onnx: made-up operator tests that pass, fail, are refused or not read; ONNX's own where
// Debian's package is installed.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"
#include "validate/onnx_cases.h"
#include "validate/validation.h"

namespace systole::validate {
namespace {

using testing::HasSubstr;
using Verdict = OnnxOutcome::Verdict;
using Json = nlohmann::ordered_json;

class OnnxRung : public testing::Test {
 protected:
  // A test of one operator with the inputs "a" and perhaps "b" and the output "y", all float [n].
  std::string write_case(const std::string& name, const std::string& op, std::int64_t opset,
                         const std::vector<std::vector<float>>& inputs,
                         const std::vector<float>& expected) {
    onnx::ModelProto model;
    model.set_ir_version(7);
    model.add_opset_import()->set_version(opset);
    onnx::GraphProto& graph = *model.mutable_graph();
    graph.set_name(name);
    onnx::NodeProto& node = *graph.add_node();
    node.set_op_type(op);
    node.add_output("y");
    const std::string folder = scratch_.file(name);
    const std::string set = folder + "/test_data_set_0";
    std::filesystem::create_directories(set);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::string tensor(1, static_cast<char>('a' + i));
      node.add_input(tensor);
      describe(*graph.add_input(), tensor, inputs[i]);
      write_tensor(fmt::format("{}/input_{}.pb", set, i), inputs[i]);
    }
    describe(*graph.add_output(), "y", expected);
    write_tensor(set + "/output_0.pb", expected);
    write_file(folder + "/model.onnx", model.SerializeAsString());
    return folder;
  }

  static void describe(onnx::ValueInfoProto& info, const std::string& name,
                       const std::vector<float>& values) {
    info.set_name(name);
    auto& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_value(std::ssize(values));
  }

  static void write_tensor(const std::string& path, const std::vector<float>& values) {
    onnx::TensorProto proto;
    proto.set_data_type(onnx::TensorProto::FLOAT);
    proto.add_dims(std::ssize(values));
    for (const float v : values) proto.add_float_data(v);
    write_file(path, proto.SerializeAsString());
  }

  testing_support::ScratchFolder scratch_;
};

TEST_F(OnnxRung, ATestPassesFailsOrIsSkippedWithItsReason) {
  const OnnxOutcome good = run_onnx_case(write_case("good", "Relu", 14, {{-1, 2}}, {0, 2}));
  EXPECT_EQ(good.verdict, Verdict::kPassed);
  EXPECT_TRUE(good.simulated);
  EXPECT_EQ(good.operators, std::set<std::string>{"Relu"});
  const OnnxOutcome bad = run_onnx_case(write_case("bad", "Relu", 14, {{-1, 2}}, {0, 3}));
  EXPECT_EQ(bad.verdict, Verdict::kFailed);
  EXPECT_EQ(bad.reason, "another y");
  const OnnxOutcome unread = run_onnx_case(write_case("unread", "Bernoulli", 15, {{-1}}, {0}));
  EXPECT_EQ(unread.verdict, Verdict::kSkipped);
  EXPECT_EQ(unread.reason, kNotRead);
  const OnnxOutcome refused = run_onnx_case(write_case("refused", "Relu", 99, {{-1}}, {0}));
  EXPECT_EQ(refused.verdict, Verdict::kSkipped);
  EXPECT_THAT(refused.reason, HasSubstr("7 to 22"));
}

// Limits of a Clip have to be constants for us; the tests give them as inputs.
TEST_F(OnnxRung, InputsBehindTheFirstMayBecomeConstants) {
  const std::string folder = write_case("clip", "Clip", 13, {{-1, 2}, {0.5F}}, {0.5F, 2});
  EXPECT_EQ(run_onnx_case(folder).verdict, Verdict::kPassed);
}

// An operator that is older than the oldest opset is read if it has not changed until then.
TEST_F(OnnxRung, OlderOpsetsAreReadWhereTheOperatorIsTheSame) {
  EXPECT_EQ(run_onnx_case(write_case("same", "Relu", 6, {{-1, 2}}, {0, 2})).verdict,
            Verdict::kPassed);
  EXPECT_EQ(run_onnx_case(write_case("other", "Add", 6, {{1}, {2}}, {3})).verdict,
            Verdict::kSkipped);
}

TEST_F(OnnxRung, TheCommandCountsThem) {
  write_case("good", "Relu", 14, {{-1, 2}}, {0, 2});
  write_case("bad", "Relu", 14, {{-1, 2}}, {0, 3});
  write_case("unread", "Bernoulli", 15, {{-1}}, {0});
  const auto finished =
      testing_support::systole({"validate", "onnx", "--json", "--data", scratch_.file("")});
  EXPECT_EQ(finished.code, 1);
  const Json json = Json::parse(finished.out);
  EXPECT_EQ(json.at("passed"), 1);
  EXPECT_EQ(json.at("failed"), 1);
  EXPECT_EQ(json.at("skipped"), (Json{{std::string(kNotRead), 1}}));
  EXPECT_EQ(json.at("operators").size(), 1U);
}

TEST_F(OnnxRung, AFolderWithoutTestsIsAnError) {
  EXPECT_THROW(static_cast<void>(onnx_cases(scratch_.file("nothing"))), InputError);
}

TEST(OnnxTolerance, IsThatOfOnnxsOwnRunner) {
  const auto one = [](float v) { return make_tensor<float>({1}, std::span<const float>(&v, 1)); };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(matches(one(1000.9F), one(1000.0F)));
  EXPECT_FALSE(matches(one(1001.1F), one(1000.0F)));
  EXPECT_TRUE(matches(one(nan), one(nan)));
  EXPECT_FALSE(matches(one(1.0F), one(nan)));
  EXPECT_FALSE(matches(one(nan), one(1.0F)));
  EXPECT_TRUE(matches(one(inf), one(inf)));
  EXPECT_FALSE(matches(one(1.0F), one(inf)));
  Tensor shaped = one(1.0F);
  shaped.shape = {1, 1};
  EXPECT_FALSE(matches(shaped, one(1.0F)));
  EXPECT_FALSE(matches(Tensor(DType::kInt8, {1}), Tensor(DType::kUint8, {1})));
}

TEST(OnnxTests, OfDebianAllPassThatAreRead) {
  const std::string folder = "/usr/share/libonnx-testdata/data/node";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "libonnx-testdata is not installed";
  // As many as there were; more operators raise them.
  constexpr std::int64_t kPassing = 850, kOnDevice = 795;
  std::int64_t passed = 0;
  std::int64_t simulated = 0;
  for (const std::string& one : onnx_cases(folder)) {
    const OnnxOutcome outcome = run_onnx_case(one);
    EXPECT_NE(outcome.verdict, Verdict::kFailed) << one << ": " << outcome.reason;
    passed += outcome.verdict == Verdict::kPassed ? 1 : 0;
    simulated += outcome.simulated ? 1 : 0;
  }
  EXPECT_GE(passed, kPassing);
  EXPECT_GE(simulated, kOnDevice);
}

}  // namespace
}  // namespace systole::validate
