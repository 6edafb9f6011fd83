// Coverage: every row of opcodes.def and every named value of choices.def is executed by some
// program on every engine. A new row fails here until random programs
// (tests/support/random_program.cc) contain it and the engines run it.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "isa/expand.h"
#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

constexpr std::uint64_t kFirst = 3'001, kLast = 3'200;
constexpr std::int64_t kLength = 120;

// Mnemonics ("matmul") and named operands ("Type s8") of what a program executes.
void collect(const isa::Program& program, std::set<std::string>& executed) {
  const auto note = [&](const isa::Insn& insn) {
    executed.emplace(isa::mnemonic(insn));
    const auto choice = [&](std::string_view, isa::Operand kind, std::int64_t value) {
      for (const isa::ChoiceInfo& c : isa::kChoices) {
        if (c.kind != kind || isa::choice_value(kind, c.text) != value) continue;
        executed.insert(fmt::format("{} {}", isa::info(kind).name, c.text));
      }
    };
    std::visit([&](const auto& one) { one.for_each(choice); }, insn);
  };
  isa::for_each_executed(program.code, [&](std::size_t, const isa::Insn& insn) {
    note(insn);
    return true;
  });
  // Repeats and steps are not among what they expand to; their bodies are, so they are executed.
  for (const isa::Insn& insn : program.code) {
    if (std::holds_alternative<isa::Repeat>(insn) || std::holds_alternative<isa::StepBy>(insn)) {
      note(insn);
    }
  }
}

class Coverage : public testing::TestWithParam<sim::Engine> {};

TEST_P(Coverage, EveryRowIsExecuted) {
  std::set<std::string> executed;
  for (std::uint64_t seed = kFirst; seed <= kLast; ++seed) {
    const Width width = static_cast<Width>(seed % 3);
    const RandomCase c = random_case(seed, kLength, width);
    ASSERT_NO_THROW((void)run(c, {.engine = GetParam()})) << "seed " << seed;
    collect(c.program, executed);
  }
#define SYSTOLE_INSN(Struct, mnemonic, opcode, unit, fields, meaning) \
  EXPECT_TRUE(executed.contains(mnemonic)) << "no program executes " << (mnemonic);
#include "isa/opcodes.def"
  for (const isa::ChoiceInfo& c : isa::kChoices) {
    const std::string name = fmt::format("{} {}", isa::info(c.kind).name, c.text);
    EXPECT_TRUE(executed.contains(name)) << "no program executes " << name;
  }
}

std::vector<sim::Engine> engines() {
  std::vector<sim::Engine> all;
  for (std::size_t e = 0; e < sim::kEngineCount; ++e) all.push_back(static_cast<sim::Engine>(e));
  return all;
}
INSTANTIATE_TEST_SUITE_P(Engines, Coverage, testing::ValuesIn(engines()));

}  // namespace
}  // namespace systole::laws
