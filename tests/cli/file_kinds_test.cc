// Files go by what they hold: packed, through a pipe, under any name, every command reads them as
// it reads the plain file.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;

constexpr const char* kModel =
    R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[N,2] x) => (float[N,2] y) <float[2,2] w = {1,2,3,4}> { y = MatMul(x, w) })";

class FileKinds : public testing::Test {
 protected:
  Finished sh(const std::string& commands) {
    return testing_support::shell(commands, scratch_.file(""));
  }
  // The standard output of both, which must be the same.
  void expect_same(const std::string& commands, const std::string& plain) {
    const Finished found = sh(commands), wanted = sh(plain);
    EXPECT_EQ(found.code, 0) << commands << "\n" << found.err;
    EXPECT_EQ(wanted.code, 0) << wanted.err;
    EXPECT_EQ(found.out, wanted.out) << commands;
  }

  testing_support::ScratchFolder scratch_;
};

TEST_F(FileKinds, Programs) {
  const Finished made =
      sh("systole compile gemm:8,8,8 -o p.tpu --emit-asm p.asm && gzip -k p.tpu p.asm && "
         "cp p.tpu.gz packed && cp p.asm text && cp p.tpu P.TPU");
  ASSERT_EQ(made.code, 0) << made.err;
  for (const char* name : {"p.tpu.gz", "p.asm.gz", "packed", "text", "P.TPU", "/dev/stdin"}) {
    const std::string pipe = name == std::string("/dev/stdin") ? "cat p.asm | " : "";
    expect_same(pipe + "systole disasm " + name, "cat p.asm");
    expect_same(pipe + "systole run " + name + " --timing-only | grep cycles",
                "systole run p.tpu --timing-only | grep cycles");
    EXPECT_THAT(sh(pipe + "systole check " + name).out, HasSubstr("may run on tpu_v1"));
    EXPECT_THAT(sh(pipe + "systole compile " + name + " -o q.tpu").err,
                HasSubstr("compile takes a model, not a program; expected"));
  }
}

TEST_F(FileKinds, AProgramsErrorNamesItsFile) {
  const Finished finished =
      sh("systole compile gemm:8,8,8 -o p.tpu && systole run p.tpu --machine tiny_8");
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.err, HasSubstr("systole: error: p.tpu: machine has array.rows = 8"));
}

TEST_F(FileKinds, Models) {
  const Finished made = sh("cat > m.onnxtxt <<'E'\n" + std::string(kModel) +
                           "\nE\ngzip -k m.onnxtxt && cp m.onnxtxt m.onnx && cp m.onnxtxt m");
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string plain = "systole compile m.onnxtxt --emit-ir";
  for (const char* name : {"m.onnxtxt.gz", "m.onnx", "m"}) {
    expect_same("systole compile " + std::string(name) + " --emit-ir", plain);
  }
  expect_same("cat m.onnxtxt | systole compile /dev/stdin --emit-ir", plain);
  expect_same("gzip -c m.onnxtxt | systole compile /dev/stdin --emit-ir", plain);
}

// Quantising reads the model twice; what comes out is binary whatever its name ends in.
TEST_F(FileKinds, QuantiseThroughAPipeAndUnderATextEnding) {
  const std::string options = " --calibrate random --samples 4 ";
  const std::string model = "{ cat <<'E'\n" + std::string(kModel) + "\nE\n} | ";
  const Finished made =
      sh(model + "systole quantize /dev/stdin" + options + "-o q.onnxtxt && " + model +
         "systole run /dev/stdin --batch 3" + options.substr(0, 19) + " --input random:1");
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_THAT(sh("systole run q.onnxtxt --batch 3 | head -1").out, HasSubstr("q"));
}

TEST_F(FileKinds, TopologiesAndConfigurations) {
  const Finished made = sh(
      "printf 'Layer, M, N, K,\\nfc, 40, 30, 20,\\n' > s.csv && gzip -k s.csv && cp s.csv S1.CSV "
      "&& cp s.csv s && printf '[general]\\nrun_name = c\\n[architecture_presets]\\n"
      "ArrayHeight: 16\\nArrayWidth: 16\\nIfmapSramSzkB: 64\\nFilterSramSzkB: 64\\n"
      "OfmapSramSzkB: 64\\nDataflow : ws\\n' > c.cfg && gzip -k c.cfg && cp c.cfg C9.CFG && "
      "cp c.cfg c");
  ASSERT_EQ(made.code, 0) << made.err;
  const std::string plain = "systole run s.csv --machine c.cfg | grep cycles";
  for (const char* name : {"s.csv.gz", "S1.CSV", "s"}) {
    expect_same("systole run " + std::string(name) + " --machine c.cfg | grep cycles", plain);
  }
  for (const char* name : {"c.cfg.gz", "C9.CFG", "./c", "c"}) {
    expect_same("systole run s.csv --machine " + std::string(name) + " | grep cycles", plain);
  }
  expect_same("cat s.csv | systole run /dev/stdin --machine c.cfg | grep cycles", plain);
  expect_same("cat c.cfg | systole run s.csv --machine /dev/stdin | grep cycles", plain);
}

TEST_F(FileKinds, ATopologyTakesNoInput) {
  const Finished finished = sh("printf 'a, 4, 4, 4,\\n' > s.csv; systole run s.csv --input random");
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.err,
            "systole: error: --input: a topology has no values; expected no --input\n");
}

}  // namespace
}  // namespace systole::cli
