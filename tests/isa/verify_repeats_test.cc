// Verifier: what repeats do is found in all their repetitions, of which few are looked at.
#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include "isa/delivery.h"
#include "isa/verify.h"

namespace systole::isa {
namespace {

constexpr const char* kHead = R"(
.machine array.rows = 8
.machine array.columns = 8
.machine unified_buffer.bytes = 1024
.machine unified_buffer.row_bytes = 8
.has_values 0
.host_bytes 4096
)";
const std::string kRead = "read_host host=0, stride=8, ub=0, rows=4, bytes=8";

Program program_of(const std::vector<std::string>& lines) {
  std::string text = kHead;
  for (const std::string& line : lines) text += line + "\n";
  return assemble(text, "test");
}

std::vector<Finding> findings_of(const std::vector<std::string>& lines) {
  const Program program = program_of(lines);
  return verify(program, program.machine);
}

void expect_sound(const std::vector<std::string>& lines) {
  for (const Finding& finding : findings_of(lines)) ADD_FAILURE() << finding.text;
}

testing::Matcher<Finding> is(FindingKind kind, const std::string& text) {
  return testing::AllOf(testing::Field(&Finding::kind, kind),
                        testing::Field(&Finding::text, testing::HasSubstr(text)));
}

// A repeat's body stays in the instruction buffer, or is sent again.
TEST(VerifyRepeats, BodiesMayBeLargerThanTheInstructionBuffer) {
  Program program = program_of({"halt"});
  program.code.assign(1, Repeat{2, 3 * 256});
  program.code.resize(1 + 3 * 256, Nop{});
  program.code.emplace_back(Halt{});
  Machine machine = program.machine;
  machine.sequencer_delivery = Delivery::kLink;
  machine.sequencer_buffer_bytes = 4 * 256;  // 768 bytes lie in four packets at most
  EXPECT_THAT(verify(program, machine), testing::IsEmpty());
  EXPECT_THAT(bodies_sent_again(program.code, machine), testing::IsEmpty());
  program.code.insert(program.code.begin() + 1, Nop{});
  std::get<Repeat>(program.code[0]).length += 1;
  EXPECT_THAT(verify(program, machine), testing::IsEmpty());
  const std::vector<SentAgain> again = bodies_sent_again(program.code, machine);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].begin, 1U);
  EXPECT_EQ(again[0].end, 1U + 3 * 256 + 1);
  EXPECT_EQ(again[0].count, 2);
  machine.sequencer_delivery = Delivery::kPreloaded;
  EXPECT_THAT(bodies_sent_again(program.code, machine), testing::IsEmpty());
}

// Of many repetitions that do the same a few are looked at.
TEST(VerifyRepeats, RepeatsThatSettleAreProvenFromAFew) {
  expect_sound({"repeat count=16777215, length=5", "nop", "nop", "nop", "nop", "nop", "halt"});
  expect_sound({kRead, "repeat count=16777215, length=4",
                "sync unit=dma_out, wait_for=dma_in, distance=0, why=raw",
                "write_host host=1024, stride=8, ub=0, rows=4, bytes=8",
                "sync unit=dma_in, wait_for=dma_out, distance=0, why=war", kRead, "halt"});
}

// A read behind the body of what a repetition wrote that was left out.
TEST(VerifyRepeats, WhatIsLeftOutOfARepeatIsKnownBehindIt) {
  std::vector<std::string> lines = {kRead,
                                    "sync unit=dma_out, wait_for=dma_in, distance=0, why=raw",
                                    "repeat count=60, length=2",
                                    "step host=32",
                                    "write_host host=1024, stride=8, ub=0, rows=4, bytes=8",
                                    "read_host host=1984, stride=8, ub=8, rows=4, bytes=8",
                                    "halt"};
  EXPECT_THAT(findings_of(lines),
              testing::ElementsAre(is(FindingKind::kRace, "reads host memory without waiting")));
  lines.insert(lines.begin() + 5, "sync unit=dma_in, wait_for=dma_out, distance=0, why=raw");
  expect_sound(lines);
}

// Each repetition writes what the fifth before it wrote, too.
TEST(VerifyRepeats, RepetitionsFarApartMayMeet) {
  std::vector<std::string> lines = {kRead,
                                    "sync unit=dma_out, wait_for=dma_in, distance=0, why=raw",
                                    "repeat count=60, length=4",
                                    "step host=32",
                                    "write_host host=1024, stride=8, ub=0, rows=4, bytes=8",
                                    "step host=32",
                                    "write_host host=1184, stride=8, ub=0, rows=4, bytes=8",
                                    "halt"};
  EXPECT_THAT(findings_of(lines),
              testing::ElementsAre(is(FindingKind::kRace, "writes host memory without waiting")));
  lines[2] = "repeat count=60, length=5";
  lines.insert(lines.begin() + 3, "sync unit=dma_out, wait_for=dma_out, distance=0, why=war");
  expect_sound(lines);
}

}  // namespace
}  // namespace systole::isa
