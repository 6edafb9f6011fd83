// Reading traces back: what a sink was told comes out again, and what is no whole trace of a run is
// refused with its line.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <sstream>

#include "base/diag.h"
#include "base/proto_writer.h"
#include "tests/support/scratch.h"
#include "traces/read/chrome_reader.h"
#include "traces/read/csv_reader.h"
#include "traces/read/open.h"
#include "traces/read/perfetto_reader.h"
#include "traces/sinks/open.h"

namespace systole::traces {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::ScratchFolder;

constexpr auto kEndings = std::to_array<const char*>({".csv", ".json", ".pftrace"});
constexpr std::string_view kHeading =
    "kind,track,name,class,layer,begin,end,insn,rows,bytes,value\n";

sim::Slice slice(std::string_view track, std::string_view cls, std::int64_t begin,
                 std::int64_t end) {
  sim::Slice s;
  s.track = track;
  s.cls = cls;
  s.name = cls == "busy" ? "matmul" : cls;
  s.layer = "fc \"1\", first";
  s.begin = CyclePoint(begin);
  s.end = CyclePoint(end);
  return s;
}

std::string text_of(const sim::Slice& s) {
  return fmt::format("{}/{}/{}/{} {}-{} {} {} {}", s.track, s.name, s.cls, s.layer, s.begin.value,
                     s.end.value, s.insn, s.rows, s.bytes);
}

// What a sink was told, as text.
class Heard : public TraceListener {
 public:
  void about(const TraceInfo& info) override { model = info.model + " on " + info.machine; }
  void slice(const sim::Slice& slice) override { slices.push_back(text_of(slice)); }
  void end(CycleCount total) override { cycles = total; }

  std::string model;
  std::vector<std::string> slices;
  CycleCount cycles{-1};
};

std::string trace_with(const char* ending) {
  std::ostringstream out;
  const auto sink = open_sink(std::string("t") + ending, out,
                              {.model = "m \"x\"", .machine = "tiny", .clock_hertz = 7});
  sim::Slice work = slice("matrix", "busy", 3, 9);
  work.insn = 4;
  work.rows = 6;
  sink->slice(work);
  sink->counter("weight_fifo.tiles", CyclePoint(4), -1);
  sim::Slice moves = slice("dma_in", "busy", 0, 5);
  moves.bytes = 0;
  sink->slice(moves);
  sink->slice(slice("matrix", "weight stall", 9, 20));
  sink->finish(CycleCount(21));
  return out.str();
}

Heard read(const std::string& name, const std::string& text) {
  static const ScratchFolder folder;
  std::ofstream(folder.file(name), std::ios::binary) << text;
  Heard heard;
  read_trace(folder.file(name), heard);
  return heard;
}

// The error of a file that has this name and text, or of its reader. Files are many system calls.
std::string error_of(const std::string& name, const std::string& text) {
  std::string_view rest = text;
  ByteSource in([&rest](std::span<std::uint8_t> to) {
    const std::size_t n = std::min(to.size(), rest.size());
    std::copy_n(rest.begin(), n, to.begin());
    rest.remove_prefix(n);
    return n;
  });
  TraceListener listener;
  CheckedEvents events(name, listener);
  try {
    name.ends_with(".csv")    ? read_csv_trace(in, events)
    : name.ends_with(".json") ? read_chrome_trace(in, events)
                              : read_perfetto_trace(in, events);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

std::string csv_error(const std::string& lines) {
  return error_of("t.csv", std::string(kHeading) + lines);
}

TEST(ReadTrace, TellsWhatTheSinkWasTold) {
  for (const char* ending : kEndings) {
    const Heard heard = read(std::string("t") + ending, trace_with(ending));
    EXPECT_THAT(heard.slices,
                ElementsAre("matrix/matmul/busy/fc \"1\", first 3-9 4 6 -1",
                            "dma_in/matmul/busy/fc \"1\", first 0-5 -1 -1 0",
                            "matrix/weight stall/weight stall/fc \"1\", first 9-20 -1 -1 -1"))
        << ending;
    EXPECT_EQ(heard.cycles, CycleCount(21));
  }
  EXPECT_EQ(read("t.json", trace_with(".json")).model, "m \"x\" on tiny");
  EXPECT_EQ(read("t.pftrace", trace_with(".pftrace")).model, "m \"x\" on tiny");
  EXPECT_EQ(read("t.csv", trace_with(".csv")).model, "");  // does not say it
}

TEST(ReadTrace, GoesByWhatTheFileHolds) {
  EXPECT_EQ(read("t.txt", trace_with(".csv")).slices.size(), 3U);
  EXPECT_EQ(read("t.csv", trace_with(".json")).slices.size(), 3U);
  EXPECT_EQ(read("t.csv", trace_with(".pftrace")).slices.size(), 3U);
  const auto file_error = [](const std::string& name, const std::string& text) {
    try {
      (void)read(name, text);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(
      file_error("t.txt", "hello\n"),
      HasSubstr("t.txt: is no trace that can be read; expected Perfetto (.pftrace), Chrome JSON"));
  EXPECT_THAT(file_error("t.csv", "Layer,M,N,K\nA,1,2,3\n"),
              HasSubstr("t.csv:1: is no trace; expected a heading with kind,track"));
  EXPECT_THAT(file_error("t.csv", ""), HasSubstr("t.csv:1: the line ends early"));
}

// Every beginning of a trace that lacks a byte is refused, with a line.
TEST(ReadTrace, RefusesEveryCutOffFile) {
  for (const char* ending : kEndings) {
    const std::string name = std::string("t") + ending, whole = trace_with(ending);
    EXPECT_EQ(error_of(name, whole), "no error");
    for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
      EXPECT_THAT(error_of(name, whole.substr(0, size)), HasSubstr("t" + std::string(ending) + ":"))
          << size;
    }
  }
}

// A changed byte gives a trace or an InputError, never anything else.
TEST(ReadTrace, ChangedBytesAreReadOrRefused) {
  for (const char* ending : kEndings) {
    const std::string name = std::string("t") + ending, whole = trace_with(ending);
    std::size_t refused = 0;
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const char c : {'\0', '"', ',', '9', '-', '\n', '{', ']', '\xff'}) {
        std::string text = whole;
        text[at] = c;
        refused += error_of(name, text) == "no error" ? 0U : 1U;
      }
    }
    EXPECT_GT(refused, whole.size()) << ending;
  }
}

TEST(ReadCsvTrace, NamesLineFoundAndExpected) {
  const std::string good = "slice,matrix,matmul,busy,fc,0,4,1,2,3,\n";
  const std::string end = "counter,cycles,,,,9,,,,,9\n";
  EXPECT_EQ(csv_error(good + end), "no error");
  EXPECT_THAT(csv_error(good), HasSubstr("t.csv:2: the trace ends before the run's cycles"));
  EXPECT_THAT(csv_error("slize,matrix,matmul,busy,fc,0,4,1,2,3,\n" + end),
              HasSubstr("t.csv:2: kind is 'slize'; expected slice, life, counter or part"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,0,4,1,2\n"),
              HasSubstr("t.csv:2: 9 cells; expected 11, as in the heading"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,0,x,1,2,3,\n"),
              HasSubstr("t.csv:2: end is 'x'; expected a whole number from 0 on"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,0,99999999999999999999,1,2,3,\n"),
              HasSubstr("end is '99999999999999999999'"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,0,1152921504606846977,1,2,3,\n"),
              HasSubstr("t.csv:2: end is '1152921504606846977'"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,0,4,0,2,3,\n"),
              HasSubstr("insn is '0'; expected a whole number from 1 on"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,4,4,1,2,3,\n"),
              HasSubstr("t.csv:2: a slice from cycle 4 to 4"));
  EXPECT_THAT(csv_error("slice,,matmul,busy,fc,0,4,1,2,3,\n"), HasSubstr("a slice of no unit"));
  EXPECT_THAT(csv_error(good + "slice,matrix,matmul,busy,fc,3,8,1,2,3,\n" + end),
              HasSubstr("t.csv:3: matrix is at something else until cycle 4, and this slice begins "
                        "in 3; expected slices of a unit in order of time, none above another"));
  EXPECT_THAT(csv_error("slice,matrix,matmul,busy,fc,0,10,1,2,3,\n" + end),
              HasSubstr("t.csv:2: a slice ends in cycle 10 of a run of 9"));
  EXPECT_THAT(csv_error(end + good), HasSubstr("t.csv:3: a line behind the run's cycles"));
  EXPECT_THAT(csv_error("counter,cycles,,,,9,,,,,8\n"), HasSubstr("a run of 8 cycles"));
  EXPECT_THAT(csv_error("slice,\"matrix,matmul,busy,fc,0,4,1,2,3,\n"),
              HasSubstr("a quote does not end"));
  EXPECT_THAT(csv_error(std::string(100'000, 'x') + "\n"), HasSubstr("t.csv:2: an endless line"));
  EXPECT_THAT(error_of("t.csv", "kind,track,x\n"), HasSubstr("t.csv:1: is no trace"));
}

// Columns go by their names, and an instruction's life is not of the timeline.
TEST(ReadCsvTrace, TakesOtherColumnsAndLines) {
  const std::string text =
      "kind,track,name,class,layer,begin,end,ordinal,insn,rows,bytes,value\n"
      "slice,matrix,matmul,busy,fc,0,4,9,1,2,3,\n"
      "life,matrix,matmul,,fc,0,5,9,1,,,\n"
      "counter,cycles,,,,9,,,,,,9\n";
  EXPECT_THAT(read("t.csv", text).slices, ElementsAre("matrix/matmul/busy/fc 0-4 0 2 3"));
}

TEST(ReadChromeTrace, NamesLineFoundAndExpected) {
  const auto error = [](const std::string& events, const std::string& rest) {
    return error_of("t.json", "{\"traceEvents\":[\n" + events + "\n]" + rest + "}\n");
  };
  const std::string thread = R"({"ph":"M","tid":1,"name":"thread_name","args":{"name":"matrix"}},)"
                             "\n";
  const auto event = [&](const std::string& args) {
    return thread + R"({"ph":"X","tid":1,"name":"a","cat":"busy","args":{)" + args + "}}";
  };
  const std::string cycles = ",\"cycles\":9";
  EXPECT_EQ(error(event(R"("cycle":0,"cycles":4)"), cycles), "no error");
  EXPECT_EQ(error("", cycles), "no error");
  EXPECT_THAT(error(event(R"("cycle":0,"cycles":4)"), ""),
              HasSubstr("the trace ends before the run's cycles are told"));
  EXPECT_THAT(error(event(R"("cycle":0)"), cycles), HasSubstr("t.json:3: a slice without cycle"));
  EXPECT_THAT(error(event(R"("cycle":-1,"cycles":4)"), cycles),
              HasSubstr("t.json:3: cycle is no number of a trace"));
  EXPECT_THAT(error(event(R"("cycle":0.5,"cycles":4)"), cycles),
              HasSubstr("cycle is no number of a trace"));
  EXPECT_THAT(error(event(R"("cycle":0,"cycles":18446744073709551615)"), cycles),
              HasSubstr("cycles is no number of a trace"));
  EXPECT_THAT(error(event(R"("cycle":0,"cycles":4,"insn":0)"), cycles), HasSubstr("insn is 0"));
  EXPECT_THAT(error(event(R"("cycle":8,"cycles":4)"), cycles),
              HasSubstr("t.json:3: a slice ends in cycle 12 of a run of 9"));
  EXPECT_THAT(error(R"({"ph":"X","tid":2,"cat":"busy","args":{"cycle":0,"cycles":4}})", cycles),
              HasSubstr("t.json:2: a slice of a thread without a name"));
  EXPECT_THAT(error("", cycles + cycles), HasSubstr("given twice"));
  EXPECT_THAT(error_of("t.json", "{\"a\":1}\n"), HasSubstr("is no trace; expected JSON with"));
  EXPECT_THAT(error_of("t.json", "{\n]\n"), HasSubstr("t.json:2: "));
  EXPECT_THAT(error_of("t.json", "{\"a\":\"" + std::string(100'000, 'x') + "\"}"),
              HasSubstr("t.json:1: an endless text"));
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100; ++i) deep += "[";
  EXPECT_THAT(error_of("t.json", deep), HasSubstr("nested more than 32 deep"));
}

// Waits are told between the work that the sink held back, whichever stands first in the file.
TEST(ReadPerfettoTrace, TellsWorkAndWaitsInTheOrderOfTime) {
  for (const bool real_time : {false, true}) {
    isa::Machine machine;
    isa::Program program;
    std::ostringstream out;
    const auto sink = open_sink("t.pftrace", out,
                                {.model = "m",
                                 .machine = "tiny",
                                 .clock_hertz = 3'000'000'000,
                                 .real_time = real_time,
                                 .parameters = &machine,
                                 .program = &program});
    for (std::int64_t n = 0; n < 3; ++n) {
      sink->slice(slice("vector", "raw matrix", 10 * n, 10 * n + 4));
      sim::Slice work = slice("vector", "busy", 10 * n + 4, 10 * n + 10);
      work.ordinal = n + 1;  // held until its life is told
      sink->slice(work);
    }
    sink->slice(slice("vector", "port", 30, 31));
    sink->finish(CycleCount(31));
    std::vector<std::string> told;
    for (const std::string& text : read("t.pftrace", out.str()).slices) {
      told.push_back(text.substr(text.rfind("first ") + 6));
    }
    EXPECT_THAT(told,
                ElementsAre("0-4 -1 -1 -1", "4-10 -1 -1 -1", "10-14 -1 -1 -1", "14-20 -1 -1 -1",
                            "20-24 -1 -1 -1", "24-30 -1 -1 -1", "30-31 -1 -1 -1"))
        << real_time;
  }
}

TEST(ReadPerfettoTrace, IsOfOneRun) {
  EXPECT_THAT(error_of("t.pftrace", trace_with(".pftrace") + trace_with(".pftrace")),
              HasSubstr("a second run begins; expected the trace of one run"));
}

// What cannot be a trace is refused before it fills memory.
TEST(ReadPerfettoTrace, RefusesWhatNoRunHas) {
  ProtoWriter huge;
  huge.text(1, std::string(2'000'000, 'x'));
  EXPECT_THAT(error_of("t.pftrace", std::string(huge.bytes())),
              HasSubstr("t.pftrace:1: a packet of 2000000 bytes; expected at most 1048576"));
  EXPECT_THAT(error_of("t.pftrace", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
              HasSubstr("t.pftrace:1: the packet is damaged or cut off"));
  ProtoWriter unknown;
  unknown.message(1, [](ProtoWriter& packet) {
    packet.message(11, [](ProtoWriter& event) {
      event.integer(9, 1);
      event.integer(11, 77);
    });
  });
  EXPECT_THAT(error_of("t.pftrace", std::string(unknown.bytes())),
              HasSubstr("t.pftrace:1: a slice of a track that nobody described"));
}

}  // namespace
}  // namespace systole::traces
