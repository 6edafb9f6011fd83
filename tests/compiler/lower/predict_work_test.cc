// Prices of single instructions, exactly.
#include "compiler/lower/predict_work.h"

#include <gtest/gtest.h>

#include "isa/precisions.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kRowBytes = 16;

isa::Machine small_machine() {
  isa::Machine machine;
  machine.unified_buffer_row_bytes = kRowBytes;
  machine.vector_depth = 7;
  machine.activation_depth = 5;
  return machine;
}

void expect_rows(const isa::Insn& insn, const RowWork& expected,
                 const isa::Machine& machine = small_machine()) {
  const RowWork work = row_work(insn, machine);
  EXPECT_EQ(work.steps, expected.steps);
  EXPECT_EQ(work.reads, expected.reads);
  EXPECT_EQ(work.writes, expected.writes);
  EXPECT_EQ(work.own, expected.own);
  EXPECT_EQ(work.depth, expected.depth);
  EXPECT_EQ(work.paced, expected.paced);
}

TEST(RowWork, AVectorOperationMovesItsRowsAndHasNoCyclesOfItsOwn) {
  isa::Vector add{.op = isa::vector_op::kAdd, .rows = 10, .n = 24};  // two buffer rows each
  expect_rows(add, {40, 40, 20, 0, 7, false});
  add.broadcast = 1;
  expect_rows(add, {22, 22, 20, 0, 7, false});
  add.op = isa::vector_op::kFill;
  expect_rows(add, {20, 0, 20, 0, 7, false});
  isa::Machine free = small_machine();
  free.unified_buffer_write_ports = 0;
  expect_rows(add, {20, 0, 20, 0, 7, true}, free);
}

TEST(RowWork, ACopyCountsBothSidesRows) {
  expect_rows(isa::Copy{.lane = 10, .stride = 2, .to_stride = 1, .rows = 6, .bytes = 12},
              {12, 12, 6, 0, 7, false});
}

TEST(RowWork, APoolTakesEachPixelOnceForEachWindow) {
  const isa::Pool pool{.n = 4,
                       .in_height = 4,
                       .in_width = 4,
                       .out_height = 2,
                       .out_width = 2,
                       .kernel_y = 3,
                       .kernel_x = 3,
                       .stride_y = 1,
                       .stride_x = 1};
  expect_rows(pool, {36, 36, 4, 0, 7, false});
}

// What pooling takes beside what it writes are cycles of the activation unit's own.
TEST(RowWork, AnActivationWritesARowACycleAtMost) {
  expect_rows(isa::Activate{.rows = 9, .n = 24}, {18, 0, 18, 0, 5, true});
  const isa::ActivatePool pool{.n = 24,
                               .in_height = 4,
                               .in_width = 4,
                               .out_height = 2,
                               .out_width = 2,
                               .kernel_y = 2,
                               .kernel_x = 2,
                               .stride_y = 2,
                               .stride_x = 2};
  expect_rows(pool, {8, 0, 8, 8, 5, true});
}

TEST(PassWork, AConvolutionFillsItsDelayLine) {
  isa::Convolve pass{.switch_tile = 1, .out_height = 5, .out_width = 6, .stride_x = 2};
  pass.dilation_x = pass.taps = 3;
  PassWork work = pass_work(pass);  // a line of 7 pixels, 2 cycles a row
  EXPECT_EQ(work.cycles, 5 * (6 * 2 + 6));
  EXPECT_EQ(work.before_first, 6 + 2 - 1);
  EXPECT_TRUE(work.switches);
  pass.precision = isa::precision::kInt8x16;
  pass.taps = 1;
  pass.switch_tile = 0;
  work = pass_work(pass);
  EXPECT_EQ(work.cycles, 5 * 6 * isa::precision_info(pass.precision).row_cycles);
  EXPECT_EQ(work.before_first, 0);
  EXPECT_FALSE(work.switches);
}

}  // namespace
}  // namespace systole::compiler
