// Verifier on the vector and activation units' instructions: per rule programs that must be found
// and programs that must not.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include "isa/access.h"
#include "isa/verify.h"

namespace systole::isa {
namespace {

constexpr const char* kHead = R"(
.machine array.rows = 8
.machine array.columns = 8
.machine unified_buffer.bytes = 1024
.machine unified_buffer.row_bytes = 8
.machine accumulators.rows = 32
.machine parameters.rows = 40
.has_values 0
.weight_bytes 64
.host_bytes 4096
)";

// Everything readable is written first: 64 buffer rows, the table, one accumulator map.
const std::vector<std::string> kBefore = {
    "read_host host=0, stride=8, ub=0, rows=64, bytes=8",
    "read_params host=0, param=0, rows=33",
    "read_weights dram=0, k=8, n=8, zero=0",
    "interrupt stage=1",
    "matmul ub=0, acc=0, rows=16, k=8, n=8, switch_tile=1, precision=int8",
    "interrupt stage=2"};

std::vector<Finding> findings_of(const std::vector<std::string>& lines) {
  std::string text = kHead;
  for (const std::string& line : kBefore) text += line + "\n";
  for (const std::string& line : lines) text += line + "\n";
  const Program program = assemble(text + "halt\n", "test");
  return verify(program, program.machine);
}

void finds(FindingKind kind, const std::vector<std::string>& lines, const std::string& what) {
  EXPECT_THAT(findings_of(lines), testing::Contains(testing::AllOf(
                                      testing::Field(&Finding::kind, kind),
                                      testing::Field(&Finding::text, testing::HasSubstr(what)))));
}
void finds(const std::vector<std::string>& lines, const std::string& what) {
  finds(FindingKind::kRange, lines, what);
}
void sound(const std::vector<std::string>& lines) {
  for (const Finding& finding : findings_of(lines)) ADD_FAILURE() << finding.text;
}

std::string set(const std::string& unit, const std::string& index, std::int64_t value) {
  return "set unit=" + unit + ", index=" + index + ", value=" + std::to_string(value);
}
// A vector operation of 4 rows of 4 elements with these places and types.
std::string vector(const std::string& op, const std::string& places,
                   const std::string& types = "a_type=u8, b_type=u8, to_type=u8") {
  return "vector op=" + op + ", " + places + ", " + types + ", rows=4, n=4";
}
const std::string kApart = "a=0, b=8, to=16";

TEST(VerifySet, UnitsWithRegistersOnly) {
  sound({set("vector", "lo", 3), set("activation", "to_zero", -1)});
  finds({set("matrix", "lo", 3)}, "names unit matrix, which has no registers");
  finds({set("dma_in", "lo", 3)}, "expected vector or activation");
}

TEST(VerifySet, ScalesAreFiniteAndPositive) {
  sound({set("vector", "a_scale", 0x3F000000), set("vector", "b_scale", 1)});  // 0.5, the smallest
  finds({set("vector", "a_scale", 0)}, "sets a_scale to 0; expected the bits of a finite number");
  finds({set("vector", "b_scale", 0x7F800000)}, "sets b_scale to inf");
  finds({set("vector", "to_scale", 0x7FC00000)}, "sets to_scale to nan");
  finds({set("activation", "to_scale", -1082130432)}, "sets to_scale to -1");
}

TEST(VerifyVector, ZeroPointsLieWithinTheirTypes) {
  sound({set("vector", "a_zero", 255), vector("add", kApart)});
  finds({set("vector", "a_zero", 256), vector("add", kApart)},
        "register a_zero = 256; expected 0 to 255");
  finds({set("vector", "b_zero", -1), vector("add", kApart)}, "register b_zero = -1");
  finds({set("vector", "to_zero", 300), vector("convert", kApart)}, "register to_zero = 300");
  // What an operation does not read may hold anything; a fill's value saturates.
  sound({set("vector", "b_zero", -1), vector("convert", kApart)});
  sound({set("vector", "a_zero", -1), set("vector", "b_zero", -1), vector("fill", kApart)});
  sound({set("vector", "a_zero", -1), set("vector", "lo", 900), vector("lookup", kApart)});
  sound({set("activation", "a_zero", 256), vector("add", kApart)});
  sound({set("vector", "a_zero", -3), vector("add", kApart, "a_type=s8, b_type=u8, to_type=u8")});
}

TEST(VerifyVector, LimitsLeaveRoom) {
  sound({set("vector", "lo", 255), vector("add", kApart)});
  finds({set("vector", "lo", 256), vector("add", kApart)}, "register lo = 256");
  finds({set("vector", "lo", 9), set("vector", "hi", 8), vector("add", kApart)},
        "register hi = 8; expected 9 to");
  finds({set("vector", "hi", -1), vector("fill", kApart)}, "register hi = -1; expected 0 to");
}

TEST(VerifyVector, RegistersAreThoseOfTheMoment) {
  sound({vector("add", kApart), set("vector", "a_zero", 256), set("vector", "a_zero", 0),
         "sync unit=vector, wait_for=vector, distance=0, why=war", vector("add", kApart)});
}

TEST(VerifyVector, LooksUpTypesThatHaveTables) {
  sound({vector("lookup", kApart)});
  sound({vector("lookup", "a=0, b=0, to=16, table=0", "a_type=s16, b_type=u8, to_type=s32")});
  finds({vector("lookup", kApart, "a_type=s32, b_type=u8, to_type=u8")}, "looks up s32");
  finds({vector("lookup", kApart + ", table=9")}, "reads parameter rows [9, 41)");
  finds(FindingKind::kNeverWritten, {vector("lookup", kApart + ", table=2")},
        "parameter rows [2, 34)");
}

TEST(VerifyVector, WritesWhatItReadsOnlyInPlace) {
  sound({vector("add", "a=0, b=8, to=0")});
  sound({vector("add", "a=0, b=8, to=8")});
  sound({vector("add", "a=0, b=0, to=0")});
  sound({vector("add", "a=0, b=8, to=0, to_lane=4")});  // other lanes of the same rows
  finds({vector("add", "a=0, b=8, to=1")}, "writes unified buffer rows from 1 on over those");
  finds({vector("add", "a=0, b=8, to=0, to_lane=1")}, "the very same rows and lanes");
  finds({vector("add", "a=0, b=0, broadcast=1, to=0")}, "writes unified buffer rows");
  finds({vector("convert", "a=0, b=8, to=0", "a_type=u8, b_type=u8, to_type=s16")},
        "writes unified buffer rows from 0");
  sound({vector("convert", "a=0, b=16, to=16")});  // b is not read
}

TEST(VerifyVector, RangesAndNeverWritten) {
  finds({vector("add", "a=125, b=8, to=16")}, "reads unified buffer rows [125, 129)");
  finds({vector("add", "a=0, b=8, to=126")}, "writes unified buffer rows [126, 130)");
  finds(FindingKind::kNeverWritten, {vector("add", "a=61, b=8, to=16")}, "rows [61, 65)");
  finds(FindingKind::kNeverWritten, {vector("add", "a=0, b=64, to=16")}, "rows [64, 68)");
  sound({vector("add", "a=0, b=63, broadcast=1, to=16")});
  sound({vector("convert", "a=0, b=100, to=16")});
}

TEST(VerifyVector, RacesWithItsNeighbours) {
  const std::string out = "write_host host=2048, stride=8, ub=16, rows=4, bytes=4";
  finds(FindingKind::kRace, {vector("add", kApart), out}, "lets dma_out wait for vector");
  sound({vector("add", kApart), "sync unit=dma_out, wait_for=vector, distance=0, why=raw", out});
  finds(FindingKind::kRace, {vector("add", kApart), vector("add", "a=16, b=8, to=24")},
        "lets vector wait for vector");
  sound({vector("add", kApart), vector("add", "a=0, b=8, to=24")});
}

const std::string kPool =
    "pool op=average, type=u8, ub=0, to=100, n=8, in_height=4, in_width=4, out_height=2, "
    "out_width=2, kernel_y=2, kernel_x=2, stride_y=2, stride_x=2";
const std::string kFused =
    "activate_pool acc=0, ub=100, n=8, function=identity, type=u8, lo=0, hi=255, bias=0, scale=0, "
    "op=average, in_height=4, in_width=4, out_height=2, out_width=2, kernel_y=2, kernel_x=2, "
    "stride_y=2, stride_x=2";

std::string with(std::string line, const std::string& from, const std::string& to) {
  const auto at = line.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return line.replace(at, from.size(), to);
}

TEST(VerifyPool, WindowsTouchTheMap) {
  for (const std::string& line : {kPool, kFused}) {
    sound({line});
    finds({with(line, "kernel_y=2", "kernel_y=0")}, "kernel_y = 0");
    finds({with(line, "stride_x=2", "stride_x=0")}, "stride_x = 0");
    finds({with(line, "in_height=4", "in_height=0")}, "in_height = 0");
    finds({with(line, "out_width=2", "out_width=0")}, "out_width = 0");
    finds({line + ", pad_top=2"}, "pad_top = 2; expected 0 to 1");
    finds({line + ", pad_left=3"}, "pad_left = 3");
    finds({with(line, "out_height=2", "out_height=3")},
          "a last window that begins at 4 of a map of height 4");
    sound({with(line, "out_height=2", "out_height=3") + ", pad_top=1"});
    sound({with(line, "kernel_x=2", "kernel_x=9")});  // reaches beyond the map
  }
}

TEST(VerifyPool, AveragesUseTheirUnitsRegisters) {
  finds({set("vector", "a_zero", -1), kPool}, "register a_zero = -1");
  finds({set("vector", "to_zero", 256), kPool}, "register to_zero = 256");
  sound({set("activation", "to_zero", 256), kPool});
  finds({set("activation", "to_zero", 256), kFused}, "register to_zero = 256");
  finds({set("activation", "lo", 256), kFused}, "register lo = 256");
  sound({set("activation", "lo", 256), with(kFused, "op=average", "op=max")});
  sound({set("vector", "to_zero", 256), with(kPool, "op=average", "op=max")});
}

TEST(VerifyPool, PlacesLieWithinTheirSpaces) {
  finds({with(kPool, "to=100", "to=125")}, "writes unified buffer rows [125, 129)");
  finds({with(kPool, "to=100", "to=15")}, "rows or lanes apart");
  finds(FindingKind::kNeverWritten, {with(kPool, "ub=0", "ub=50")}, "rows [50, 66)");
  finds({with(kFused, "acc=0", "acc=20")}, "reads accumulator rows [20, 36)");
  finds(FindingKind::kNeverWritten, {with(kFused, "acc=0", "acc=1")}, "accumulator rows [1, 17)");
  finds({with(kFused, "n=8", "n=9")}, "n = 9; expected 1 to 8");
  finds({with(kFused, "lo=0", "lo=-1")}, "lo = -1");
}

TEST(VerifyActivate, TablesNeedARequantisedValue) {
  const std::string line =
      "activate acc=0, ub=100, rows=4, n=8, function=table, type=u8, lo=0, hi=255, bias=0, scale=0";
  sound({line + ", table=1"});
  finds({with(line, "type=u8", "type=s32")}, "looks up s32");
  finds({line + ", table=9"}, "reads parameter rows [9, 41)");
  sound({with(kFused, "type=u8", "type=s32") + ", table=9"});  // nothing is looked up
}

const std::string kCopy = "copy ub=0, stride=2, to=100, to_stride=1, rows=4, bytes=8";

TEST(VerifyCopy, SourceAndDestinationAreApart) {
  sound({kCopy});
  sound({with(kCopy, "stride=2", "stride=0")});  // one row into many
  finds({with(kCopy, "to=100", "to=6")}, "writes unified buffer rows from 6 on");
  sound({with(kCopy, "to=100", "to=7")});
  sound({"copy ub=0, stride=1, to=0, to_lane=4, to_stride=1, rows=4, bytes=4"});
  finds({"copy ub=0, stride=1, to=0, to_lane=3, to_stride=1, rows=4, bytes=4"}, "lanes apart");
  finds({with(kCopy, "to_stride=1", "to_stride=0")}, "to_stride = 0; expected 1");
  finds({"copy ub=0, stride=1, to=100, to_lane=4, to_stride=1, rows=4, bytes=8"},
        "to_stride = 1; expected 2");
  sound({"copy ub=0, stride=1, to=100, to_lane=4, to_stride=0, rows=1, bytes=8"});
}

TEST(VerifyCopy, RangesAndNeverWritten) {
  finds({with(kCopy, "ub=0", "ub=122")}, "reads unified buffer rows [128, 129)");
  finds({with(kCopy, "to=100", "to=125")}, "writes unified buffer rows [125, 129)");
  finds(FindingKind::kNeverWritten, {with(kCopy, "ub=0", "ub=58")}, "rows [64, 65)");
  // The rows that a stride leaves out are neither read nor written.
  sound({with(kCopy, "ub=0", "ub=57")});
  sound({"copy ub=0, stride=1, to=100, to_stride=3, rows=3, bytes=8",
         "read_host host=0, stride=8, ub=101, rows=2, bytes=8"});
  finds(FindingKind::kRace,
        {"copy ub=0, stride=1, to=100, to_stride=3, rows=3, bytes=8",
         "read_host host=0, stride=8, ub=101, rows=3, bytes=8"},
        "lets dma_in wait for vector");
}

// Lists beyond 65,536 rows are given as their hull, not cut off.
TEST(VerifyCopy, VeryLongListsKeepTheirEnd) {
  Machine machine;
  machine.unified_buffer_bytes = std::int64_t{256} << 20;
  const Copy copy{0, 0, 2, 300'000, 0, 3, 100'000, 8};
  std::vector<Access> found;
  accesses(copy, machine, found);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].end, 99'999 * 2 + 1);
  EXPECT_EQ(found[1].begin, 300'000);
  EXPECT_EQ(found[1].end, 300'000 + 99'999 * 3 + 1);
}

}  // namespace
}  // namespace systole::isa
