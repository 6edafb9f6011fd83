// The page's data: the explanation's own numbers, a timeline that adds up, an array that
// multiplies, and text that stays text.
#include "report/page.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "compiler/compile.h"
#include "compiler/load.h"
#include "report/array_example.h"
#include "report/timeline.h"
#include "report/why.h"
#include "sim/run.h"

namespace systole::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

constexpr std::string_view kDataBegin = "<script type=\"application/json\" id=\"systole-data\">";

struct Explained {
  isa::Program program;
  Record record;
};

Explained explained(const std::string& model) {
  const isa::Machine machine = isa::load_machine("tiny_8");
  compiler::CompileOptions options;
  options.timing_only = true;
  Explained run{compiler::compile(compiler::load_model(model, {}), machine, options), {}};
  run.record.model = model;
  run.record.command_line = "systole explain " + model;
  run.record.machine = machine;
  sim::RunOptions timed;
  timed.timing_only = true;
  run.record.report = sim::run(run.program, machine, {}, timed).report;
  run.record.why = explain(run.program, machine);
  return run;
}

// The data of a page as a browser reads them: up to the first end of a script element.
std::string data_of(const std::string& page) {
  const std::size_t begin = page.find(kDataBegin) + kDataBegin.size();
  return page.substr(begin, page.find("</script", begin) - begin);
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

TEST(PageTemplate, IsOneDocumentThatAsksForNothing) {
  const std::string page = page_text(kRunPage);
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  EXPECT_EQ(count(page, "@SYSTOLE_DATA@"), 1U);
  EXPECT_EQ(count(page, "<script"), 2U);
  EXPECT_EQ(count(page, "</script>"), 2U);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_EQ(count(page, " src="), 0U);
  EXPECT_LT(page.size(), 700'000U);
  EXPECT_TRUE(
      std::ranges::all_of(page, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
}

TEST(Page, HoldsTheExplanationItself) {
  const Explained run = explained("mlp:40,30,20");
  const std::vector<Asked> asked = {
      {"dram.bytes_per_second=4x", isa::Machine(), std::nullopt, 0.25, false}};
  const std::string page = page_html(run.record, asked, run.program);
  const Json data = parse_json(data_of(page), "page", "data");
  EXPECT_EQ(data["explain"], Json::parse(explanation_json(run.record, asked)));
  EXPECT_EQ(data["layers"].size(), data["explain"]["layers"].size());
  for (std::size_t i = 0; i < data["layers"].size(); ++i) {
    std::int64_t cycles = 0;
    for (const Json& part : data["layers"][i]["path"]) cycles += part["cycles"].get<std::int64_t>();
    EXPECT_EQ(cycles, data["explain"]["layers"][i]["cycles"]);
    const auto layer = data["layers"][i]["layer"].get<std::size_t>();
    EXPECT_EQ(data["layers"][i]["last"], run.record.report.layers[layer].last.value);
  }
  std::int64_t stalls = 0, tenths = 0;
  for (const Json& stall : data["stalls"]) {
    stalls += stall["cycles"].get<std::int64_t>();
    tenths += stall["tenths_of_percent"].get<std::int64_t>();
  }
  EXPECT_EQ(stalls, run.record.report.total.cycles.value);
  EXPECT_EQ(tenths, 1000);
  EXPECT_EQ(count(page, "</script"), 2U);
}

// Cycles of a column of a lane.
std::int64_t sum(const Json& lane, const char* column) {
  std::int64_t total = 0;
  for (const Json& value : lane[column]) total += value.get<std::int64_t>();
  return total;
}

TEST(Page, LanesHaveTheCyclesOfTheirUnits) {
  const Explained run = explained("gemm:40,30,20");
  const Json data = page_json(run.record, {}, run.program);
  const std::int64_t cycles = run.record.report.total.cycles.value;
  const Json& path = data["path"]["lanes"].at(0);
  EXPECT_EQ(sum(path, "gap"), 0);
  EXPECT_EQ(sum(path, "length"), cycles);
  std::size_t found = 0;
  for (const sim::UnitReport& unit : run.record.report.units) {
    for (const Json& lane : data["timeline"]["lanes"]) {
      if (lane["track"] != unit.unit) continue;
      ++found;
      EXPECT_EQ(sum(lane, "busy"), unit.busy.value) << unit.unit;
      EXPECT_EQ(sum(lane, "busy") + sum(lane, "waited") + unit.idle.value, cycles) << unit.unit;
    }
  }
  EXPECT_GE(found, 5U);
  EXPECT_EQ(data["timeline"]["grain"], 1);
}

// A wait says what it went to: until an instruction starts, or the run ends.
TEST(Page, WaitsHaveCauses) {
  const Explained run = explained("gemm:40,30,20");
  const Json data = page_json(run.record, {}, run.program);
  for (const Json& lane : data["timeline"]["lanes"]) {
    if (lane["track"] != "matrix") continue;
    ASSERT_GT(lane["cause"].size(), 2U);
    const auto first = lane["cause"][0].get<std::size_t>();
    EXPECT_GT(lane["waited"][0], 0);
    EXPECT_EQ(data["resources"].at(first)["name"], "link in");
    const auto last = lane["cause"].back().get<std::size_t>();  // of the drain
    EXPECT_EQ(data["resources"].at(last)["name"], "activation");
  }
}

// As the register engine has it, and as T1 and T2 say (docs/machine.md).
TEST(PageArray, MovesByTheRules) {
  const ArrayExample array = array_example();
  constexpr std::int64_t kSide = ArrayExample::kSide;
  const auto x = array.x.as<std::uint8_t>();
  const auto w = array.w.as<std::int8_t>();
  const auto at = [](const ArrayExample::Frame& frame, sim::Plane plane, std::int64_t place) {
    return frame.planes.at(static_cast<std::size_t>(plane)).at(static_cast<std::size_t>(place));
  };
  std::size_t valid = 0;
  for (const ArrayExample::Frame& frame : array.frames) {
    for (std::int64_t place = 0; place < kSide * kSide; ++place) {
      const std::int64_t r = place / kSide, c = place % kSide;
      const CyclePoint injected = frame.at - CycleCount(r + c);
      const auto pass = std::ranges::find_if(array.passes, [&](const ArrayExample::Pass& p) {
        return injected >= p.begin && injected < p.begin + CycleCount(p.rows);
      });
      ASSERT_EQ(at(frame, sim::Plane::kValid, place), pass == array.passes.end() ? 0 : 1);
      if (pass == array.passes.end()) continue;
      ++valid;
      const std::int64_t b = (injected - pass->begin).value;
      std::int32_t psum = 0;
      for (std::int64_t i = 0; i <= r; ++i) {
        psum += x[static_cast<std::size_t>(b * ArrayExample::kInner + pass->k + i)] *
                w[static_cast<std::size_t>((pass->k + i) * ArrayExample::kColumns + pass->n + c)];
      }
      EXPECT_EQ(at(frame, sim::Plane::kPsum, place), psum);
      EXPECT_EQ(at(frame, sim::Plane::kSwitch, place), b == 0 ? 1 : 0);
    }
  }
  EXPECT_EQ(valid, array.passes.size() * ArrayExample::kRows * kSide * kSide);
}

TEST(PageArray, EndsWithTheProduct) {
  const ArrayExample array = array_example();
  const auto x = array.x.as<std::uint8_t>();
  const auto w = array.w.as<std::int8_t>();
  const auto y = array.y.as<std::int32_t>();
  std::map<std::pair<std::int64_t, std::int64_t>, std::int32_t> accumulators;
  for (const sim::AccumulatorWrite& write : array.writes) {
    accumulators[{write.row, write.column}] = write.value;
  }
  for (std::int64_t b = 0; b < ArrayExample::kRows; ++b) {
    for (std::int64_t n = 0; n < ArrayExample::kColumns; ++n) {
      std::int32_t product = 0;
      for (std::int64_t k = 0; k < ArrayExample::kInner; ++k) {
        product += x[static_cast<std::size_t>(b * ArrayExample::kInner + k)] *
                   w[static_cast<std::size_t>(k * ArrayExample::kColumns + n)];
      }
      const std::int64_t row = n / ArrayExample::kSide * ArrayExample::kRows + b;
      EXPECT_EQ(y[static_cast<std::size_t>(b * ArrayExample::kColumns + n)], product);
      EXPECT_EQ((accumulators[{row, n % ArrayExample::kSide}]), product);
    }
  }
  // T4: a shift takes R cycles and begins with the pass before; T3: passes follow each other.
  ASSERT_EQ(array.shifted.size(), array.passes.size());
  for (std::size_t i = 1; i < array.passes.size(); ++i) {
    EXPECT_EQ(array.passes[i].begin, array.passes[i - 1].begin + CycleCount(ArrayExample::kRows));
    EXPECT_EQ(array.shifted[i], array.passes[i - 1].begin + CycleCount(ArrayExample::kSide));
  }
}

TEST(PageText, NamesDoNothing) {
  Explained run = explained("gemm:8,8,8");
  const std::string evil = "</script><img src=x onerror=alert(1)>&<!--\"'\\\x1b[31m\x01\xff";
  run.record.model = run.record.command_line = run.record.machine.name = evil;
  for (isa::Layer& layer : run.program.layers) layer.name = evil;
  for (sim::LayerReport& layer : run.record.report.layers) layer.name = evil;
  const std::string page =
      page_html(run.record, {{evil, isa::Machine(), 0.1, 0.2, false}}, run.program);
  EXPECT_EQ(count(page, "</script"), 2U);
  EXPECT_EQ(count(page, "<img"), 0U);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  const std::string text = data_of(page);
  EXPECT_EQ(text.find_first_of("<>&"), std::string::npos);
  const Json data = parse_json(text, "page", "data");
  EXPECT_THAT(data["explain"]["model"].get<std::string>(),
              testing::StartsWith("</script><img src=x onerror=alert(1)>&<!--\"'\\\x1b[31m\x01"));
  EXPECT_THAT(data["timeline"]["layers"].dump(), HasSubstr("onerror"));
}

}  // namespace
}  // namespace systole::report
