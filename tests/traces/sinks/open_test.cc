// Choosing a format by ending, and the CSV format.
#include "traces/sinks/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/diag.h"

namespace systole::traces {
namespace {

constexpr TraceInfo kInfo{.model = {}, .machine = {}, .clock_hertz = 1};

TEST(OpenSink, UnknownEndingListsTheKnownOnes) {
  std::ostringstream out;
  try {
    static_cast<void>(open_sink("run.trace", out, kInfo));
    FAIL() << "accepted .trace";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(".json"));
    EXPECT_THAT(error.what(), testing::HasSubstr(".csv"));
  }
  EXPECT_EQ(out.str(), "");
  EXPECT_THROW(require_trace_name("run.trace"), InputError);
  require_trace_name("run.json");
}

TEST(OpenSink, JsonIsChromeTrace) {
  std::ostringstream out;
  const auto sink = open_sink("run.json", out, kInfo);
  sink->finish(CycleCount(1));
  EXPECT_THAT(out.str(), testing::HasSubstr("traceEvents"));
}

TEST(CsvTrace, OneLinePerSliceAndCounter) {
  std::ostringstream out;
  const auto sink = open_sink("run.csv", out, kInfo);
  sink->slice({.track = "matrix",
               .name = "matmul",
               .cls = "busy",
               .layer = "fc, \"1\"",
               .begin = CyclePoint(3),
               .end = CyclePoint(9),
               .insn = 2});
  sink->counter("weight_fifo.tiles", CyclePoint(4), 1);
  sink->finish(CycleCount(9));
  EXPECT_EQ(out.str(),
            "kind,track,name,class,layer,begin,end,insn,rows,bytes,value\n"
            "slice,matrix,matmul,busy,\"fc, \"\"1\"\"\",3,9,3,,,\n"
            "counter,weight_fifo.tiles,,,,4,,,,,1\n"
            "counter,cycles,,,,9,,,,,9\n");
}

}  // namespace
}  // namespace systole::traces
