// Output files are named as the tensors; where a file cannot be, one rule mends the name.
#include "formats/output_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace systole::formats {
namespace {

TEST(OutputNames, KeepsEveryNameAFileCanHave) {
  const std::vector<std::string> names = {
      "mask",  "x:0",  "a b",  "Relu.1_out", "output-7",
      "größe", "输出", "100%", "a\\b",       std::string(200, 'n')};
  const auto files = output_file_names(names);
  ASSERT_EQ(files.size(), names.size());
  for (const std::string& name : names) EXPECT_EQ(files.at(name), name);
}

TEST(OutputNames, MendsWhatAFileCannotHold) {
  const auto file_of = [](const std::string& name) { return output_file_names({name}).at(name); };
  EXPECT_EQ(file_of("a/b/c"), "a_b_c");
  EXPECT_EQ(file_of("../../etc/passwd"), "_._.._etc_passwd");
  EXPECT_EQ(file_of("."), "_");
  EXPECT_EQ(file_of(".."), "_.");
  EXPECT_EQ(file_of(".hidden"), "_hidden");
  EXPECT_EQ(file_of(""), "output");
  EXPECT_EQ(file_of("a\nb\x1b[31m"), "a_b_[31m");
  EXPECT_EQ(file_of(std::string("a\0b", 3)), "a_b");
  EXPECT_EQ(file_of("a\xE2\x80\xAE"
                    "b\xC2\x9B"
                    "c\xFF"),
            "a_b_c_");
  EXPECT_EQ(file_of(std::string(300, 'x')), std::string(200, 'x'));
  EXPECT_EQ(file_of(std::string(199, 'x') + "\u00e4"), std::string(199, 'x'));
}

// Whatever the order: a name that needs no mending keeps its file.
TEST(OutputNames, NeverGivesTwoTensorsOneFile) {
  std::vector<std::string> names = {
      "a/b", "a_b", "a\nb", "a_b_2", std::string(200, 'x'), std::string(201, 'x')};
  std::sort(names.begin(), names.end());
  do {
    const auto files = output_file_names(names);
    std::set<std::string> different;
    for (const auto& [tensor, file] : files) different.insert(file);
    EXPECT_EQ(different.size(), names.size());
    EXPECT_EQ(files.at("a_b"), "a_b");
    EXPECT_EQ(files.at("a_b_2"), "a_b_2");
    EXPECT_EQ(files.at(std::string(200, 'x')), std::string(200, 'x'));
  } while (std::next_permutation(names.begin(), names.end()));
}

}  // namespace
}  // namespace systole::formats
