// Diagnostics: one line for a user's mistake, a place in the source for ours.
#include "base/diag.h"

#include <gtest/gtest.h>

namespace systole {
namespace {

TEST(Diag, Wording) {
  EXPECT_EQ((Diag{"a.onnx", "is empty", "a model"}).text(), "a.onnx: is empty; expected a model");
  EXPECT_EQ((Diag{"a.onnx", "is empty", ""}).text(), "a.onnx: is empty");
  EXPECT_EQ((Diag{"", "is empty", ""}).text(), "is empty");
}

TEST(Diag, IsOneLineWhateverAFileHolds) {
  EXPECT_EQ((Diag{"a", "key 'x\n\ty\x7f'", std::string("a\0b", 3)}).text(),
            "a: key 'x  y '; expected a b");
}

TEST(Diag, CheckSaysWhereAndWhy) {
  const int four = 4;
  SYSTOLE_CHECK(four == 4, "never shown");
  try {
    SYSTOLE_CHECK(four == 5, "four is {}", four);
    FAIL() << "passed";
  } catch (const InternalError& e) {
    const std::string text = e.what();
    EXPECT_NE(text.find("diag_test.cc"), std::string::npos) << text;
    EXPECT_NE(text.find("four == 5 does not hold: four is 4"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace systole
