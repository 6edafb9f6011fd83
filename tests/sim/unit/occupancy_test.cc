// Occupancy: rows count from the start of their writer to the completion of their last reader.
#include "sim/unit/occupancy.h"

#include <gtest/gtest.h>

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
  Occupancy occupancy(program, isa::Machine{});
  const auto at_work = [&](isa::Unit unit, std::int64_t start, std::int64_t complete) {
    occupancy.at_work(unit, CyclePoint(start), CyclePoint(complete));
  };
  at_work(isa::Unit::kDmaIn, 5, 20);
  at_work(isa::Unit::kMatrix, 21, 30);
  at_work(isa::Unit::kMatrix, 25, 34);
  at_work(isa::Unit::kDmaIn, 31, 40);
  Levels levels;
  occupancy.emit(levels);
  // Rows 10 and 11 are last read by the first pass, 12 and 13 by the second; row 10 is then written
  // again and read by nobody, so it is free when its own writer completes.
  const std::vector<Level> expected = {{5, 4}, {30, 4 - 2}, {31, 2 + 1}, {34, 3 - 2}, {40, 1 - 1}};
  EXPECT_EQ(levels.seen, expected);
}

TEST(Occupancy, lanes_added_before_anybody_reads_are_the_same_data) {
  isa::Program program;
  program.code = {
      isa::Activate{.acc = 0, .ub = 3, .lane = 0, .rows = 1, .n = 8},
      isa::Activate{.acc = 0, .ub = 3, .lane = 8, .rows = 1, .n = 8},
      isa::WriteHost{.host = 0, .stride = 16, .ub = 3, .rows = 1, .bytes = 16},
      isa::Halt{},
  };
  Occupancy occupancy(program, isa::Machine{});
  occupancy.at_work(isa::Unit::kActivation, CyclePoint(0), CyclePoint(9));
  occupancy.at_work(isa::Unit::kActivation, CyclePoint(1), CyclePoint(10));
  occupancy.at_work(isa::Unit::kDmaOut, CyclePoint(11), CyclePoint(50));
  Levels levels;
  occupancy.emit(levels);
  const std::vector<Level> expected = {{0, 1}, {50, 0}};
  EXPECT_EQ(levels.seen, expected);
}

}  // namespace
}  // namespace systole::sim
