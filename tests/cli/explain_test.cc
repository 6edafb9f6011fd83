// One answer to "what bounds this run?", whichever command is asked.
#include <gmock/gmock-matchers.h>
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

// The change's row of a document; null if there is none, an array if there are several.
Json change_row(const Json& document, const std::string& change) {
  Json rows = Json::array();
  for (const Json& row : document["what_if"]) {
    if (row["change"] == change) rows.push_back(row);
  }
  return rows.size() == 1 ? rows[0] : rows.empty() ? Json(nullptr) : rows;
}

// What is asked is predicted from the recorded run, as what is offered is.
TEST(Explain, PredictsWhatIsAsked) {
  const std::vector<std::string> words = {"explain", "vadd:65536", "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return Json::parse(output(more));
  };
  const Json offered = change_row(with({}), "link.in_bytes_per_second=2x");
  ASSERT_TRUE(offered.is_object());
  const Json json =
      with({"--no-what-if", "--what-if", "link.in_bytes_per_second=2x,4x", "--what-if",
            "link.in_bytes_per_second=30064771072", "--what-if", "clock.hertz=0.5x", "--what-if",
            "array.rows=128", "--what-if", "link.latency=1,dram.latency=1"});
  EXPECT_EQ(change_row(json, "link.in_bytes_per_second=2x"), offered);
  for (const char* change :
       {"link.in_bytes_per_second=4x", "clock.hertz=0.5x", "link.latency=1, dram.latency=1"}) {
    const Json row = change_row(json, change);
    ASSERT_TRUE(row.is_object()) << change << row;
    EXPECT_FALSE(row["recompiled"].get<bool>());
    EXPECT_NEAR(row["predicted_gain"].get<double>(), row["gain"].get<double>(), 0.01) << change;
  }
  EXPECT_LT(change_row(json, "clock.hertz=0.5x")["gain"].get<double>(), -0.1);
  // The same machine in other words is the same question.
  EXPECT_TRUE(change_row(json, "link.in_bytes_per_second=30064771072").is_null());
  const Json anew = change_row(json, "array.rows=128");
  EXPECT_TRUE(anew["recompiled"].get<bool>());
  EXPECT_TRUE(anew["predicted_gain"].is_null());
  EXPECT_TRUE(anew["gain"].is_number());
}

// Softmax is the host's, and takes longer than the device.
TEST(Explain, OffersACheaperHostWhereTheHostBounds) {
  const testing_support::ScratchFolder folder;
  const std::string model = folder.file("softmax.onnxtxt");
  write_file(model, std::string("<ir_version: 8, opset_import: [\"\" : 13]>\n"
                                "g (float[4,64] x) => (float[4,64] y) { y = Softmax(x) }\n"));
  const Json json = Json::parse(output({"explain", model, "--json"}));
  EXPECT_EQ(json["bound_by"], Json::array({"host"}));
  EXPECT_EQ(json["bound_parameter"], Json::array({"host.call_nanoseconds"}));
  const Json row = change_row(json, "host.call_nanoseconds=0.5x");
  ASSERT_TRUE(row.is_object());
  EXPECT_EQ(row["of"], "total");
  EXPECT_EQ(row["gain"], row["predicted_gain"]);
  EXPECT_GT(row["gain"].get<double>(), 0.1);
  EXPECT_THAT(output({"explain", model}), HasSubstr("The run's time, with the host's own steps:"));
  const Json device = Json::parse(output({"explain", "gemm:64,64,64", "--json"}));
  for (const Json& change : device["what_if"]) EXPECT_EQ(change["of"], "device");
}

// Four equal layers of a topology have four equal times, by resource, too; what their places in the
// run add is a row of its own.
TEST(Layers, ThatAreAlikeHaveTheSameTime) {
  const testing_support::ScratchFolder folder;
  const std::string topology = folder.file("four.csv");
  write_file(topology, std::string("Layer, M, N, K,\nA, 16, 16, 16,\nB, 16, 16, 16,\n"
                                   "C, 16, 16, 16,\nD, 16, 16, 16,\nE, 32, 16, 16,\n"));
  for (const char* machine : {"tpu_v1", "scale_sim_ws", "tpu_v1_prime", "edge_64"}) {
    const Json stats = Json::parse(output({"run", topology, "--machine", machine, "--json"}));
    const Json& layers = stats["layers"];
    ASSERT_EQ(layers.size(), 6U);
    EXPECT_EQ(layers[0]["name"], "(start, drain)") << machine;
    std::int64_t sum = 0;
    for (const Json& layer : layers) sum += layer["cycles"].get<std::int64_t>();
    EXPECT_EQ(sum, stats["cycles"]);
    EXPECT_LT(layers[0]["cycles"].get<double>(), 0.1 * stats["cycles"].get<double>());
    for (std::size_t i = 2; i < 5; ++i) {
      EXPECT_EQ(layers[i]["cycles"], layers[1]["cycles"]) << machine << i;
      EXPECT_EQ(layers[i]["path"], layers[1]["path"]) << machine << i;
    }
    EXPECT_NE(layers[5]["cycles"], layers[1]["cycles"]);
  }
  EXPECT_THAT(output({"run", topology, "--layers"}), HasSubstr("\n  (start, drain) "));
  EXPECT_THAT(output({"explain", topology}), HasSubstr("\n  (start, drain) "));
}

// Layers' times add up, and nothing is left to no layer.
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
