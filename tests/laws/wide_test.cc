// The laws on machines with several matrix units (T11) and a memory that is loaded and stored
// (T12): outputs are equal on all engines, times do not depend on values or on the order of
// processes, and no cycle of any unit is lost.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>
#include <set>

#include "isa/access.h"
#include "isa/verify.h"
#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

constexpr std::uint64_t kFirst = 12'001, kLast = 12'200;
constexpr std::uint64_t kFirstFloats = 14'001, kLastFloats = 14'200;  // with bf16 and floats

RandomCase wide_case(std::uint64_t seed) {
  return random_case(seed, 60, seed < kFirstFloats ? Width::kMany : Width::kFloats);
}

class Wide : public testing::TestWithParam<std::uint64_t> {
 protected:
  Wide()
      : trace_("wide case of seed " + std::to_string(GetParam())), case_(wide_case(GetParam())) {}
  std::string trace_;
  RandomCase case_;
};

TEST_P(Wide, EnginesAgree) {
  SCOPED_TRACE(trace_);
  for (const isa::Finding& f : isa::verify(case_.program, case_.machine)) ADD_FAILURE() << f.text;
  if (HasFailure()) return;
  const sim::RunResult func = run(case_, {.engine = sim::Engine::kFunc});
  const sim::RunResult cycle = run(case_, {});
  expect_same_outputs(func, cycle);
  expect_same_work(func.report.total, cycle.report.total);
  EXPECT_EQ(func.report.total.memory_read, cycle.report.total.memory_read);
  EXPECT_EQ(func.report.total.memory_written, cycle.report.total.memory_written);
  const sim::RunResult registers = run(case_, {.engine = sim::Engine::kRegister});
  expect_same_outputs(cycle, registers);
  expect_same_times(cycle.report, registers.report);
  expect_same_times(cycle.report, run(case_, {.timing_only = true}).report);
  for (const std::uint64_t shuffle : {1U, 2U, 3U}) {
    SCOPED_TRACE("shuffle seed " + std::to_string(shuffle));
    const sim::RunResult shuffled = run(case_, {.shuffle_seed = shuffle});
    expect_same_outputs(cycle, shuffled);
    expect_same_times(cycle.report, shuffled.report);
  }
}

TEST_P(Wide, UnitsAccountForEveryCycle) {
  SCOPED_TRACE(trace_);
  const sim::Report report = run(case_, {.timing_only = true}).report;
  const std::vector<isa::Unit> units = isa::units_of(case_.machine);
  ASSERT_EQ(report.units.size(), units.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    const sim::UnitReport& unit = report.units[i];
    EXPECT_EQ(unit.unit, isa::unit_name(units[i]));
    CycleCount sum = unit.busy + unit.idle;
    for (const auto& [name, cycles] : unit.waits) sum += cycles;
    EXPECT_EQ(sum, report.total.cycles) << unit.unit;
  }
  const auto& classes = report.total.matrix;
  EXPECT_EQ(std::accumulate(classes.begin(), classes.end(), CycleCount(0)),
            report.total.cycles * case_.machine.array_units);
}

TEST_P(Wide, ProgramsSurviveBothForms) {
  SCOPED_TRACE(trace_);
  const isa::Program& p = case_.program;
  EXPECT_TRUE(isa::load_program(isa::save_program(p), "test") == p);
  EXPECT_TRUE(isa::assemble(isa::disassemble(p), "test") == p);
}

INSTANTIATE_TEST_SUITE_P(Random, Wide, testing::Range<std::uint64_t>(kFirst, kLast + 1));
INSTANTIATE_TEST_SUITE_P(Floats, Wide,
                         testing::Range<std::uint64_t>(kFirstFloats, kLastFloats + 1));

// What the programs with floats do, of which each engine gives the same bits.
TEST(WideCases, MeetEveryKindOfFloat) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = kFirstFloats; seed <= kLastFloats; ++seed) {
    const RandomCase one = wide_case(seed);
    for (const isa::Insn& insn : one.program.code) {
      if (const auto* m = std::get_if<isa::Matmul>(&insn))
        seen["matmul"] += m->precision == isa::precision::kBf16;
      if (const auto* c = std::get_if<isa::Convolve>(&insn))
        seen["convolve"] += c->precision == isa::precision::kBf16;
      if (const auto* a = std::get_if<isa::Activate>(&insn))
        seen["activate"] += isa::is_float(a->type);
      if (const auto* v = std::get_if<isa::Vector>(&insn))
        seen["vector"] += isa::is_float(v->to_type);
      if (const auto* p = std::get_if<isa::Pool>(&insn)) seen["pool"] += isa::is_float(p->type);
    }
    for (std::size_t i = 0; i + 1 < one.program.weights.size(); i += 2) {
      std::uint16_t bits;
      std::memcpy(&bits, &one.program.weights[i], sizeof bits);
      seen["infinity"] += (bits & 0x7FFF) == 0x7F80;
      seen["nan"] += (bits & 0x7FFF) > 0x7F80;
      seen["subnormal"] += (bits & 0x7F80) == 0 && (bits & 0x7F) != 0;
      seen["minus zero"] += bits == 0x8000;
    }
  }
  for (const char* what : {"matmul", "convolve", "activate", "vector", "pool", "infinity", "nan",
                           "subnormal", "minus zero"}) {
    EXPECT_GE(seen[what], 50) << what;
  }
}

TEST(WideCases, UseEveryUnit) {
  std::set<std::string_view> used;
  for (std::uint64_t seed = kFirst; seed <= kLast; ++seed) {
    for (const isa::Insn& insn : wide_case(seed).program.code) {
      if (isa::counts(insn)) used.insert(isa::unit_name(isa::queue_of(insn)));
    }
  }
  for (const char* unit :
       {"matrix", "matrix.1", "matrix.2", "weights.2", "activation.2", "load", "store"}) {
    EXPECT_TRUE(used.contains(unit)) << unit;
  }
}

// A program that names a unit that its machine has not is refused before it runs.
TEST(WideRefusals, NameTheUnitThatIsMissing) {
  RandomCase c = wide_case(kFirst);
  while (c.machine.array_units < 2) c = wide_case(c.program.code.size() + kFirst);
  isa::Machine one = c.machine;
  one.array_units = 1;
  const auto few = isa::verify(c.program, one);
  ASSERT_FALSE(few.empty());
  EXPECT_NE(few.front().text.find(
                "and the machine has 1 of these; expected instance 0, or a larger array.units"),
            std::string::npos)
      << few.front().text;
  isa::Machine weights = c.machine;
  weights.dram_holds = isa::MemoryHolds::kWeights;
  const auto none = isa::verify(c.program, weights);
  ASSERT_FALSE(none.empty());
  EXPECT_NE(none.front().text.find("the machine has 0 of these"), std::string::npos)
      << none.front().text;
}

// What nothing has written is found in the device's memory as elsewhere, and so is a race on it.
TEST(WideRefusals, FindRacesInTheDevicesMemory) {
  RandomCase c = wide_case(kFirst);
  c.program.host_steps.clear();
  const std::int64_t beyond = c.program.weight_bytes + 8;
  const auto finds = [&](std::vector<isa::Insn> code) {
    code.emplace_back(isa::Halt{});
    c.program.code = std::move(code);
    std::string text;
    for (const isa::Finding& f : isa::verify(c.program, c.machine)) text += f.text + "\n";
    return text;
  };
  const std::int64_t x = c.program.tensors[0].address;
  const isa::ReadHost read{x, 4, 0, 0, 1, 4};
  const isa::Store store{beyond, 4, 0, 0, 1, 4};
  const isa::Load load{beyond, 4, 1, 0, 1, 4};
  const auto unit = [](isa::Unit u) { return static_cast<std::int64_t>(u); };
  const isa::Sync stored{unit(isa::Unit::kStore), unit(isa::Unit::kDmaIn), 0, isa::why::kRaw};
  const isa::Sync loaded{unit(isa::Unit::kLoad), unit(isa::Unit::kStore), 0, isa::why::kRaw};
  EXPECT_NE(finds({load}).find("part of which nothing before it writes"), std::string::npos);
  EXPECT_NE(finds({read, stored, store, load}).find("without waiting for the write"),
            std::string::npos);
  EXPECT_EQ(finds({read, stored, store, loaded, load}).find("without waiting"), std::string::npos);
}

}  // namespace
}  // namespace systole::laws
