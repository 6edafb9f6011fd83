// Two runs, their statistics, or two machines side by side, as a user asks for them.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "isa/machine.h"
#include "isa/machine_name.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::ScratchFolder;
using testing_support::systole;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

std::string output(const Words& words) {
  const Finished finished = systole(words);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return finished.out;
}

std::string error(const Words& words, int code = 1) {
  const Finished finished = systole(words);
  EXPECT_EQ(finished.code, code) << finished.err;
  EXPECT_EQ(finished.out, "");
  return finished.err;
}

Json stats(const Words& more) {
  Words words = {"run", "--timing-only", "--json"};
  words.insert(words.end(), more.begin(), more.end());
  return Json::parse(output(words));
}

std::int64_t sum(const Json& parts) {
  std::int64_t sum = 0;
  for (const Json& part : parts) sum += part["change"].get<std::int64_t>();
  return sum;
}

TEST(Diff, ComparesOneModelOnTwoMachines) {
  const Json json = Json::parse(
      output({"diff", "mlp:300,200,10", "--batch", "32", "--against", "edge_64", "--json"}));
  const Json a = stats({"mlp:300,200,10", "--batch", "32"});
  const Json b = stats({"mlp:300,200,10", "--batch", "32", "--machine", "edge_64"});
  const std::int64_t change = b["cycles"].get<std::int64_t>() - a["cycles"].get<std::int64_t>();
  EXPECT_NE(change, 0);
  EXPECT_EQ(json["change_cycles"], change);
  EXPECT_EQ(json["a"]["machine"], "tpu_v1");
  EXPECT_EQ(json["b"]["machine"], "edge_64");
  for (const char* key : {"cycles", "seconds", "total_seconds", "instructions", "program_hash"}) {
    EXPECT_EQ(json["a"][key], a[key]) << key;
    EXPECT_EQ(json["b"][key], b[key]) << key;
  }
  EXPECT_EQ(json["same_program"], false);
  for (const char* table : {"layers", "path", "matrix"})
    EXPECT_EQ(sum(json[table]), change) << table;
  for (const Json& part : json["bytes"]) {
    EXPECT_EQ(part["b"], b["bytes"][part["name"].get<std::string>()]);
  }
  const auto changes = isa::changes(isa::load_machine("tpu_v1"), isa::load_machine("edge_64"));
  ASSERT_EQ(json["parameters"].size(), changes.size());
  EXPECT_EQ(json["parameters"][0]["key"], changes[0].key);
  EXPECT_EQ(json["parameters"][0]["b"], changes[0].now);
}

// The same answer from files of statistics, from one of them, and from a program file.
TEST(Diff, TakesStatisticsAndPrograms) {
  const ScratchFolder folder;
  const std::string a = folder.file("a.json"), b = folder.file("b.json"),
                    tpu = folder.file("p.tpu");
  output({"run", "gemm:64,96,80", "--timing-only", "--stats", a});
  output({"run", "gemm:64,96,80", "--timing-only", "--stats", b, "--set", "link.latency=2x"});
  output({"compile", "gemm:64,96,80", "--timing-only", "-o", tpu});
  const Json of_files = Json::parse(output({"diff", a, b, "--json"}));
  const Json run = Json::parse(
      output({"diff", "gemm:64,96,80", "--against", "tpu_v1 + link.latency=2x", "--json"}));
  EXPECT_EQ(of_files, run);
  EXPECT_EQ(Json::parse(output(
                {"diff", a, "gemm:64,96,80", "--against", "tpu_v1 + link.latency=2x", "--json"})),
            run);
  const Json program =
      Json::parse(output({"diff", tpu, "--against", "tpu_v1 + link.latency=2x", "--json"}));
  EXPECT_EQ(program["same_program"], true);
  EXPECT_GT(program["change_cycles"], 0);
  const std::string text = output({"diff", a, b});
  EXPECT_THAT(text, HasSubstr("link.latency"));
  EXPECT_THAT(text, HasSubstr(": 1.21 times slower"));
}

TEST(Diff, OfARunWithItselfIsNothing) {
  const Json json = Json::parse(output({"diff", "gemm:64,64,64", "gemm:64,64,64", "--json"}));
  EXPECT_EQ(json["change_cycles"], 0);
  EXPECT_EQ(json["same_program"], true);
  EXPECT_EQ(json["speed_up"], 1.0);
  EXPECT_TRUE(json["parameters"].empty());
  const std::string text = output({"diff", "gemm:64,64,64", "gemm:64,64,64"});
  EXPECT_THAT(text, HasSubstr("as fast as A"));
  EXPECT_THAT(text, HasSubstr("Both execute the same program."));
}

TEST(Diff, ComparesMachines) {
  const Json json = Json::parse(output({"diff", "tpu_v1", "tpu_v1 + dram.banks=4", "--json"}));
  EXPECT_EQ(json, Json::parse(R"({"a": "tpu_v1", "b": "tpu_v1 + dram.banks=4", "parameters":
      [{"key": "dram.banks", "a": "8", "b": "4"}]})"));
  const std::string text = output({"diff", "tpu_v1", "edge_64"});
  for (const isa::Change& change :
       isa::changes(isa::load_machine("tpu_v1"), isa::load_machine("edge_64"))) {
    EXPECT_THAT(text, HasSubstr(change.key + " "));
  }
  EXPECT_THAT(output({"diff", "tpu_v1", "tpu_v1"}), HasSubstr("Equal in every parameter."));
  const ScratchFolder folder;
  const std::string file = folder.file("m.toml");
  std::ofstream(file) << "base = \"tpu_v1\"\n[dram]\nbanks = 4\n";
  EXPECT_EQ(Json::parse(output({"diff", "tpu_v1", file, "--json"}))["parameters"],
            json["parameters"]);
}

// Where the tables have more rows than are shown, the last but one has the rest.
TEST(Diff, FitsAPageAndHidesNothing) {
  const Words words = {"diff", "resnet50", "--against",
                       "tpu_v1 + dram.bytes_per_second=2x + clock.hertz=900MHz"};
  const std::string text = output(words);
  EXPECT_THAT(text, HasSubstr(" others) "));
  EXPECT_THAT(text, HasSubstr("\n  all "));
  Words all = words;
  all.emplace_back("--all");
  const std::string every = output(all);
  EXPECT_THAT(every, testing::Not(HasSubstr(" others) ")));
  EXPECT_THAT(every, HasSubstr("layer4.2.conv3"));
  std::istringstream lines(text + every);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

// Rule 13 of a comparison is this difference: of one batch alone to the letter; of the period its
// tables add up, too.
TEST(Diff, IsWhatCompareSaysOfTwoMachines) {
  const Json compared = Json::parse(output({"compare", "mlp:300,200,10", "--batches", "1,8",
                                            "--targets", "tpu:tpu_v1,tpu:edge_64", "--json"}));
  const Json& differences = compared["machine_differences"];
  ASSERT_EQ(differences.size(), 2U);
  for (const Json& difference : differences) {
    const std::string batch = std::to_string(difference["batch"].get<int>());
    EXPECT_EQ(difference["target"], "tpu:edge_64");
    EXPECT_EQ(difference["latency"], Json::parse(output({"diff", "mlp:300,200,10", "--batch", batch,
                                                         "--against", "edge_64", "--json"})));
    const Json& period = difference["period"];
    for (const char* table : {"layers", "path", "matrix"}) {
      EXPECT_EQ(sum(period[table]), period["change_cycles"]) << table << " at batch " << batch;
    }
    EXPECT_NE(period["change_cycles"], 0);
    EXPECT_NE(period["change_cycles"], difference["latency"]["change_cycles"]);
  }
}

TEST(Diff, RefusesWhatDoesNotGoTogether) {
  const ScratchFolder folder;
  const std::string a = folder.file("a.json"), other = folder.file("other.json");
  output({"run", "gemm:8,8,8", "--timing-only", "--stats", a});
  std::ofstream(other) << "{\"cycles\": 5}\n";
  EXPECT_THAT(error({"diff", "gemm:8,8,8"}, 2), HasSubstr("B or --against MACHINE"));
  EXPECT_THAT(error({"diff", "tpu_v1"}, 2), HasSubstr("B is required"));
  EXPECT_THAT(error({"diff", "tpu_v1", "gemm:8,8,8"}), HasSubstr("gemm:8,8,8: is no machine"));
  EXPECT_THAT(error({"diff", a, "tpu_v1"}), HasSubstr("is no machine, and the other is one"));
  EXPECT_THAT(error({"diff", a, a, "--against", "edge_64"}),
              HasSubstr("--against: A and B are statistics"));
  EXPECT_THAT(error({"diff", a, a, "--batch", "4"}), HasSubstr("--batch: A and B are statistics"));
  EXPECT_THAT(error({"diff", "tpu_v1", "edge_64", "--set", "dram.banks=4"}),
              HasSubstr("--set: A and B are machines"));
  EXPECT_THAT(error({"diff", "gemm:8,8,8", a, "--against", "edge_64"}),
              HasSubstr("has run already"));
  EXPECT_THAT(error({"diff", a, other}), HasSubstr("other.json: 'model' is missing"));
  EXPECT_THAT(error({"diff", a, folder.file("none.json")}), HasSubstr("none.json"));
  EXPECT_THAT(error({"diff", "gemm:8,8,8", "--against", "tpu_v9"}), HasSubstr("no such machine"));
  EXPECT_THAT(error({"diff", "gemm:8,8,8", "--against", "edge_64", "--set", "dram.banks=4,8"}),
              HasSubstr("is a list"));
  output({"run", "gemm:8,8,8", "--engine", "func", "--stats", other});
  EXPECT_THAT(error({"diff", other, a}), HasSubstr("'cycles' is missing, null"));
}

// Each process of the timeline has its run's cycles.
TEST(Diff, WritesOneTimelineOfBothRuns) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.json");
  const Json json = Json::parse(
      output({"diff", "gemm:64,64,64", "--against", "edge_64", "--trace", file, "--json"}));
  std::map<int, std::int64_t> cycles, last;
  const Json trace = Json::parse(testing_support::text_of(file));
  for (const Json& event : trace["traceEvents"]) {
    const int process = event["pid"];
    if (event["name"] == "process_labels") cycles[process] = event["args"]["cycles"];
    if (event["ph"] != "X") continue;
    const Json& args = event["args"];
    last[process] = std::max(
        last[process], args["cycle"].get<std::int64_t>() + args["cycles"].get<std::int64_t>());
  }
  EXPECT_EQ(cycles, (std::map<int, std::int64_t>{{1, json["a"]["cycles"].get<std::int64_t>()},
                                                 {2, json["b"]["cycles"].get<std::int64_t>()}}));
  EXPECT_EQ(last, cycles);
}

TEST(Diff, RefusesATimelineThatCannotBe) {
  const ScratchFolder folder;
  const std::string file = folder.file("t.csv"), stats_file = folder.file("s.json");
  EXPECT_THAT(error({"diff", "gemm:8,8,8", "gemm:9,8,8", "--trace", file}),
              HasSubstr("the format holds one run, and these are two"));
  output({"run", "gemm:8,8,8", "--timing-only", "--stats", stats_file});
  EXPECT_THAT(error({"diff", "gemm:8,8,8", stats_file, "--trace", folder.file("t.json")}),
              HasSubstr("--trace: " + stats_file + " is statistics, which have no timeline"));
  EXPECT_THAT(error({"diff", "tpu_v1", "edge_64", "--trace", file}), HasSubstr("--trace: "));
  EXPECT_THAT(error({"diff", "gemm:8,8,8", "gemm:9,8,8", "--trace-time", "real"}),
              HasSubstr("--trace-time: there is no trace"));
  EXPECT_FALSE(std::filesystem::exists(file));
}

}  // namespace
}  // namespace systole::cli
