// Law 2 in depth: the stall table of random programs is what a replay of queue, syncs, FIFO and
// planes gives cycle by cycle, for the run and for every single pass; and every unit's waits have
// names that are declared.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sim/kernel/waits.h"
#include "tests/laws/stall_replay.h"
#include "tests/support/random_choice.h"

namespace systole::laws {
namespace {

std::string text(const sim::Counters& counters) {
  std::string out;
  for (std::size_t s = 0; s < sim::kStallCount; ++s) {
    out += fmt::format("{} {}; ", sim::stall_name(static_cast<sim::Stall>(s)),
                       counters.matrix.at(s).value);
  }
  return out + fmt::format("raw_any {}; input_any {}; cycles {}", counters.raw_any.value,
                           counters.input_any.value, counters.cycles.value);
}

// Random programs need no sync of the matrix unit on dma_out or on itself; a few are put in, so
// that every class occurs. They wait for what came before, so they change no value.
void add_syncs(isa::Program& program, std::uint64_t seed) {
  RandomChoice random(seed);
  std::vector<isa::Insn> code;
  for (const isa::Insn& insn : program.code) {
    if (isa::counts(insn) && isa::queue_of(insn) == isa::Unit::kMatrix && random.chance(30)) {
      const isa::Unit of = random.chance(50) ? isa::Unit::kDmaOut : isa::Unit::kMatrix;
      code.emplace_back(isa::Sync{.unit = static_cast<std::int64_t>(isa::Unit::kMatrix),
                                  .wait_for = static_cast<std::int64_t>(of)});
    }
    code.push_back(insn);
  }
  program.code = std::move(code);
}

RandomCase stall_case(std::uint64_t seed) {
  RandomCase c = random_case(seed, 120);
  c.program = one_layer_each(c.program);
  add_syncs(c.program, seed);
  return c;
}

class Law2Stalls : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Law2Stalls, ReplayGivesTheSameTable) {
  const RandomCase c = stall_case(GetParam());
  RecordingProbe probe;
  const sim::Report report = run(c, {.timing_only = true, .probe = &probe}).report;
  const ReplayedStalls replayed = replay_stalls({c.program, c.machine, report, probe.slices});
  EXPECT_EQ(replayed.starts, replayed.observed_starts);
  EXPECT_EQ(text(replayed.total), text(report.total));
  for (const auto& [layer, counters] : replayed.layers) {
    EXPECT_EQ(text(counters), text(report.layers.at(static_cast<std::size_t>(layer)).counters))
        << "layer " << layer;
  }
}

TEST_P(Law2Stalls, WaitsAreDeclared) {
  const RandomCase c = random_case(GetParam(), 120);
  std::set<std::string, std::less<>> known;
  for (const sim::WaitInfo& w : sim::kWaits) known.emplace(w.name);
  for (const isa::Unit unit : isa::units_of(c.machine)) {
    const std::string name(isa::unit_name(unit));
    known.insert({"raw " + name, "war " + name});
  }
  for (const sim::UnitReport& unit : run(c, {.timing_only = true}).report.units) {
    if (unit.unit == isa::unit_name(isa::Unit::kMatrix)) continue;  // its waits are the classes
    for (const auto& [name, cycles] : unit.waits) EXPECT_TRUE(known.contains(name)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Law2Stalls, testing::Range<std::uint64_t>(2'001, 2'201));

// The replay must meet every class, or it would prove nothing about it.
TEST(Law2Stalls, RandomProgramsMeetEveryClass) {
  sim::Counters met;
  for (std::uint64_t seed = 2'001; seed < 2'201; ++seed) {
    const sim::Counters total = run(stall_case(seed), {.timing_only = true}).report.total;
    for (std::size_t s = 0; s < sim::kStallCount; ++s) met.matrix.at(s) += total.matrix.at(s);
  }
  for (std::size_t s = 0; s < sim::kStallCount; ++s) {
    EXPECT_GT(met.matrix.at(s), CycleCount(0)) << sim::stall_name(static_cast<sim::Stall>(s));
  }
}

}  // namespace
}  // namespace systole::laws
