// systole measure gpu where there is no GPU: whatever is missing, one clear line and exit code 1.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;

class MeasureGpu : public ::testing::Test {
 protected:
  // Hides the devices of a computer that has some.
  MeasureGpu() { setenv("CUDA_VISIBLE_DEVICES", "", 1); }

  static Finished measure(std::vector<std::string> words) {
    words.insert(words.begin(), {"measure", "gpu"});
    return testing_support::systole(words);
  }
  static void expect_error(const Finished& finished, const std::string& part) {
    EXPECT_EQ(finished.code, 1) << finished.err;
    EXPECT_EQ(finished.out, "");
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    EXPECT_THAT(finished.err, HasSubstr(part));
  }
};

TEST_F(MeasureGpu, SaysInOneLineThatThereIsNoDevice) {
  const testing_support::ScratchFolder scratch;
  expect_error(measure({"vadd:1024", "-o", scratch.file("m.json")}), "error: measure gpu: ");
  EXPECT_TRUE(scratch.empty());  // nothing is left of the file
}

TEST_F(MeasureGpu, ChecksTheModelBeforeTheDevice) {
  expect_error(measure({"nosuch"}), "error: nosuch: ");
  expect_error(measure({"vadd:many"}), "error: vadd:many: no number");
  expect_error(measure({"program.tpu"}), "measure gpu takes a model, not a program");
}

TEST_F(MeasureGpu, ChecksItsOptionsBeforeTheDevice) {
  expect_error(measure({"vadd:1024", "--precision", "fp8"}), "'fp8'; expected one of fp32");
  expect_error(measure({"gemm:4,4,4", "--csv", "x.csv"}), "--csv: is for a sweep in one precision");
  EXPECT_EQ(measure({"vadd:1024", "--seconds", "-1"}).code, 1);
  EXPECT_EQ(measure({}).code, 2);
  EXPECT_EQ(testing_support::systole({"measure"}).code, 2);
}

}  // namespace
}  // namespace systole::cli
