// `systole run --trace`: every format of the same runs, read back by its own rules, and misuse.
#include <fmt/format.h>
#include <gmock/gmock-more-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/csv.h"
#include "base/files.h"
#include "tests/support/kanata_reader.h"
#include "tests/support/perfetto_reader.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"
#include "traces/sinks/open.h"

namespace systole::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_support::Finished;
using testing_support::PerfettoSlice;
using testing_support::ScratchFolder;
using testing_support::text_of;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

// Two layers, on a machine whose queues, ports and link make everybody wait for somebody.
const Words kRun = {"run",       "mlp:100,60,10", "--batch", "30",
                    "--machine", "tiny_8",        "--input", "random:1"};

Finished traced(const std::string& file, const Words& more = {}) {
  Words words = kRun;
  words.insert(words.end(), {"--trace", file, "--json"});
  words.insert(words.end(), more.begin(), more.end());
  Finished finished = testing_support::systole(words);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return finished;
}

testing_support::PerfettoContent perfetto(const ScratchFolder& folder, const Words& more = {}) {
  traced(folder.file("t.pftrace"), more);
  auto content = testing_support::read_perfetto(text_of(folder.file("t.pftrace")));
  EXPECT_THAT(content.faults, IsEmpty());
  return content;
}

std::int64_t length(const std::vector<PerfettoSlice>& slices) {
  std::int64_t sum = 0;
  for (const PerfettoSlice& slice : slices) sum += slice.end - slice.begin.at;
  return sum;
}

TEST(Trace, PerfettoAddsUpToTheRunsCycles) {
  const ScratchFolder folder;
  const auto content = perfetto(folder);
  const Json stats = Json::parse(traced(folder.file("t.json")).out);
  const std::int64_t cycles = stats.at("cycles");
  EXPECT_EQ(length(content.slices("matrix")), stats.at("counters").at("matrix").at("active"));
  EXPECT_EQ(length(content.slices("matrix")) + length(content.slices("matrix waits")), cycles);
  EXPECT_EQ(content.slices("run").at(0).end, cycles);
  std::int64_t bytes = 0;
  for (const PerfettoSlice& slice : content.slices("dma_in")) {
    EXPECT_THAT(slice.around, IsEmpty());
    bytes += slice.begin.numbers.at("bytes");
  }
  EXPECT_EQ(bytes, stats.at("bytes").at("host_in"));
  std::set<std::string> layers;
  std::int64_t tiles = 0;
  for (const PerfettoSlice& slice : content.slices("matrix layers")) {
    if (slice.around.empty()) layers.insert(slice.begin.name);
    if (slice.begin.category == "tile") ++tiles;
    EXPECT_EQ(slice.around.size(), slice.begin.category == "layer"  ? 0U
                                   : slice.begin.category == "tile" ? 1U
                                                                    : 2U);
  }
  EXPECT_THAT(layers, testing::IsSupersetOf({"fc1", "fc2"}));
  EXPECT_EQ(tiles, stats.at("counters").at("tiles"));
}

TEST(Trace, FlowsOfARunLeadForwardFromUnitToUnit) {
  const ScratchFolder folder;
  const auto content = perfetto(folder);
  std::map<std::uint64_t, const testing_support::PerfettoEvent*> begins;
  std::size_t flows = 0;
  for (const auto& event : content.events) {
    for (const std::uint64_t id : event.flows_out) {
      EXPECT_TRUE(begins.emplace(id, &event).second);
    }
    for (const std::uint64_t id : event.flows_in) {
      ++flows;
      ASSERT_TRUE(begins.contains(id)) << "ends before it begins";
      EXPECT_LT(begins.at(id)->at, event.at);
    }
  }
  EXPECT_GT(flows, 20U);
  EXPECT_EQ(begins.size(), flows);
}

TEST(Trace, KanataHasEveryInstructionOfTheCsv) {
  const ScratchFolder folder;
  traced(folder.file("t.kanata"));
  traced(folder.file("t.csv"));
  const auto log = testing_support::read_kanata(text_of(folder.file("t.kanata")));
  EXPECT_THAT(log.faults, IsEmpty());
  const CsvTable table = read_csv(folder.file("t.csv"));
  std::size_t lives = 0, awaited = 0, arrows = 0;
  for (const CsvRow& row : table.rows) {
    const auto cell = [&](std::string_view name) { return row.cells[table.column(name)]; };
    if (cell("kind") != "life") continue;
    ASSERT_LT(lives, log.rows.size());
    const auto& shown = log.rows[lives++];  // both in the order of dispatch
    EXPECT_EQ(shown.label, fmt::format("{}: {} {}", cell("insn"), cell("track"), cell("name")));
    EXPECT_EQ(std::to_string(shown.retired), cell("end"));
    EXPECT_EQ(shown.stages.front(), fmt::format("Q {}-{}", cell("dispatched"), cell("head")));
    EXPECT_EQ(shown.stages.back(), fmt::format("X {}-{}", cell("begin"), cell("end")));
    awaited += cell("awaited_unit").empty() ? 0U : 1U;
    arrows += shown.producers.size();
  }
  EXPECT_EQ(lives, log.rows.size());
  EXPECT_GT(awaited, 20U);
  EXPECT_EQ(arrows, awaited);
}

TEST(Trace, WaveformsAreOfTheRegisterEngine) {
  const ScratchFolder folder;
  const Words run = {"run", "gemm:8,8,8", "--machine", "tiny_8", "--trace"};
  const auto with = [&](const Words& more) {
    Words words = run;
    words.insert(words.end(), more.begin(), more.end());
    return testing_support::systole(words);
  };
  const Finished refused = with({folder.file("t.vcd")});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("--engine register"));
  EXPECT_TRUE(folder.empty());
  EXPECT_EQ(with({folder.file("t.vcd"), "--engine", "register"}).code, 0);
  const std::string text = text_of(folder.file("t.vcd"));
  EXPECT_THAT(text, AllOf(HasSubstr("pe_7_7"), HasSubstr("$dumpvars")));
  const Finished tool = testing_support::shell("vcd2fst t.vcd t.fst", folder.file(""));
  if (tool.code == 127) GTEST_SKIP() << "vcd2fst (package gtkwave) is not installed";
  EXPECT_EQ(tool.code, 0) << tool.err;
  const Finished back = testing_support::shell("fst2vcd t.fst", folder.file(""));
  EXPECT_THAT(back.out, HasSubstr("pe_7_7"));
  EXPECT_GT(std::ranges::count(back.out, '#'), 10);
}

TEST(Trace, AWindowKeepsWhatTouchesItWhole) {
  const ScratchFolder folder;
  const auto all = perfetto(folder).slices("matrix");
  ASSERT_GT(all.size(), 20U);
  const std::int64_t from = all[5].begin.at, to = all[15].begin.at;
  std::vector<std::int64_t> expected, kept;
  for (const PerfettoSlice& slice : all) {
    if (slice.end > from && slice.begin.at < to) expected.push_back(slice.begin.at);
  }
  const auto part = perfetto(folder, {"--trace-from", std::to_string(from), "--trace-to",
                                      std::to_string(to), "--trace-units", "matrix,weights"});
  for (const PerfettoSlice& slice : part.slices("matrix")) kept.push_back(slice.begin.at);
  EXPECT_EQ(kept, expected);
  EXPECT_THAT(part.slices("activation"), IsEmpty());
  EXPECT_THAT(part.slices("weights"), testing::Not(IsEmpty()));
  EXPECT_TRUE(part.levels("weight_fifo.tiles").front().starts_with(std::to_string(from) + "="));
}

TEST(Trace, APartOfARunIsCalledOne) {
  const ScratchFolder folder;
  for (const char* const name : {"t.csv", "t.json", "t.json.gz"}) {
    const std::string file = folder.file(name);
    traced(file, {"--trace-from", "100", "--trace-to", "200", "--trace-units", "matrix"});
    const auto told = testing_support::systole({"trace", file});
    EXPECT_EQ(told.code, 0);
    EXPECT_THAT(told.out,
                HasSubstr("Only a part of it was kept: cycles 100 to 200; units matrix."));
    traced(file, {});
    EXPECT_THAT(testing_support::systole({"trace", file}).out,
                testing::Not(HasSubstr("Only a part")));
  }
}

TEST(Trace, LayersAreTheNamedOnes) {
  const ScratchFolder folder;
  traced(folder.file("t.csv"), {"--trace-layers", "fc2"});
  const CsvTable table = read_csv(folder.file("t.csv"));
  std::set<std::string> layers;
  for (const CsvRow& row : table.rows) layers.insert(row.cells[table.column("layer")]);
  EXPECT_EQ(layers, (std::set<std::string>{"", "fc2"}));  // counters have none
}

TEST(Trace, RealTimeIsThatOfTheClock) {
  const ScratchFolder folder;
  const auto content = perfetto(folder, {"--trace-time", "real"});
  const PerfettoSlice run = content.slices("run").at(0);
  const std::int64_t hertz = run.begin.numbers.at("clock_hertz");
  EXPECT_NE(hertz, 1'000'000'000);
  EXPECT_EQ(run.end, run.begin.numbers.at("cycles") * 1'000'000'000 / hertz);
  traced(folder.file("t.json"), {"--trace-time", "real"});
  const Json trace = Json::parse(text_of(folder.file("t.json")));
  double last = 0;
  for (const Json& e : trace.at("traceEvents")) {
    if (e.at("ph") == "X")
      last = std::max(last, e.at("ts").get<double>() + e.at("dur").get<double>());
  }
  EXPECT_NEAR(last * 1e3, static_cast<double>(run.end), 0.5);
}

TEST(Trace, MisuseIsOneLine) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  const auto error = [&](const Words& more) {
    Words words = kRun;
    words.insert(words.end(), more.begin(), more.end());
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, 1) << finished.err;
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_TRUE(folder.empty());
    return finished.err;
  };
  for (const char* option :
       {"--trace-from", "--trace-to", "--trace-units", "--trace-layers", "--trace-time"}) {
    const bool is_time = std::string(option) == "--trace-time";
    EXPECT_THAT(error({option, is_time ? "real" : "7"}),
                AllOf(HasSubstr(option), HasSubstr("there is no trace")));
  }
  EXPECT_THAT(error({"--trace", file, "--trace-from", "9", "--trace-to", "9"}),
              AllOf(HasSubstr("--trace-to"), HasSubstr("9 is not after 9")));
  EXPECT_THAT(error({"--trace", file, "--trace-from", "99999999"}),
              AllOf(HasSubstr("--trace-from"), HasSubstr("and the run ends at")));
  EXPECT_THAT(error({"--trace", file, "--trace-time", "real"}),
              AllOf(HasSubstr("t.csv"), HasSubstr("counts cycles")));
  EXPECT_THAT(error({"--trace", folder.file("t.kanata"), "--trace-time", "real"}),
              HasSubstr("counts cycles"));
  EXPECT_THAT(error({"--trace", file, "--trace-units", "matrix,vektor"}),
              AllOf(HasSubstr("there is no unit 'vektor'"), HasSubstr("did you mean 'vector'")));
  EXPECT_THAT(error({"--trace", file, "--trace-layers", "fc3"}),
              AllOf(HasSubstr("there is no layer 'fc3'"), HasSubstr("did you mean 'fc")));
  EXPECT_THAT(
      error({"--trace", folder.file("t.vcd"), "--engine", "register", "--set", "array.rows=1024"}),
      HasSubstr("1024 x 8 PEs"));
  EXPECT_THAT(error({"--trace", folder.file("t.trace")}), HasSubstr(traces::format_list()));
  for (const Words& words :
       {Words{"--trace-from", "-1"}, Words{"--trace-to", "x"}, Words{"--trace-time", "reel"}}) {
    Words all = kRun;
    all.insert(all.end(), {"--trace", file});
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(testing_support::systole(all).code, 1);
  }
}

TEST(Trace, HelpListsEveryEnding) {
  std::string help = testing_support::systole({"run", "--help"}).out;
  std::erase_if(help, [](char c) { return c == '\n' || c == ' '; });
  std::string list = traces::format_list();
  std::erase(list, ' ');
  EXPECT_THAT(help, HasSubstr(list));
}

// Killed in the middle of writing, a run leaves no file of that name.
TEST(Trace, AKilledRunLeavesNoTrace) {
  const ScratchFolder folder;
  const Finished killed = testing_support::shell(
      "systole run resnet50 --batch 8 --timing-only --trace t.csv >/dev/null 2>&1 &\n"
      "for i in $(seq 1000); do [ -n \"$(find . -type f -size +8k)\" ] && break; sleep 0.02; done\n"
      "find . -type f -size +8k | grep -q . && echo writing\n"
      "kill -9 $! && wait $!\n"
      "ls t.csv",
      folder.file(""));
  EXPECT_EQ(killed.out, "writing\n") << killed.err;
}

}  // namespace
}  // namespace systole::cli
