// Verifier: outputs that nothing writes.
#include <gmock/gmock.h>
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

}  // namespace
}  // namespace systole::isa
