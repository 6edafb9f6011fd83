// Footprint: the rows that a program touches of each on-chip memory, repeats included.
#include "isa/footprint.h"

#include <gtest/gtest.h>

namespace systole::isa {
namespace {

constexpr const char* kMachine = R"(
.machine array.rows = 8
.machine array.columns = 8
.machine accumulators.rows = 64
.machine unified_buffer.bytes = 4096
.machine unified_buffer.row_bytes = 8
.host_bytes 4096
)";

Footprint footprint_of(const std::string& code) {
  const Program program = assemble(kMachine + code, "test");
  return footprint(program, program.machine);
}

TEST(Footprint, OfNothing) {
  const Footprint none = footprint_of("halt\n");
  EXPECT_EQ(none.ub_rows, 0);
  EXPECT_EQ(none.accumulator_rows, 0);
  EXPECT_EQ(none.parameter_rows, 0);
}

TEST(Footprint, ReachesToTheLastRowOfEachMemory) {
  const Footprint touched = footprint_of(
      "read_host host=0, stride=8, ub=5, rows=4, bytes=8\n"
      "read_host host=0, stride=20, ub=100, rows=2, bytes=20\n"  // three rows of 8 bytes each
      "read_params host=0, param=7, rows=2\n"
      "halt\n");
  EXPECT_EQ(touched.ub_rows, 106);
  EXPECT_EQ(touched.accumulator_rows, 0);
  EXPECT_EQ(touched.parameter_rows, 9);
}

// Addresses go up or down with the repetitions, so that the first or the last is the outermost.
TEST(Footprint, LooksAtBothEndsOfARepeat) {
  EXPECT_EQ(footprint_of("repeat count=10, length=2\n"
                         "step ub=4, acc=0, param=0, dram=0, host=0\n"
                         "read_host host=0, stride=8, ub=1, rows=4, bytes=8\n"
                         "halt\n")
                .ub_rows,
            1 + 9 * 4 + 4);
  EXPECT_EQ(footprint_of("repeat count=10, length=2\n"
                         "step ub=-4, acc=0, param=0, dram=0, host=0\n"
                         "read_host host=0, stride=8, ub=50, rows=4, bytes=8\n"
                         "halt\n")
                .ub_rows,
            54);
}

}  // namespace
}  // namespace systole::isa
