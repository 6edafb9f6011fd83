// Choosing a format by ending, and the CSV format.
#include "traces/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/diag.h"
#include "tests/support/scratch.h"

namespace systole::traces {
namespace {

using testing_support::ScratchFolder;
using testing_support::text_of;

constexpr TraceInfo kInfo{.model = {}, .machine = {}, .clock_hertz = 1};

TEST(OpenSink, UnknownEndingListsTheKnownOnes) {
  const ScratchFolder folder;
  try {
    static_cast<void>(open_sink(folder.file("run.trace"), kInfo));
    FAIL() << "accepted .trace";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(".json"));
    EXPECT_THAT(error.what(), testing::HasSubstr(".csv"));
  }
  EXPECT_TRUE(folder.empty());
}

TEST(OpenSink, JsonIsChromeTrace) {
  const ScratchFolder folder;
  const auto sink = open_sink(folder.file("run.json"), kInfo);
  sink->finish(CycleCount(1));
  EXPECT_THAT(text_of(folder.file("run.json")), testing::HasSubstr("traceEvents"));
}

TEST(CsvTrace, OneLinePerSliceAndCounter) {
  const ScratchFolder folder;
  const auto sink = open_sink(folder.file("run.csv"), kInfo);
  sink->slice({.track = "matrix",
               .name = "matmul",
               .cls = "busy",
               .layer = "fc, \"1\"",
               .begin = CyclePoint(3),
               .end = CyclePoint(9),
               .insn = 2});
  sink->counter("weight_fifo.tiles", CyclePoint(4), 1);
  sink->finish(CycleCount(9));
  EXPECT_EQ(text_of(folder.file("run.csv")),
            "kind,track,name,class,layer,begin,end,insn,rows,value\n"
            "slice,matrix,matmul,busy,\"fc, \"\"1\"\"\",3,9,3,,\n"
            "counter,weight_fifo.tiles,,,,4,,,,1\n"
            "counter,cycles,,,,9,,,,9\n");
}

TEST(CsvTrace, AbortedRunLeavesNothingBehind) {
  const ScratchFolder folder;
  { const auto sink = open_sink(folder.file("run.csv"), kInfo); }
  EXPECT_TRUE(folder.empty());
}

}  // namespace
}  // namespace systole::traces
