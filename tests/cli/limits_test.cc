// Inputs of every size and kind within bounded memory: what is too large, or no file at all, is
// refused with one line; what a machine has and a program does not touch costs nothing.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/limited_process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;
using Words = std::vector<std::string>;

constexpr std::int64_t kGiB = std::int64_t{1} << 30;

#define SKIP_WITHOUT_ADDRESS_SPACE()         \
  if (!testing_support::kAddressSpaceCounts) \
  GTEST_SKIP() << "the address sanitizer takes all address space, which cannot be limited then"

void expect_refused(const Words& words, const std::string& part) {
  const Finished finished = testing_support::systole_within(4 * kGiB, words);
  std::string line;
  for (const std::string& word : words) line += word + " ";
  SCOPED_TRACE(line);
  EXPECT_EQ(finished.code, 1) << finished.err;
  EXPECT_EQ(finished.out, "");
  const std::size_t at = finished.err.find("systole: error: ");
  ASSERT_NE(at, std::string::npos) << finished.err;
  const std::string error = finished.err.substr(at);
  EXPECT_EQ(std::count(error.begin(), error.end(), '\n'), 1) << error;
  EXPECT_THAT(error, HasSubstr(part));
}

// A machine of 6.3 GB on chip: a program takes what it touches of it, on every engine.
TEST(Limits, UnusedOnChipMemoryCostsNothing) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  for (const char* engine : {"func", "cycle", "register"}) {
    const Finished finished = testing_support::systole_within(
        kGiB / 2, {"run", "vadd:63", "--machine", "scale_sim_ws", "--engine", engine});
    EXPECT_EQ(finished.code, 0) << engine << ": " << finished.err;
  }
}

TEST(Limits, HugeShapesAreRefused) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  const std::vector<std::pair<std::string, std::string>> shapes = {
      {"gemm:1000000,1000000,1000000", "2^31 bytes"},
      {"gemm:1,1000000,1000000", "2^31 bytes"},
      {"gemm:2147483648,1,1", "host memory"},
      {"vadd:2147483647", "unified buffer rows"},
      {"mlp:2147483648,2147483648", "fewer than 2^40"},
      {"mlp:1000000,1000000,10", "2^31 bytes"},
      {"conv:1,1,2147483648,2147483648,1,3,3,1,1", "fewer than 2^40"},
      {"conv:1,1000000,1,1,1000000,1,1,1,0", "2^31 bytes"},
  };
  for (const auto& [shape, part] : shapes) expect_refused({"run", shape}, part);
}

TEST(Limits, HugeShapesAreRefusedForTimingToo) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  const std::vector<std::pair<std::string, std::string>> shapes = {
      {"gemm:1,1000000,1000000", "dram.bytes"},
      {"vadd:2147483647", "unified buffer rows"},
      {"mlp:1000000,1000000,1000000,10", "dram.bytes"},
      {"conv:1,1,1000000,1000000,1,3,3,1,1", "which the instructions hold"},
      {"conv:1,1000000,1,1,1000000,1,1,1,0", "dram.bytes"},
  };
  for (const auto& [shape, part] : shapes) expect_refused({"run", shape, "--timing-only"}, part);
}

TEST(Limits, HugeBatchesAreRefused) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  const auto expect_usage = [](const Words& words, const std::string& part) {
    const Finished beyond = testing_support::systole_within(4 * kGiB, words);
    EXPECT_EQ(beyond.code, 1);
    EXPECT_THAT(beyond.err, HasSubstr(part));
  };
  expect_usage({"run", "mlp:8,8", "--batch", "1099511627776", "--timing-only"},
               "a whole number from 1 to 1073741824 rows");
  expect_usage({"compare", "gemm:1,1,1", "--batch", "1099511627776"}, "from 1 to 1073741824 rows");
  for (const char* beyond : {"16777217", "1000000000"}) {
    expect_usage({"compare", "gemm:1,1,1", "--batch", beyond}, "expected at most 16777216");
  }
  expect_usage({"run", "mlp:8,8", "--batches", "1099511627776", "--timing-only"},
               "a whole number from 1 to 2147483647");
  const std::string largest = "2147483647";
  expect_refused({"run", "gemm:8,8,8", "--batches", largest, "--timing-only"}, "expected");
  expect_refused({"run", "mlp:8,8", "--batch", "16777216", "--batches", largest}, "expected");
  expect_refused({"compare", "gemm:1000000000,1,1"},
                 "gemm:1000000000,1,1: batch 1000000000; expected at most 16777216");
}

TEST(Limits, HugeTopologiesAreRefused) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  const ScratchFolder scratch;
  const auto expect_topology = [&](const std::string& rows, const std::string& part) {
    std::ofstream(scratch.file("t.csv")) << "Layer, M, N, K,\n" << rows;
    expect_refused({"run", scratch.file("t.csv"), "--machine", "scale_sim_ws"}, part);
  };
  expect_topology("a, 2147483648, 2147483648, 1,\n", "fewer than 2^40");
  expect_topology("a, 1, 1000000, 1000000,\n", "");
  std::string many;
  for (int i = 0; i < 10'001; ++i) many += "a, 1, 1, 1,\n";
  expect_topology(many, "more than 10000 layers");
  std::ofstream(scratch.file("t.csv")) << "";
  std::filesystem::resize_file(scratch.file("t.csv"), std::uintmax_t{1} << 38);
  expect_refused({"run", scratch.file("t.csv")}, "is too large");
}

// Every option that takes a file, with `name` for it.
std::vector<Words> readers_of(const std::string& name, const ScratchFolder& scratch) {
  std::vector<Words> all;
  const auto link = [&](const std::string& ending) {
    const std::string path = scratch.file("link") + ending;
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    std::filesystem::create_symlink(name, path, ignored);
    return path;
  };
  for (const char* ending : {".onnx", ".onnxtxt", ".csv", ".asm", ".tpu"}) {
    all.push_back({"run", link(ending)});
  }
  all.push_back({"run", "gemm:8,8,8", "--input", name});
  all.push_back({"run", "gemm:8,8,8", "--input", link(".pb")});
  all.push_back({"run", "gemm:8,8,8", "--labels", name});
  all.push_back({"run", "gemm:8,8,8", "--machine", link(".toml")});
  all.push_back({"run", "gemm:8,8,8", "--machine", link(".cfg")});
  all.push_back({"compare", "gemm:8,8,8", "--measurements", name});
  all.push_back({"check", link(".tpu")});
  all.push_back({"disasm", link(".tpu")});
  all.push_back({"asm", link(".asm"), "-o", scratch.file("out.tpu")});
  return all;
}

TEST(Limits, DevicesAndPipesNobodyWritesToAreRefused) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  const ScratchFolder scratch;
  const std::string pipe = scratch.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const Words& words : readers_of("/dev/zero", scratch)) {
    expect_refused(words, "is a device or a socket");
  }
  for (const Words& words : readers_of(pipe, scratch)) {
    expect_refused(words, "is a pipe that nobody writes to");
  }
}

// 3 GB of zeros in 3 MB of gzip, and as many in a file without blocks.
TEST(Limits, FilesOfZerosAreRefused) {
  SKIP_WITHOUT_ADDRESS_SPACE();
  const ScratchFolder scratch;
  const std::string bomb = scratch.file("bomb");
  const gzFile file = gzopen(bomb.c_str(), "wb1");
  const std::vector<std::uint8_t> zeros(1 << 20);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_EQ(gzwrite(file, zeros.data(), static_cast<unsigned>(zeros.size())), 1 << 20);
  }
  ASSERT_EQ(gzclose(file), Z_OK);
  for (const Words& words : readers_of(bomb, scratch)) expect_refused(words, "expected");
  const std::string sparse = scratch.file("sparse");
  std::ofstream(sparse) << "";
  std::filesystem::resize_file(sparse, std::uintmax_t{3} << 30);
  for (const Words& words : readers_of(sparse, scratch)) expect_refused(words, "expected");
}

}  // namespace
}  // namespace systole::cli
