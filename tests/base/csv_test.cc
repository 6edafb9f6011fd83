// CSV tables: reading, and what a malformed one is told.
#include "base/csv.h"

#include <gmock/gmock-matchers.h>

#include <string_view>

#include "base/diag.h"
#include "base/files.h"
#include "tests/support/scratch.h"

namespace systole {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Csv : public ::testing::Test {
 protected:
  CsvTable table(std::string_view text) {
    const std::string path = scratch_.file("t.csv");
    write_file(path, std::string(text));
    return read_csv(path);
  }
  std::string error(std::string_view text) {
    try {
      static_cast<void>(table(text));
    } catch (const InputError& e) {
      return e.what();
    }
    return {};
  }
  testing_support::ScratchFolder scratch_;
};

TEST_F(Csv, TwoQuotesInAQuotedCellAreOne) {
  const CsvTable t = table("name,n\n\"a \"\"b\"\", c\",1\n\"\",2\n");
  ASSERT_EQ(t.rows.size(), 2U);
  EXPECT_THAT(t.rows[0].cells, ElementsAre("a \"b\", c", "1"));
  EXPECT_THAT(t.rows[1].cells, ElementsAre("", "2"));
}

TEST_F(Csv, CellsStandUnderTheirHeading) {
  const CsvTable t = table("# made by hand\nname, model,n\r\n\na,\"mlp:1,2\", 7\r\nb,,-8\n");
  ASSERT_EQ(t.rows.size(), 2U);
  EXPECT_THAT(t.rows[0].cells, ElementsAre("a", "mlp:1,2", "7"));
  EXPECT_THAT(t.rows[1].cells, ElementsAre("b", "", "-8"));
  EXPECT_EQ(t.column("model"), 1U);
  EXPECT_EQ(whole_number(t, t.rows[0], "n", 7, 7), 7);
  EXPECT_EQ(whole_number(t, t.rows[1], "n", -8, 0), -8);
  EXPECT_THROW(static_cast<void>(whole_number(t, t.rows[1], "n", 0, 9)), InputError);
  EXPECT_THROW(static_cast<void>(whole_number(t, t.rows[0], "name", 0, 9)), InputError);
  EXPECT_THROW(static_cast<void>(t.column("m")), InputError);
}

TEST_F(Csv, WhatIsNoTableSaysWhere) {
  EXPECT_THAT(error("a,b\n"), HasSubstr("holds no rows"));
  EXPECT_THAT(error(""), HasSubstr("holds no rows"));
  EXPECT_THAT(error("a,b\n1,2\n1\n"), HasSubstr("t.csv:3: 1 cells; expected 2"));
  EXPECT_THAT(error("a,b\n\"1,2\n"), HasSubstr("t.csv:2: a quote does not end"));
}

}  // namespace
}  // namespace systole
