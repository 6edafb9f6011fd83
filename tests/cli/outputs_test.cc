// Every command's outputs: never over an input or over one another, refused before the work where
// they cannot be written, and there together or not at all.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/files.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::Finished;

constexpr const char* kModel =
    "<ir_version: 8, opset_import: [\"\" : 13]>\n"
    "g (float[2,3] x) => (float[2,3] y)\n"
    "<float[3,3] w = {1,2,3,4,5,6,7,8,9}> { y = MatMul(x, w) }\n";

// Makes one of every kind of input, in the folder `in`, as a user would.
constexpr const char* kInputs = R"(
mkdir in out
mv model in/m.onnxtxt
printf 'Layer,M,N,K,\na,8,8,8,\n' > in/t.csv
printf 'm,n,k\n8,8,8\n' > in/shapes.csv
printf 'base = "tpu_v1"\n[array]\nrows = 128\n' > in/machine.toml
printf '[architecture_presets]\nArrayHeight: 8\nArrayWidth: 8\nDataflow: ws\n' > in/c.cfg
systole compile gemm:8,8,8 -o in/p.tpu --emit-asm in/p.asm >/dev/null
systole run in/m.onnxtxt --engine func --calibrate random --output out >/dev/null 2>&1
cp out/y.npy in/y.npy
systole quantize in/m.onnxtxt --calibrate random -o in/q.onnx >/dev/null 2>&1
systole measure cpu gemm:8,8,8 --seconds 0.01 --threads 1 -o in/cpu.json >/dev/null 2>&1
ln -s m.onnxtxt in/link
ln in/m.onnxtxt in/hard
)";

class OutputFiles : public testing::Test {
 protected:
  OutputFiles() {
    write_file(scratch_.file("model"), std::string(kModel));
    const Finished made = testing_support::shell(kInputs, scratch_.file(""));
    EXPECT_EQ(made.code, 0) << made.err;
    before_ = files();
    EXPECT_EQ(before_.size(), 15U);  // two folders, 12 files and links in `in`, out/y.npy
  }
  // The content of every file, links as files, and "/" for each folder.
  [[nodiscard]] std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(scratch_.file(""))) {
      all[entry.path().string()] =
          entry.is_directory() ? "/" : testing_support::text_of(entry.path().string());
    }
    return all;
  }
  [[nodiscard]] Finished run(const std::string& words, const std::string& before = "") const {
    return testing_support::shell(before + "systole " + words, scratch_.file(""));
  }

  testing_support::ScratchFolder scratch_;
  std::map<std::string, std::string> before_;
};

TEST_F(OutputFiles, AreNeverInputs) {
  for (const char* words : {
           "asm in/p.asm -o in/p.asm",
           "disasm in/p.tpu -o in/p.tpu",
           "compile in/q.onnx -o in/q.onnx",
           "compile in/q.onnx -o p.tpu --emit-asm in/q.onnx",
           "compile gemm:8,8,8 --machine in/machine.toml -o in/machine.toml",
           "compile gemm:8,8,8 --machine in/c.cfg -o in/c.cfg",
           "compile in/m.onnxtxt --calibrate in/y.npy -o in/y.npy",
           "run in/p.tpu --stats in/p.tpu",
           "explain in/p.tpu --page in/p.tpu",
           "explain in/m.onnxtxt --page in/link",
           "explain gemm:8,8,8 --machine in/machine.toml --page in/machine.toml",
           "run in/q.onnx --stats in/q.onnx",
           "run in/m.onnxtxt --stats in/m.onnxtxt",
           "run in/m.onnxtxt --stats in/link",
           "run in/link --stats in/m.onnxtxt",
           "run in/hard --stats in/m.onnxtxt",
           "run in/m.onnxtxt --stats in/../in/m.onnxtxt",
           "run in/t.csv --trace in/t.csv",
           "run gemm:8,8,8 --machine in/machine.toml --stats in/machine.toml",
           "run in/q.onnx --input in/y.npy --stats in/y.npy",
           "run in/q.onnx --input out/y.npy --output out",
           "run in/m.onnxtxt --calibrate in/y.npy --stats in/y.npy",
           "run in/q.onnx --labels in/y.npy --stats in/y.npy",
           "quantize in/m.onnxtxt --calibrate random -o in/m.onnxtxt",
           "quantize in/m.onnxtxt --calibrate in/y.npy -o in/y.npy",
           "compare in/q.onnx --seconds 0.01 -o in/q.onnx",
           "compare gemm:8,8,8 --targets tpu: --machine in/machine.toml -o in/machine.toml",
           "compare gemm:8,8,8 --targets tpu: --measurements in/cpu.json -o in/cpu.json",
           "measure cpu in/q.onnx --seconds 0.01 -o in/q.onnx",
           "measure gpu in/q.onnx -o in/q.onnx",
           "measure gpu gemms:in/shapes.csv --precision fp32 --csv in/shapes.csv",
       }) {
    const Finished finished = run(words);
    EXPECT_EQ(finished.code, 1) << words << finished.err;
    EXPECT_THAT(finished.err, HasSubstr("would replace it; expected another file for --")) << words;
    EXPECT_EQ(files(), before_) << words;
  }
}

TEST_F(OutputFiles, AreNeverTheSameTwice) {
  for (const char* words : {
           "compile gemm:8,8,8 -o p --emit-asm p",
           "run gemm:8,8,8 --stats a.csv --trace ./a.csv",
           "run in/q.onnx --output new --stats new",
           "run in/q.onnx --output out --stats out/y.npy",
           "run gemm:8,8,8 --machine scale_sim_ws --scalesim-reports r --stats "
           "r/COMPUTE_REPORT.csv",
           "compare gemm:8,8,8 --targets tpu: --report r -o r/comparison.json",
           "compare gemm:8,8,8 --targets tpu: --report r -o r",
           "measure cpu gemm:8,8,8 --seconds 0.01 -o a.json --trace a.json",
           "measure gpu gemms:in/shapes.csv --precision fp32 --csv a -o a",
       }) {
    const Finished finished = run(words);
    EXPECT_EQ(finished.code, 1) << words << finished.err;
    EXPECT_THAT(finished.err, testing::AnyOf(HasSubstr("expected another file than that of --"),
                                             HasSubstr("is a folder")))
        << words;
    EXPECT_EQ(files(), before_) << words;
  }
}

// Found before the work: a network of 16,384^3 would take minutes.
TEST_F(OutputFiles, ThatCannotBeWrittenAreRefusedBeforeTheWork) {
  constexpr const char* kLong = " gemm:16384,16384,16384 ";
  const std::map<std::string, std::string> commands = {
      {"run", "--stats none/s"},     {"run ", "--trace none/t.csv"},
      {"run  ", "--output /proc/o"}, {"explain", "--page none/p.html"},
      {"compile", "-o none/p"},      {"compile ", "--emit-asm none/p"},
      {"compare", "-o none/c"},      {"compare ", "--report /proc/r"},
      {"measure cpu", "-o none/m"},  {"measure gpu", "-o none/m"}};
  for (const auto& [command, output] : commands) {
    const Finished finished = run(command + kLong + output, "ulimit -t 5; ");
    EXPECT_EQ(finished.code, 1) << command << finished.err;
    EXPECT_THAT(finished.err, testing::ContainsRegex("cannot be (written|made)")) << command;
    EXPECT_EQ(files(), before_) << command;
  }
  EXPECT_EQ(run("models make resnet152 -o none/r.onnx", "ulimit -t 2; ").code, 1);
}

// What does not fit on the disk: no file of the set is there, and no folder.
TEST_F(OutputFiles, AreThereTogetherOrNotAtAll) {
  const std::string set =
      "run gemm:600,600,600 --machine scale_sim_ws --output new/o --stats new_s.json "
      "--trace new_t.json --scalesim-reports new_r";
  for (const std::string& words :
       {set, std::string("compare gemm:600,600,600 --targets tpu: --report new/r -o new_c.json"),
        std::string("compile gemm:600,600,600 -o new_p.tpu --emit-asm new_p.asm")}) {
    const Finished full = run(words, "ulimit -f 4; ");
    EXPECT_EQ(full.code, 1) << words << full.err;
    EXPECT_THAT(full.err, HasSubstr("could not be written whole")) << words;
    EXPECT_EQ(files(), before_) << words;
    EXPECT_EQ(run(words).code, 0) << words;
    EXPECT_GT(files().size(), before_.size() + 1) << words;
    EXPECT_EQ(testing_support::shell("rm -r new*", scratch_.file("")).code, 0);
  }
}

}  // namespace
}  // namespace systole::cli
