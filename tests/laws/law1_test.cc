// Law 1: outputs are equal on all engines, bit for bit; cycles depend neither on whether values are
// computed nor on the order in which units run within a cycle.
#include <gtest/gtest.h>

#include <random>

#include "isa/verify.h"
#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

constexpr std::uint64_t kCases = 400;

class Law1 : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Law1, EnginesAgree) {
  const std::uint64_t seed = GetParam();
  SCOPED_TRACE("random_case seed " + std::to_string(seed));
  const RandomCase c = random_case(seed);
  for (const isa::Finding& f : isa::verify(c.program, c.machine)) ADD_FAILURE() << f.text;
  if (HasFailure()) return;

  const sim::RunResult func = run(c, {.engine = sim::Engine::kFunc});
  const sim::RunResult cycle = run(c, {});
  expect_same_outputs(func, cycle);
  expect_same_work(func.report.total, cycle.report.total);
  EXPECT_EQ(func.report.host.size(), cycle.report.host.size());

  const sim::RunResult timing = run(c, {.timing_only = true});
  EXPECT_TRUE(timing.outputs.empty());
  expect_same_times(cycle.report, timing.report);
  for (const std::uint64_t shuffle : {1U, 2U, 3U}) {
    SCOPED_TRACE("shuffle seed " + std::to_string(shuffle));
    const sim::RunResult shuffled = run(c, {.shuffle_seed = shuffle});
    expect_same_outputs(cycle, shuffled);
    expect_same_times(cycle.report, shuffled.report);
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Law1, testing::Range<std::uint64_t>(1, kCases + 1));

// Long programs, fewer of them.
TEST(Law1Long, EnginesAgree) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("random_case seed " + std::to_string(seed) + " length 600");
    const RandomCase c = random_case(seed, 600);
    const sim::RunResult func = run(c, {.engine = sim::Engine::kFunc});
    const sim::RunResult cycle = run(c, {});
    expect_same_outputs(func, cycle);
    expect_same_work(func.report.total, cycle.report.total);
  }
}

// Accumulators that wrap: a random program's sums are too small, so its last pass runs on until
// they are not. 16-bit activations at their lowest times weights at their lowest add 2^22 a lane.
TEST(Law1Wraps, EnginesAgreeOnValuesAndCount) {
  RandomCase c = random_case(1);
  isa::Machine& m = c.machine;
  m.array_rows = 4;
  m.array_columns = 20;
  m.unified_buffer_row_bytes = 80;
  m.unified_buffer_bytes = 80 * 64;
  c.program.machine = m;
  c.program.host_steps.clear();
  c.program.weights.assign(80, 0x80);
  c.program.weights[3] = 0x7F;  // one column's sum stays smaller
  c.program.weight_bytes = 80;
  const auto matrix = static_cast<std::int64_t>(isa::Unit::kMatrix);
  const auto activation = static_cast<std::int64_t>(isa::Unit::kActivation);
  const auto in = static_cast<std::int64_t>(isa::Unit::kDmaIn);
  const auto out = static_cast<std::int64_t>(isa::Unit::kDmaOut);
  isa::Matmul first{0, 0, 0, 2, 4, 20, 0, 1, 1, 0, isa::precision::kInt8x16};
  isa::Matmul more = first;
  more.switch_tile = 0;
  more.accumulate = 1;
  isa::Activate show;
  show.ub = 10;
  show.rows = 2;
  show.n = 20;
  show.type = isa::type::kS32;
  const std::int64_t x = c.program.tensors[0].address, y = c.program.tensors[1].address;
  c.program.code = {isa::ReadHost{x, 8, 0, 0, 2, 8},
                    isa::ReadWeights{0, 4, 20, 1, 0, 0},
                    isa::Sync{matrix, in, 0, isa::why::kRaw},
                    first,
                    isa::Repeat{300, 1},
                    more,
                    isa::Sync{activation, matrix, 0, isa::why::kRaw},
                    show,
                    isa::Sync{out, activation, 0, isa::why::kRaw},
                    isa::WriteHost{y, 80, 10, 0, 2, 80},
                    isa::Halt{}};
  for (std::size_t i = 0; i < 16; ++i) c.inputs.at("x").data[i] = i % 2 == 0 ? 0x00 : 0x80;
  const sim::RunResult func = run(c, {.engine = sim::Engine::kFunc});
  const sim::RunResult cycle = run(c, {});
  expect_same_outputs(func, cycle);
  expect_same_work(func.report.total, cycle.report.total);
  // A pass adds 2^24 in 2 x 19 columns, which reaches 2^31 at the 128th pass, and 3 * 2^22 - 127 *
  // 2^15 in 2 x 1, which does at the 256th; none of them comes around again within 301.
  EXPECT_EQ(cycle.report.total.accumulator_wraps, 2 * 20);
}

// A program may load any words as biases, scales, zero points and tables.
TEST(Law1Words, EnginesAgreeWhateverTheParametersHold) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("random_case seed " + std::to_string(seed));
    RandomCase c = random_case(seed);
    std::mt19937_64 random(seed);
    for (std::uint8_t& byte : c.program.constants) byte = static_cast<std::uint8_t>(random() >> 56);
    const sim::RunResult func = run(c, {.engine = sim::Engine::kFunc});
    expect_same_outputs(func, run(c, {}));
    expect_same_outputs(func, run(c, {.engine = sim::Engine::kRegister}));
  }
}

// The generator itself: the programs do what they are there for.
TEST(Law1Cases, CoverTheInstructionSet) {
  std::map<std::string_view, int> seen;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    for (const Width width : {Width::kOne, Width::kMany}) {
      const isa::Program program = random_case(seed, 40, width).program;
      for (const isa::Insn& insn : program.code) ++seen[isa::mnemonic(insn)];
    }
    // Its tiles are of bf16, which machines of the other two do not multiply.
    const isa::Program floats = random_case(seed, 40, Width::kFloats).program;
    for (const isa::Insn& insn : floats.code) {
      if (std::holds_alternative<isa::ReadTile>(insn)) ++seen[isa::mnemonic(insn)];
    }
  }
#define SYSTOLE_INSN(Struct, mnemonic, ...) EXPECT_GE(seen[mnemonic], 50) << (mnemonic);
#include "isa/opcodes.def"
}

}  // namespace
}  // namespace systole::laws
