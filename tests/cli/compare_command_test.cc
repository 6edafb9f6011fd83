// systole compare and systole measure cpu, as a user runs them: the article's three cases on every
// target, files that come back, and what is refused.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "base/source.h"
#include "cli/compare_source.h"
#include "compare/comparison/measurement.h"
#include "compare/comparison/summary.h"
#include "compare/targets/host_isa.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;

ordered_json compared(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "compare");
  for (const char* more : {"--seconds", "0.01", "--json"}) arguments.emplace_back(more);
  const Finished done = testing_support::systole(arguments);
  EXPECT_EQ(done.code, 0) << done.err;
  return ordered_json::parse(done.out, nullptr, false);
}

// The targets that have a row of `scenario`.
std::set<std::string> targets_of(const ordered_json& json, const std::string& scenario) {
  std::set<std::string> targets;
  for (const auto& row : json["rows"]) {
    if (row["scenario"] == scenario) targets.insert(row["target"].get<std::string>());
  }
  return targets;
}

const std::set<std::string> kEverywhere = {
    "tpu:tpu_v1", "cpu:host",      "cpu:haswell",      "gpu:k80",          "gpu:m40",
    "gpu:p4",     "gpu:gtx1080ti", "gpu:p100",         "gpu:p100_pcie",    "gpu:v100",
    "gpu:t4",     "gpu:v100_pcie", "gpu:a100_pcie_40", "gpu:a100_pcie_80", "gpu:l4",
    "gpu:a100",   "gpu:h100",      "gpu:h200",         "gpu:b200"};

TEST(CompareCommand, OfNothingFails) {
  for (const std::vector<std::string>& targets :
       {std::vector<std::string>{"--targets", "tpu:tpu_v1", "--precision", "fp32"},
        {"--targets", "paper:tpu_v1"}}) {
    std::vector<std::string> words = {"compare", "mlp:8,8"};
    words.insert(words.end(), targets.begin(), targets.end());
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, 1) << finished.out;
    EXPECT_THAT(finished.err, HasSubstr("error: compare: no row: "));
  }
}

TEST(Compare, PutsAMatrixProductOnEveryTarget) {
  const auto json = compared(
      {"gemm:64,256,32", "--targets", "all", "--precision", "int8", "--precision", "fp32"});
  EXPECT_EQ(targets_of(json, "batch"), kEverywhere);
  EXPECT_EQ(json["macs_per_sample"], 256 * 32);
}

TEST(Compare, PutsAVectorSumOnEveryTarget) {
  const auto json =
      compared({"vadd:4096", "--targets", "all", "--precision", "int8", "--precision", "fp32"});
  EXPECT_EQ(targets_of(json, "single-stream"), kEverywhere);
  for (const auto& series : json["series"]) {
    if (series["kind"] == "modelled") continue;
    EXPECT_LE(series["points"][0]["output_check"]["max_difference"], 0.0) << series["target"];
  }
}

TEST(Compare, PutsAPerceptronOnEveryBatch) {
  const auto json = compared({"mlp:784,512,10", "--batches", "1..4", "--precision", "int8"});
  std::set<std::int64_t> batches;
  for (const auto& row : json["rows"]) {
    if (row["target"] == "tpu:tpu_v1" && row["scenario"] == "batch")
      batches.insert(row["batch"].get<int>());
  }
  EXPECT_EQ(batches, (std::set<std::int64_t>{1, 2, 4}));
  for (const auto& absent : json["absent"]) {
    if (absent["target"] != "cpu:onnxruntime") continue;
    EXPECT_EQ(absent["reason"], "needs an ONNX file");
  }
  EXPECT_FALSE(json["summary"].empty());
}

TEST(Measure, WritesWhatCompareReads) {
  const ScratchFolder folder;
  const std::string file = folder.file("mlp.json"), trace = folder.file("trace.json");
  const Finished done = testing_support::systole(
      {"measure", "cpu", "mlp:24,16,10", "--batch", "4", "--precision", "int8", "--threads", "1",
       "--seconds", "0.01", "-o", file, "--trace", trace});
  ASSERT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("(quick)"));
  const auto all = compare::read_measurements(file);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].model, "mlp:24,16,10");
  EXPECT_EQ(all[0].check.mismatches, 0);
  EXPECT_EQ(all[0].layers.size(), 2U);  // two products, everything else fused into them

  const auto timeline = ordered_json::parse(testing_support::text_of(trace));
  std::set<std::string> layers;
  for (const auto& event : timeline["traceEvents"]) {
    if (event["ph"] == "X") layers.insert(event["args"]["layer"].get<std::string>());
  }
  EXPECT_EQ(layers, (std::set<std::string>{"fc1", "fc2"}));

  const auto json = compared({"mlp:24,16,10", "--batch", "4", "--precision", "int8", "--targets",
                              "tpu:tiny_8", "--measurements", file});
  EXPECT_EQ(targets_of(json, "batch"), (std::set<std::string>{"tpu:tiny_8", "cpu:host"}));
  const Finished other =
      testing_support::systole({"compare", "mlp:24,16,10", "--batch", "8", "--targets",
                                "tpu:tiny_8", "--measurements", file});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("batch 4, not 8"));
}

// Runs the program as on a processor without VNNI and bf16, by oneDNN's own limit.
Finished on_avx2(const std::vector<std::string>& arguments) {
  const char* before = getenv("DNNL_MAX_CPU_ISA");
  const std::string kept = before != nullptr ? before : "";
  setenv("DNNL_MAX_CPU_ISA", "AVX2", 1);
  Finished done = testing_support::systole(arguments);
  if (before != nullptr) {
    setenv("DNNL_MAX_CPU_ISA", kept.c_str(), 1);
  } else {
    unsetenv("DNNL_MAX_CPU_ISA");
  }
  return done;
}

TEST(Measure, KeepsWhatThisHostCanDoAndSaysWhatItCannot) {
  const ScratchFolder folder;
  const std::string file = folder.file("mlp.json");
  const Finished done = on_avx2({"measure", "cpu", "mlp:240,160,10", "--batch", "4", "--threads",
                                 "1", "--seconds", "0.01", "-o", file});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out,
              HasSubstr("bf16: none: oneDNN has bf16 from AVX-512 on; this host has AVX2\n"));
  EXPECT_THAT(done.out, HasSubstr("int8 by XNNPACK"));
  EXPECT_THAT(done.out, HasSubstr("fp32 by oneDNN 2."));
  EXPECT_THAT(done.out, HasSubstr("(AVX2)\n"));
  const auto all = compare::read_measurements(file);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].precision, "int8");
  EXPECT_GT(all[0].check.compared, 0);
  EXPECT_EQ(all[0].check.mismatches, 0);
  EXPECT_THAT(all[0].libraries, testing::ElementsAre(HasSubstr("XNNPACK")));
  EXPECT_EQ(all[1].precision, "fp32");
}

TEST(Measure, SaysInOneLineThatNothingCanBeMeasured) {
  const ScratchFolder folder;
  const std::string file = folder.file("mlp.json");
  const Finished done =
      on_avx2({"measure", "cpu", "mlp:8,8", "--batch", "4", "--precision", "bf16", "-o", file});
  EXPECT_EQ(done.code, 1);
  EXPECT_THAT(done.err, HasSubstr("measured nothing: bf16: none: oneDNN has bf16 from AVX-512 on"));
  EXPECT_EQ(std::ranges::count(done.err.substr(done.err.find("systole: error")), '\n'), 1)
      << done.err;
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(Compare, MeasuresExactIntegersWithoutVnni) {
  const Finished done = on_avx2({"compare", "conv:2,20,11,7,12,3,3,2,1", "--targets",
                                 "tpu:tiny_8,cpu:host", "--seconds", "0.01", "--json"});
  ASSERT_EQ(done.code, 0) << done.err;
  const auto json = ordered_json::parse(done.out);
  EXPECT_EQ(targets_of(json, "batch"), (std::set<std::string>{"tpu:tiny_8", "cpu:host"}));
  for (const auto& series : json["series"]) {
    if (series["precision"] != "int8") continue;
    EXPECT_EQ(series["points"][0]["output_check"]["mismatches"], 0) << series["target"];
  }
  EXPECT_THAT(json["libraries"].dump(), HasSubstr("XNNPACK"));
}

// A package in onnxruntime-node's place that keeps the options it was given, and fails.
TEST(Compare, AsksOnnxRuntimeForExactProducts) {
  if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "node is not installed";
  const ScratchFolder folder;
  std::filesystem::create_directory(folder.file("onnxruntime-node"));
  std::ofstream(folder.file("onnxruntime-node/index.js"))
      << "exports.InferenceSession = { create: async (model, options) => {\n"
         "  require('fs').writeFileSync(__dirname + '/options.json', JSON.stringify(options));\n"
         "  throw new Error('kept the options'); } };\n";
  const std::vector<std::string> arguments = {
      "compare",       source_path("tests/conformance/ort/cases/add_channel/model.onnx"),
      "--targets",     "cpu:onnxruntime",
      "--precision",   "int8",
      "--onnxruntime", folder.file(""),
      "--seconds",     "0.01",
      "--json"};
  const auto options_of = [&](const Finished& done) {
    EXPECT_EQ(done.code, 1) << "it was the only target";
    EXPECT_THAT(done.err, HasSubstr("kept the options"));
    return ordered_json::parse(
        testing_support::text_of(folder.file("onnxruntime-node/options.json")));
  };
  EXPECT_EQ(options_of(on_avx2(arguments))["extra"]["session"]["x64quantprecision"], "1");
  EXPECT_EQ(options_of(testing_support::systole(arguments)).contains("extra"),
            !compare::host_isa().exact_int8);
}

TEST(Compare, SimulatesAnyMachines) {
  const auto json =
      compared({"mlp:24,16,10", "--batch", "4", "--precision", "int8", "--set",
                "dram.bytes_per_second=2x", "--targets", "tpu:tiny_8,tpu:edge_64,tpu:tiny_8"});
  const std::string change = " + dram.bytes_per_second=2x";
  EXPECT_EQ(targets_of(json, "batch"),
            (std::set<std::string>{"tpu:tiny_8" + change, "tpu:edge_64" + change}));
  EXPECT_EQ(json["machine"], "tiny_8" + change + ", edge_64" + change);
  const auto both = compared({"mlp:24,16,10", "--batch", "4", "--precision", "int8", "--machine",
                              "tiny_8", "--targets", "tpu:edge_64,tpu:tiny_8"});
  EXPECT_EQ(both["machine"], "tiny_8, edge_64");
  EXPECT_EQ(both["series"][0]["target"], "tpu:edge_64");  // ratios are over the first target
}

// A machine computes in what it has: of two, integers beside bfloat16, which no ratio joins.
TEST(Compare, SimulatesMachinesOfFloatsInBfloat16) {
  const auto json =
      compared({"mlp:24,16,10", "--batch", "4", "--targets", "tpu:tiny_8,tpu:tpu_v6e,tpu:tpu_v4i"});
  std::map<std::string, std::string> precisions;
  for (const auto& series : json["series"]) precisions[series["target"]] = series["precision"];
  EXPECT_EQ(precisions["tpu:tiny_8"], "int8");
  EXPECT_EQ(precisions["tpu:tpu_v6e"], "bf16");
  EXPECT_EQ(precisions["tpu:tpu_v4i"], "int8");  // has both; the model is of integers
  for (const auto& row : json["rows"]) {
    const bool compared_with = row["target"] == "tpu:tpu_v6e" && !row["times_faster"].is_null();
    EXPECT_FALSE(compared_with);
  }
  const auto floats = compared({"mlp:24,16,10", "--batch", "4", "--precision", "bf16", "--targets",
                                "tpu:tpu_v6e,tpu:tiny_8"});
  EXPECT_EQ(targets_of(floats, "batch"), std::set<std::string>{"tpu:tpu_v6e"});
  EXPECT_EQ(floats["series"][0]["points"][0]["output_check"]["metric"], "absolute difference");
}

// Rows are of machines, whatever these are called: two names of one are one row, two machines of
// one name are two.
TEST(Compare, KeepsMachinesApart) {
  const ScratchFolder folder;
  const auto file = [&](const std::string& name, const std::string& text) {
    write_file(folder.file(name), text);
    return "tpu:" + folder.file(name);
  };
  const std::string rows = "[array]\nrows = 16\n";
  const std::string nameless = file("small.toml", rows), based = "base = \"tiny_8\"\n" + rows;
  const auto machines = [&](const std::string& targets) {
    return targets_of(compared({"mlp:24,16,10", "--batch", "4", "--targets", targets}), "batch");
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(machines(nameless + ",tpu:tpu_v1"), (Names{"tpu:small", "tpu:tpu_v1"}));
  EXPECT_EQ(machines("tpu:tpu_v1,tpu:tpu_v1 + array.rows=128," +
                     file("claims.toml", "name = \"tpu_v1\"\n[array]\nrows = 128\n")),
            (Names{"tpu:tpu_v1", "tpu:tpu_v1 + array.rows=128"}));
  EXPECT_EQ(machines(file("a.toml", based) + ",tpu:tiny_8 + array.rows=16,tpu:tiny_8"),
            (Names{"tpu:a (tiny_8 + array.rows=16)", "tpu:tiny_8"}));
  const std::string own = "name = \"own\"\n[array]\nrows = ";
  EXPECT_EQ(machines(file("b.toml", own + "16\n") + "," + file("c.toml", own + "32\n")),
            (Names{"tpu:own", "tpu:own + array.rows=32"}));
}

TEST(Compare, SaysWhatIsWrongWithItsOptions) {
  const auto refused = [](std::vector<std::string> arguments, const std::string& expected) {
    arguments.insert(arguments.begin(), {"compare", "mlp:24,16,10"});
    const Finished done = testing_support::systole(arguments);
    EXPECT_EQ(done.code, 1);
    EXPECT_THAT(done.err, HasSubstr(expected));
  };
  refused({"--batch", "4", "--batches", "1,2"}, "--batch: and --batches are both given");
  refused({"--labels", "labels.npy"}, "there is no --input");
  refused({"--machine", "tiny_8", "--targets", "tpu:edge_64"},
          "--machine tiny_8: is none of --targets; expected tpu:tiny_8 among them");
}

// Whatever is wrong with files and targets costs no loading and no run: nothing is said before it.
TEST(Compare, ReadsFilesAndTargetsFirst) {
  const auto refused = [](std::vector<std::string> arguments, const std::string& expected) {
    arguments.insert(arguments.begin(), {"compare", "gemm:64,64,64"});
    const Finished done = testing_support::systole(arguments);
    EXPECT_EQ(done.code, 1);
    EXPECT_TRUE(done.err.starts_with("systole: error: " + expected)) << done.err;
  };
  refused({"--measurements", "no/file"}, "no/file: cannot be read");
  refused({"--targets", "cpu:host,gpu:h10"}, "--targets: no target 'gpu:h10'");
  refused({"--batches", "0"}, "--batches: '0'");
}

TEST(Compare, NamesTheFileThatDoesNotCompileAsRunDoes) {
  const ScratchFolder folder;
  const std::string path = folder.file("m.onnxtxt");
  write_file(path,
             "<ir_version: 8, opset_import: [\"\" : 13]> g (uint8[1,9000] x) => (int32[1,8] y) "
             "<int64[2] s = {9000, 8}> { w = ConstantOfShape<value = int8[1] {1}>(s) "
             "y = MatMulInteger(x, w) }");
  const std::string wanted = path + ": node y: one sample needs 1129 unified buffer rows";
  EXPECT_THAT(testing_support::systole({"run", path, "--machine", "tiny_8"}).err,
              HasSubstr("systole: error: " + wanted));
  EXPECT_THAT(testing_support::systole({"compare", path, "--machine", "tiny_8", "--targets",
                                        "tpu:", "--batches", "1", "--json"})
                  .err,
              HasSubstr("batch 1: " + wanted));
}

TEST(Compare, RefusesInOneLine) {
  const std::vector<std::vector<std::string>> wrong = {
      {"compare", "mlp:8,8", "--batches", "0"},
      {"compare", "mlp:8,8", "--batches", "4..2"},
      {"compare", "mlp:8,8", "--batches", "1,,2"},
      {"compare", "mlp:8,8", "--targets", "gpu:x"},
      {"compare", "nothing", "--targets", "gpu:h100"},
      {"compare", "mlp:8,8", "--targets", "gpu:h100", "--measurements", "/no/file"},
      {"compare", "vadd:0"},
      {"measure", "cpu", "mlp:8,8", "--precision", "fp16"}};
  for (const auto& arguments : wrong) {
    const Finished done = testing_support::systole(arguments);
    EXPECT_EQ(done.code, 1) << arguments.back() << done.out;
    EXPECT_EQ(std::ranges::count(done.err.substr(done.err.find("systole: error")), '\n'), 1)
        << done.err;
  }
}

TEST(BatchList, IsAListOrPowersOfTwo) {
  EXPECT_EQ(batch_list("64,1,8,8"), (std::vector<std::int64_t>{1, 8, 64}));
  EXPECT_EQ(batch_list("1..1024").size(), 11U);
  EXPECT_EQ(batch_list("3..13"), (std::vector<std::int64_t>{3, 6, 12}));
  for (const char* wrong : {"", ",", "a", "1,", "-1", "1..", "..4", "99999999999999999999"}) {
    EXPECT_THROW((void)batch_list(wrong), InputError) << wrong;
  }
}

}  // namespace
}  // namespace systole::cli
