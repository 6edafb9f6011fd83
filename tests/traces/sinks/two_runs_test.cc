// Two runs in one file: two processes with the same tracks, which begin together.
#include "traces/sinks/two_runs.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/diag.h"
#include "base/files.h"
#include "base/read_file.h"
#include "tests/support/perfetto_reader.h"
#include "tests/support/scratch.h"
#include "traces/sinks/open.h"

namespace systole::traces {
namespace {

using Json = nlohmann::json;

std::string two_runs(const std::string& path, const std::string& model_of_b = "m") {
  std::ostringstream out;
  TwoRuns runs(path, out);
  for (const std::int64_t cycles : {10, 7}) {
    const auto sink =
        runs.open({.model = cycles == 10 ? "m" : model_of_b, .machine = "tiny", .clock_hertz = 7});
    sink->slice({.track = "vector",
                 .name = "copy",
                 .cls = "busy",
                 .layer = "fc",
                 .begin = CyclePoint(2),
                 .end = CyclePoint(cycles)});
    sink->finish(CycleCount(cycles));
  }
  runs.finish();
  return out.str();
}

TEST(TwoRuns, AreTwoProcessesOfOneJson) {
  const Json json = Json::parse(two_runs("t.json"));
  std::vector<std::string> names, labels, slices;
  for (const Json& event : json["traceEvents"]) {
    const std::string process = std::to_string(event["pid"].get<int>());
    if (event["name"] == "process_name")
      names.push_back(process + event["args"]["name"].get<std::string>());
    if (event["name"] == "process_labels") {
      labels.push_back(process + " " + std::to_string(event["args"]["cycles"].get<int>()));
    }
    if (event["ph"] == "X")
      slices.push_back(process + " " + event["ts"].dump() + " " + event["tid"].dump());
  }
  EXPECT_THAT(names, testing::ElementsAre("1A: m on tiny", "2B: m on tiny"));
  EXPECT_THAT(labels, testing::ElementsAre("1 10", "2 7"));
  EXPECT_THAT(slices, testing::ElementsAre("1 0.002 1", "2 0.002 1"));
}

TEST(TwoRuns, ArePackedAsOne) {
  const testing_support::ScratchFolder folder;
  write_file(folder.file("t.json.gz"), two_runs("t.json.gz"));
  const auto unpacked = read_file(folder.file("t.json.gz"));
  EXPECT_EQ(std::string(unpacked.begin(), unpacked.end()), two_runs("t.json"));
}

TEST(TwoRuns, HaveTracksOfTheirOwnInPerfettoWhateverTheirNames) {
  for (int n = 0; n < 200; ++n) {
    const auto content =
        testing_support::read_perfetto(two_runs("t.pftrace", "m" + std::to_string(n)));
    // Words are a sequence's own, of which each run has one; this reader knows but one table.
    EXPECT_THAT(content.faults, testing::Each(testing::StartsWith("interned twice: ")));
    ASSERT_EQ(content.slices("vector").size(), 2U) << n;
    EXPECT_NE(content.slices("vector")[0].begin.track, content.slices("vector")[1].begin.track);
  }
}

TEST(TwoRuns, NeedAFormatThatHoldsThem) {
  std::ostringstream out;
  for (const char* path : {"t.csv", "t.kanata", "t.vcd"}) {
    try {
      const TwoRuns runs(path, out);
      FAIL() << path;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("holds one run, and these are two; expected "
                                                   ".pftrace (Perfetto), .json.gz (Chrome JSON"));
    }
  }
  EXPECT_THROW(TwoRuns("t.txt", out), InputError);
}

}  // namespace
}  // namespace systole::traces
