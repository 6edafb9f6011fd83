// One answer to "what bounds this run?", whichever command is asked.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>

#include "base/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

std::string output(const std::vector<std::string>& words) {
  const testing_support::Finished finished = testing_support::systole(words);
  EXPECT_EQ(finished.code, 0) << finished.err;
  return finished.out;
}

// Text without the line breaks that its page gave it.
std::string on_one_line(const std::string& text) {
  return std::regex_replace(text, std::regex("\\s+"), " ");
}

class OneAnswer : public testing::TestWithParam<const char*> {};

TEST_P(OneAnswer, OfEveryCommand) {
  const std::string model = GetParam();
  const Json stats = Json::parse(output({"run", model, "--timing-only", "--json"}));
  const std::string sentence = stats["bound_text"];
  EXPECT_THAT(sentence, HasSubstr("%"));
  EXPECT_THAT(on_one_line(output({"run", model, "--timing-only"})),
              HasSubstr("bound by " + sentence));
  EXPECT_THAT(on_one_line(output({"run", model})), HasSubstr("bound by " + sentence));
  EXPECT_THAT(on_one_line(output({"compile", model, "--timing-only", "--explain"})),
              HasSubstr("bound by " + sentence));
  EXPECT_THAT(on_one_line(output({"explain", model})), HasSubstr("bound by " + sentence));
  const Json explained = Json::parse(output({"explain", model, "--json"}));
  EXPECT_EQ(explained["bound_text"], sentence);
  EXPECT_EQ(explained["bound_by"], stats["bound_by"]);
  const Json compared = Json::parse(
      output({"compare", model, "--batches", "1", "--targets", "tpu:tpu_v1", "--json"}));
  EXPECT_EQ(compared["series"][0]["points"][0]["bound_text_alone"], sentence);
}

INSTANTIATE_TEST_SUITE_P(Models, OneAnswer,
                         testing::Values("gemm:1,784,512", "vadd:4096",
                                         "conv:1,16,14,14,32,3,3,1,1", "mlp:784,512,10"));

TEST(Explain, SaysWhatWasPredictedAndWhatWasFound) {
  const Json json = Json::parse(
      output({"explain", "gemm:512,256,256", "--what-if", "dram.bytes_per_second=4x", "--json"}));
  std::int64_t path = 0, layers = 0;
  for (const Json& part : json["path"]) path += part["cycles"].get<std::int64_t>();
  for (const Json& layer : json["layers"]) layers += layer["cycles"].get<std::int64_t>();
  EXPECT_EQ(path, json["cycles"]);
  EXPECT_EQ(layers, json["cycles"]);
  double last = 1.0;
  bool asked = false, recompiled = false;
  for (const Json& change : json["what_if"]) {
    const Json& gain = change["gain"].is_null() ? change["predicted_gain"] : change["gain"];
    EXPECT_LE(gain.get<double>(), last);
    last = gain;
    asked = asked || change["change"] == "dram.bytes_per_second=4x";
    recompiled = recompiled || change["recompiled"].get<bool>();
  }
  EXPECT_TRUE(asked);
  EXPECT_TRUE(recompiled);
}

TEST(Explain, PredictsWithoutRunningAgain) {
  const std::string text = output({"explain", "gemm:512,256,256", "--no-what-if"});
  EXPECT_THAT(text, HasSubstr("(predicted)"));
  EXPECT_THAT(text, testing::Not(HasSubstr("accumulators.rows")));
}

// Four equal layers have nearly equal times, which add up, and nothing is left to no layer.
TEST(Layers, HaveTheirPartOfThePath) {
  const Json stats = Json::parse(
      output({"run", "fashion_mlp", "--timing-only", "--batch", "8", "--batches", "2", "--json"}));
  std::int64_t sum = 0;
  for (const Json& layer : stats["layers"]) {
    EXPECT_TRUE(layer["name"] != "(none)" || layer["cycles"] == 0);
    sum += layer["cycles"].get<std::int64_t>();
  }
  EXPECT_EQ(sum, stats["cycles"]);
}

// Two instructions that wait for one another: the pass for its rows, which the link brings.
TEST(Listing, SaysWhenEachInstructionRanAndWhatItWaitedFor) {
  const testing_support::ScratchFolder folder;
  const std::string program = folder.file("p.tpu");
  output({"compile", "gemm:64,64,64", "-o", program});
  const std::string text = output({"run", program, "--listing"});
  const std::string listing = text.substr(text.find("Instructions in the order of dispatch"));
  EXPECT_THAT(listing, HasSubstr("weights: dispatched "));
  EXPECT_THAT(listing, testing::ContainsRegex("matrix: dispatched .*, waited .*: memory"));
  const Json stats = Json::parse(output({"run", program, "--json"}));
  const std::string cycles = std::to_string(stats["cycles"].get<std::int64_t>());
  EXPECT_THAT(std::regex_replace(listing, std::regex(","), ""),
              HasSubstr("The run takes " + cycles + " cycles."));
  EXPECT_EQ(testing_support::systole({"run", program, "--listing", "--json"}).code, 1);
}

// What a browser reads in the element that holds a page's data.
Json page_data(const std::string& page) {
  const std::string begin = "id=\"systole-data\">";
  const std::size_t at = page.find(begin) + begin.size();
  return Json::parse(page.substr(at, page.find("</script", at) - at));
}

TEST(ExplainPage, HasTheNumbersOfTheJson) {
  const testing_support::ScratchFolder folder;
  const std::string file = folder.file("p.html");
  const std::vector<std::string> words = {"explain", "gemm:64,256,64", "--what-if",
                                          "link.latency=0.5x"};
  const auto with = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = words;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const Json json = Json::parse(output(with({"--json", "--page", file})));
  EXPECT_EQ(json, Json::parse(output(with({"--json"}))));
  const Json data = page_data(testing_support::text_of(file));
  EXPECT_EQ(data["explain"], json);
  EXPECT_EQ(data["path"]["lanes"][0]["track"], "critical path");
  const Json stats = Json::parse(output({"run", "gemm:64,256,64", "--timing-only", "--json"}));
  for (const Json& unit : data["units"]) {
    EXPECT_EQ(unit["busy"], stats["units"][unit["unit"].get<std::string>()]["busy"]);
  }
  for (const Json& stall : data["stalls"]) {
    const std::string key =
        std::regex_replace(stall["name"].get<std::string>(), std::regex(" "), "_");
    EXPECT_EQ(stall["cycles"], stats["counters"]["matrix"][key]) << key;
  }
}

TEST(ExplainPage, IsOneFileWhateverTheModelIsCalled) {
  const testing_support::ScratchFolder folder;
  const std::string model = folder.file("<img src=x onerror='alert(1)'>&\".onnxtxt");
  write_file(model, std::string("<ir_version: 8, opset_import: [\"\" : 13]>\n"
                                "g (float[2,3] x) => (float[2,3] y)\n"
                                "<float[3,3] w = {1,2,3,4,5,6,7,8,9}> { y = MatMul(x, w) }\n"));
  const std::string file = folder.file("p.html");
  output({"explain", model, "--calibrate", "random", "--page", file});
  const std::string page = testing_support::text_of(file);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page_data(page)["explain"]["model"], model);
}

TEST(ExplainPage, IsRefusedBeforeTheWorkWhereItCannotBeWritten) {
  const testing_support::ScratchFolder folder;
  for (const std::string& path : {folder.file("none/p.html"), folder.file(""), std::string("-")}) {
    const auto finished =
        testing_support::systole({"explain", "gemm:16384,16384,16384", "--page", path});
    EXPECT_EQ(finished.code, 1) << path;
    EXPECT_THAT(finished.err, testing::StartsWith("systole: error: "));
    EXPECT_EQ(finished.out, "");
  }
  EXPECT_TRUE(folder.empty());
}

TEST(Explain, RefusesAWrongChangeBeforeItRuns) {
  for (const char* change : {"dram.bytes=", "nothing.here=2x", "array.rows"}) {
    const auto finished = testing_support::systole({"explain", "gemm:8,8,8", "--what-if", change});
    EXPECT_EQ(finished.code, 1) << change;
  }
}

}  // namespace
}  // namespace systole::cli
