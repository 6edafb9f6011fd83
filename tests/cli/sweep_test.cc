// Lists in --set: every point is the run that it says, in the order of the lists, whatever computes
// it; what does not run says why.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::systole;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string output(const Words& words) {
  const Finished finished = systole(words);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return finished.out;
}

const Words kRun = {"run", "mlp:300,200,10", "--batch", "32"};
const Words kLists = {"--set", "dram.bytes_per_second=1x,2x,68GB/s", "--set", "array.rows=256,64"};

TEST(Sweep, EveryPointIsTheRunThatItSays) {
  const Json rows = Json::parse(output(with(with(kRun, kLists), {"--json"})));
  const Words memory = {"1x", "2x", "68GB/s"}, array = {"256", "64"};
  ASSERT_EQ(rows.size(), 6U);
  const double first = rows[0]["total_seconds"];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Json& row = rows[i];
    EXPECT_EQ(row["set"]["dram.bytes_per_second"], memory[i / 2]);
    EXPECT_EQ(row["set"]["array.rows"], array[i % 2]);
    const Json one = Json::parse(output(
        with(kRun, {"--timing-only", "--json", "--set", "dram.bytes_per_second=" + memory[i / 2],
                    "--set", "array.rows=" + array[i % 2]})));
    for (const char* key : {"cycles", "seconds", "total_seconds", "mac_utilization", "bound_by",
                            "device_bound_by", "bound_parameter", "share", "bound_text"}) {
      EXPECT_EQ(row[key], one[key]) << key << " of point " << i;
    }
    EXPECT_EQ(row["machine"], one["machine"]["name"]);
    EXPECT_DOUBLE_EQ(row["speed_up"], first / one["total_seconds"].get<double>());
    EXPECT_TRUE(row["error"].is_null());
    std::int64_t path = 0;
    for (const Json& part : row["path"]) path += part["cycles"].get<std::int64_t>();
    EXPECT_EQ(path, one["cycles"]);
  }
}

TEST(Sweep, IsTheSameOnAnyNumberOfThreads) {
  const Words words = with(with(kRun, kLists), {"--set", "dram.banks=4,8,16"});
  const std::string text = output(with(words, {"--threads", "1"}));
  const std::string json = output(with(words, {"--threads", "1", "--json"}));
  for (const char* threads : {"2", "5"}) {
    EXPECT_EQ(output(with(words, {"--threads", threads})), text);
    EXPECT_EQ(output(with(words, {"--threads", threads, "--json"})), json);
  }
  EXPECT_EQ(output(words), text);
}

// 12 points of the host's price, the memory's banks and the array's rows: the compiler reads the
// last alone.
TEST(Sweep, CompilesOnceWhatIsOneProgram) {
  const Words prices = {"--set", "host.bytes_per_second=1x,2x", "--set", "dram.banks=4,8,16"};
  EXPECT_THAT(output(with(kRun, prices)), HasSubstr("6 points, 1 program\n"));
  EXPECT_THAT(output(with(with(kRun, prices), {"--set", "array.rows=64,128"})),
              HasSubstr("12 points, 2 programs\n"));
  EXPECT_THAT(output(with(kRun, kLists)), HasSubstr("6 points, 6 programs\n"));
}

TEST(Sweep, RunsAProgramThatIsCompiledAlready) {
  const testing_support::ScratchFolder folder;
  const std::string program = folder.file("p.tpu");
  output({"compile", "gemm:64,64,64", "--timing-only", "-o", program});
  const Words run = {"run", program};
  EXPECT_THAT(output(with(run, {"--set", "link.latency=1x,0.5x"})), HasSubstr("1 program\n"));
  const Json rows = Json::parse(output(with(run, {"--set", "link.latency=1x,0.5x,4x", "--json"})));
  const Json one =
      Json::parse(output(with(run, {"--set", "link.latency=4x", "--timing-only", "--json"})));
  EXPECT_EQ(rows[2]["cycles"], one["cycles"]);
  EXPECT_LT(rows[1]["cycles"], rows[0]["cycles"]);
}

TEST(Sweep, SaysOfEachPointWhyItDoesNotRun) {
  const Words words = {"run", "gemm:8,8,8", "--set", "array.rows=99999,64,12q"};
  const Json rows = Json::parse(output(with(words, {"--json"})));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_THAT(rows[0]["error"], HasSubstr("array.rows = 99999 is out of range"));
  EXPECT_TRUE(rows[0]["cycles"].is_null());
  EXPECT_TRUE(rows[0]["machine"].is_null());
  EXPECT_TRUE(rows[1]["error"].is_null());
  EXPECT_EQ(rows[1]["speed_up"], 1.0);  // the first that runs
  EXPECT_THAT(rows[2]["error"], HasSubstr("array.rows = 12q"));
  EXPECT_THAT(output(words), HasSubstr("error: --set: array.rows = 99999 is out of range"));
}

TEST(Sweep, FailsWhereNothingRuns) {
  const Finished finished = systole({"run", "gemm:8,8,8", "--set", "array.rows=0,99999"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_EQ(finished.out, "");
  EXPECT_THAT(finished.err, HasSubstr("--set: none of 2 points runs; with array.rows=0: "));
}

// A row of the CSV file a point, with the same figures.
TEST(Sweep, WritesCsv) {
  const testing_support::ScratchFolder folder;
  const std::string file = folder.file("t.csv");
  const Words words = {"run", "gemm:64,64,64", "--set", "array.rows=64,99999", "--csv", file};
  const Json rows = Json::parse(output(with(words, {"--json"})));
  const std::vector<std::uint8_t> bytes = read_file(file);
  std::istringstream lines(std::string(bytes.begin(), bytes.end()));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line,
            "array.rows,machine,cycles,total_seconds,mac_utilization,speed_up,bound_by,error");
  std::getline(lines, line);
  EXPECT_THAT(line, testing::StartsWith("64,"));
  EXPECT_THAT(line, HasSubstr("," + rows[0]["cycles"].dump() + ","));
  std::getline(lines, line);
  EXPECT_THAT(line, testing::StartsWith("99999,,,,,,,"));
  EXPECT_THAT(line, HasSubstr("out of range"));
  EXPECT_FALSE(std::getline(lines, line));
}

TEST(Sweep, ExplainsEveryPoint) {
  const Words words = {"explain", "gemm:256,256,256", "--set", "link.in_bytes_per_second=1x,4x"};
  const Json rows = Json::parse(output(with(words, {"--json"})));
  ASSERT_EQ(rows.size(), 2U);
  const Json one = Json::parse(
      output({"explain", "gemm:256,256,256", "--set", "link.in_bytes_per_second=4x", "--json"}));
  EXPECT_EQ(rows[1]["cycles"], one["cycles"]);
  EXPECT_EQ(rows[1]["bound_text"], one["bound_text"]);
  ASSERT_FALSE(rows[1]["what_if"].empty());
  for (const Json& change : rows[1]["what_if"])
    EXPECT_THAT(one["what_if"], testing::Contains(change));
  EXPECT_THAT(output(words), HasSubstr(rows[0]["what_if"][0]["change"].get<std::string>() + ": -"));
}

TEST(Sweep, FitsAPage) {
  const Words lists = {"--set", "unified_buffer.write_ports=1,2",
                       "--set", "link.out_bytes_per_second=1x,2x",
                       "--set", "array.rows=64,99999"};
  for (const Words& words :
       {with(kRun, kLists), with(kRun, lists), with({"explain", "mlp:300,200,10"}, lists)}) {
    std::istringstream lines(output(words));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
  }
}

TEST(Sweep, RefusesWhatIsOfOneRun) {
  const testing_support::ScratchFolder folder;
  const std::string file = folder.file("out");
  const Words run = {"run", "gemm:8,8,8", "--set", "array.rows=64,128"};
  for (const Words& option :
       {Words{"--output", file}, Words{"--stats", file}, Words{"--trace", file + ".json"},
        Words{"--labels", file}, Words{"--scalesim-reports", file}, Words{"--layers"},
        Words{"--listing"}, Words{"--engine", "func"}}) {
    const Finished finished = systole(with(run, option));
    EXPECT_EQ(finished.code, 1) << option[0];
    EXPECT_THAT(finished.err, HasSubstr("error: " + option[0])) << option[0];
    EXPECT_THAT(finished.err, HasSubstr("--set has a list")) << option[0];
  }
  const Finished asked = systole(
      {"explain", "gemm:8,8,8", "--set", "array.rows=64,128", "--what-if", "array.rows=2x"});
  EXPECT_EQ(asked.code, 1);
  EXPECT_THAT(asked.err, HasSubstr("--what-if: --set has a list"));
}

TEST(Sweep, RefusesMalformedLists) {
  const auto error = [](const Words& sets) {
    const Finished finished = systole(with({"run", "gemm:8,8,8"}, sets));
    EXPECT_EQ(finished.code, 1);
    return finished.err;
  };
  EXPECT_THAT(error({"--set", "array.rows=64,"}), HasSubstr("'array.rows=64,' is no list"));
  EXPECT_THAT(error({"--set", "array.rows=,64"}), HasSubstr("is no list of values"));
  EXPECT_THAT(error({"--set", "=1,2"}), HasSubstr("is no list of values"));
  EXPECT_THAT(error({"--set", "array.rows=64,128", "--set", "array.rows=32"}),
              HasSubstr("--set array.rows: is given twice"));
  EXPECT_THAT(error({"--set", "array.row=1,2"}), HasSubstr("unknown parameter 'array.row'"));
  std::string hundreds = "1";
  for (int i = 2; i <= 101; ++i) hundreds += "," + std::to_string(i);
  EXPECT_THAT(error({"--set", "dram.latency=" + hundreds, "--set", "link.latency=" + hundreds}),
              HasSubstr("more than 10000 points"));
}

TEST(Sweep, IsOfRunAndExplainAlone) {
  for (const Words& words :
       {Words{"compile", "gemm:8,8,8", "--explain"}, Words{"compare", "gemm:8,8,8"},
        Words{"machines", "tpu_v1"}, Words{"ops"}}) {
    const Finished finished = systole(with(words, {"--set", "array.rows=64,128"}));
    EXPECT_EQ(finished.code, 1) << words[0];
    EXPECT_THAT(finished.err, HasSubstr("--set array.rows: 'array.rows=64,128' is a list"))
        << words[0];
  }
  for (const Words& words : {Words{"--csv", "t.csv"}, Words{"--threads", "2"}}) {
    const Finished finished = systole(with({"run", "gemm:8,8,8"}, words));
    EXPECT_EQ(finished.code, 1);
    EXPECT_THAT(finished.err, HasSubstr(words[0] + ": no --set has a list"));
  }
  EXPECT_EQ(systole({"run", "gemm:8,8,8", "--set", "array.rows=1,2", "--threads", "0"}).code, 1);
}

}  // namespace
}  // namespace systole::cli
