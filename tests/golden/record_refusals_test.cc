// What is refused stays refused, in the same words: programs, containers, machines, models,
// topologies, configurations, tensors, values of options, command lines.
#include <gtest/gtest.h>

#include "tests/golden/record.h"
#include "tests/golden/refusals.h"

namespace systole::golden {
namespace {

constexpr const char* kFile = "refusals.txt";
constexpr std::size_t kLeast = 300;

TEST(RecordRefusals, AreInTheSameWords) {
  for (const Entry& entry : recorded(kFile))
    expect_recorded(kFile, {entry.name, {outcome(entry.name)}});
}

// The record itself: as many as it is to have, each with an exit code of an error.
TEST(RecordRefusals, AreManyAndRefused) {
  const std::vector<Entry> entries = recorded(kFile);
  EXPECT_GE(entries.size(), kLeast);
  for (const Entry& entry : entries) {
    ASSERT_EQ(entry.lines.size(), 1U) << entry.name;
    const bool refused = entry.lines[0].starts_with("1 ") || entry.lines[0].starts_with("2 ");
    EXPECT_TRUE(refused) << entry.name << ": " << entry.lines[0];
  }
}

}  // namespace
}  // namespace systole::golden
