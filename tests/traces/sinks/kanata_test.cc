// Kanata logs, read back as Konata does: stages, arrows, order of time, and what is held meanwhile.
#include "traces/sinks/kanata.h"

#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/kanata_reader.h"

namespace systole::traces {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

sim::Life life(std::string_view unit, std::int64_t serial, std::int64_t ordinal,
               std::array<std::int64_t, 4> cycles) {
  return {.unit = unit,
          .name = "move",
          .layer = "fc1",
          .insn = 10 * serial,
          .serial = serial,
          .ordinal = ordinal,
          .dispatched = CyclePoint(cycles[0]),
          .head = CyclePoint(cycles[1]),
          .start = CyclePoint(cycles[2]),
          .completed = CyclePoint(cycles[3]),
          .awaited_unit = {}};
}

TEST(KanataTrace, IsTheLogOfTheSpecification) {
  std::ostringstream out;
  KanataTrace trace(out, {});
  trace.instruction(life("dma_in", 0, 1, {0, 1, 4, 9}));
  sim::Life consumer = life("matrix", 1, 1, {2, 3, 10, 12});
  consumer.awaited_unit = "dma_in";
  consumer.awaited_ordinal = 1;
  consumer.layer = "a\tb\n";
  trace.instruction(consumer);
  trace.instruction(life("vector", 2, 1, {15, 16, 16, 16}));  // never waited
  trace.finish(CycleCount(20));
  EXPECT_EQ(out.str(),
            "Kanata\t0004\nC=\t0\n"
            "I\t0\t0\t1\nL\t0\t0\t1: dma_in move\nL\t0\t1\tlayer fc1\nS\t0\t0\tQ\n"
            "C\t1\nS\t0\t0\tW\n"
            "C\t1\nI\t1\t1\t4\nL\t1\t0\t11: matrix move\nL\t1\t1\tlayer a b \nS\t1\t0\tQ\n"
            "C\t1\nS\t1\t0\tW\n"
            "C\t1\nS\t0\t0\tX\n"
            "C\t5\nE\t0\t0\tX\nR\t0\t0\t0\n"
            "C\t1\nS\t1\t0\tX\nW\t1\t0\t0\n"
            "C\t2\nE\t1\t0\tX\nR\t1\t1\t0\n"
            "C\t3\nI\t2\t2\t6\nL\t2\t0\t21: vector move\nL\t2\t1\tlayer fc1\nS\t2\t0\tQ\n"
            "C\t1\nS\t2\t0\tX\nE\t2\t0\tX\nR\t2\t2\t0\n");
}

TEST(KanataTrace, IsReadBack) {
  std::ostringstream out;
  KanataTrace trace(out, {});
  trace.instruction(life("dma_in", 0, 1, {0, 1, 4, 9}));
  sim::Life consumer = life("matrix", 1, 1, {2, 3, 10, 12});
  consumer.awaited_unit = "dma_in";
  consumer.awaited_ordinal = 1;
  trace.instruction(consumer);
  trace.finish(CycleCount(20));
  const auto read = testing_support::read_kanata(out.str());
  EXPECT_THAT(read.faults, IsEmpty());
  ASSERT_EQ(read.rows.size(), 2U);
  EXPECT_EQ(read.rows[1].label, "11: matrix move");
  EXPECT_THAT(read.rows[1].stages, ElementsAre("Q 2-3", "W 3-10", "X 10-12"));
  EXPECT_THAT(read.rows[1].producers, ElementsAre(0));
  EXPECT_EQ(read.rows[1].retired, 12);
}

TEST(KanataTrace, HoldsTheLinesOfInstructionsInFlightAlone) {
  std::ostringstream out;
  KanataTrace trace(out, {});
  std::size_t most = 0;
  for (std::int64_t n = 0; n < 1000; ++n) {
    trace.instruction(life("vector", n, n + 1, {10 * n, 10 * n + 1, 10 * n + 2, 10 * n + 25}));
    most = std::max(most, trace.waiting());
  }
  EXPECT_LE(most, 4U + 3U);  // one just told, the completions of those of 25 cycles before
  trace.finish(CycleCount(10'100));
  EXPECT_EQ(trace.waiting(), 0U);
  const auto read = testing_support::read_kanata(out.str());
  EXPECT_THAT(read.faults, IsEmpty());
  EXPECT_EQ(read.rows.size(), 1000U);
  EXPECT_EQ(read.rows.back().retired, 9990 + 25);
}

}  // namespace
}  // namespace systole::traces
