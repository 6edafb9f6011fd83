// Verifier on random sound programs: nothing is found, and most waits taken away are missed.
#include <gtest/gtest.h>

#include "isa/verify.h"
#include "tests/support/random_program.h"

namespace systole::isa {
namespace {

TEST(RandomVerify, SoundProgramsHaveNoFindings) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const RandomCase one = random_case(seed, 60);
    for (const Finding& finding : verify(one.program, one.machine)) {
      ADD_FAILURE() << "seed " << seed << ": " << finding.text;
    }
  }
}

TEST(RandomVerify, ProgramsWithoutAnyWaitRace) {
  int racing = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomCase one = random_case(seed, 60);
    for (Insn& insn : one.program.code) {
      if (std::holds_alternative<Sync>(insn)) insn = Nop{};
    }
    const auto found = verify(one.program, one.machine);
    for (const Finding& finding : found) EXPECT_EQ(finding.kind, FindingKind::kRace);
    racing += found.empty() ? 0 : 1;
  }
  EXPECT_EQ(racing, 100);
}

}  // namespace
}  // namespace systole::isa
