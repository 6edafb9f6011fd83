// Co-simulation: the cycle engine and the RTL matrix unit do the same in the same cycles.
#include "rtl/cosim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/rtl/script_support.h"

namespace systole::rtl {
namespace {

constexpr std::uint64_t kCases = 40;
constexpr std::int64_t kTiles = 12;

// Adds what a pass of a run is an example of.
void note_pass(const EngineRun& run, std::size_t i, std::map<std::string, int>& seen) {
  const auto length = [](const isa::Matmul& insn) {
    return CycleCount(insn.rows * (insn.precision == isa::precision::kInt8x16 ? 2 : 1));
  };
  const Script::PassFeed& pass = run.script.passes[i];
  const CyclePoint free = run.behaviour.passes[i - 1] + length(run.script.passes[i - 1].insn);
  const CyclePoint start = run.behaviour.passes[i];
  const isa::Machine& m = run.script.machine;
  ++seen[start == free ? "back to back" : "gap"];
  ++seen[pass.insn.switch_tile != 0 ? "fresh tile" : "same tile"];
  if (start > std::max(free, pass.ready)) ++seen["waits for its tile"];
  if (start == pass.ready && start > free) ++seen["waits for its queue"];
  ++seen[pass.insn.accumulate != 0 ? "accumulate" : "overwrite"];
  ++seen[pass.insn.precision == isa::precision::kInt8x16 ? "int8x16" : "int8"];
  if (pass.insn.k < m.r()) ++seen["k < R"];
  if (pass.insn.n < m.c()) ++seen["n < C"];
  if (pass.insn.rows > 2 * m.r()) ++seen["more than 2 R rows"];
  if (pass.insn.rows < m.r()) ++seen["fewer than R rows"];
}

class Cosim : public testing::TestWithParam<ModelInfo> {};

TEST_P(Cosim, EnginesAndRtlAgreeOnEveryCycleAndValue) {
  const ModelInfo& info = GetParam();
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    SCOPED_TRACE("random_cosim_case seed " + std::to_string(seed));
    const CosimCase c = random_cosim_case({info.rows, info.columns, info.load}, seed, kTiles);
    for (const TimedEngine& engine : kTimedEngines) {
      const EngineRun run = run_engine(c, engine.engine);
      const auto model = info.make();
      const Behaviour rtl = run_rtl(*model, run.script);
      EXPECT_EQ(differences(run.behaviour, rtl), std::vector<std::string>{}) << engine.name;
      EXPECT_EQ(std::ssize(rtl.shifts), kTiles);
    }
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Cosim, testing::ValuesIn(models().begin(), models().end()),
                         model_name);

// The cases themselves: they meet what they are there for, with each kind of weight load.
TEST(CosimCases, CoverWhatCanHappen) {
  for (const isa::WeightLoad load :
       {isa::WeightLoad::kThrough, isa::WeightLoad::kChain, isa::WeightLoad::kSingle}) {
    SCOPED_TRACE(load_name(load));
    std::map<std::string, int> seen;
    for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
      const CosimCase c = random_cosim_case({8, 16, load}, seed, kTiles);
      const EngineRun run = run_engine(c, sim::Engine::kCycle);
      for (std::size_t i = 1; i < run.script.passes.size(); ++i) note_pass(run, i, seen);
    }
    for (const char* what : {"back to back", "gap", "fresh tile", "same tile", "waits for its tile",
                             "waits for its queue", "accumulate", "overwrite", "int8", "int8x16",
                             "k < R", "n < C", "more than 2 R rows", "fewer than R rows"}) {
      EXPECT_GE(seen[what], 20) << what;
    }
  }
}

}  // namespace
}  // namespace systole::rtl
