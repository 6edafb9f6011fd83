// Co-simulation: the cycle engine and the RTL matrix unit do the same in the same cycles.
#include "rtl/cosim.h"

#include <gtest/gtest.h>

#include "tests/rtl/script_support.h"

namespace systole::rtl {
namespace {

constexpr std::uint64_t kCases = 40;
constexpr std::int64_t kTiles = 12;

class Cosim : public testing::TestWithParam<ModelInfo> {};

TEST_P(Cosim, EngineAndRtlAgreeOnEveryCycleAndValue) {
  const ModelInfo& info = GetParam();
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    SCOPED_TRACE("random_cosim_case seed " + std::to_string(seed));
    const CosimCase c = random_cosim_case({info.rows, info.columns, info.load}, seed, kTiles);
    const EngineRun engine = run_engine(c, sim::Engine::kCycle);
    const auto model = info.make();
    const Behaviour rtl = run_rtl(*model, engine.script);
    EXPECT_EQ(differences(engine.behaviour, rtl), std::vector<std::string>{});
    EXPECT_EQ(rtl.shifts.size(), static_cast<std::size_t>(kTiles));
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Cosim, testing::ValuesIn(models().begin(), models().end()),
                         model_name);

}  // namespace
}  // namespace systole::rtl
