// Perfetto traces, read back by the published schema: tracks, slices, nesting, flows, counters.
#include "traces/sinks/perfetto.h"

#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <sstream>

#include "isa/program.h"
#include "tests/support/perfetto_reader.h"

namespace systole::traces {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing_support::PerfettoContent;
using testing_support::PerfettoSlice;
using testing_support::read_perfetto;

constexpr CyclePoint at(std::int64_t cycle) { return CyclePoint(cycle); }

// Work of the ordinal-th instruction of a unit, which is at `insn` in the program.
sim::Slice work(std::string_view unit, std::int64_t ordinal, std::int64_t begin, std::int64_t end,
                std::int64_t insn = -1) {
  return {.track = unit,
          .name = unit == "matrix" ? "matmul" : "move",
          .cls = "busy",
          .layer = "fc1",
          .begin = at(begin),
          .end = at(end),
          .insn = insn,
          .ordinal = ordinal};
}

sim::Slice wait(std::string_view unit, std::string_view why, std::int64_t begin, std::int64_t end) {
  return {
      .track = unit, .name = why, .cls = why, .layer = "fc1", .begin = at(begin), .end = at(end)};
}

// A machine of 700 MHz and a program of three passes, of which the first and the last take a tile.
struct Fixture {
  isa::Machine machine;
  isa::Program program;
  std::ostringstream out;
  PerfettoTrace trace;

  explicit Fixture(bool real_time = false)
      : program(passes()), trace(out, info(machine, program, real_time)) {}

  static isa::Program passes() {
    isa::Program program;
    for (const std::int64_t takes_tile : {1, 0, 1}) {
      isa::Matmul pass;
      pass.rows = 10;
      pass.k = 8;
      pass.n = 4;
      pass.switch_tile = takes_tile;
      program.code.emplace_back(pass);
    }
    return program;
  }
  static TraceInfo info(isa::Machine& machine, const isa::Program& program, bool real_time) {
    machine.clock_hertz = 700'000'000;
    machine.unified_buffer_row_bytes = 256;
    return {.model = "mlp",
            .machine = "m",
            .clock_hertz = machine.clock_hertz,
            .real_time = real_time,
            .parameters = &machine,
            .program = &program};
  }
  PerfettoContent finish(std::int64_t cycles) {
    trace.finish(CycleCount(cycles));
    PerfettoContent content = read_perfetto(out.str());
    EXPECT_THAT(content.faults, IsEmpty());
    return content;
  }
};

std::vector<std::string> text_of(const std::vector<PerfettoSlice>& slices) {
  std::vector<std::string> all;
  for (const PerfettoSlice& slice : slices) {
    std::string text;
    for (const std::string& outer : slice.around) text += outer + "/";
    all.push_back(text + slice.begin.name + " " + std::to_string(slice.begin.at) + "-" +
                  std::to_string(slice.end));
  }
  return all;
}

TEST(PerfettoTrace, TracksStandInTheOrderOfTheUnits) {
  Fixture f;
  f.trace.slice(work("activation", 1, 0, 2));
  f.trace.slice(work("matrix", 1, 0, 2, 0));
  f.trace.slice(work("matrix.1", 1, 0, 2, 0));
  f.trace.slice(wait("matrix", "drain", 2, 3));
  f.trace.slice(work("dma_in", 1, 0, 2));
  f.trace.slice(work("host", -1, 0, 1));
  const auto content = f.finish(3);
  std::map<std::int64_t, std::string> by_rank;
  std::string process;
  for (const auto& [uuid, track] : content.tracks) {
    process += track.process;
    if (track.process.empty() && !track.is_counter) by_rank[track.rank] = track.name;
  }
  EXPECT_EQ(process, "systole: mlp on m, 700 MHz");
  std::vector<std::string> names;
  for (const auto& [rank, name] : by_rank) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("run", "dma_in", "matrix layers", "matrix", "matrix waits",
                                 "matrix.1 layers", "matrix.1", "activation", "host"));
}

TEST(PerfettoTrace, WorkHasItsArgumentsAndWaitsAreBesideIt) {
  Fixture f;
  sim::Slice transfer = work("dma_in", 1, 10, 30, 6);
  transfer.rows = 5;
  transfer.bytes = 1000;
  f.trace.slice(wait("dma_in", "raw activation", 0, 10));
  f.trace.slice(transfer);
  f.trace.slice(work("dma_in", 2, 30, 30));  // no time, no slice
  const auto content = f.finish(30);
  const auto slices = content.slices("dma_in");
  ASSERT_THAT(text_of(slices), ElementsAre("move 10-30"));
  EXPECT_EQ(slices[0].begin.category, "work");
  EXPECT_EQ(slices[0].begin.numbers,
            (std::map<std::string, std::int64_t>{{"insn", 7}, {"rows", 5}, {"bytes", 1000}}));
  EXPECT_EQ(slices[0].begin.texts, (std::map<std::string, std::string>{{"layer", "fc1"}}));
  const auto waits = content.slices("dma_in waits");
  ASSERT_THAT(text_of(waits), ElementsAre("raw activation 0-10"));
  EXPECT_EQ(waits[0].begin.category, "wait");
  const auto run = content.slices("run");
  ASSERT_THAT(text_of(run), ElementsAre("mlp on m 0-30"));
  EXPECT_EQ(run[0].begin.numbers,
            (std::map<std::string, std::int64_t>{{"clock_hertz", 700'000'000}, {"cycles", 30}}));
  EXPECT_EQ(run[0].begin.texts,
            (std::map<std::string, std::string>{{"model", "mlp"}, {"machine", "m"}}));
}

TEST(PerfettoTrace, LayersHoldTilesAndTilesInstructions) {
  Fixture f;
  f.trace.slice(wait("matrix", "weight stall", 0, 5));
  f.trace.slice(work("matrix", 1, 5, 15, 0));
  f.trace.slice(work("matrix", 2, 15, 25, 1));
  f.trace.slice(wait("matrix", "weight shift", 25, 30));
  f.trace.slice(work("matrix", 3, 30, 40, 2));
  sim::Slice other = work("matrix", 4, 40, 50, 1);  // of the same tile, in another layer
  other.layer = "fc2";
  f.trace.slice(other);
  EXPECT_THAT(text_of(f.finish(50).slices("matrix layers")),
              ElementsAre("fc1 0-40", "fc1/tile 5-25", "fc1/tile/matmul 5-15",
                          "fc1/tile/matmul 15-25", "fc1/tile 30-40", "fc1/tile/matmul 30-40",
                          "fc2 40-50", "fc2/tile 40-50", "fc2/tile/matmul 40-50"));
}

sim::Life life(std::string_view unit, std::int64_t serial, std::int64_t ordinal,
               std::array<std::int64_t, 4> cycles, std::string_view awaited = {},
               std::int64_t awaited_ordinal = 0) {
  return {.unit = unit,
          .name = "move",
          .layer = "fc1",
          .insn = serial,
          .serial = serial,
          .ordinal = ordinal,
          .dispatched = at(cycles[0]),
          .head = at(cycles[1]),
          .start = at(cycles[2]),
          .completed = at(cycles[3]),
          .awaited_unit = awaited,
          .awaited_ordinal = awaited_ordinal};
}

TEST(PerfettoTrace, FlowsLeadFromTheLastWorkAwaitedToTheFirstThatAwaitedIt) {
  Fixture f;
  f.trace.slice(work("dma_in", 1, 2, 6));
  f.trace.slice(work("dma_in", 1, 8, 10));
  f.trace.slice(work("matrix", 1, 11, 20, 0));
  f.trace.slice(work("matrix", 1, 20, 21, 0));
  f.trace.slice(work("weights", 1, 11, 12));
  f.trace.instruction(life("dma_in", 0, 1, {0, 1, 2, 10}));
  f.trace.instruction(life("matrix", 1, 1, {1, 2, 11, 30}, "dma_in", 1));
  f.trace.instruction(life("weights", 2, 1, {2, 3, 11, 13}, "dma_in", 1));
  const auto content = f.finish(30);
  const auto from = content.slices("dma_in"), matrix = content.slices("matrix"),
             weights = content.slices("weights");
  EXPECT_THAT(from.at(0).begin.flows_out, IsEmpty());
  ASSERT_EQ(from.at(1).begin.flows_out.size(), 2U);
  EXPECT_EQ(matrix.at(0).begin.flows_in, std::vector{from[1].begin.flows_out[0]});
  EXPECT_THAT(matrix.at(1).begin.flows_in, IsEmpty());
  EXPECT_EQ(weights.at(0).begin.flows_in, std::vector{from[1].begin.flows_out[1]});
}

TEST(PerfettoTrace, AFlowNeedsWorkAtBothEnds) {
  Fixture f;
  f.trace.slice(work("dma_in", 1, 2, 10));
  f.trace.instruction(life("dma_in", 0, 1, {0, 1, 2, 10}));
  f.trace.instruction(life("matrix", 1, 1, {1, 2, 11, 30}, "dma_in", 1));  // without a slice
  f.trace.instruction(life("vector", 2, 1, {1, 2, 31, 40}, "matrix", 1));
  f.trace.slice(work("vector", 1, 31, 40));
  const auto content = f.finish(40);
  EXPECT_THAT(content.slices("dma_in").at(0).begin.flows_out, IsEmpty());
  EXPECT_THAT(content.slices("vector").at(0).begin.flows_in, IsEmpty());
}

TEST(PerfettoTrace, AFlowBeginsThoughWhoAwaitedItIsLongWritten) {
  Fixture f;
  f.trace.slice(work("vector", 1, 2, 10));  // its unit comes after dma_out
  f.trace.slice(work("dma_out", 1, 11, 20));
  f.trace.slice(work("dma_out", 2, 20, 30));
  f.trace.slice(work("dma_out", 3, 30, 40));
  f.trace.instruction(life("vector", 0, 1, {0, 1, 2, 10}));
  f.trace.instruction(life("dma_out", 1, 1, {1, 2, 11, 20}, "vector", 1));
  f.trace.instruction(life("dma_out", 2, 2, {2, 3, 20, 30}));
  f.trace.instruction(life("dma_out", 3, 3, {3, 4, 30, 40}));
  const auto content = f.finish(40);
  ASSERT_EQ(content.slices("vector").at(0).begin.flows_out.size(), 1U);
  EXPECT_EQ(content.slices("vector").at(0).begin.flows_out,
            content.slices("dma_out").at(0).begin.flows_in);
}

TEST(PerfettoTrace, RatesAreThoseOfEachSliceAndLevelsHaveUnits) {
  Fixture f;
  sim::Slice transfer = work("dma_in", 1, 10, 30);
  transfer.bytes = 2000;  // 100 bytes a cycle at 0.7 GHz
  f.trace.slice(transfer);
  transfer.begin = at(30), transfer.end = at(40), transfer.bytes = 1000;  // at the same rate
  f.trace.slice(transfer);
  sim::Slice pass = work("matrix", 1, 5, 15, 0);
  pass.rows = 10;  // of 8 x 4 multiply-adds
  f.trace.slice(pass);
  f.trace.counter("weight_fifo.tiles", at(3), 2);
  f.trace.counter("unified_buffer.rows_in_use", at(4), 3);
  const auto content = f.finish(50);
  EXPECT_THAT(content.levels("link in"), ElementsAre("10=70", "40=0"));
  EXPECT_THAT(content.levels("useful multiply-adds"), ElementsAre("5=32", "15=0"));
  EXPECT_THAT(content.levels("weight_fifo.tiles"), ElementsAre("3=2"));
  EXPECT_THAT(content.levels("unified_buffer.bytes_in_use"), ElementsAre("4=768"));
  std::map<std::string, std::string> units;
  for (const auto& [uuid, track] : content.tracks) {
    if (track.is_counter) units[track.name] = track.unit;
  }
  EXPECT_EQ(units, (std::map<std::string, std::string>{
                       {"link in", "GB/s"},
                       {"useful multiply-adds", "MACs a cycle"},
                       {"weight_fifo.tiles", "tiles"},
                       {"unified_buffer.bytes_in_use", "UNIT_SIZE_BYTES"}}));
}

TEST(PerfettoTrace, RealTimeIsWholeNanosecondsWithoutOverlap) {
  Fixture f(true);
  for (std::int64_t t = 0; t < 700; ++t) f.trace.slice(work("vector", t + 1, t, t + 1));
  const auto slices = f.finish(700).slices("vector");
  ASSERT_EQ(slices.size(), 700U);
  std::int64_t end = 0;
  for (const PerfettoSlice& slice : slices) {
    EXPECT_EQ(slice.begin.at, end);
    EXPECT_THAT(slice.around, IsEmpty());
    EXPECT_EQ(slice.begin.numbers.at("cycles"), 1);
    end = slice.end;
  }
  EXPECT_EQ(end, 1000);  // 700 cycles at 700 MHz
  EXPECT_EQ(slices[7].begin.at, 10);
  EXPECT_EQ(slices[7].begin.numbers.at("cycle"), 7);
}

TEST(PerfettoTrace, MeasuredRunsHaveTracksOfTheirOwnNumbers) {
  std::ostringstream out;
  PerfettoTrace measured(out, {.model = "mlp", .machine = "cpu", .clock_hertz = 1'000'000'000});
  measured.slice(work("cpu", -1, 0, 100));
  measured.finish(CycleCount(100));
  Fixture f;
  f.trace.slice(work("vector", 1, 0, 7));
  f.trace.finish(CycleCount(7));
  // One file behind the other is a trace of both.
  const auto both = read_perfetto(out.str() + f.out.str());
  EXPECT_THAT(text_of(both.slices("cpu")), ElementsAre("move 0-100"));
  EXPECT_THAT(text_of(both.slices("vector")), ElementsAre("move 0-7"));
}

TEST(Flows, HoldNoMoreThanWhatIsInFlight) {
  std::size_t written = 0, most = 0;
  Flows flows(
      2, [&](std::size_t, const Work&, const WorkFlows&) { ++written; },
      [] { return std::uint64_t{1}; });
  for (std::int64_t n = 1; n <= 1000; ++n) {
    flows.work(0, {.ordinal = n, .begin = at(10 * n), .end = at(10 * n + 10)});
    sim::Life of = life("vector", n, n, {10 * n - 5, 10 * n, 10 * n, 10 * n + 10});
    flows.life(0, of, 0);
    most = std::max(most, flows.held());
  }
  EXPECT_LE(most, 3U + Horizon::kMostBetween);
  flows.finish();
  EXPECT_EQ(written, 1000U);
  EXPECT_EQ(flows.held(), 0U);
}

}  // namespace
}  // namespace systole::traces
