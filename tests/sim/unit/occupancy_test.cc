// Occupancy: rows count from the start of their writer to the completion of their last reader.
#include "sim/unit/occupancy.h"

#include <gtest/gtest.h>

#include <limits>

#include "isa/expand.h"
#include "tests/support/random_program.h"

namespace systole::sim {
namespace {

using Level = std::pair<std::int64_t, std::int64_t>;  // cycle, rows in use

class Levels : public Probe {
 public:
  void slice(const Slice&) override {}
  void counter(std::string_view name, CyclePoint at, std::int64_t value) override {
    EXPECT_EQ(name, "unified_buffer.rows_in_use");
    seen.emplace_back(at.value, value);
  }
  std::vector<Level> seen;
};

TEST(Occupancy, counts_from_the_writers_start_to_the_last_readers_completion) {
  isa::Program program;
  program.code = {
      isa::ReadHost{.host = 0, .stride = 256, .ub = 10, .rows = 4, .bytes = 256},
      isa::Matmul{.ub = 10, .acc = 0, .rows = 4, .k = 256, .n = 256, .switch_tile = 1},
      isa::Matmul{.ub = 12, .acc = 4, .rows = 2, .k = 256, .n = 256},
      isa::ReadHost{.host = 0, .stride = 256, .ub = 10, .rows = 1, .bytes = 256},
      isa::Halt{},
  };
  const isa::Machine machine;
  for (const std::int64_t block : {1, 2, 3, 65'536}) {
    Levels levels;
    Occupancy occupancy(program, machine, levels, block);
    const auto starts = [&](isa::Unit unit, std::int64_t now) {
      occupancy.starts(unit, CyclePoint(now));
    };
    const auto completes = [&](isa::Unit unit, std::int64_t now, std::int64_t at) {
      occupancy.completes(unit, CyclePoint(now), CyclePoint(at));
    };
    starts(isa::Unit::kDmaIn, 5);
    completes(isa::Unit::kDmaIn, 18, 20);
    starts(isa::Unit::kMatrix, 21);
    completes(isa::Unit::kMatrix, 21, 30);
    starts(isa::Unit::kMatrix, 25);
    completes(isa::Unit::kMatrix, 25, 34);
    starts(isa::Unit::kDmaIn, 31);
    // What is over is told while the run goes on.
    EXPECT_EQ(levels.seen.size(), 2U);
    completes(isa::Unit::kDmaIn, 39, 40);
    occupancy.finish();
    // Rows 10 and 11 are last read by the first pass, 12 and 13 by the second; row 10 is then
    // written again and read by nobody, so it is free when its own writer completes.
    const std::vector<Level> expected = {
        {5, 4}, {30, 4 - 2}, {31, 2 + 1}, {34, 3 - 2}, {40, 1 - 1}};
    EXPECT_EQ(levels.seen, expected) << block;
  }
}

TEST(Occupancy, lanes_added_before_anybody_reads_are_the_same_data) {
  isa::Program program;
  program.code = {
      isa::Activate{.acc = 0, .ub = 3, .lane = 0, .rows = 1, .n = 8},
      isa::Activate{.acc = 0, .ub = 3, .lane = 8, .rows = 1, .n = 8},
      isa::WriteHost{.host = 0, .stride = 16, .ub = 3, .rows = 1, .bytes = 16},
      isa::Halt{},
  };
  const isa::Machine machine;
  for (const std::int64_t block : {1, 2, 65'536}) {
    Levels levels;
    Occupancy occupancy(program, machine, levels, block);
    for (std::int64_t i = 0; i < 2; ++i) {
      occupancy.starts(isa::Unit::kActivation, CyclePoint(i));
      occupancy.completes(isa::Unit::kActivation, CyclePoint(i), CyclePoint(9 + i));
    }
    occupancy.starts(isa::Unit::kDmaOut, CyclePoint(11));
    occupancy.completes(isa::Unit::kDmaOut, CyclePoint(50), CyclePoint(50));
    occupancy.finish();
    const std::vector<Level> expected = {{0, 1}, {50, 0}};
    EXPECT_EQ(levels.seen, expected) << block;
  }
}

// Each instruction starts and completes in a cycle of its own, in the order of the program.
std::vector<Level> levels_of(const RandomCase& c, std::int64_t block) {
  Levels levels;
  Occupancy occupancy(c.program, c.machine, levels, block);
  CyclePoint now;
  isa::for_each_executed(c.program.code, [&](std::size_t, const isa::Insn& insn) {
    if (!isa::counts(insn)) return true;
    occupancy.starts(isa::queue_of(insn), now);
    now += CycleCount(1);
    occupancy.completes(isa::queue_of(insn), now, now);
    now += CycleCount(1);
    return true;
  });
  occupancy.finish();
  return levels.seen;
}

// Whatever the blocks, levels are those of a program looked at as a whole.
TEST(Occupancy, does_not_depend_on_its_blocks) {
  constexpr std::int64_t kWhole = std::numeric_limits<std::int32_t>::max();
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const RandomCase c = random_case(seed, 60, seed % 2 == 0 ? Width::kMany : Width::kOne);
    const std::vector<Level> whole = levels_of(c, kWhole);
    ASSERT_FALSE(whole.empty());
    EXPECT_EQ(whole.back().second, 0);
    for (const std::int64_t block : {1, 7, 64}) EXPECT_EQ(levels_of(c, block), whole) << seed;
  }
}

}  // namespace
}  // namespace systole::sim
