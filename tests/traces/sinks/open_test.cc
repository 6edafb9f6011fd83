// Choosing a format by ending, and the CSV format.
#include "traces/sinks/open.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <sstream>

#include "base/diag.h"
#include "base/files.h"
#include "base/source.h"
#include "tests/support/scratch.h"
#include "traces/sinks/csv.h"

namespace systole::traces {
namespace {

TEST(OpenSink, UnknownEndingListsTheKnownOnes) {
  std::ostringstream out;
  try {
    static_cast<void>(open_sink("run.trace", out, TraceInfo{}));
    FAIL() << "accepted .trace";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr(format_list()));
  }
  EXPECT_EQ(out.str(), "");
  EXPECT_THROW(check_trace("run.trace", TraceInfo{}), InputError);
  EXPECT_THROW(check_trace("run.gz", TraceInfo{}), InputError);
  EXPECT_THROW(check_trace("run.vcd", TraceInfo{}), InputError);  // there are no registers to show
  check_trace("run.json", TraceInfo{});
  check_trace("RUN.PFTRACE", TraceInfo{});
}

TEST(OpenSink, ListNamesEveryEndingOnce) {
  const std::string list = format_list();
  for (const std::string ending :
       {".pftrace (", ".json.gz (", ".json (", ".kanata (", ".vcd (", ".csv ("}) {
    EXPECT_THAT(list, testing::HasSubstr(ending));
    EXPECT_EQ(list.find(ending), list.rfind(ending));
  }
}

TEST(OpenSink, DocsDescribeEveryEnding) {
  const std::string docs = testing_support::text_of(source_path("docs/traces.md"));
  std::istringstream list(format_list());
  for (std::string word; list >> word;) {
    if (!word.starts_with('.')) continue;
    EXPECT_THAT(docs, testing::HasSubstr("`" + word + "`"));
  }
}

TEST(OpenSink, PackedJsonIsTheSameTracePacked) {
  std::ostringstream plain, packed;
  for (const auto& [name, out] : {std::pair("a.json", &plain), std::pair("a.json.gz", &packed)}) {
    const auto sink = open_sink(name, *out, TraceInfo{});
    for (std::int64_t t = 0; t < 5000; ++t) {  // more than the buffer holds
      sink->slice({.track = "matrix",
                   .name = "matmul",
                   .cls = "busy",
                   .layer = "fc1",
                   .begin = CyclePoint(t),
                   .end = CyclePoint(t + 1)});
    }
    sink->finish(CycleCount(5000));
  }
  const testing_support::ScratchFolder folder;
  write_file(folder.file("a.json.gz"), packed.str());
  const auto unpacked = read_file(folder.file("a.json.gz"));
  EXPECT_EQ(std::string(unpacked.begin(), unpacked.end()), plain.str());
  EXPECT_LT(packed.str().size(), plain.str().size() / 5);
}

TEST(OpenSink, JsonIsChromeTrace) {
  std::ostringstream out;
  const auto sink = open_sink("run.json", out, TraceInfo{});
  sink->finish(CycleCount(1));
  EXPECT_THAT(out.str(), testing::HasSubstr("traceEvents"));
}

TEST(OpenSink, InstructionsReachTheSinkInTheOrderOfDispatch) {
  std::ostringstream out;
  const auto sink = open_sink("run.csv", out, TraceInfo{}, {.units = {"vector"}});
  for (const std::int64_t serial : {2, 0, 1}) {
    sim::Life life;
    life.unit = serial == 1 ? "matrix" : "vector";
    life.insn = serial;
    life.serial = serial;
    sink->instruction(life);
  }
  sink->finish(CycleCount(1));
  const std::size_t first = out.str().find("life,vector,,,,0,0,1,"),
                    second = out.str().find("life,vector,,,,0,0,3,");
  EXPECT_LT(first, second);
  EXPECT_NE(second, std::string::npos);
  EXPECT_EQ(out.str().find("matrix"), std::string::npos);
  EXPECT_NE(out.str().find("\npart,units vector,,"), std::string::npos);
}

TEST(CsvTrace, OneLinePerSliceLifeAndCounter) {
  std::ostringstream out;
  CsvTrace sink(out);
  sink.slice({.track = "matrix",
              .name = "matmul",
              .cls = "busy",
              .layer = "fc, \"1\"",
              .begin = CyclePoint(3),
              .end = CyclePoint(9),
              .insn = 2,
              .ordinal = 7});
  sink.instruction({.unit = "matrix",
                    .name = "matmul",
                    .layer = "fc1",
                    .insn = 2,
                    .serial = 11,
                    .ordinal = 7,
                    .dispatched = CyclePoint(1),
                    .head = CyclePoint(2),
                    .start = CyclePoint(3),
                    .completed = CyclePoint(20),
                    .awaited_unit = "dma_in",
                    .awaited_ordinal = 4});
  sim::Life other;
  other.unit = "vector";
  other.name = "copy";
  other.layer = "fc1";
  other.insn = 0;
  other.ordinal = 1;
  sink.instruction(other);
  sink.counter("weight_fifo.tiles", CyclePoint(4), 1);
  sink.finish(CycleCount(9));
  EXPECT_EQ(out.str(),
            "kind,track,name,class,layer,begin,end,insn,rows,bytes,value,"
            "ordinal,dispatched,head,awaited_unit,awaited_ordinal\n"
            "slice,matrix,matmul,busy,\"fc, \"\"1\"\"\",3,9,3,,,,7,,,,\n"
            "life,matrix,matmul,,fc1,3,20,3,,,,7,1,2,dma_in,4\n"
            "life,vector,copy,,fc1,0,0,1,,,,1,0,0,,\n"
            "counter,weight_fifo.tiles,,,,4,,,,,1,,,,,\n"
            "counter,cycles,,,,9,,,,,9,,,,,\n");
}

}  // namespace
}  // namespace systole::traces
