// Executed: the same instructions as those that a visitor of the whole program sees.
#include "isa/executed.h"

#include <gtest/gtest.h>

#include "tests/support/random_program.h"

namespace systole::isa {
namespace {

std::vector<Insn> visited(const std::vector<Insn>& code) {
  std::vector<Insn> all;
  for_each_executed(code, [&](std::size_t, const Insn& insn) {
    if (!std::holds_alternative<StepBy>(insn)) all.push_back(insn);
    return true;
  });
  return all;
}

std::vector<Insn> one_by_one(const std::vector<Insn>& code) {
  std::vector<Insn> all;
  Executed executed(code);
  while (const Insn* insn = executed.next()) all.push_back(*insn);
  EXPECT_EQ(executed.next(), nullptr);
  return all;
}

TEST(Executed, IsWhatAVisitorSees) {
  std::size_t longer = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const std::vector<Insn> code = random_case(seed, 60).program.code;
    const std::vector<Insn> all = one_by_one(code);
    EXPECT_EQ(all, visited(code)) << seed;
    EXPECT_EQ(Executed::count(code), std::ssize(all)) << seed;
    longer += all.size() > code.size() ? 1U : 0U;
  }
  EXPECT_GT(longer, 10U);  // some repeat
}

TEST(Executed, KnowsBodiesThatNeverRunAndEmptyOnes) {
  const Insn nop = Nop{}, halt = Halt{};
  const std::vector<std::vector<Insn>> programs = {
      {},
      {Repeat{0, 2}, nop, nop, halt},
      {Repeat{3, 0}, nop, halt},
      {Repeat{3, 1}, nop, Repeat{2, 1}, nop},
      {Repeat{2, 2}, StepBy{.host = 4}, ReadHost{.host = 8, .stride = 1, .rows = 1, .bytes = 1}},
  };
  const std::vector<std::size_t> sizes = {0, 1, 2, 5, 2};
  for (std::size_t i = 0; i < programs.size(); ++i) {
    EXPECT_EQ(one_by_one(programs[i]), visited(programs[i])) << i;
    EXPECT_EQ(visited(programs[i]).size(), sizes[i]) << i;
    EXPECT_EQ(Executed::count(programs[i]), std::ssize(visited(programs[i]))) << i;
  }
}

}  // namespace
}  // namespace systole::isa
