// Verifier: outputs that nothing writes.
#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include "isa/program.h"
#include "isa/verify.h"

namespace systole::isa {
namespace {

// Copies 32 bytes from host address 0 over the unified buffer to host address 1024.
constexpr const char* kCopy = R"(
.machine array.rows = 8
.machine array.columns = 8
.machine unified_buffer.bytes = 1024
.machine unified_buffer.row_bytes = 8
.host_bytes 4096
read_host host=0, stride=8, ub=0, rows=4, bytes=8
sync unit=dma_out, wait_for=dma_in, distance=0, why=raw
write_host host=1024, stride=8, ub=0, rows=4, bytes=8
halt
)";
constexpr const char* kInput = ".tensor \"x\" type=uint8 shape=[4, 8] role=input address=0\n";
constexpr const char* kCopied = ".tensor \"y\" type=uint8 shape=[4, 8] role=output address=1024\n";
constexpr const char* kNobodys = ".tensor \"z\" type=uint8 shape=[4, 8] role=output address=2048\n";

std::vector<std::string> findings_with(const std::string& tables) {
  const Program program = assemble(tables + kCopy, "test");
  std::vector<std::string> texts;
  for (const Finding& finding : verify(program, program.machine)) {
    EXPECT_EQ(finding.kind, FindingKind::kNeverWritten);
    texts.push_back(finding.text);
  }
  return texts;
}

TEST(VerifyOutputs, InstructionsWriteThem) {
  EXPECT_THAT(findings_with(std::string(kInput) + kCopied), testing::IsEmpty());
  EXPECT_THAT(findings_with(std::string(kInput) + kCopied + kNobodys),
              testing::ElementsAre(testing::HasSubstr("output 'z' is never written")));
}

TEST(VerifyOutputs, HostStepsWriteThem) {
  const std::string step =
      ".layer \"(none)\" kind=\"\" macs=0 predicted_cycles=0\n"
      ".host \"copy\" op=copy stage=0 inputs=[0] outputs=[1] numbers=[] reals=[] layer=0\n";
  EXPECT_THAT(findings_with(std::string(kInput) + kNobodys + step), testing::IsEmpty());
}

TEST(VerifyOutputs, AViewOfAnInputIsWritten) {
  const std::string view = ".tensor \"v\" type=uint8 shape=[32] role=output address=0\n";
  EXPECT_THAT(findings_with(kInput + view), testing::IsEmpty());
}

// Of what shares bytes with an output, an empty tensor writes none.
TEST(VerifyOutputs, AnEmptyTensorWritesNothing) {
  const std::string empty = ".tensor \"e\" type=uint8 shape=[0, 8] role=input address=2056\n";
  EXPECT_THAT(findings_with(kInput + empty + kNobodys),
              testing::ElementsAre(testing::HasSubstr("output 'z' is never written")));
}

// A chain of so many host steps that nothing may look at every tensor for each of them.
TEST(VerifyOutputs, LongChainsOfHostSteps) {
  constexpr std::int64_t kSteps = 400'000, kBytes = 64;
  Program program = assemble(kInput + std::string(kCopy), "test");
  program.layers = {{"(none)", "", 0, 0}};
  for (std::int64_t i = 0; i < kSteps; ++i) {
    program.tensors.push_back({"t", DType::kUint8, {4, 8}, Role::kOutput, 4096 + i * kBytes});
    HostStep step;
    step.op = HostOp::kCopy;
    step.inputs = {i};
    step.outputs = {i + 1};
    program.host_steps.push_back(step);
  }
  program.host_bytes = 4096 + kSteps * kBytes;
  EXPECT_THAT(verify(program, program.machine), testing::IsEmpty());
  program.host_steps.pop_back();
  program.tensors.back().name = "last";
  const std::vector<Finding> findings = verify(program, program.machine);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_THAT(findings[0].text, testing::HasSubstr("output 'last' is never written"));
}

}  // namespace
}  // namespace systole::isa
