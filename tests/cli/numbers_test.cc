// Numbers of options: whole texts, finite, within bounds; everything else is a wrong usage.
#include "cli/numbers.h"

#include <gmock/gmock-matchers.h>

#include "tests/support/process.h"

namespace systole::cli {
namespace {

TEST(Numbers, AreWholeTextsWithinBounds) {
  EXPECT_EQ(parse_whole("7", 1, 7), 7);
  EXPECT_EQ(parse_real("2.5e-1", 0.01, 1.0), 0.25);
  for (const char* text : {"", "8", "0", "-1", "7x", " 7", "0x7", "9223372036854775808"}) {
    EXPECT_EQ(parse_whole(text, 1, 7), std::nullopt) << text;
  }
  for (const char* text : {"", "nan", "-nan", "inf", "-1", "1e999", "1s", "0"}) {
    EXPECT_EQ(parse_real(text, 0.01, 1e6), std::nullopt) << text;
  }
}

TEST(Numbers, AreCheckedInEveryCommand) {
  const std::vector<std::string> lines[] = {
      {"compare", "gemm:8,8,8", "--p99", "nan"},
      {"compare", "gemm:8,8,8", "--p99", "inf"},
      {"compare", "gemm:8,8,8", "--seconds", "nan"},
      {"compare", "gemm:8,8,8", "--seconds", "-1"},
      {"measure", "cpu", "gemm:8,8,8", "--seconds", "0"},
      {"measure", "cpu", "gemm:8,8,8", "--seconds", "nan"},
      {"measure", "cpu", "gemm:8,8,8", "--threads", "1099511627776"},
      {"measure", "gpu", "gemm:8,8,8", "--seconds", "nan"},
      {"run", "mlp:8,8", "--batch", "8", "--batches", "9223372036854775807"},
      {"compile", "mlp:8,8", "--batch", "8", "--batches", "9223372036854775807", "-o", "x"}};
  for (const auto& line : lines) {
    const testing_support::Finished finished = testing_support::systole(line);
    EXPECT_EQ(finished.code, 1) << line.back();
    EXPECT_THAT(finished.err, testing::HasSubstr("number from ")) << line.back();
  }
}

}  // namespace
}  // namespace systole::cli
