// Emitter: a sync for every dependency a queue does not know about, and not one more.
#include "compiler/lower/emitter.h"

#include <gtest/gtest.h>

namespace systole::compiler {
namespace {

using isa::Unit;

isa::Sync sync(Unit unit, Unit wait_for, std::int64_t distance, std::int64_t why) {
  return {static_cast<std::int64_t>(unit), static_cast<std::int64_t>(wait_for), distance, why};
}

class EmitterTest : public ::testing::Test {
 protected:
  static isa::ReadHost load(std::int64_t ub) {
    return {.host = 0, .stride = 8, .ub = ub, .rows = 4, .bytes = 8};
  }
  static isa::Matmul multiply(std::int64_t ub, std::int64_t acc) {
    return {.ub = ub, .acc = acc, .rows = 4, .k = 8, .n = 8};
  }
  static isa::Activate activate(std::int64_t acc, std::int64_t ub) {
    return {.acc = acc, .ub = ub, .rows = 4, .n = 8, .type = isa::type::kS32};
  }
  void expect(const std::vector<isa::Insn>& code) { EXPECT_EQ(code_, code); }

  isa::Machine machine_;
  std::vector<isa::Insn> code_;
  Emitter emitter_{machine_, code_};
};

TEST_F(EmitterTest, independent_instructions_need_no_sync) {
  emitter_.emit(load(0), 0);
  emitter_.emit(load(4), 0);
  expect({load(0), load(4)});
}

TEST_F(EmitterTest, read_after_write_waits_for_exactly_that_write) {
  emitter_.emit(load(0), 0);
  emitter_.emit(load(4), 0);
  emitter_.emit(multiply(0, 0), 0);
  expect({load(0), load(4), sync(Unit::kMatrix, Unit::kDmaIn, 1, isa::why::kRaw), multiply(0, 0)});
}

TEST_F(EmitterTest, what_a_queue_knows_is_not_waited_for_again) {
  emitter_.emit(load(0), 0);
  emitter_.emit(multiply(0, 0), 0);
  emitter_.emit(multiply(0, 4), 0);
  emitter_.emit(activate(0, 20), 0);
  // Knowing the matmul done, the activation knows the load done that the matmul waited for.
  emitter_.emit(activate(4, 0), 0);
  expect({load(0), sync(Unit::kMatrix, Unit::kDmaIn, 0, isa::why::kRaw), multiply(0, 0),
          multiply(0, 4), sync(Unit::kActivation, Unit::kMatrix, 1, isa::why::kRaw),
          activate(0, 20), sync(Unit::kActivation, Unit::kMatrix, 0, isa::why::kRaw),
          activate(4, 0)});
}

TEST_F(EmitterTest, overwriting_what_another_unit_reads_is_a_war_wait) {
  emitter_.emit(load(0), 0);
  emitter_.emit(multiply(0, 0), 0);
  emitter_.emit(load(0), 0);
  expect({load(0), sync(Unit::kMatrix, Unit::kDmaIn, 0, isa::why::kRaw), multiply(0, 0),
          sync(Unit::kDmaIn, Unit::kMatrix, 0, isa::why::kWar), load(0)});
}

TEST_F(EmitterTest, a_unit_waits_for_itself_except_the_matrix_unit) {
  emitter_.emit(load(0), 0);
  emitter_.emit(load(2), 0);  // overlaps rows 2 and 3
  expect({load(0), sync(Unit::kDmaIn, Unit::kDmaIn, 0, isa::why::kWar), load(2)});
}

TEST_F(EmitterTest, after_a_barrier_everything_is_known) {
  emitter_.emit(load(0), 0);
  emitter_.barrier(isa::Interrupt{.stage = 1});
  emitter_.emit(multiply(0, 0), 0);
  expect({load(0), isa::Interrupt{.stage = 1}, multiply(0, 0)});
}

TEST_F(EmitterTest, a_change_of_layer_is_tagged_once) {
  emitter_.emit(load(0), 2);
  emitter_.emit(load(4), 2);
  expect({isa::Tag{.layer = 2}, load(0), load(4)});
}

}  // namespace
}  // namespace systole::compiler
