// What people type: mistakes and what is said to them, help, the examples in it, lines to paste.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/files.h"
#include "base/source.h"
#include "tests/support/process.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;
using Words = std::vector<std::string>;

const std::vector<Words> kCommands = {{},
                                      {"run"},
                                      {"explain"},
                                      {"trace"},
                                      {"compile"},
                                      {"quantize"},
                                      {"compare"},
                                      {"measure"},
                                      {"measure", "cpu"},
                                      {"measure", "gpu"},
                                      {"asm"},
                                      {"disasm"},
                                      {"check"},
                                      {"validate"},
                                      {"machines"},
                                      {"models"},
                                      {"models", "make"},
                                      {"counters"},
                                      {"isa"},
                                      {"ops"}};

std::string help_of(Words words) {
  words.emplace_back("--help");
  const Finished finished = testing_support::systole(words);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return finished.out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

void expect_page(const std::string& text, const std::string& what) {
  for (const std::string& line : lines_of(text))
    EXPECT_LE(line.size(), 80U) << what << ": " << line;
}

using Cases = std::vector<std::pair<Words, std::string>>;

void expect_errors(const Cases& cases, int code) {
  for (const auto& [words, part] : cases) {
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, code) << part;
    EXPECT_EQ(finished.out, "") << part;
    EXPECT_TRUE(finished.err.starts_with("systole: error: ")) << finished.err;
    EXPECT_FALSE(finished.err.ends_with(": \n")) << finished.err;
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(part));
  }
}

TEST(UsageErrors, AreOneLineWithThePrefixAndCodeTwo) {
  const Cases kCases = {
      {{}, "A subcommand is required; see `systole --help`"},
      {{"fly"}, "'fly' is no command; expected one of run, explain"},
      {{"runn", "gemm:8,8,8"}, "'runn' is no command; did you mean 'run'?"},
      {{"quantise"}, "did you mean 'quantize'?"},
      {{"run"}, "MODEL|PROGRAM is required; see `systole run --help`"},
      {{"run", "gemm:8,8,8", "--machin", "x"},
       "unknown option '--machin'; did you mean '--machine'?"},
      {{"run", "gemm:8,8,8", "--timing_only"}, "did you mean '--timing-only'?"},
      {{"run", "gemm:8,8,8", "--bathc=2"}, "unknown option '--bathc'; did you mean '--batch"},
      {{"run", "gemm:8,8,8", "--zzzz"}, "unknown option '--zzzz'; see `systole run --help`"},
      {{"run", "gemm:8,8,8", "more"}, "unexpected argument 'more'; see `systole run --help`"},
      {{"help", "rum"}, "'rum' is no command; did you mean 'run'?"},
      {{"measure", "gpus"}, "did you mean 'gpu'?"},
      {{"measure", "cpu", "gemm:8,8,8", "--second", "1"}, "did you mean '--seconds'?"},
      {{"models", "mke"}, "did you mean 'make'?"},
      {{"run", "gemm:8,8,8", "--machine"}, "--machine has no value; expected NAME|FILE; see"},
      {{"compile", "gemm:8,8,8"}, "--explain is required; see `systole compile --help`"}};
  expect_errors(kCases, 2);
}

// An option's value is input, as a file is.
TEST(ValueErrors, AreOneLineWithThePrefixAndCodeOne) {
  const Cases kCases = {
      {{"run", "gemm:8,8,8", "--batch", "0"}, "--batch: '0'; expected a whole number from 1"},
      {{"run", "gemm:8,8,8", "--engine", "steam"},
       "--engine: 'steam'; expected one of cycle, func"},
      {{"run", "gemm:8,8,8", "--engine", "cycl"}, "did you mean 'cycle'?; expected one of"},
      {{"run", "gemm:8,8,8", "--schedule", "overlp"},
       "--schedule: 'overlp'; did you mean 'overlap'?"},
      {{"quantize", "x", "--calibrate", "random", "-o", "y", "--format", "qlin"},
       "--format: 'qlin'; did you mean 'qlinear'?; expected one of qdq, qlinear; see"},
      {{"compare", "gemm:8,8,8", "--precision", "in8"}, "did you mean 'int8'?"},
      {{"compare", "gemm:1,1,1", "--batch", "10000000000"},
       "'10000000000'; expected a whole number from 1 to 1073741824 rows, which one program "
       "computes"},
      {{"compile", "gemm:8,8,8", "--emit-ir-after", "fold_constant"},
       "--emit-ir-after: 'fold_constant'; did you mean 'fold_constants'?; expected one of "
       "round_to_bf16, "},
      {{"run", "gemm:8,8,8", "--machine", "tpu_v1", "--machine", "tiny_8"},
       "--machine: is given twice; expected one value; see `systole run --help`"},
      {{"trace", "t.csv", "--longest", "1", "--longest", "2"}, "--longest: is given twice"},
      {{"run", "gemm:8,8,8", "--machine", ""}, "--machine: is empty"},
      {{"explain", "gemm:8,8,8", "--page", "x.txt"},
       "--page x.txt: is written as HTML; expected a name that ends in .html"},
      {{"run", "gemm:8,8,8", "--set", "hello=1"},
       "unknown parameter 'hello'; expected one that `systole machines tpu_v1` lists"}};
  expect_errors(kCases, 1);
}

TEST(InputErrors, NameTheNearestRightWord) {
  const std::vector<std::pair<Words, std::string>> kCases = {
      {{"run", "gem:64,64,64"}, "gem:64,64,64: is no inline shape; did you mean 'gemm'?"},
      {{"run", "covn:1,1,8,8,1,3,3,1,1"}, "did you mean 'conv'?"},
      {{"run", "resnet5"}, "is no file and no model's name; did you mean 'resnet50'?"},
      {{"compile", "fashion_mpl", "--emit-ir"}, "did you mean 'fashion_mlp'?"},
      {{"quantize", "fashion_mpl", "--calibrate", "random", "-o", "/dev/null"}, "'fashion_mlp'?"},
      {{"compare", "fashion_mpl"}, "did you mean 'fashion_mlp'?"},
      {{"measure", "cpu", "fashion_mpl"}, "did you mean 'fashion_mlp'?"},
      {{"measure", "gpu", "fashion_mpl"}, "did you mean 'fashion_mlp'?"},
      {{"models", "make", "resnet5", "-o", "/dev/null"}, "did you mean 'resnet50'?"},
      {{"compare", "gemm:8,8,8", "--targets", "gpu:h10"},
       "no target 'gpu:h10'; did you mean 'gpu:h100'?"},
      {{"quantize", "x.onnx", "--calibrate", "random", "-o", "/dev/null", "--calibration", "minmx"},
       "--calibration: 'minmx'; did you mean 'minmax'?; expected minmax, or percentile:P"},
      {{"validate", "scalsim"}, "no such rung; did you mean 'scalesim'?"},
      {{"run", "gemm:8,8,8", "--machine", "tpuv1"}, "no such machine; did you mean 'tpu_v1'?"},
      {{"run", "gemm:8,8,8", "--set", "dram.bandwidth=1e9"}, "such as 'dram.bytes_per_second'"}};
  for (const auto& [words, part] : kCases) {
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, 1) << part << finished.err;
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(part));
  }
}

TEST(Help, IsACommandTooAsPeopleTypeIt) {
  for (const Words& words : kCommands) {
    Words all = words;
    all.insert(all.begin(), "help");
    const Finished finished = testing_support::systole(all);
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(finished.out, help_of(words));
  }
}

// Each command finds models as compare does: files, inline shapes, models at hand, networks.
TEST(Models, EveryCommandTakesEveryName) {
  const ScratchFolder folder;
  for (const char* model : {"fashion_mlp", "resnet18", "vadd:1000", "conv:1,3,8,8,4,3,3,1,1"}) {
    const Finished run = testing_support::systole({"run", model, "--timing-only"});
    EXPECT_EQ(run.code, 0) << run.err;
    const Finished compile =
        testing_support::systole({"compile", model, "--timing-only", "-o", folder.file("p.tpu")});
    EXPECT_EQ(compile.code, 0) << compile.err;
  }
  const Finished quantize = testing_support::systole(
      {"quantize", "fashion_mlp", "--calibrate", "random", "-o", folder.file("q.onnx")});
  EXPECT_EQ(quantize.code, 0) << quantize.err;
}

// Weights in integers, activations in floats: what the error asks for works.
TEST(Models, WithIntegerWeightsAloneRunAsTheErrorAsks) {
  const ScratchFolder folder;
  const std::string model = folder.file("m.onnxtxt");
  write_file(model, std::string("<ir_version: 8, opset_import: [\"\" : 13]> g (float[2,3] x) => "
                                "(float[2,2] y) <int8[3,2] q = {1,-2,3,-4,5,-6}, float s = {0.5}> "
                                "{ w = DequantizeLinear(q, s) y = MatMul(x, w) }"));
  const Finished refused = testing_support::systole({"run", model});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--calibrate DATA, or --timing-only\n"));
  for (const Words& remedy : {Words{"--timing-only"},
                              {"--calibrate", "random"},
                              {"--timing-only", "--calibrate", "random"}}) {
    Words words = {"run", model};
    words.insert(words.end(), remedy.begin(), remedy.end());
    EXPECT_EQ(testing_support::systole(words).code, 0) << remedy.front();
  }
}

TEST(Models, MessagesNeverNameATemporaryFile) {
  const Finished network =
      testing_support::systole({"run", "resnet18", "--shape", "nobody=1x3x224x224"});
  EXPECT_EQ(network.code, 1);
  EXPECT_THAT(network.err, HasSubstr("resnet18"));
  EXPECT_THAT(network.err, testing::Not(HasSubstr("/tmp/")));
  const Finished tiny =
      testing_support::systole({"run", "fashion_mlp", "--calibrate", "random", "--set",
                                "unified_buffer.bytes=1024", "--batch", "64"});
  EXPECT_EQ(tiny.code, 1);
  EXPECT_THAT(tiny.err, testing::Not(HasSubstr("/tmp/")));
}

TEST(Models, ABatchBesideAGemmIsSaid) {
  const Finished finished =
      testing_support::systole({"run", "gemm:64,64,64", "--batch", "8", "--timing-only"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_THAT(finished.err, HasSubstr("--batch 8 takes the place of gemm:64,64,64's first size"));
}

TEST(Options, OfWhichOneValueHoldsAreNotGivenTwice) {
  for (const auto& [option, one, two] :
       {std::array{"--set", "array.rows=8", "array.rows=16"}, std::array{"--dim", "N=2", "N=2"},
        std::array{"--shape", "x=1x2", "x=2x2"}, std::array{"--bind", "x=1", "x=2"}}) {
    const Finished finished =
        testing_support::systole({"run", "fashion_mlp", option, one, option, two});
    EXPECT_EQ(finished.code, 1);
    EXPECT_THAT(finished.err, HasSubstr("is given twice; expected one value")) << option;
  }
}

TEST(Options, BindTakesNumbersAndBools) {
  const auto run_with = [](const char* value) {
    return testing_support::systole({"run", "fashion_mlp", "--bind", value});
  };
  EXPECT_THAT(run_with("x=1,a").err, HasSubstr("--bind x: 'a'; expected a number, true or false"));
  EXPECT_THAT(run_with("x=").err, HasSubstr("--bind: 'x='; expected NAME=VALUE"));
  EXPECT_THAT(run_with("nobody=true").err, HasSubstr("has no input 'nobody'"));
  EXPECT_EQ(run_with("nobody=1.5").code, 1);
}

TEST(Set, TakesUnits) {
  const Finished finished = testing_support::systole(
      {"machines", "tpu_v1", "--set", "clock.hertz=1.5GHz", "--set",
       "dram.bytes_per_second=300GB/s", "--set", "unified_buffer.bytes=48MiB"});
  EXPECT_EQ(finished.code, 0) << finished.err;
  for (const char* value : {"1500000000", "300000000000", "50331648"})
    EXPECT_THAT(finished.out, HasSubstr(value));
}

TEST(Help, FitsAPage) {
  for (const Words& words : kCommands) {
    expect_page(help_of(words), words.empty() ? "systole" : words.back());
  }
}

TEST(Help, DefinesItsLetters) {
  const std::string run = help_of({"run"});
  for (const char* letter : {"H: the next pass", "s, B, p: ", "raw:", "war: write after read"})
    EXPECT_THAT(run, HasSubstr(letter));
  const std::string counters = testing_support::systole({"counters"}).out;
  for (const char* letter : {"H is the next pass", "s is the cycle", "B its rows", "p the cycles",
                             "raw is read after write", "war write after read"})
    EXPECT_THAT(counters, HasSubstr(letter));
}

TEST(Output, FitsAPage) {
  const ScratchFolder folder;
  ASSERT_EQ(testing_support::shell("systole compile gemm:64,64,64 -o g.tpu --emit-asm g.asm",
                                   folder.file("."))
                .code,
            0);
  std::vector<std::string> all = {"systole run gemm:2048,1024,512 --timing-only",
                                  "systole run mlp:784,512,10 --batch 200 --layers",
                                  "systole run fashion_mlp --batch 20 --calibrate random",
                                  "systole run resnet50 --batch 8 --timing-only --layers",
                                  "systole run g.tpu",
                                  "systole compile resnet50 --timing-only --explain",
                                  "systole compile mlp:784,512,10 -o m.tpu --explain",
                                  "systole check g.tpu",
                                  "systole asm g.asm -o h.tpu",
                                  "systole quantize fashion_mlp --calibrate random -o q.onnx",
                                  "systole compare mlp:784,512,10 --batches 1,16 --all --targets "
                                  "tpu:tpu_v1,tpu:tpu_v1_prime,gpu:h100,cpu:haswell,paper:k80",
                                  "systole compare mlp:64,64 --set array.rows=128 --set "
                                  "dram.bytes_per_second=2x --targets tpu:,cpu:host --seconds 0.01",
                                  "systole measure cpu mlp:64,64 --seconds 0.01",
                                  "systole validate h100",
                                  "systole machines",
                                  "systole machines tpu_v1",
                                  "systole models",
                                  "systole ops",
                                  "systole --version"};
  // 60 simulations, 24 of them of networks: half a minute under sanitizers, in loops that the
  // other commands walk, too.
  if (!testing_support::kSanitized) all.emplace_back("systole validate scalesim");
  for (const std::string& command : all) {
    const Finished finished = testing_support::shell(command, folder.file("."));
    EXPECT_EQ(finished.code, 0) << command << finished.err;
    expect_page(finished.out, command);
  }
}

// The commands below "Example:", each with its continuation lines.
std::vector<std::string> examples_in(const std::string& help) {
  std::vector<std::string> examples;
  bool inside = false, continued = false;
  for (const std::string& line : lines_of(help)) {
    if (continued) {
      examples.back() += "\n" + line;
    } else if (inside && line.starts_with("  ")) {
      examples.push_back(line);
    } else {
      inside = line == "Example:";
    }
    continued = inside && line.ends_with('\\');
  }
  return examples;
}

TEST(Help, ExamplesRunAsPrintedInAnyFolder) {
  for (const Words& words : kCommands) {
    const ScratchFolder folder;
    const std::vector<std::string> examples = examples_in(help_of(words));
    EXPECT_FALSE(examples.empty()) << (words.empty() ? "systole" : words.back());
    for (const std::string& example : examples) {
      const Finished finished = testing_support::shell(example, folder.file("."));
      const bool no_gpu = example.find("measure gpu") != std::string::npos && finished.code == 1;
      if (no_gpu) {
        std::cout << "not run, as there is no GPU here: " << example << "\n" << finished.err;
        EXPECT_THAT(finished.err, testing::AnyOf(HasSubstr("CUDA"), HasSubstr("GPU")));
        continue;
      }
      EXPECT_EQ(finished.code, 0) << example << "\n" << finished.err;
    }
  }
}

// The command behind "Next: ", with its continuation lines.
std::string next_in(const std::string& output) {
  std::string command;
  for (const std::string& line : lines_of(output)) {
    const bool first = line.starts_with("Next: ");
    if (!first && !command.ends_with('\\')) continue;
    if (!command.empty()) command += "\n";
    command += first ? line.substr(6) : line;
  }
  return command;
}

TEST(Next, RunsAsPrinted) {
  const ScratchFolder folder;
  const std::string setup =
      "mkdir 'a b' && systole compile gemm:64,64,64 -o 'a b/p.tpu' && printf "
      "'Layer,M,N,K\\nA,16,16,16\\n' > 'a b/t.csv' && cp '" +
      source_path("models/fashion_mlp.onnx") + "' 'a b/m.onnx'";
  ASSERT_EQ(testing_support::shell(setup, folder.file(".")).code, 0);
  for (const std::string model :
       {"gemm:64,64,64", "'a b/p.tpu'", "'a b/t.csv'", "resnet18", "fashion_mlp --calibrate random",
        "'a b/m.onnx' --calibrate random"}) {
    const bool values = model.find("random") != std::string::npos;
    const std::string command = "systole run " + model + (values ? "" : " --timing-only");
    const Finished finished = testing_support::shell(command, folder.file("."));
    ASSERT_EQ(finished.code, 0) << command << finished.err;
    const std::string next = next_in(finished.out);
    ASSERT_NE(next, "") << finished.out;
    const Finished again = testing_support::shell("rm -f run.json\n" + next, folder.file("."));
    EXPECT_EQ(again.code, 0) << next << again.err;
    EXPECT_THAT(testing_support::text_of(folder.file("run.json")), HasSubstr("traceEvents"));
  }
}

}  // namespace
}  // namespace systole::cli
