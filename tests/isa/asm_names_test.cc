// Names in program text: constants, labels, bodies in braces. They stand for numbers, and the
// program is the one that has these numbers.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <random>

#include "base/diag.h"
#include "isa/program.h"

namespace systole::isa {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kMatrix = 4, kActivation = 5;  // rows of units.def

std::vector<Insn> code_of(const std::string& text) { return assemble(text, "p.asm").code; }

std::string error_of(const std::string& text) {
  try {
    (void)assemble(text, "p.asm");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// The distance of the only sync, or -1.
std::int64_t distance_in(const std::string& text) {
  for (const Insn& insn : code_of(text)) {
    if (const auto* sync = std::get_if<Sync>(&insn)) return sync->distance;
  }
  return -1;
}

const std::string kPass = "matmul ub=0, acc=0, rows=1, k=1, n=1, precision=int8\n";
const std::string kRead = "read_weights dram=0, k=1, n=1, zero=0\n";
const std::string kAfter = "sync unit=activation, after=here, why=raw\n";

TEST(Constants, StandForNumbersInOperandsAndTables) {
  const Program p = assemble(
      ".let rows = 8\n"
      ".let x = 2*rows + 1 # 17\n"
      ".let y=x-rows*2\n"
      ".let below = -y - 3\n"
      ".host_bytes x+8\n"
      ".tensor \"t\" type=uint8 shape=[y, rows] role=input address=x\n"
      "read_host host=x, stride=rows, ub= x + 32 , rows=rows*2-1, bytes=4\n"
      "step ub=below\n"
      "step ub=-rows\n",
      "p.asm");
  EXPECT_EQ(p.host_bytes, 25);
  EXPECT_EQ(p.tensors.at(0).shape, (Shape{1, 8}));
  EXPECT_EQ(p.tensors.at(0).address, 17);
  EXPECT_EQ(p.code,
            (std::vector<Insn>{ReadHost{17, 8, 49, 0, 15, 4}, StepBy{.ub = -4}, StepBy{.ub = -8}}));
}

TEST(Constants, MistakesNameLineColumnAndTheNearestName) {
  const std::string rows = ".let rows = 8\n";
  EXPECT_THAT(error_of(rows + "tag layer=row\n"),
              HasSubstr("p.asm:2:11: unknown name 'row'; expected a known one, such as 'rows'"));
  EXPECT_THAT(error_of("tag layer=rows\n" + rows),
              HasSubstr("p.asm:1:11: unknown name 'rows'; expected a number, or a name that .let "
                        "defines before it"));
  EXPECT_THAT(error_of(rows + "tag layer=8*rows + 9*9999\n"),
              HasSubstr("p.asm:2:11: tag: layer=8*rows + 9*9999 is 90055; expected 0 to 65535"));
  EXPECT_THAT(error_of(rows + "tag layer=rows-9\n"), HasSubstr("is -1; expected 0 to 65535"));
  EXPECT_THAT(error_of(rows + rows), HasSubstr("p.asm:2:6: constant 'rows' is defined twice"));
  EXPECT_THAT(error_of(".let 2x = 8\n"), HasSubstr("p.asm:1:6: '2x' is no name of a constant"));
  EXPECT_THAT(error_of(".let x.y = 8\n"), HasSubstr("'x.y' is no name"));
  EXPECT_THAT(error_of(".let x\n"), HasSubstr("p.asm:1:7: the line ends early; expected '='"));
  EXPECT_THAT(error_of(".let x =\n"), HasSubstr("no number stands here"));
  EXPECT_THAT(error_of(".let x = 99999999999999999999\n"), HasSubstr("is too large"));
  EXPECT_THAT(error_of(".let x = 3 +\n"), HasSubstr("p.asm:1:10: '3 +' ends early"));
  EXPECT_THAT(error_of(".let x = 3 4\n"), HasSubstr("p.asm:1:12: found '4'"));
  EXPECT_THAT(error_of(".let x = 3 / 4\n"), HasSubstr("p.asm:1:12: found '/ 4'"));
  EXPECT_THAT(error_of(".let x = 9223372036854775807 + 1\n"),
              HasSubstr("'9223372036854775807 + 1' is too large"));
  EXPECT_THAT(error_of(".let x = 4294967296 * 4294967296\n"), HasSubstr("is too large"));
  EXPECT_THAT(error_of(".let u9 = 0\nsync unit=u9, wait_for=matrix, distance=0, why=raw\n"),
              HasSubstr("p.asm:2:11: sync: unit=u9; expected one of sequencer"));  // no number
  EXPECT_THAT(error_of(rows + ".host_bytes row\n"), HasSubstr("p.asm:2:13: unknown name 'row'"));
}

TEST(SyncLabels, CountWhatTheUnitIsSentBetween) {
  const std::string text = kRead + "here:" + kPass + kPass + kRead + kPass + kAfter;
  EXPECT_EQ(code_of(text).back(), Insn(Sync(kActivation, kMatrix, 2, why::kRaw)));
  EXPECT_EQ(distance_in("here: " + kPass + kAfter), 0);
  EXPECT_EQ(distance_in("here:\n# a label by itself\n" + kPass + kPass + kAfter), 1);
  EXPECT_EQ(distance_in("a: here: " + kPass + kAfter), 0);
  // Of another instance: only its own count.
  const std::string second = "matmul ub=0, acc=0, rows=1, k=1, n=1, precision=int8, instance=1\n";
  const std::vector<Insn> code = code_of("here: " + second + kPass + second + kAfter);
  EXPECT_EQ(code.back(), Insn(Sync(kActivation, kMatrix, 1, why::kRaw, 0, 1)));
  // What no unit completes does not count.
  EXPECT_EQ(distance_in("here: " + kPass + "nop\nset unit=matrix, index=lo, value=1\n" + kAfter),
            0);
}

TEST(SyncLabels, CountRepeatsAsOftenAsTheyRun) {
  const auto body = [](const std::string& inside) { return "repeat count=3 {\n" + inside + "}\n"; };
  EXPECT_EQ(distance_in("here: " + kPass + body(kPass + kPass) + kPass + kAfter), 7);
  // Of this repetition, and of the one before.
  EXPECT_EQ(distance_in(kPass + body("here: " + kPass + kPass + kAfter + kPass)), 1);
  EXPECT_EQ(distance_in(kPass + body(kPass + kAfter + kPass + "here: " + kPass + kPass)), 2);
  // Of the last repetition of a body that is over.
  EXPECT_EQ(distance_in(body("here: " + kPass + kPass) + body(kPass) + kAfter), 4);
  // Before the repeat: where the unit is sent nothing in it, the distance stays.
  EXPECT_EQ(distance_in("here: " + kPass + kPass + body(kRead + kAfter)), 1);
  EXPECT_EQ(distance_in(body("here: " + kPass + kPass) + body(kRead + kAfter)), 1);
  EXPECT_THAT(error_of("here: " + kPass + body(kPass + kAfter)),
              HasSubstr("p.asm:4:29: 'here' is outside the repeat, in which matrix is sent more"));
  // A repeat without braces counts alike.
  EXPECT_EQ(distance_in("here: " + kPass + "repeat count=5, length=1\n" + kPass + kAfter), 5);
}

TEST(SyncLabels, MistakesNameLineColumnAndTheNearestLabel) {
  EXPECT_THAT(error_of("hare: " + kPass + kAfter),
              HasSubstr("p.asm:2:29: unknown label 'here'; expected a known one, such as 'hare'"));
  EXPECT_THAT(error_of(kAfter),
              HasSubstr("unknown label 'here'; expected a label: a name and ':'"));
  EXPECT_THAT(error_of("here: " + kPass + "here: " + kPass),
              HasSubstr("p.asm:2:1: label 'here' is defined twice"));
  EXPECT_THAT(error_of("1st: " + kPass), HasSubstr("p.asm:1:1: '1st' is no name of a label"));
  EXPECT_THAT(error_of("here: nop\n" + kAfter), HasSubstr("label 'here' names no work of a unit"));
  EXPECT_THAT(error_of(kAfter + "here:\n"), HasSubstr("label 'here' names no work of a unit"));
  EXPECT_THAT(error_of(kAfter + "here: " + kPass), HasSubstr("label 'here' comes after the sync"));
  EXPECT_THAT(
      error_of("here: " + kPass + "sync unit=activation, after=here, wait_for=matrix, why=raw\n"),
      HasSubstr("p.asm:2:35: wait_for beside after; expected one of the two"));
  EXPECT_THAT(
      error_of("here: " + kPass + "sync unit=activation, after=here, distance=1, why=raw\n"),
      HasSubstr("distance beside after"));
  EXPECT_THAT(error_of("here: " + kPass + "sync unit=activation, after=here\n"),
              HasSubstr("p.asm:2:1: sync: operand 'why' is missing"));
  EXPECT_THAT(error_of("here: " + kPass + "tag layer=0, after=here\n"),
              HasSubstr("p.asm:2:14: tag: unknown operand 'after'"));
  EXPECT_THAT(
      error_of("here: " + kPass + "repeat count=16777215, length=1\n" + kPass + kPass + kAfter),
      HasSubstr("label 'here' is 16777216 instructions of matrix back"));
}

TEST(Bodies, InBracesHaveTheirLength) {
  EXPECT_EQ(code_of("repeat count=2 {\nnop\nstep ub=1\nnop\n} # so far\nhalt\n"),
            (std::vector<Insn>{Repeat{2, 3}, Nop{}, StepBy{.ub = 1}, Nop{}, Halt{}}));
  EXPECT_EQ(code_of("l: repeat count=2{\n\nnop\n}\n"), (std::vector<Insn>{Repeat{2, 1}, Nop{}}));
  EXPECT_THAT(error_of("nop\n  repeat count=2 {\nnop\n"),
              HasSubstr("p.asm:2:3: a repeat's body without its end; expected a line '}'"));
  EXPECT_THAT(error_of("nop\n}\n"), HasSubstr("p.asm:2:1: '}' without a body"));
  EXPECT_THAT(error_of("repeat count=2 {\n}\n"), HasSubstr("p.asm:2:1: a repeat's body is empty"));
  EXPECT_THAT(error_of("repeat count=2 {\nrepeat count=2 {\nnop\n}\n}\n"),
              HasSubstr("p.asm:2:1: a repeat within a repeat's body; expected no nesting"));
  EXPECT_THAT(error_of("repeat count=2, length=1 {\nnop\n}\n"),
              HasSubstr("p.asm:1:17: length beside a body in braces"));
  EXPECT_THAT(error_of("repeat {\nnop\n}\n"), HasSubstr("repeat: operand 'count' is missing"));
  EXPECT_THAT(error_of("repeat count=2 { nop\n}\n"), HasSubstr("p.asm:1:18: found 'nop'"));
  EXPECT_THAT(error_of("repeat count=2 {\nnop\n} nop\n"), HasSubstr("p.asm:3:3: found 'nop'"));
  EXPECT_THAT(error_of("tag layer=0 {\n"), HasSubstr("p.asm:1:13: found '{'"));
}

// Any text gives a program or an InputError.
TEST(Names, FuzzedTextIsRefusedOrRead) {
  const std::string good = ".let rows = 2*4 - 1\n.let x=rows+8\n.host_bytes 9*x\nthere: " + kPass +
                           "repeat count=rows {\n" + kRead +
                           "  step ub=-rows\nhere: back: " + kPass + kAfter + "}\n" + kPass +
                           "sync unit=activation, after=back, why=war\nhalt\n";
  ASSERT_EQ(error_of(good), "no error");
  std::mt19937_64 random(5);
  std::size_t read = 0;
  for (int i = 0; i < 10'000; ++i) {
    std::string text = good;
    for (int n = 0; n < 2; ++n) {
      text[random() % text.size()] = good[random() % good.size()];
    }
    if (random() % 4 == 0) text.resize(random() % text.size());
    try {
      const Program program = assemble(text, "p.asm");
      EXPECT_EQ(assemble(disassemble(program), "again"), program);
      ++read;
    } catch (const InputError&) {
      continue;
    }
  }
  EXPECT_GT(read, 100U);
}

// What names stand for is in the text that the disassembler prints, which is the same program.
TEST(Names, EndWithTheAssembler) {
  const Program p = assemble(
      ".let n = 3\nhere: " + kPass + "repeat count=n {\n" + kRead + kAfter + "}\nhalt\n", "p.asm");
  const std::string text = disassemble(p);
  EXPECT_THAT(text, HasSubstr("repeat count=3, length=2\n"));
  EXPECT_THAT(text, HasSubstr("sync unit=activation, wait_for=matrix, distance=0, why=raw\n"));
  EXPECT_EQ(assemble(text, "again"), p);
  EXPECT_EQ(save_program(assemble(text, "again")), save_program(p));
}

}  // namespace
}  // namespace systole::isa
