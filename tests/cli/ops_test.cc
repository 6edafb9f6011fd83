// `systole ops`: a row for every operator read, derived from compiling its example.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "compiler/frontend/onnx_ops.h"
#include "tests/support/process.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

std::map<std::string, Json> rows_on(const std::string& machine) {
  const auto finished = testing_support::systole({"ops", "--machine", machine, "--json"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  std::map<std::string, Json> rows;
  for (const Json& row : Json::parse(finished.out)) rows[row.at("operator")] = row;
  return rows;
}

TEST(Ops, EveryOperatorHasAPlaceInEightBits) {
  const auto rows = rows_on("tpu_v1");
  EXPECT_EQ(rows.size(), compiler::onnx_operators().size());
  for (const auto& [name, row] : rows) {
    const std::string place = row.at("quantised");
    EXPECT_EQ(place.find("refused"), std::string::npos) << name << ": " << place;
    EXPECT_NE(place, "") << name;
  }
}

TEST(Ops, SaysWhatRunsWhere) {
  const auto rows = rows_on("tpu_v1");
  EXPECT_EQ(rows.at("Conv").at("becomes"), "conv");
  EXPECT_EQ(rows.at("Conv").at("quantised"), "matrix unit");
  EXPECT_THAT(rows.at("Conv").at("float32"), HasSubstr("is float32"));
  EXPECT_EQ(rows.at("Add").at("quantised"), "vector unit");
  EXPECT_EQ(rows.at("Add").at("float32"), "host: add");
  EXPECT_THAT(rows.at("Softmax").at("quantised"), HasSubstr("host: "));
  EXPECT_THAT(rows.at("Softmax").at("quantised"), HasSubstr("softmax"));
  EXPECT_EQ(rows.at("Reshape").at("quantised"), "folded, nothing runs");
  EXPECT_EQ(rows.at("QLinearMatMul").at("float32"), "-");
}

TEST(Ops, UnknownMachinesAreInputErrors) {
  EXPECT_EQ(testing_support::systole({"ops", "--machine", "moon"}).code, 1);
}

}  // namespace
}  // namespace systole::cli
