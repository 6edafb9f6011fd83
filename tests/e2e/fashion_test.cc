// The main job from end to end: the trained classifier, quantised, on pictures it has never seen.
//
// The pictures are Fashion-MNIST's (Xiao, Rasul, Vollgraf, 2017), from Debian's package
// dataset-fashion-mnist.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/source.h"
#include "cli/inputs.h"
#include "formats/tensor_files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole {
namespace {

using testing_support::Finished;
using testing_support::ScratchFolder;
using testing_support::text_of;
using Json = nlohmann::json;

constexpr const char* kData = "/usr/share/datasets/fashion-mnist/";
constexpr std::int64_t kPictures = 1100;  // not a multiple of the batch
constexpr std::int64_t kBatch = 200;

class FashionMlp : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kData)) GTEST_SKIP() << "needs the package dataset-fashion-mnist";
    cut("t10k-images-idx3-ubyte.gz", "x.npy");
    cut("t10k-labels-idx1-ubyte.gz", "y.npy");
  }

  // The first kPictures rows of a file of the data set.
  void cut(const std::string& from, const std::string& to) {
    Tensor tensor = formats::read_tensor_file(kData + from);
    cli::truncate_rows(tensor, kPictures);
    write_file(folder_.file(to), formats::npy_bytes(tensor));
  }

  Json run(const std::vector<std::string>& more) {
    std::vector<std::string> words = {"run",
                                      source_path("models/fashion_mlp.onnx"),
                                      "--json",
                                      "--batch",
                                      std::to_string(kBatch),
                                      "--input",
                                      folder_.file("x.npy"),
                                      "--calibrate",
                                      std::string(kData) + "train-images-idx3-ubyte.gz"};
    words.insert(words.end(), more.begin(), more.end());
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return Json::parse(finished.out);
  }

  ScratchFolder folder_;
};

TEST_F(FashionMlp, Int8KeepsTheFloatModelsAccuracy) {
  const Json stats = run({"--labels", folder_.file("y.npy")});
  const double int8 = stats.at("accuracy").at("percent");
  const double float32 = stats.at("float_accuracy").at("percent");
  EXPECT_EQ(stats.at("accuracy").at("total"), kPictures);
  EXPECT_GT(float32, 85.0);
  EXPECT_GE(int8, 0.99 * float32);  // MLPerf's bound for a quantised model
}

TEST_F(FashionMlp, CyclesAndMacsAreConserved) {
  const Json stats = run({});
  constexpr std::int64_t kBatches = 6;  // ceil(1100 / 200)
  EXPECT_EQ(stats.at("batches"), kBatches);
  std::int64_t classes = 0, layers = 0, layer_macs = 0;
  for (const auto& [name, cycles] : stats.at("counters").at("matrix").items()) {
    classes += cycles.get<std::int64_t>();
  }
  for (const Json& layer : stats.at("layers")) {
    layers += layer.at("cycles").get<std::int64_t>();
    layer_macs += layer.at("counters").at("macs_useful").get<std::int64_t>();
  }
  EXPECT_EQ(classes, stats.at("cycles"));
  EXPECT_EQ(layers, stats.at("cycles"));
  EXPECT_EQ(layer_macs, stats.at("macs"));
  for (const auto& [name, unit] : stats.at("units").items()) {
    std::int64_t sum = unit.at("busy").get<std::int64_t>() + unit.at("idle").get<std::int64_t>();
    for (const auto& [wait, cycles] : unit.at("waits").items()) sum += cycles.get<std::int64_t>();
    EXPECT_EQ(sum, stats.at("cycles")) << name;
  }
}

TEST_F(FashionMlp, EnginesAndTimingOnlyAgree) {
  const Json cycle = run({"--output", folder_.file("cycle")});
  const Json func = run({"--output", folder_.file("func"), "--engine", "func"});
  const std::string cycle_bytes = text_of(folder_.file("cycle/probabilities.npy"));
  EXPECT_EQ(cycle_bytes, text_of(folder_.file("func/probabilities.npy")));
  const Json registers = run({"--output", folder_.file("register"), "--engine", "register"});
  EXPECT_EQ(cycle_bytes, text_of(folder_.file("register/probabilities.npy")));
  for (const std::string key : {"cycles", "counters", "layers", "units"}) {
    EXPECT_EQ(registers.at(key), cycle.at(key)) << key;
  }
  EXPECT_EQ(func.at("macs"), cycle.at("macs"));
  EXPECT_EQ(run({"--timing-only"}).at("cycles"), cycle.at("cycles"));
  const Tensor outputs = formats::read_tensor_file(folder_.file("cycle/probabilities.npy"));
  EXPECT_EQ(outputs.type, DType::kFloat32);  // the model's type, not the machine's
  EXPECT_EQ(outputs.shape, (Shape{kPictures, 10}));
}

TEST_F(FashionMlp, ComparesTargetsOnPictures) {
  const Finished finished = testing_support::systole(
      {"compare", source_path("models/fashion_mlp.onnx"), "--json", "--seconds", "0.01",
       "--batches", "1,100", "--targets", "tpu:tpu_v1,cpu:host,gpu:h100", "--input",
       folder_.file("x.npy"), "--labels", folder_.file("y.npy"), "--calibrate",
       std::string(kData) + "train-images-idx3-ubyte.gz"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json json = Json::parse(finished.out);
  const double fp32 = json["fp32_accuracy"];
  EXPECT_GT(fp32, 0.85);
  for (const auto& series : json["series"]) {
    if (series["kind"] == "modelled") continue;
    EXPECT_GT(series["accuracy"].get<double>(), 0.99 * fp32) << series["target"];
  }
  // All keep their accuracy, so int8, fp32 and bf16 rows may be compared.
  for (const auto& row : json["rows"]) {
    if (row["scenario"] != "offline" || row["kind"] == "modelled") continue;
    const bool is_base = row["target"] == "tpu:tpu_v1";
    EXPECT_EQ(row["times_faster"].is_null(), is_base) << row["target"] << row["precision"];
  }
}

}  // namespace
}  // namespace systole
