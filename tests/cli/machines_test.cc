// Presets as users meet them: listed, shown, changed, run; and where their figures come from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "isa/machine.h"
#include "tests/support/process.h"

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
  const Finished text = systole({"machines", "tpu_v1", "--set", "array.rows=128"});
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
    EXPECT_THAT(text.out, HasSubstr(views[i].text));
  }
}

// The same small network on every preset.
TEST(Machines, EveryPresetRuns) {
  for (const std::string& name : isa::machine_names()) {
    const std::vector<std::string> words = {"run",    "mlp:40,30,20", "--batch", "9",
                                            "--json", "--machine",    name};
    const Finished cycle = systole(words);
    ASSERT_EQ(cycle.code, 0) << name << ": " << cycle.err;
    const Json stats = Json::parse(cycle.out);
    EXPECT_EQ(stats.at("macs"), 9 * (40 * 30 + 30 * 20)) << name;
    EXPECT_GT(stats.at("cycles"), 0) << name;
  }
}

// A figure is cited, derived or assumed, on its line; or the file says what all figures are.
TEST(Machines, EveryFigureSaysWhereItComesFrom) {
  for (const std::string& name : isa::machine_names()) {
    const auto bytes = read_file(SYSTOLE_SOURCE_DIR "/machines/" + name + ".toml");
    const std::string text(bytes.begin(), bytes.end());
    if (text.find("All figures are") != std::string::npos) continue;
    EXPECT_THAT(text, HasSubstr("Source")) << name;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const bool figure = std::any_of(line.begin(), line.end(), ::isdigit) &&
                          line.find(" = ") != std::string::npos && line.front() != '#' &&
                          !line.starts_with("text") && !line.starts_with("name");
      if (figure) EXPECT_THAT(line, HasSubstr(" # ")) << name;
    }
  }
}

}  // namespace
}  // namespace systole::cli
