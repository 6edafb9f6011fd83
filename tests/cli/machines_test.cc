// Presets as users meet them: listed, shown, changed, run; and where their figures come from.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "base/source.h"
#include "isa/machine.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

namespace systole::cli {
namespace {

using testing::HasSubstr;
using testing_support::Finished;
using testing_support::systole;
using Json = nlohmann::json;

TEST(Machines, EveryPresetIsListed) {
  const Finished text = systole({"machines"});
  const Json json = Json::parse(systole({"machines", "--json"}).out);
  ASSERT_EQ(json.size(), isa::machine_names().size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    EXPECT_EQ(json[i].at("name"), isa::machine_names()[i]);
    EXPECT_THAT(text.out, HasSubstr(isa::machine_names()[i]));
  }
}

TEST(Machines, EveryParameterIsShownWithUnitRangeAndMeaning) {
  std::string text = systole({"machines", "tpu_v1", "--set", "array.rows=128"}).out;
  for (std::size_t at; (at = text.find("\n    ")) != std::string::npos;) text.replace(at, 5, " ");
  const Json json =
      Json::parse(systole({"machines", "tpu_v1", "--set", "array.rows=128", "--json"}).out);
  const auto views = isa::parameters(isa::load_machine("tpu_v1"));
  ASSERT_EQ(json.at("parameters").size(), views.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    const Json& shown = json.at("parameters").at(i);
    EXPECT_EQ(shown.at("key"), views[i].key);
    EXPECT_EQ(shown.at("value"), views[i].key == "array.rows" ? "128" : views[i].value);
    EXPECT_EQ(shown.at("unit"), views[i].unit);
    EXPECT_EQ(shown.at("range"), views[i].range);
    EXPECT_EQ(shown.at("text"), views[i].text);
    EXPECT_THAT(text, HasSubstr(views[i].text));  // which the page wraps
  }
}

// The same small network on every preset; timing only, since one has gigabytes of buffer.
TEST(Machines, EveryPresetRuns) {
  for (const std::string& name : isa::machine_names()) {
    const std::vector<std::string> words = {"run",    "mlp:40,30,20",  "--batch",   "9",
                                            "--json", "--timing-only", "--machine", name};
    const Finished cycle = systole(words);
    ASSERT_EQ(cycle.code, 0) << name << ": " << cycle.err;
    const Json stats = Json::parse(cycle.out);
    EXPECT_EQ(stats.at("macs"), 9 * (40 * 30 + 30 * 20)) << name;
    EXPECT_GT(stats.at("cycles"), 0) << name;
  }
}

// A changed machine says so in every place that names it.
TEST(Machines, SayWhatWasChangedWhereverTheyAreNamed) {
  const testing_support::ScratchFolder folder;
  const std::string name = "tpu_v1 + dram.bytes_per_second=2x", set = "dram.bytes_per_second=2x";
  const std::string program = folder.file("p.tpu"), trace = folder.file("t.json");
  const auto out = [](const std::vector<std::string>& words) {
    const Finished done = systole(words);
    EXPECT_EQ(done.code, 0) << done.err;
    return done.out;
  };
  EXPECT_THAT(out({"machines", "tpu_v1", "--set", set}), HasSubstr(name + ": "));
  EXPECT_EQ(Json::parse(out({"machines", "--set", set, "--json"})).at("name"), name);
  EXPECT_THAT(out({"run", "mlp:16,8", "--timing-only", "--set", set, "--trace", trace}),
              HasSubstr("mlp:16,8 on " + name + " ("));
  EXPECT_THAT(testing_support::text_of(trace), HasSubstr(name));
  const auto stats = Json::parse(out({"run", "mlp:16,8", "--timing-only", "--set", set, "--json"}));
  EXPECT_EQ(stats.at("machine").at("name"), name);
  EXPECT_THAT(out({"compile", "mlp:16,8", "--set", set, "-o", program, "--explain"}),
              HasSubstr(name));
  EXPECT_THAT(out({"disasm", program}), HasSubstr(".machine name = \"" + name + "\""));
  EXPECT_THAT(out({"check", program}), HasSubstr(name));
  EXPECT_THAT(out({"run", program, "--timing-only"}), HasSubstr(" on " + name + " ("));
  EXPECT_THAT(out({"run", program, "--timing-only", "--set", "dram.bytes_per_second=0.5x"}),
              HasSubstr(" on tpu_v1 ("));
  EXPECT_THAT(out({"ops", "--set", set}), HasSubstr(name));
}

std::map<std::string, std::string> values_of(const std::string& machine) {
  std::map<std::string, std::string> values;
  for (const isa::ParameterView& p : isa::parameters(isa::load_machine(machine))) {
    values[p.key] = p.value;
  }
  return values;
}

// Keys ("array.rows") of a machine file whose line has no comment.
std::vector<std::string> bare_keys(const std::string& text) {
  std::vector<std::string> keys;
  std::istringstream lines(text);
  std::string section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) section = line.substr(1, line.find(']') - 1) + ".";
    const std::size_t equals = line.find(" = ");
    const bool figure = !section.empty() && !line.starts_with("#") && equals != std::string::npos;
    if (figure && line.find('#') == std::string::npos) {
      keys.push_back(section + line.substr(0, equals));
    }
  }
  return keys;
}

// A figure is cited, derived or assumed, on its line; or it is another preset's, which the file
// names; or the file says what its figures are ("All figures are chosen").
TEST(Machines, EveryFigureSaysWhereItComesFrom) {
  for (const std::string& name : isa::machine_names()) {
    const auto bytes = read_file(source_path("machines/") + name + ".toml");
    const std::string text(bytes.begin(), bytes.end());
    if (text.find("figures are ") != std::string::npos) continue;
    const auto mine = values_of(name), v1 = values_of("tpu_v1");
    for (const std::string& key : bare_keys(text)) {
      if (key == "dram.kind") continue;  // a choice of model, not a figure
      EXPECT_THAT(text, HasSubstr("tpu_v1.toml")) << name << ": " << key;
      EXPECT_EQ(mine.at(key), v1.at(key)) << name << ": " << key;
    }
  }
}

}  // namespace
}  // namespace systole::cli
