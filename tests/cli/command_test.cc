// The program as users meet it: exit codes, one-line errors, files that are whole or absent.
#include <fmt/core.h>
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/files.h"
#include "base/source.h"
#include "base/tensor.h"
#include "formats/tensor_files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;
using testing_support::text_of;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

Finished run(Words words) {
  words.insert(words.begin(), "run");
  return testing_support::systole(words);
}

// Exit code 1 and exactly one error line, in which every part occurs.
void expect_input_error(const Finished& finished, const Words& parts) {
  EXPECT_EQ(finished.code, 1) << finished.err;
  EXPECT_EQ(finished.out, "");
  const std::size_t at = finished.err.find("systole: error: ");
  ASSERT_NE(at, std::string::npos) << finished.err;
  const std::string line = finished.err.substr(at);
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  for (const std::string& part : parts) EXPECT_THAT(line, HasSubstr(part));
}

Json stats_of(const Words& words) {
  Words all = words;
  all.push_back("--json");
  const Finished finished = run(all);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return Json::parse(finished.out);
}

std::int64_t matrix_cycles(const Json& counters) {
  std::int64_t sum = 0;
  for (const auto& [name, cycles] : counters.at("matrix").items())
    sum += cycles.get<std::int64_t>();
  return sum;
}

const Words kGemm = {"gemm:64,64,64", "--input", "random:1"};

Words gemm_with(const Words& more) {
  Words words = kGemm;
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(Usage, MistakesExitWithTwo) {
  EXPECT_EQ(testing_support::systole({}).code, 2);
  EXPECT_EQ(testing_support::systole({"fly"}).code, 2);
  EXPECT_EQ(testing_support::systole({"run"}).code, 2);
  EXPECT_EQ(run(gemm_with({"--no-such-option"})).code, 2);
  EXPECT_EQ(run(gemm_with({"--batch", "0"})).code, 1);
  EXPECT_EQ(run(gemm_with({"--batch", "many"})).code, 1);
  EXPECT_EQ(run(gemm_with({"--engine", "steam"})).code, 1);
  EXPECT_EQ(testing_support::systole({"compile", "gemm:8,8,8"}).code, 2);  // nothing to write
}

TEST(Usage, HelpIsEverywhereWithAnExample) {
  const Finished top = testing_support::systole({"--help"});
  EXPECT_EQ(top.code, 0);
  for (const char* name : {"run", "trace", "compile", "quantize", "compare", "asm", "disasm",
                           "check", "validate", "machines", "models", "counters", "isa", "ops"}) {
    EXPECT_THAT(top.out, HasSubstr(name));
    const Finished help = testing_support::systole({name, "--help"});
    EXPECT_EQ(help.code, 0);
    const std::size_t examples = help.out.find("Example:\n");
    ASSERT_NE(examples, std::string::npos) << help.out;
    EXPECT_THAT(help.out.substr(examples), HasSubstr(std::string("  systole ") + name));
  }
}

TEST(Usage, Version) {
  const Finished finished = testing_support::systole({"--version"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.out, fmt::format("systole {}\n", program_version()));
}

TEST(Run, BadModelsAreInputErrors) {
  const ScratchFolder folder;
  expect_input_error(run({folder.file("none.onnx")}), {"none.onnx"});
  write_file(folder.file("text.onnx"), std::string("this is no model"));
  expect_input_error(run({folder.file("text.onnx")}), {"text.onnx"});
  write_file(folder.file("empty.onnx"), std::string());
  expect_input_error(run({folder.file("empty.onnx")}), {"empty.onnx"});
  expect_input_error(run({"gemm:64,64"}), {"gemm"});
  expect_input_error(run({"mlp:0,1"}), {"mlp"});
}

TEST(Run, TruncatedModelIsAnInputError) {
  const ScratchFolder folder;
  auto bytes = read_file(source_path("models/fashion_mlp.onnx"));
  bytes.resize(bytes.size() / 2);
  write_file(folder.file("half.onnx"), bytes);
  expect_input_error(run({folder.file("half.onnx")}), {"half.onnx"});
}

TEST(Run, BadInputsAreInputErrors) {
  const ScratchFolder folder;
  const auto with_input = [&](const Tensor& tensor) {
    write_file(folder.file("x.npy"), formats::npy_bytes(tensor));
    return run({"gemm:64,64,64", "--input", folder.file("x.npy")});
  };
  expect_input_error(with_input(Tensor(DType::kUint8, {64, 63})), {"x.npy", "[64, 63]"});
  expect_input_error(with_input(Tensor(DType::kFloat64, {64, 64})), {"x.npy", "float64"});
  expect_input_error(run({"gemm:64,64,64", "--input", folder.file("none.npy")}), {"none.npy"});
  expect_input_error(run({"gemm:64,64,64", "--input", "nobody=random"}), {"nobody"});
}

TEST(Run, BadMachinesAreInputErrors) {
  expect_input_error(run(gemm_with({"--machine", "tpu_v1000"})), {"tpu_v1000"});
  expect_input_error(run(gemm_with({"--set", "array.rowz=8"})), {"array.rowz"});
  expect_input_error(run(gemm_with({"--set", "array.rows=0"})), {"array.rows"});
  expect_input_error(run(gemm_with({"--set", "array.rows"})), {"array.rows"});
}

TEST(Run, UnwritableResultsAreKnownBeforeTheRun) {
  const ScratchFolder folder;
  expect_input_error(run(gemm_with({"--stats", folder.file("no/stats.json")})), {"no/stats.json"});
  expect_input_error(run(gemm_with({"--trace", folder.file("no/t.json")})), {"no/t.json"});
  expect_input_error(run(gemm_with({"--trace", folder.file("t.png")})), {"t.png", ".json"});
  write_file(folder.file("taken"), std::string("x"));
  expect_input_error(run(gemm_with({"--output", folder.file("taken")})), {"taken"});
}

TEST(Run, FailureLeavesNoFiles) {
  const ScratchFolder folder;
  expect_input_error(
      run({"gemm:64,64,64", "--input", folder.file("none.npy"), "--stats", folder.file("s.json"),
           "--trace", folder.file("t.json"), "--output", folder.file("out")}),
      {"none.npy"});
  EXPECT_TRUE(folder.empty());
}

TEST(Run, ContradictingOptionsAreInputErrors) {
  expect_input_error(run(gemm_with({"--timing-only", "--output", "x"})), {"--output"});
  expect_input_error(run(gemm_with({"--timing-only", "--labels", "x"})), {"--labels"});
  expect_input_error(run(gemm_with({"--engine", "func", "--trace", "x.json"})), {"--trace"});
}

TEST(Run, ATopologyHasNoValuesForTheFuncEngine) {
  const ScratchFolder folder;
  const std::string path = folder.file("t.csv");
  write_file(path, "Layer,M,N,K,\na,1,1,1,\n");
  expect_input_error(run({path, "--engine", "func"}), {path, "a topology has no values"});
}

TEST(Run, SaysWhichInputItMadeUp) {
  const Finished finished = run({"gemm:64,64,64"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("random:0"));
  EXPECT_THAT(run({"gemm:64,64,64", "--input", "random:0"}).out,
              HasSubstr("gemm:64,64,64 on tpu_v1"));
}

TEST(Run, EveryMatrixCycleIsInOneClass) {
  for (const char* machine : {"tpu_v1", "tiny_8"}) {
    const Json stats = stats_of(gemm_with({"--machine", machine}));
    EXPECT_EQ(matrix_cycles(stats.at("counters")), stats.at("cycles"));
    EXPECT_EQ(stats.at("macs"), 64 * 64 * 64);
    std::int64_t layers = 0;
    for (const Json& layer : stats.at("layers")) layers += layer.at("cycles").get<std::int64_t>();
    EXPECT_EQ(layers, stats.at("cycles"));
  }
}

TEST(Run, TimingOnlyTakesTheSameCycles) {
  const Json with_values = stats_of(kGemm);
  const Json timing = stats_of({"gemm:64,64,64", "--timing-only"});
  EXPECT_EQ(timing.at("cycles"), with_values.at("cycles"));
  EXPECT_EQ(timing.at("counters"), with_values.at("counters"));
}

TEST(Run, EnginesWriteTheSameOutputs) {
  const ScratchFolder folder;
  const auto outputs_of = [&](const std::string& engine) {
    const std::string out = folder.file(engine);
    const Finished finished = run(gemm_with({"--engine", engine, "--output", out}));
    EXPECT_EQ(finished.code, 0) << finished.err;
    Words files;
    for (const auto& entry : std::filesystem::directory_iterator(out)) {
      files.push_back(text_of(entry.path().string()));
    }
    return files;
  };
  const Words cycle = outputs_of("cycle");
  EXPECT_EQ(cycle.size(), 1U);
  EXPECT_EQ(cycle, outputs_of("func"));
  EXPECT_EQ(cycle, outputs_of("register"));
}

TEST(Run, RowsBeyondABatchRunInMoreBatchesAndPaddingIsTrimmed) {
  const ScratchFolder folder;
  Tensor rows(DType::kUint8, {10, 16});
  std::iota(rows.data.begin(), rows.data.end(), std::uint8_t{0});
  write_file(folder.file("x.npy"), formats::npy_bytes(rows));
  const Finished finished = run({"mlp:16,8,4", "--batch", "4", "--input", folder.file("x.npy"),
                                 "--output", folder.file("out"), "--stats", folder.file("s.json")});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("last 2 rows are zeros"));
  const Json stats = Json::parse(text_of(folder.file("s.json")));
  EXPECT_EQ(stats.at("batches"), 3);  // ceil(10 / 4)
  EXPECT_EQ(stats.at("rows"), 10);
  const auto entry = *std::filesystem::directory_iterator(folder.file("out"));
  EXPECT_EQ(formats::read_tensor_file(entry.path().string()).shape, (Shape{10, 4}));
}

TEST(Run, TraceAddsUpToTheCycles) {
  const ScratchFolder folder;
  const Finished finished = run(gemm_with({"--trace", folder.file("t.json")}));
  ASSERT_EQ(finished.code, 0) << finished.err;
  const Json trace = Json::parse(text_of(folder.file("t.json")));
  int matrix = -1;
  for (const Json& e : trace.at("traceEvents")) {
    if (e.at("name") == "thread_name" && e.at("args").at("name") == "matrix") matrix = e.at("tid");
  }
  std::int64_t sum = 0;
  for (const Json& e : trace.at("traceEvents")) {
    if (e.at("ph") == "X" && e.at("tid") == matrix)
      sum += e.at("args").at("cycles").get<std::int64_t>();
  }
  EXPECT_EQ(trace.at("cycles"), stats_of(kGemm).at("cycles"));
  EXPECT_EQ(sum, trace.at("cycles"));
}

TEST(Run, IsQuietInPipes) { EXPECT_EQ(run(kGemm).err, ""); }

TEST(Programs, CompileCheckRunAndTextAgree) {
  const ScratchFolder folder;
  const std::string tpu = folder.file("g.tpu"), text = folder.file("g.asm");
  const auto ok = [](const Words& words) {
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, 0) << finished.err;
  };
  ok({"compile", "gemm:64,64,64", "-o", tpu, "--emit-asm", text});
  ok({"check", tpu});
  ok({"disasm", tpu, "-o", folder.file("again.asm")});
  EXPECT_EQ(text_of(folder.file("again.asm")), text_of(text));
  ok({"asm", text, "-o", folder.file("again.tpu")});
  EXPECT_EQ(text_of(folder.file("again.tpu")), text_of(tpu));
  const Json stats = stats_of({tpu, "--input", "random:1"});
  EXPECT_EQ(stats.at("cycles"), stats_of(kGemm).at("cycles"));
  EXPECT_EQ(stats_of({text, "--input", "random:1"}).at("cycles"), stats.at("cycles"));
}

TEST(Programs, DamagedFileIsAnInputError) {
  const ScratchFolder folder;
  const std::string tpu = folder.file("g.tpu");
  ASSERT_EQ(testing_support::systole({"compile", "gemm:8,8,8", "-o", tpu}).code, 0);
  auto bytes = read_file(tpu);
  bytes[bytes.size() / 2] ^= 0x40;
  write_file(tpu, bytes);
  expect_input_error(run({tpu}), {"g.tpu"});
  bytes.resize(bytes.size() / 2);
  write_file(tpu, bytes);
  expect_input_error(run({tpu}), {"g.tpu"});
}

TEST(Check, FindingsAreListedAndExitWithOne) {
  const ScratchFolder folder;
  const std::string tpu = folder.file("g.tpu");
  ASSERT_EQ(testing_support::systole({"compile", "gemm:64,64,64", "-o", tpu}).code, 0);
  const Finished finished = testing_support::systole({"check", tpu, "--machine", "tiny_8"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_NE(finished.out, "");
  EXPECT_THAT(finished.err, HasSubstr("finding"));
}

TEST(Listings, PrintWhatThereIs) {
  EXPECT_THAT(testing_support::systole({"machines"}).out, HasSubstr("tpu_v1 "));
  const Finished machine =
      testing_support::systole({"machines", "tpu_v1", "--set", "array.rows=128"});
  EXPECT_THAT(machine.out, testing::ContainsRegex("array\\.rows +128 rows"));
  EXPECT_THAT(testing_support::systole({"models"}).out, HasSubstr("fashion_mlp\n"));
  EXPECT_THAT(testing_support::systole({"isa"}).out, HasSubstr("read_weights"));
  EXPECT_THAT(testing_support::systole({"ops"}).out, HasSubstr("MatMul"));
}

}  // namespace
}  // namespace systole::cli
