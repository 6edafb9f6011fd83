// The matrix unit of 8 x 8 by itself, with each kind of weight load: every shift, pass and write to
// an accumulator of random programs, on both timed engines and, where it is built, on the RTL.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "rtl/cosim.h"
#include "tests/golden/digest.h"
#include "tests/golden/record.h"

namespace systole::golden {
namespace {

constexpr const char* kFile = "arrays.txt";
constexpr std::int64_t kSide = 8, kTiles = 12;
constexpr std::uint64_t kSeeds = 4;

std::string text_of(CyclePoint at) { return fmt::format("{}", at.value); }
std::string text_of(std::int32_t sum) { return fmt::format("{}", sum); }
std::string text_of(const sim::AccumulatorWrite& w) {
  return fmt::format("{} {} {} {}", w.at.value, w.row, w.column, w.value);
}

template <typename T>
std::string line(const char* what, const std::vector<T>& list) {
  Digest digest;
  for (const T& item : list) digest.add(text_of(item));
  return fmt::format("{}: {}, last {}, {}", what, list.size(), text_of(list.back()), digest.hex());
}

std::vector<std::string> lines_of(const rtl::Behaviour& b) {
  return {line("shifts", b.shifts), line("passes", b.passes), line("writes", b.writes),
          line("accumulators", b.accumulators)};
}

// The model of this array without faults; nothing in a build without the RTL.
const rtl::ModelInfo* model_of(isa::WeightLoad load) {
  const auto found = std::ranges::find_if(rtl::models(), [&](const rtl::ModelInfo& m) {
    return m.rows == kSide && m.columns == kSide && m.load == load && !m.faults;
  });
  return found == rtl::models().end() ? nullptr : &*found;
}

class RecordArrays : public testing::TestWithParam<isa::WeightLoad> {};

TEST_P(RecordArrays, MoveAsBefore) {
  const rtl::ModelInfo* const model = model_of(GetParam());
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const auto c = rtl::random_cosim_case({kSide, kSide, GetParam()}, seed, kTiles);
    Entry entry{fmt::format("8x8 {} seed {}", rtl::load_name(GetParam()), seed), {}};
    const rtl::EngineRun cycle = rtl::run_engine(c, sim::Engine::kCycle);
    entry.lines = lines_of(cycle.behaviour);
    expect_recorded(kFile, entry);
    const rtl::EngineRun registers = rtl::run_engine(c, sim::Engine::kRegister);
    EXPECT_EQ(lines_of(registers.behaviour), entry.lines) << entry.name << ", register engine";
    if (model != nullptr) {
      const auto made = model->make();
      EXPECT_EQ(lines_of(rtl::run_rtl(*made, cycle.script)), entry.lines) << entry.name << ", RTL";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Loads, RecordArrays,
                         testing::Values(isa::WeightLoad::kThrough, isa::WeightLoad::kChain,
                                         isa::WeightLoad::kSingle));

}  // namespace
}  // namespace systole::golden
