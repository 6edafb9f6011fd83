// `systole trace` on traces of real runs: its sums are those of the run's own statistics, its text
// fits a page, and mistakes are one line.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"
#include "tests/support/shell.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;
using testing_support::text_of;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class TraceCommand : public testing::Test {
 protected:
  // Runs the model, with a trace of that ending; the statistics.
  Json run(Words words, const std::string& ending = ".csv") {
    const std::string stats = folder_.file("stats.json");
    for (const std::string& word :
         {std::string("run"), std::string("--timing-only"), std::string("--no-what-if"),
          std::string("--trace"), trace(ending), std::string("--stats"), stats}) {
      words.push_back(word);
    }
    std::rotate(words.begin(), words.end() - 7, words.end() - 6);
    const Finished finished = testing_support::systole(words);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return Json::parse(text_of(stats));
  }
  [[nodiscard]] std::string trace(const std::string& ending = ".csv") const {
    return folder_.file("t" + ending);
  }
  [[nodiscard]] Finished show(const Words& more, const std::string& ending = ".csv") const {
    Words words = {"trace", trace(ending)};
    words.insert(words.end(), more.begin(), more.end());
    return testing_support::systole(words);
  }
  [[nodiscard]] Json summary(const std::string& ending = ".csv") const {
    const Finished finished = show({"--json"}, ending);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return Json::parse(finished.out);
  }

  const ScratchFolder folder_;
};

// A unit's sums without what is 0.
Json without_zeros(Json unit) {
  unit.erase("bytes");
  for (auto wait = unit["waits"].begin(); wait != unit["waits"].end();) {
    wait = *wait == 0 ? unit["waits"].erase(wait) : std::next(wait);
  }
  return unit;
}

void expect_same_sums(const Json& summary, const Json& stats) {
  EXPECT_EQ(summary.at("cycles"), stats.at("cycles"));
  const Json& units = summary.at("units");
  for (const auto& [name, unit] : stats.at("units").items()) {
    const bool idle = unit.at("idle") == stats.at("cycles");  // then no slice names it
    EXPECT_EQ(units.contains(name), !idle) << name;
    if (idle) continue;
    EXPECT_EQ(without_zeros(units.at(name)), without_zeros(unit)) << name;
  }
  const std::vector<std::pair<std::string, std::string>> moved = {{"dma_in", "host_in"},
                                                                  {"dma_out", "host_out"},
                                                                  {"weights", "weights_read"},
                                                                  {"load", "memory_read"},
                                                                  {"store", "memory_written"}};
  for (const auto& [kind, counter] : moved) {
    std::int64_t bytes = 0;
    for (const auto& [name, unit] : units.items()) {
      if (name.starts_with(kind)) bytes += unit.at("bytes").get<std::int64_t>();
    }
    EXPECT_EQ(bytes, stats.at("bytes").at(counter)) << kind;
  }
}

TEST_F(TraceCommand, SumsAreThoseOfTheStatistics) {
  const std::vector<Words> runs = {
      {"gemm:64,64,64", "--machine", "tiny_8"},
      {"mlp:784,512,10", "--batch", "200"},
      {"fashion_cnn", "--batch", "4"},
      {"conv:1,8,8,8,8,3,3,1,1", "--machine", "tiny_8", "--set", "array.taps=4"},
      {"vadd:65536"},
      {"gemm:512,512,512", "--set", "array.units=2"},
      {"gemm:512,512,512", "--set", "dram.holds=everything"},
      {"mlp:784,512,10", "--batch", "64", "--batches", "3", "--schedule", "paper2015"}};
  for (const Words& words : runs) {
    SCOPED_TRACE(testing::PrintToString(words));
    const Json stats = run(words);
    expect_same_sums(summary(), stats);
    static_cast<void>(run(words, ".pftrace"));
    Json perfetto = summary(".pftrace"), csv = summary();
    for (const char* key : {"model", "machine", "clock_hertz"}) csv[key] = perfetto[key];
    EXPECT_EQ(perfetto, csv);
    // The waits of the longest lists and of all layers are parts of these sums.
    const Json all = Json::parse(show({"--json", "--longest", "1000"}).out);
    std::int64_t busy = 0, listed = 0;
    for (const auto& [name, unit] : all.at("units").items()) busy += unit.at("busy").get<int>();
    for (const Json& layer : all.at("layers")) {
      for (const auto& [name, unit] : layer.at("units").items())
        listed += unit.at("busy").get<int>();
    }
    EXPECT_EQ(listed, busy);
    EXPECT_LE(all.at("longest").size(), 1000U);
  }
}

TEST_F(TraceCommand, BothFormatsSayTheSame) {
  const Words model = {"mlp:784,512,10", "--batch", "32"};
  run(model, ".json");
  run(model, ".csv");
  Json json = summary(".json"), csv = summary(".csv");
  EXPECT_EQ(json.at("model"), "mlp:784,512,10");
  EXPECT_EQ(json.at("machine"), "tpu_v1");
  EXPECT_EQ(json.at("clock_hertz"), 700'000'000);
  for (const char* key : {"model", "machine", "clock_hertz"}) {
    EXPECT_EQ(csv.at(key), nullptr);  // CSV has no place for it
    csv[key] = json.at(key);
  }
  EXPECT_EQ(json, csv);
  // Packed and through a pipe, too.
  const auto out = [&](const std::string& command) {
    return testing_support::shell(command, folder_.file(".")).out;
  };
  EXPECT_EQ(out("gzip -k t.json && systole trace t.json.gz --json"), show({"--json"}, ".json").out);
  EXPECT_EQ(out("cat t.csv | systole trace /dev/stdin"), show({}).out);
}

TEST_F(TraceCommand, TextFitsAPageAndNamesRoots) {
  run({"fashion_cnn", "--batch", "4"}, ".json");
  for (const Words& words :
       {Words{}, Words{"--layers", "--longest", "50"}, Words{"--from", "1000", "--to", "1040"},
        Words{"--from", "100"}, Words{"--unit", "matrix", "--to", "70000"}}) {
    const Finished finished = show(words, ".json");
    EXPECT_EQ(finished.code, 0) << finished.err;
    std::istringstream in(finished.out);
    for (std::string line; std::getline(in, line);) EXPECT_LE(line.size(), 80U) << line;
  }
  const std::string text = show({"--layers"}, ".json").out;
  EXPECT_THAT(text, HasSubstr("fashion_cnn.onnx on tpu_v1: "));
  EXPECT_THAT(text, HasSubstr("\n  matrix         busy "));
  EXPECT_THAT(text, HasSubstr("<- "));
  EXPECT_THAT(text, HasSubstr("\nLayers in order of time"));
}

// What `run` prints to type next is what this command reads.
TEST_F(TraceCommand, IsWhatRunPointsTo) {
  const Finished finished = testing_support::shell(
      "systole run gemm:8,8,8 --machine tiny_8 --trace run.json > out && systole trace run.json && "
      "systole run gemm:8,8,8 --machine tiny_8",
      folder_.file("."));
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("gemm:8,8,8 on tiny_8: "));
  EXPECT_THAT(finished.out, HasSubstr(", or: systole trace run.json\n"));
}

TEST_F(TraceCommand, DrawsAWindow) {
  write_file(trace(), std::string("kind,track,name,class,layer,begin,end,insn,rows,bytes,value\n"
                                  "slice,dma_in,read_host,busy,one,0,12,1,4,64,\n"
                                  "slice,matrix,input,input,one,0,12,,,,\n"
                                  "slice,matrix,matmul,busy,one,12,15,3,5,,\n"
                                  "slice,matrix,drain,drain,one,15,20,,,,\n"
                                  "counter,cycles,,,,20,,,,,20\n"));
  EXPECT_EQ(show({"--from", "2"}).out,
            "Cycles 2 to 20, 1 a column, which shows what most of them went to; capitals are\n"
            "work, small letters waits:\n"
            "               2         12\n"
            "               |         |\n"
            "  dma_in       RRRRRRRRRR........\n"
            "  matrix       iiiiiiiiiiMMMddddd\n"
            "  M matmul, R read_host, d drain, i input, . idle\n"
            "\n"
            "What each unit mostly does, a row where that changes, in steps of 1 cycle (-:\n"
            "idle):\n"
            "  from cycle  dma_in                matrix\n"
            "           2  read_host             input\n"
            "          12  -                     matmul\n"
            "          15  -                     drain\n");
  EXPECT_THAT(show({"--from", "15", "--to", "16", "--unit", "dma_in"}).out,
              HasSubstr("Every unit is idle.\n"));
}

TEST_F(TraceCommand, MistakesAreOneLine) {
  run({"gemm:8,8,8", "--machine", "tiny_8"});
  const std::string whole = text_of(trace());
  const auto error = [&](const Words& words) {
    const Finished finished = show(words);
    EXPECT_EQ(finished.code, 1) << finished.out;
    EXPECT_EQ(finished.out, "");
    EXPECT_EQ(std::count(finished.err.begin(), finished.err.end(), '\n'), 1) << finished.err;
    return finished.err;
  };
  EXPECT_THAT(error({"--from", "5", "--json"}), HasSubstr("--from: --json is of the summary"));
  EXPECT_THAT(error({"--to", "5", "--layers"}), HasSubstr("--to: --layers is of the summary"));
  EXPECT_THAT(error({"--to", "5", "--longest", "3"}), HasSubstr("--longest is of the summary"));
  EXPECT_THAT(error({"--from", "9", "--to", "9"}), HasSubstr("--to: 9; expected more than --from"));
  EXPECT_THAT(error({"--from", "1000000"}), HasSubstr("--from: 1000000; expected less than"));
  EXPECT_THAT(error({"--unit", "matrx"}), HasSubstr("did you mean 'matrix'?"));
  EXPECT_EQ(show({"--from", "-1"}).code, 1);
  EXPECT_EQ(show({"--longest", "x"}).code, 1);
  EXPECT_EQ(show({"--longest", "1001"}).code, 1);
  EXPECT_EQ(testing_support::systole({"trace"}).code, 2);
  write_file(trace(), whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error({}), HasSubstr("t.csv:"));
  write_file(trace(), std::string("hello"));
  EXPECT_THAT(error({}), HasSubstr("t.csv:1: "));
  EXPECT_THAT(testing_support::systole({"trace", folder_.file("none.csv")}).err,
              HasSubstr("none.csv: cannot be read"));
}

}  // namespace
}  // namespace systole::cli
