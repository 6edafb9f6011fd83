// Law 4, for whole programs: saving and loading, and writing as text and reading back, change
// nothing. (tests/isa has it for single instructions.)
#include <gtest/gtest.h>

#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

class Law4 : public testing::TestWithParam<std::uint64_t> {
 protected:
  Law4() : program_(random_case(GetParam()).program) {}
  isa::Program program_;
};

TEST_P(Law4, LoadOfSaveIsTheProgram) {
  const std::vector<std::uint8_t> bytes = isa::save_program(program_);
  EXPECT_TRUE(isa::load_program(bytes, "test") == program_) << "seed " << GetParam();
  EXPECT_EQ(isa::save_program(isa::load_program(bytes, "test")), bytes) << "seed " << GetParam();
}

TEST_P(Law4, AssembleOfDisassembleIsTheProgram) {
  const std::string text = isa::disassemble(program_);
  EXPECT_TRUE(isa::assemble(text, "test") == program_) << "seed " << GetParam();
  EXPECT_EQ(isa::disassemble(isa::assemble(text, "test")), text) << "seed " << GetParam();
}

INSTANTIATE_TEST_SUITE_P(Random, Law4, testing::Range<std::uint64_t>(3'001, 3'051));

// A program that went through both forms still computes the same.
TEST(Law4Run, LoadedProgramsComputeTheSame) {
  for (std::uint64_t seed = 3'001; seed < 3'011; ++seed) {
    RandomCase c = random_case(seed);
    const auto before = run(c, {.engine = sim::Engine::kFunc});
    c.program = isa::assemble(isa::disassemble(c.program), "test");
    c.program = isa::load_program(isa::save_program(c.program), "test");
    const auto after = run(c, {.engine = sim::Engine::kFunc});
    for (const auto& [name, tensor] : before.outputs) {
      EXPECT_TRUE(tensor.data == after.outputs.at(name).data) << "seed " << seed << " " << name;
    }
  }
}

}  // namespace
}  // namespace systole::laws
