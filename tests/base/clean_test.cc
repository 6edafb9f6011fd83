// Cleaning: what a name may do in a terminal, a table, a page or a plot is undone, and nothing
// else.
#include "base/clean.h"

#include <gmock/gmock-matchers.h>

#include <string>

namespace systole {
namespace {

// "\x1b[31m" and so on: what no name may bring into any medium, as UTF-8 or as bytes.
const std::string kHazards[] = {"\x1b[2J",
                                "\x07",
                                "\r",
                                "\n",
                                std::string(1, '\0'),
                                "\x7f",
                                "\xC2\x9B"
                                "31m",
                                "\xC2\x85",
                                "\x9B"
                                "31m",
                                "\xE2\x80\xAE",
                                "\xE2\x80\xAA",
                                "\xE2\x81\xA6",
                                "\xE2\x80\x8E",
                                "\xE2\x80\x8F",
                                "\xE2\x80\x8B",
                                "\xE2\x80\xA8",
                                "\xEF\xBB\xBF",
                                "\xC2\xAD",
                                "\xFF",
                                "\xC3",
                                "\xC0\xAF",
                                "\xED\xA0\x80",
                                "\xF4\x90\x80\x80",
                                "\xF3\xA0\x80\x81"};

TEST(Clean, LeavesNothingThatActs) {
  for (const std::string& hazard : kHazards) {
    for (const std::string& text :
         {clean("a" + hazard + "b"), csv_cell("a" + hazard + "b"),
          markdown_cell("a" + hazard + "b"), markdown_code("a" + hazard + "b"),
          gnuplot_string("a" + hazard + "b"), shell_word("a" + hazard + "b"),
          clean("a" + hazard, 4)}) {
      EXPECT_EQ(first_hazard(text).size, 0U) << testing::PrintToString(hazard);
    }
    EXPECT_EQ(first_hazard("ab" + hazard).at, 2U) << testing::PrintToString(hazard);
  }
}

TEST(Clean, KeepsWhatIsOnlyText) {
  for (const std::string text : {"conv1/Relu:0", "caf\xC3\xA9", "\xE6\xA8\xA1\xE5\x9E\x8B",
                                 "\xF0\x9F\xA6\x8A", "a  b", "~!@#$%^&*()_+{}:\"<>?"}) {
    EXPECT_EQ(clean(text), text);
  }
}

TEST(Clean, OneCharacterForOne) {
  EXPECT_EQ(clean("a\x1b[0mb\tc\nd"), "a [0mb c d");
  EXPECT_EQ(clean("a\xE2\x80\xAE"
                  "b\xFF"
                  "c"),
            "a?b?c");
  EXPECT_EQ(clean_lines("a\nb\r\n\x1b"), "a\nb \n ");
}

TEST(Clean, CutsToAWidthBetweenCharacters) {
  EXPECT_EQ(clean("abcdef", 6), "abcdef");
  EXPECT_EQ(clean("abcdefg", 6), "abc...");
  EXPECT_EQ(clean("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 5),
            "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9");
  EXPECT_EQ(clean("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 5), "\xC3\xA9\xC3\xA9...");
  EXPECT_EQ(clean(std::string(1'000'000, 'x'), 8), "xxxxx...");
  EXPECT_EQ(width_of("\xC3\xA9x"), 2U);
}

TEST(Clean, MessagesSayHowMuchIsLeftOut) {
  const std::string word = clean_message("key '" + std::string(1'000'000, 'x') + "' is bad");
  EXPECT_LT(word.size(), 300U);
  EXPECT_TRUE(word.starts_with("key 'xxx"));
  EXPECT_TRUE(word.ends_with("xx' is bad"));
  EXPECT_NE(word.find("(999782 bytes left out)"), std::string::npos) << word;
  std::string words;
  for (int i = 0; i < 100'000; ++i) words += "word ";
  EXPECT_LT(clean_message(words).size(), 2000U);
  EXPECT_EQ(clean_message(std::string(300, 'x')), std::string(300, 'x'));
}

TEST(Clean, CsvCells) {
  EXPECT_EQ(csv_cell("plain"), "plain");
  EXPECT_EQ(csv_cell("a, \"b\""), "\"a, \"\"b\"\"\"");
  EXPECT_EQ(csv_cell("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
  EXPECT_EQ(csv_cell("+1"), "'+1");
  EXPECT_EQ(csv_cell("-1"), "'-1");
  EXPECT_EQ(csv_cell("@SUM(A1)"), "'@SUM(A1)");
  EXPECT_EQ(csv_cell("\t=1,2"), "\"' =1,2\"");
  EXPECT_EQ(csv_cell("a\nb"), "a b");
  EXPECT_EQ(csv_cell(""), "");
}

TEST(Clean, MarkdownText) {
  EXPECT_EQ(markdown_cell("a|b"), "a\\|b");
  EXPECT_EQ(markdown_cell("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
  EXPECT_EQ(markdown_cell("![x](http://a)"), "!\\[x\\](http://a)");
  EXPECT_EQ(markdown_cell("a`b\\"), "a\\`b\\\\");
  EXPECT_EQ(markdown_cell("fashion_mlp"), "fashion_mlp");
  EXPECT_EQ(markdown_code("systole run x"), "`systole run x`");
  EXPECT_EQ(markdown_code("a``b"), "``` a``b ```");
}

TEST(Clean, QuotedStrings) {
  EXPECT_EQ(gnuplot_string("it's\n`date`"), "'it''s `date`'");
  EXPECT_EQ(shell_word("gemm:1,2,3"), "gemm:1,2,3");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("it's\x1b[0m \\\xE2\x80\xAE"
                       "7\xFF"),
            R"($'it\'s\033[0m \\\342\200\2567\377')");
  EXPECT_EQ(shell_argument("it's\n"), "'it'\\''s\n'");
  EXPECT_EQ(shell_argument("a"), "'a'");
}

}  // namespace
}  // namespace systole
