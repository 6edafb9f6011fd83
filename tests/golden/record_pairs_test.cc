// Pairs of model and machine: what the compiler made and what each engine counted and computed. The
// record's entries name the pairs (pair.h); every engine has to agree with the one entry.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "tests/golden/pair.h"
#include "tests/golden/record.h"
#include "tests/golden/run_lines.h"

namespace systole::golden {
namespace {

constexpr const char* kFile = "pairs.txt";
constexpr std::size_t kLeast = 60;
// The register engine moves each PE's registers in each cycle.
constexpr std::int64_t kMostUpdates = 3'000'000'000;

void append(std::vector<std::string>& lines, const std::vector<std::string>& more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

sim::RunResult run(const Pair& pair, sim::Engine engine) {
  sim::RunOptions options;
  options.engine = engine;
  options.timing_only = pair.timing;
  return sim::run(pair.program, pair.program.machine, pair.inputs, options);
}

std::vector<std::string> timed_lines(const Pair& pair, sim::Engine engine) {
  const sim::RunResult result = run(pair, engine);
  std::vector<std::string> lines = value_lines(result);
  append(lines, report_lines(result.report));
  return lines;
}

std::int64_t updates(const Pair& pair, const std::vector<std::string>& lines) {
  const std::string key = "cycles: ";
  const auto found = std::ranges::find_if(lines, [&](auto& line) { return line.starts_with(key); });
  return std::stoll(found->substr(key.size())) * pair.program.machine.pe_count();
}

class RecordPairs : public testing::TestWithParam<std::string> {};

TEST_P(RecordPairs, RunAsBefore) {
  const Pair pair = make_pair(GetParam());
  Entry entry{GetParam(), program_lines(pair.program)};
  const std::vector<std::string> cycle = timed_lines(pair, sim::Engine::kCycle);
  append(entry.lines, cycle);
  expect_recorded(kFile, entry);
  if (!pair.timing) {
    const std::vector<std::string> func = value_lines(run(pair, sim::Engine::kFunc));
    EXPECT_EQ(func, std::vector(cycle.begin(), cycle.begin() + std::ssize(func))) << "func";
  }
  if (updates(pair, cycle) < kMostUpdates) {
    EXPECT_EQ(timed_lines(pair, sim::Engine::kRegister), cycle) << "register";
  }
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Entry& entry : recorded(kFile)) all.push_back(entry.name);
  return all;
}

// Letters, digits and _ of a pair's name.
std::string test_name(const testing::TestParamInfo<std::string>& pair) {
  std::string name = pair.param;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Pairs, RecordPairs, testing::ValuesIn(names()), test_name);

TEST(RecordPairsFile, HoldsMany) { EXPECT_GE(names().size(), kLeast); }

}  // namespace
}  // namespace systole::golden
