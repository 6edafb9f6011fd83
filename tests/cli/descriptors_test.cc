// Standard descriptors that are closed or full, and files that may not grow: the exit code is right
// whatever can be said, and no file but those asked for is touched.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::text_of;

// The exit code of `systole WORDS` under a shell, after `before`.
int code_of(const std::string& words, const std::string& before = "") {
  return testing_support::shell(before + "systole " + words, "/").code;
}

class Descriptors : public testing::Test {
 protected:
  testing_support::ScratchFolder scratch_;
  std::string stats_ = scratch_.file("s.json");
  std::string error_ = scratch_.file("error");
  std::string run_ = "run gemm:8,8,8 --stats " + stats_;
};

TEST_F(Descriptors, AClosedOrFullStandardErrorChangesNothing) {
  for (const char* error : {" 2>&-", " 2>/dev/full", " 2>&- 0<&-"}) {
    EXPECT_EQ(code_of(run_ + " >/dev/null" + error), 0) << error;
    EXPECT_TRUE(nlohmann::json::accept(text_of(stats_))) << error;
    EXPECT_EQ(code_of("run nothing.onnx >/dev/null" + std::string(error)), 1) << error;
  }
}

TEST_F(Descriptors, AClosedOrFullStandardOutputIsAnError) {
  for (const char* output : {" >&-", " >/dev/full"}) {
    EXPECT_EQ(code_of("run gemm:8,8,8" + std::string(output) + " 2>" + error_), 1) << output;
    EXPECT_THAT(text_of(error_), HasSubstr("error: standard output: cannot be written: "));
  }
  for (const char* long_text : {"run gemm:8,8,8 --json", "isa"}) {
    EXPECT_EQ(code_of(std::string(long_text) + " >/dev/full 2>" + error_), 1) << long_text;
    EXPECT_THAT(text_of(error_), HasSubstr("error: standard output: cannot be written: No space "
                                           "left on device; expected a file or pipe with room"));
  }
  EXPECT_EQ(code_of("run gemm:8,8,8 >&- 2>&- <&-"), 1);
}

TEST_F(Descriptors, AFileThatMayNotGrowIsAnErrorAndLeavesNothing) {
  const std::string trace = scratch_.file("t.csv");
  EXPECT_EQ(
      code_of("run gemm:2000,2000,2000 --timing-only --trace " + trace + " >/dev/null 2>" + error_,
              "ulimit -f 1; "),
      1);
  EXPECT_THAT(text_of(error_), HasSubstr("could not be written whole"));
  std::filesystem::remove(error_);
  EXPECT_TRUE(scratch_.empty());
}

}  // namespace
}  // namespace systole::cli
