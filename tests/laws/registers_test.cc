// Law 1 for the register engine: what falls out of registers that move is what the laws say, to the
// cycle: outputs, every account of time, and every write to every accumulator.
#include <gtest/gtest.h>

#include <algorithm>

#include "isa/verify.h"
#include "tests/laws/law_support.h"
#include "tests/support/array_case.h"

namespace systole::laws {
namespace {

class RecordingObserver : public sim::AccumulatorObserver {
 public:
  void write(const sim::AccumulatorWrite& write) override { writes.push_back(write); }
  std::vector<sim::AccumulatorWrite> writes;
};

// In order of time.
struct Observed {
  sim::RunResult result;
  std::vector<sim::AccumulatorWrite> writes;
};

Observed observe(const RandomCase& c, How how) {
  RecordingObserver observer;
  how.writes = &observer;
  Observed observed{run(c, how), std::move(observer.writes)};
  std::ranges::sort(observed.writes);
  return observed;
}

void expect_engines_agree(const RandomCase& c) {
  for (const isa::Finding& f : isa::verify(c.program, c.machine)) ADD_FAILURE() << f.text;
  if (testing::Test::HasFailure()) return;
  const Observed cycle = observe(c, {});
  const Observed registers = observe(c, {.engine = sim::Engine::kRegister});
  expect_same_outputs(cycle.result, registers.result);
  expect_same_work(cycle.result.report.total, registers.result.report.total);
  expect_same_times(cycle.result.report, registers.result.report);
  EXPECT_TRUE(cycle.writes == registers.writes);
  expect_same_outputs(run(c, {.engine = sim::Engine::kFunc}), registers.result);
  const auto timing = run(c, {.engine = sim::Engine::kRegister, .timing_only = true});
  expect_same_times(cycle.result.report, timing.report);
  const auto shuffled = run(c, {.engine = sim::Engine::kRegister, .shuffle_seed = 7});
  expect_same_outputs(cycle.result, shuffled);
  expect_same_times(cycle.result.report, shuffled.report);
}

class RegistersOfPrograms : public testing::TestWithParam<std::uint64_t> {};
TEST_P(RegistersOfPrograms, AgreeWithTheCycleEngine) {
  SCOPED_TRACE("random_case seed " + std::to_string(GetParam()));
  expect_engines_agree(random_case(GetParam()));
}
INSTANTIATE_TEST_SUITE_P(Random, RegistersOfPrograms, testing::Range<std::uint64_t>(1, 201));

class RegistersOfArrays
    : public testing::TestWithParam<std::tuple<isa::WeightLoad, std::uint64_t>> {};
TEST_P(RegistersOfArrays, AgreeWithTheCycleEngine) {
  const auto [load, seed] = GetParam();
  SCOPED_TRACE("array_case seed " + std::to_string(seed) + ", weight_load " +
               std::to_string(static_cast<int>(load)));
  expect_engines_agree(array_case(seed, load));
}
INSTANTIATE_TEST_SUITE_P(Random, RegistersOfArrays,
                         testing::Combine(testing::Values(isa::WeightLoad::kThrough,
                                                          isa::WeightLoad::kChain,
                                                          isa::WeightLoad::kSingle),
                                          testing::Range<std::uint64_t>(1, 151)));

// Larger than any vector and any delay line's slack.
TEST(RegistersOfLargeArrays, AgreeWithTheCycleEngine) {
  for (const auto load :
       {isa::WeightLoad::kThrough, isa::WeightLoad::kChain, isa::WeightLoad::kSingle}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      SCOPED_TRACE("array_case seed " + std::to_string(seed) + " up to 200");
      expect_engines_agree(array_case(seed, load, 200));
    }
  }
}

// The cases do what they are there for.
TEST(ArrayCases, CoverThePassesThatMatter) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    const RandomCase c = array_case(seed, isa::WeightLoad::kThrough);
    const sim::Counters total = run(c, {.timing_only = true}).report.total;
    const auto stalled = [&](sim::Stall s) { return total.matrix[static_cast<std::size_t>(s)]; };
    seen["weight stall"] += stalled(sim::Stall::kWeightStall) > CycleCount(0);
    seen["weight shift"] += stalled(sim::Stall::kWeightShift) > CycleCount(c.machine.r());
    for (const isa::Insn& insn : c.program.code) {
      const auto* m = std::get_if<isa::Matmul>(&insn);
      if (m == nullptr) continue;
      seen["one row"] += m->rows == 1;
      seen["several times R"] += m->rows >= 2 * c.machine.r();
      seen["partial"] += m->k < c.machine.r() && m->n < c.machine.c();
      seen["accumulate"] += m->accumulate != 0;
      seen["same tile"] += m->switch_tile == 0;
      seen["int8x16"] += m->precision == isa::precision::kInt8x16;
    }
  }
  for (const auto& [what, count] : seen) EXPECT_GE(count, 50) << what;
  EXPECT_EQ(seen.size(), 8U);
}

}  // namespace
}  // namespace systole::laws
