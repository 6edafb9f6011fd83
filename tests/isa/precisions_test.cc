// Precisions: what a row of the table says of sizes.
#include "isa/precisions.h"

#include <gtest/gtest.h>

#include "isa/access.h"

namespace systole::isa {
namespace {

TEST(Precisions, SumsWiderThanAnAccumulatorTakeRowsOfTheirOwn) {
  const PrecisionInfo wide{"wide", DType::kInt8, DType::kInt8, DType::kInt64, 1, 0};
  EXPECT_EQ(wide.sum_rows(5), 10);
  const PrecisionInfo narrow{"narrow", DType::kInt8, DType::kInt8, DType::kInt16, 1, 0};
  EXPECT_EQ(narrow.sum_rows(5), 5);
}

TEST(Precisions, APassWritesTheRowsOfItsSums) {
  const Machine machine;
  for (std::size_t p = 0; p < kPrecisions.size(); ++p) {
    Matmul pass{.acc = 7, .rows = 5, .k = 2, .n = 3, .accumulate = 1};
    pass.precision = static_cast<std::int64_t>(p);
    std::vector<Access> found;
    accesses(pass, machine, found);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].lane_end, 2 * kPrecisions[p].activation_bytes());
    for (const std::size_t sums : {1U, 2U}) {  // read, then written
      EXPECT_EQ(found[sums].space, Space::kAcc);
      EXPECT_EQ(found[sums].begin, 7);
      EXPECT_EQ(found[sums].end, 7 + kPrecisions[p].sum_rows(5));
    }
  }
}

}  // namespace
}  // namespace systole::isa
