// Chrome traces, read back as JSON: names, times, order and totals are those of the calls.
#include "traces/sinks/chrome.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

namespace systole::traces {
namespace {

using Json = nlohmann::json;

constexpr TraceInfo info_at(std::int64_t hertz) {
  return {.model = {}, .machine = {}, .clock_hertz = hertz};
}

sim::Slice slice(std::string_view track, std::string_view name, std::int64_t begin,
                 std::int64_t end, std::string_view layer = "fc1") {
  return {.track = track,
          .name = name,
          .cls = "busy",
          .layer = layer,
          .begin = CyclePoint(begin),
          .end = CyclePoint(end)};
}

std::vector<Json> events(const Json& trace, const std::string& phase) {
  std::vector<Json> found;
  for (const Json& e : trace.at("traceEvents")) {
    if (e.at("ph") == phase) found.push_back(e);
  }
  return found;
}

// Nanoseconds of a decimal number of microseconds, rounded as Perfetto does.
std::int64_t nanoseconds(const Json& microseconds) {
  return std::llround(microseconds.get<double>() * 1e3);
}

TEST(ChromeTrace, NamesProcessAndUnits) {
  std::ostringstream out;
  ChromeTrace trace(out, {.model = "a \"b\"", .machine = "m", .clock_hertz = 1000});
  trace.slice(slice("matrix", "matmul", 0, 4));
  trace.slice(slice("dma_in", "read_host", 0, 2));
  trace.finish(CycleCount(4));
  const Json json = Json::parse(out.str());
  EXPECT_EQ(json.at("cycles"), 4);
  EXPECT_EQ(json.at("otherData").at("model"), "a \"b\"");
  std::map<std::string, int> threads, order;
  for (const Json& e : events(json, "M")) {
    if (e.at("name") == "process_name") {
      EXPECT_EQ(e.at("args").at("name"), "systole: a \"b\" on m");
    } else if (e.at("name") == "thread_name") {
      threads[e.at("args").at("name")] = e.at("tid");
    } else {
      order[std::to_string(e.at("tid").get<int>())] = e.at("args").at("sort_index");
    }
  }
  ASSERT_EQ(threads.size(), 3U);  // layers, matrix, dma_in
  const auto place = [&](const std::string& name) {
    return order.at(std::to_string(threads.at(name)));
  };
  EXPECT_LT(place("layers"), place("dma_in"));  // units come in the order of units.def
  EXPECT_LT(place("dma_in"), place("matrix"));
}

TEST(ChromeTrace, SliceKeepsExactCyclesAndTakesANanosecondEach) {
  std::ostringstream out;
  ChromeTrace trace(out, info_at(700'000'000));
  sim::Slice s = slice("matrix", "matmul", 700, 1400);
  s.insn = 12;
  s.rows = 200;
  trace.slice(s);
  trace.slice(slice("matrix", "nothing", 1400, 1400));  // no time, no slice
  trace.finish(CycleCount(1400));
  const Json json = Json::parse(out.str());
  Json matmul;
  for (const Json& e : events(json, "X")) {
    EXPECT_NE(e.at("name"), "nothing");
    if (e.at("name") == "matmul") matmul = e;
  }
  EXPECT_EQ(nanoseconds(matmul.at("ts")), 700);
  EXPECT_EQ(nanoseconds(matmul.at("dur")), 700);
  EXPECT_EQ(matmul.at("args"),
            Json({{"cycle", 700}, {"cycles", 700}, {"layer", "fc1"}, {"insn", 13}, {"rows", 200}}));
}

// Slices that follow each other from `first` on, as a reader has them who parses doubles.
std::vector<Json> neighbours(const TraceInfo& info, std::int64_t first, std::int64_t count) {
  std::ostringstream out;
  ChromeTrace trace(out, info);
  std::int64_t at = first;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t length = 1 + i * i % 257;
    trace.slice(slice("vector", "copy", at, at + length));
    at += length;
  }
  trace.finish(CycleCount(at));
  return events(Json::parse(out.str()), "X");
}

TEST(ChromeTrace, NeighbouringSlicesNeverOverlapInDoubles) {
  for (const std::int64_t first : {0LL, 123'456'789LL, 700'000'000'007LL}) {
    const double zero = static_cast<double>(first) / 1e3;
    double end = 0, end_from_zero = 0;
    std::int64_t last = first;
    for (const Json& e : neighbours(info_at(700'000'000), first, 20'000)) {
      const double begin = e.at("ts"), length = e.at("dur");
      EXPECT_LE(end, begin);
      EXPECT_LE(end_from_zero, begin - zero);  // as speedscope counts
      EXPECT_EQ(nanoseconds(e.at("ts")), last);
      EXPECT_EQ(nanoseconds(e.at("dur")), e.at("args").at("cycles"));
      end = begin + length;
      end_from_zero = (begin - zero) + length;
      last += e.at("args").at("cycles").get<std::int64_t>();
    }
  }
}

TEST(ChromeTrace, RealTimeIsWholeNanosecondsWhateverTheClock) {
  for (const std::int64_t hertz : {700'000'000LL, 999'999'937LL, 3LL, 1'750'000'000LL}) {
    TraceInfo info = info_at(hertz);
    info.real_time = true;
    double end = 0;
    for (const Json& e : neighbours(info, 0, 1000)) {
      const std::int64_t cycle = e.at("args").at("cycle");
      __extension__ using Wide = __int128;
      EXPECT_EQ(nanoseconds(e.at("ts")),
                static_cast<std::int64_t>(Wide{cycle} * 1'000'000'000 / hertz));
      EXPECT_LE(end, e.at("ts").get<double>());
      end = e.at("ts").get<double>() + e.at("dur").get<double>();
    }
  }
}

TEST(ChromeTrace, LayerTrackJoinsNeighbouringMatrixSlicesOfOneLayer) {
  std::ostringstream out;
  ChromeTrace trace(out, info_at(1'000'000));
  trace.slice(slice("matrix", "weight stall", 0, 10, "fc1"));
  trace.slice(slice("activation", "activate", 3, 50, "other"));  // other units do not count
  trace.slice(slice("matrix", "matmul", 10, 30, "fc1"));
  trace.slice(slice("matrix", "matmul", 30, 45, "fc2"));
  trace.slice(slice("matrix", "matmul", 60, 65, "fc2"));
  trace.finish(CycleCount(65));
  std::vector<std::vector<std::int64_t>> spans;
  for (const Json& e : events(Json::parse(out.str()), "X")) {
    if (e.at("cat") == "layer")
      spans.push_back({e.at("args").at("cycle"), e.at("args").at("cycles")});
  }
  EXPECT_THAT(spans,
              testing::ElementsAre(testing::ElementsAre(0, 10 + 20), testing::ElementsAre(30, 15),
                                   testing::ElementsAre(60, 5)));
}

TEST(ChromeTrace, CountersAreLevelsOverTime) {
  std::ostringstream out;
  ChromeTrace trace(out, info_at(1'000'000));
  trace.counter("weight_fifo.tiles", CyclePoint(0), 1);
  trace.counter("weight_fifo.tiles", CyclePoint(7), 4);
  trace.finish(CycleCount(8));
  const auto counters = events(Json::parse(out.str()), "C");
  ASSERT_EQ(counters.size(), 2U);
  EXPECT_EQ(counters[1].at("name"), "weight_fifo.tiles");
  EXPECT_EQ(nanoseconds(counters[1].at("ts")), 7);
  EXPECT_EQ(counters[1].at("args").at("value"), 4);
}

TEST(ChromeTrace, NamesThatAreNotUtf8StayValidJson) {
  std::ostringstream out;
  ChromeTrace trace(out, {.model = "\xff\n", .machine = "\x01", .clock_hertz = 1});
  trace.slice(slice("matrix", "\xc3(", 0, 1, "\\\""));
  trace.finish(CycleCount(1));
  EXPECT_TRUE(Json::accept(out.str()));
}

TEST(ChromeTrace, EmptyRunIsValidJson) {
  std::ostringstream out;
  ChromeTrace trace(out, info_at(1));
  trace.finish(CycleCount(0));
  EXPECT_TRUE(events(Json::parse(out.str()), "X").empty());
}

}  // namespace
}  // namespace systole::traces
