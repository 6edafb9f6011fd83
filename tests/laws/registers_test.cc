// Law 1 for the register engine: what falls out of registers that move is what the laws say, to the
// cycle: outputs, every account of time, and every write to every accumulator.
#include <gtest/gtest.h>

#include <algorithm>

#include "isa/verify.h"
#include "tests/laws/law_support.h"
#include "tests/support/array_case.h"
#include "tests/support/sanitized.h"

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
    for (std::uint64_t seed = 1; seed <= testing_support::fewer_if_sanitized(std::uint64_t{3});
         ++seed) {
      SCOPED_TRACE("array_case seed " + std::to_string(seed) + " up to 200");
      expect_engines_agree(array_case(seed, load, 200));
    }
  }
}

// 2 x 2, two rows, by hand: x = 1 2 / 3 4 (of int8x16: 256-fold and one more), w = 5 6 / 7 8.
struct ByHand {
  explicit ByHand(std::int64_t precision) {
    isa::Machine& m = c.machine;
    m.array_rows = m.array_columns = 2;
    m.dram_bytes_per_second = 10'000'000'000'000;
    isa::Program& p = c.program;
    p.model = "by hand";
    p.machine = m;
    p.layers = {{"(none)", "", 0, 0}};
    p.weights = {5, 6, 7, 8};
    p.weight_bytes = 4;
    const bool wide = precision == isa::precision::kInt8x16;
    Tensor x(DType::kUint8, {2, wide ? 4 : 2});
    x.data = wide ? std::vector<std::uint8_t>{1, 1, 2, 2, 3, 3, 4, 4}
                  : std::vector<std::uint8_t>{1, 2, 3, 4};
    p.tensors = {{"x", DType::kUint8, x.shape, isa::Role::kInput, 0}};
    p.host_bytes = x.bytes();
    const auto matrix = static_cast<std::int64_t>(isa::Unit::kMatrix);
    const auto in = static_cast<std::int64_t>(isa::Unit::kDmaIn);
    const std::int64_t bytes = x.bytes() / 2;
    p.code = {isa::ReadWeights{0, 2, 2, 1, 0, 0}, isa::ReadHost{0, bytes, 0, 0, 2, bytes},
              isa::Sync{matrix, in, 0, isa::why::kRaw},
              isa::Matmul{0, 0, 3, 2, 2, 2, 0, 1, 1, 0, precision}, isa::Halt{}};
    c.inputs.emplace("x", std::move(x));
  }
  RandomCase c;
};

// Writes with cycles counted from the cycle s in which the pass starts.
std::vector<sim::AccumulatorWrite> writes_from_start(const RandomCase& c, sim::Engine engine) {
  RecordingProbe probe;
  How how{.engine = engine};
  how.probe = &probe;
  Observed observed = observe(c, how);
  const auto pass = std::ranges::find_if(
      probe.slices, [](const RecordedSlice& s) { return s.track == "matrix" && s.cls == "busy"; });
  for (auto& w : observed.writes) w.at = CyclePoint((w.at - pass->begin).value);
  return observed.writes;
}

TEST(AccumulatorWrites, ArriveColumnByColumn) {
  for (const auto engine : {sim::Engine::kCycle, sim::Engine::kRegister}) {
    const auto writes = writes_from_start(ByHand(isa::precision::kInt8).c, engine);
    const auto at = [](std::int64_t cycle) { return CyclePoint(2 + cycle); };  // s + R + b + c
    const std::vector<sim::AccumulatorWrite> expected{
        {at(0), 3, 0, 19}, {at(1), 3, 1, 22}, {at(1), 4, 0, 43}, {at(2), 4, 1, 50}};
    EXPECT_EQ(writes, expected);
  }
}

TEST(AccumulatorWrites, OfSubRowsAddUp) {
  for (const auto engine : {sim::Engine::kCycle, sim::Engine::kRegister}) {
    const auto writes = writes_from_start(ByHand(isa::precision::kInt8x16).c, engine);
    const auto at = [](std::int64_t cycle) { return CyclePoint(2 + cycle); };  // s + R + 2b + q + c
    const std::vector<sim::AccumulatorWrite> expected{
        {at(0), 3, 0, 19}, {at(1), 3, 0, 257 * 19}, {at(1), 3, 1, 22}, {at(2), 3, 1, 257 * 22},
        {at(2), 4, 0, 43}, {at(3), 4, 0, 257 * 43}, {at(3), 4, 1, 50}, {at(4), 4, 1, 257 * 50}};
    EXPECT_EQ(writes, expected);
  }
}

// What a picture or a waveform would show of the same pass.
class ArrayWatcher : public RecordingProbe {
 public:
  [[nodiscard]] bool wants_array() const override { return true; }
  void array(CyclePoint at, const sim::ArrayView& view) override {
    if (view.value(sim::Plane::kShadowFull, 0, 0) != 0 && shadow == CyclePoint(-1)) shadow = at;
    if (view.value(sim::Plane::kSwitch, 0, 0) != 0) started = at;
    if (view.value(sim::Plane::kValid, 1, 1) != 0)
      sums.push_back(view.value(sim::Plane::kPsum, 1, 1));
    EXPECT_LT(last, at);
    last = at;
    ++cycles;
  }
  CyclePoint shadow{-1}, started{-1}, last{-1};
  std::vector<std::int32_t> sums;
  std::int64_t cycles = 0;
};

TEST(ArrayView, ShowsTheShiftTheSwitchAndTheSums) {
  const ByHand by_hand(isa::precision::kInt8);
  ArrayWatcher watcher;
  How how{.engine = sim::Engine::kRegister};
  how.probe = &watcher;
  const sim::RunResult result = run(by_hand.c, how);
  EXPECT_EQ(watcher.sums, (std::vector<std::int32_t>{22, 50}));
  EXPECT_EQ(watcher.last, watcher.started + CycleCount(2 - 1 + 2 + 2 - 1));  // its last write
  EXPECT_EQ(CyclePoint(0) + result.report.total.cycles, watcher.last + CycleCount(1));
  EXPECT_LE(watcher.shadow + CycleCount(2), watcher.started);  // R cycles of shifting
  // From its first to its last change: R rows of weights, B rows of activations, R + C - 1
  // registers.
  constexpr std::int64_t kR = 2, kC = 2, kB = 2;
  EXPECT_EQ(watcher.cycles, (kR + kR + kC - 1) + (kB + kR + kC - 1));
  ArrayWatcher unused;
  how = {.engine = sim::Engine::kCycle};
  how.probe = &unused;
  (void)run(by_hand.c, how);
  EXPECT_EQ(unused.cycles, 0);
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
