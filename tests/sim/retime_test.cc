// Retime: what a recorded run says about other machines, beside what they do.
#include "sim/retime.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/run.h"
#include "tests/support/random_program.h"

namespace systole::sim {
namespace {

CycleCount cycles_on(const RandomCase& c, const isa::Machine& machine, Causes* causes = nullptr) {
  RunOptions options;
  options.timing_only = true;
  options.verified = true;
  options.causes = causes;
  return run(c.program, machine, {}, options).report.total.cycles;
}

isa::Machine with(isa::Machine machine, std::initializer_list<const char*> changes) {
  for (const char* change : changes) isa::set_parameter(machine, change);
  return machine;
}

TEST(Follows, WhatDoesNotChangeWhatIsDone) {
  const isa::Machine machine;
  for (const char* change :
       {"clock.hertz=2x", "dram.trcd=5000", "dram.kind=simple", "sequencer.decode_cycles=3",
        "link.out_bytes_per_second=3x", "unified_buffer.read_ports=4", "sequencer.queue=1",
        "host.call_nanoseconds=0", "what_if.array=4"}) {
    EXPECT_TRUE(follows(machine, with(machine, {change}))) << change;
  }
  for (const char* change :
       {"array.rows=128", "array.weight_load=chain", "accumulators.rows=2x",
        "unified_buffer.bytes=2x", "sequencer.delivery=preloaded", "unified_buffer.read_ports=0"}) {
    EXPECT_FALSE(follows(machine, with(machine, {change}))) << change;
    EXPECT_FALSE(predicted_gain(Causes(), machine, with(machine, {change}))) << change;
  }
  const isa::Machine unlimited = with(machine, {"unified_buffer.write_ports=0"});
  EXPECT_FALSE(follows(unlimited, machine));
  EXPECT_TRUE(follows(unlimited, with(unlimited, {"link.latency=2x"})));
}

TEST(TimeGain, IsOfTheClocks) {
  const isa::Machine machine, fast = with(machine, {"clock.hertz=2x"});
  EXPECT_EQ(time_gain(CycleCount(1000), machine, CycleCount(750), machine), 0.25);
  EXPECT_EQ(time_gain(CycleCount(1000), machine, CycleCount(1500), fast), 0.25);
  EXPECT_EQ(time_gain(CycleCount(0), machine, CycleCount(0), fast), 0.0);
}

// Where nothing is shared, whatever is asked is predicted to the cycle.
TEST(PredictedGain, IsFoundWhereNothingIsShared) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RandomCase c = random_case(seed);
    c.machine = with(c.machine, {"unified_buffer.read_ports=0", "unified_buffer.write_ports=0",
                                 "sequencer.delivery=preloaded", "dram.kind=simple"});
    Causes causes;
    const CycleCount before = cycles_on(c, c.machine, &causes);
    for (const char* change :
         {"link.in_bytes_per_second=3x", "link.out_bytes_per_second=0.3x",
          "dram.bytes_per_second=5x", "dram.latency=7", "link.latency=3x", "vector.depth=3x",
          "activation.depth=2", "clock.hertz=3x", "what_if.shift=2"}) {
      const isa::Machine machine = with(c.machine, {change});
      const auto predicted = predicted_gain(causes, c.machine, machine);
      ASSERT_TRUE(predicted.has_value()) << change;
      EXPECT_EQ(*predicted, time_gain(before, c.machine, cycles_on(c, machine), machine))
          << change << ", seed " << seed;
    }
  }
}

// Decoding, too, but for the instructions that take a cycle whatever the decoder does.
TEST(PredictedGain, OfTheDecoderIsOffByItsBarriers) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    RandomCase c = random_case(seed);
    c.machine = with(c.machine, {"unified_buffer.read_ports=0", "unified_buffer.write_ports=0",
                                 "sequencer.delivery=preloaded", "dram.kind=simple",
                                 "sequencer.decode_cycles=1"});
    Causes causes;
    static_cast<void>(cycles_on(c, c.machine, &causes));
    const isa::Machine machine = with(c.machine, {"sequencer.decode_cycles=4"});
    const std::int64_t predicted = retimed_cycles(causes, retime(causes, c.machine, machine)).value;
    const std::int64_t barriers = std::ranges::count_if(c.program.code, [](const isa::Insn& insn) {
      return std::holds_alternative<isa::Interrupt>(insn) ||
             std::holds_alternative<isa::Halt>(insn);
    });
    EXPECT_GE(predicted, cycles_on(c, machine).value) << seed;
    EXPECT_LE(predicted, cycles_on(c, machine).value + 3 * barriers) << seed;
  }
}

// A pace that was asked for already is a run's own.
TEST(PredictedGain, KnowsAPaceThatIsNotTheMachines) {
  RandomCase c = random_case(3);
  c.machine = with(c.machine, {"what_if.array=2", "what_if.decode=3"});
  Causes causes;
  const CycleCount before = cycles_on(c, c.machine, &causes);
  EXPECT_EQ(predicted_gain(causes, c.machine, c.machine), 0.0);
  EXPECT_EQ(retimed_cycles(causes, retime(causes, c.machine, c.machine)), before);
}

}  // namespace
}  // namespace systole::sim
