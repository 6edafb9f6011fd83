// Lives of instructions: every executed one has one, in order, and what it awaited was done.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "isa/expand.h"
#include "tests/laws/law_support.h"
#include "traces/sinks/horizon.h"

namespace systole::laws {
namespace {

class Lives : public sim::Probe {
 public:
  [[nodiscard]] bool wants_counter() const override { return false; }
  [[nodiscard]] bool wants_instruction() const override { return true; }
  void slice(const sim::Slice& slice) override {
    if (slice.cls == "busy" && slice.track != "sequencer") work_.push_back(slice);
    if (slice.cls != "busy") {
      EXPECT_EQ(slice.ordinal, -1);
    }
  }
  void instruction(const sim::Life& life) override {
    of_[std::string(life.unit)].push_back(life);
    names_[std::string(life.name)] += 1;
  }

  std::map<std::string, std::vector<sim::Life>> of_;  // by unit
  std::map<std::string, int> names_;
  std::vector<sim::Slice> work_;  // the texts of its tracks and layers outlive the run
};

std::map<std::string, int> executed(const isa::Program& program) {
  std::map<std::string, int> names;
  isa::for_each_executed(program.code, [&](std::size_t, const isa::Insn& insn) {
    if (isa::counts(insn)) ++names[std::string(isa::mnemonic(insn))];
    return true;
  });
  return names;
}

// A unit's lives: each after the one before it, and each step of one after the step before.
void check_unit(const std::vector<sim::Life>& lives) {
  std::int64_t ordinal = 0;
  const sim::Life* before = nullptr;
  for (const sim::Life& life : lives) {
    EXPECT_EQ(life.ordinal, ++ordinal);
    EXPECT_LT(life.dispatched, life.head) << life.name;
    EXPECT_LE(life.head, life.start) << life.name;
    EXPECT_LE(life.start, life.completed) << life.name;
    if (before != nullptr) {
      EXPECT_LT(before->serial, life.serial);
      EXPECT_LE(before->start, life.head) << life.name;
      EXPECT_LE(before->completed, life.completed) << life.name;
    }
    before = &life;
  }
}

class LifeOfInstructions : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LifeOfInstructions, IsCompleteAndInOrder) {
  const RandomCase c = random_case(GetParam());
  Lives lives;
  const auto report = run(c, {.probe = &lives}).report;
  EXPECT_EQ(lives.names_, executed(c.program));
  std::set<std::int64_t> serials;
  std::map<std::int64_t, CyclePoint> dispatched;  // by serial
  for (const auto& [unit, all] : lives.of_) {
    for (const sim::Life& life : all) dispatched[life.serial] = life.dispatched;
  }
  for (const auto& [unit, all] : lives.of_) {
    check_unit(all);
    for (const sim::Life& life : all) {
      EXPECT_TRUE(serials.insert(life.serial).second);
      EXPECT_LE(life.completed, CyclePoint() + report.total.cycles);
      if (life.awaited_unit.empty()) continue;
      const auto& others = lives.of_.at(std::string(life.awaited_unit));
      const auto& awaited = others.at(static_cast<std::size_t>(life.awaited_ordinal - 1));
      EXPECT_LE(awaited.completed + CycleCount(1), life.start) << "seen a cycle later";
      EXPECT_LT(awaited.serial, life.serial);
      const std::int64_t before =
          life.serial - static_cast<std::int64_t>(traces::Horizon::kMostBetween);
      if (before >= 0) {
        EXPECT_GT(awaited.completed, dispatched.at(before)) << "horizon.h";
      }
    }
  }
  if (!serials.empty()) {
    EXPECT_EQ(*serials.rbegin(), static_cast<std::int64_t>(serials.size()) - 1)
        << "one is left out";
  }
}

TEST_P(LifeOfInstructions, HoldsItsSlicesOfWork) {
  const RandomCase c = random_case(GetParam());
  Lives lives;
  static_cast<void>(run(c, {.probe = &lives}));
  std::map<std::string, const sim::Slice*> last;  // by unit
  for (const sim::Slice& slice : lives.work_) {
    const auto& of_unit = lives.of_.at(std::string(slice.track));
    ASSERT_GE(slice.ordinal, 1) << slice.track;
    const sim::Life& life = of_unit.at(static_cast<std::size_t>(slice.ordinal - 1));
    EXPECT_EQ(slice.insn, life.insn);
    EXPECT_EQ(slice.layer, life.layer);
    EXPECT_GE(slice.begin, life.start);
    EXPECT_LE(slice.end, life.completed + CycleCount(1));
    const sim::Slice*& before = last[std::string(slice.track)];
    if (before != nullptr) {
      EXPECT_LE(before->ordinal, slice.ordinal);
    }
    before = &slice;
  }
}

// The law above is about something: many waited for another unit.
TEST(LivesOfRandomPrograms, OftenAwaitAnother) {
  int awaited = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Lives lives;
    static_cast<void>(run(random_case(seed), {.probe = &lives}));
    for (const auto& [unit, of_unit] : lives.of_) {
      for (const sim::Life& life : of_unit) awaited += life.awaited_unit.empty() ? 0 : 1;
      all += static_cast<int>(of_unit.size());
    }
  }
  EXPECT_GT(awaited, all / 20);
}

INSTANTIATE_TEST_SUITE_P(Random, LifeOfInstructions, testing::Range<std::uint64_t>(1, 101));

}  // namespace
}  // namespace systole::laws
