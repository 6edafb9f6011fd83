// File kinds: content first, endings where content leaves it open.
#include "isa/file_kind.h"

#include <gtest/gtest.h>

namespace systole::isa {
namespace {

FileKind kind(const std::string& text, const std::string& path = "x") {
  return file_kind({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, path);
}

TEST(FileKind, IsToldByContentWhateverTheNameEndsIn) {
  for (const char* path : {"x", "x.onnx", "x.csv", "x.cfg", "x.tpu", "x.asm", "/dev/fd/63"}) {
    EXPECT_EQ(kind("SYSTOLE\n\x01", path), FileKind::kProgram);
    EXPECT_EQ(kind("\x08\x08\x12\x07systole", path), FileKind::kOnnx);
    EXPECT_EQ(kind("# made by hand\n\n.model \"mlp\"\n", path), FileKind::kProgramText);
    EXPECT_EQ(kind("read_weights dram=0, k=8, n=8\nhalt\n", path), FileKind::kProgramText);
    EXPECT_EQ(kind("halt # at once\n", path), FileKind::kProgramText);
    EXPECT_EQ(kind("<\n  ir_version: 8\n>\ng (float[4] x) => (float[4] y) {}\n", path),
              FileKind::kOnnxText);
    EXPECT_EQ(kind("Layer, M, N, K,\nfc, 8, 8, 8,\n", path), FileKind::kTopology);
    EXPECT_EQ(kind("Layer\tM\tN\tK\nfc\t8\t8\t8\n", path), FileKind::kTopology);
    EXPECT_EQ(
        kind("; a comment\n[general]\nrun_name = r\n[Architecture_Presets]\nBandwidth : 1,1,1,1",
             path),
        FileKind::kScaleSimConfig);
  }
}

// Numbers in braces are no layer, a machine file no configuration, a word no instruction.
TEST(FileKind, GoesByTheEndingWhereContentIsNobodysOrEveryones) {
  for (const char* text :
       {"", "\n\n", "garbage", "Layer, M, N, K\n", "[array]\nrows = 8\n", "step by step",
        "\x03\x01", "name = \"a\"\n[array]\n# 1, 2, 3, 4, 5\nrows = 8\n"}) {
    EXPECT_EQ(kind(text, "a"), FileKind::kUnknown) << text;
    EXPECT_EQ(kind(text, "a.toml"), FileKind::kUnknown) << text;
    EXPECT_EQ(kind(text, "a.tpu"), FileKind::kProgram) << text;
    EXPECT_EQ(kind(text, "a.asm"), FileKind::kProgramText) << text;
    EXPECT_EQ(kind(text, "a.onnx"), FileKind::kOnnx) << text;
    EXPECT_EQ(kind(text, "a.onnxtxt"), FileKind::kOnnxText) << text;
    EXPECT_EQ(kind(text, "a.txt"), FileKind::kOnnxText) << text;
    EXPECT_EQ(kind(text, "a.csv"), FileKind::kTopology) << text;
    EXPECT_EQ(kind(text, "a.cfg"), FileKind::kScaleSimConfig) << text;
  }
}

TEST(FileKind, TakesEndingsInLargeLettersAndPacked) {
  EXPECT_EQ(kind("", "S1.CSV"), FileKind::kTopology);
  EXPECT_EQ(kind("", "c9.Cfg"), FileKind::kScaleSimConfig);
  EXPECT_EQ(kind("", "p.tpu.gz"), FileKind::kProgram);
  EXPECT_EQ(kind("", "P.ASM.GZ"), FileKind::kProgramText);
  EXPECT_EQ(kind("", "csv"), FileKind::kUnknown);
  EXPECT_TRUE(has_ending("a/b.TOML", ".toml"));
  EXPECT_EQ(unpacked_name("a.pb.GZ"), "a.pb");
  EXPECT_EQ(unpacked_name("gz"), "gz");
  EXPECT_FALSE(has_ending("a.toml.bak", ".toml"));
  EXPECT_FALSE(has_ending("", ".toml"));
}

TEST(FileKind, OfWhatIsNoFileGoesByTheEnding) {
  EXPECT_EQ(file_kind(std::string("no/such/file.csv")), FileKind::kTopology);
  EXPECT_EQ(file_kind(std::string("gemm:8,8,8")), FileKind::kUnknown);
  EXPECT_EQ(file_kind(std::string("/dev/null")), FileKind::kUnknown);
}

}  // namespace
}  // namespace systole::isa
