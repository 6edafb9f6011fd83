// The table of a sweep by hand: exact lines, and the three ways to have the values on a page.
#include "report/sweep.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace systole::report {
namespace {

using testing::HasSubstr;

SweepRow row(std::vector<std::string> values, std::int64_t cycles) {
  SweepRow r;
  r.values = std::move(values);
  r.machine = "m";
  r.cycles = cycles;
  r.seconds = r.total_seconds = static_cast<double>(cycles) * 1e-9;
  r.mac_utilization = 0.25;
  r.bound.by = {"memory"};
  r.bound.share = 0.5;
  r.path = {{"memory", cycles / 2}, {"array", cycles / 2}};
  return r;
}

SweepRow failed(std::vector<std::string> values, const std::string& error) {
  SweepRow r;
  r.values = std::move(values);
  r.error = error;
  return r;
}

Sweep sweep(std::vector<std::string> keys, std::vector<SweepRow> rows) {
  Sweep s;
  s.title = "gemm on m";
  s.keys = std::move(keys);
  s.rows = std::move(rows);
  s.programs = 1;
  return s;
}

void expect_page(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(SweepText, HasARowAPoint) {
  const Sweep s = sweep({"array.rows"}, {failed({"0"}, "is out of range"), row({"64"}, 2'000'000),
                                         row({"128"}, 1'000'000)});
  EXPECT_EQ(sweep_text(s),
            "gemm on m: 3 points, 1 program\n"
            "  array.rows     cycles  time  MAC util.  faster  bound by\n"
            "           0  error: is out of range\n"
            "          64  2,000,000  2 ms     25.0 %      1x  memory 50.0 %\n"
            "         128  1,000,000  1 ms     25.0 %      2x  memory 50.0 %\n");
  EXPECT_FALSE(speed_up(s, s.rows[0]));
  EXPECT_EQ(speed_up(s, s.rows[1]), 1.0);
  EXPECT_EQ(speed_up(s, s.rows[2]), 2.0);
}

TEST(SweepText, TellsTheStoryOfARow) {
  Sweep s = sweep({"array.rows"}, {row({"64"}, 1000)});
  s.explains = true;
  s.rows[0].changes = {{"2x memory", "dram.bytes_per_second=2x", 0.2, 0.25, false},
                       {"2x link in", "link.in_bytes_per_second=2x", 0.1, std::nullopt, false}};
  const std::string text = sweep_text(s);
  EXPECT_THAT(text, HasSubstr("\n    memory 50.0 %, array 50.0 %; dram.bytes_per_second=2x: "
                              "-25.0 %,\n    link.in_bytes_per_second=2x: -10.0 % (predicted)\n"));
  const auto json = nlohmann::json::parse(sweep_json(s));
  EXPECT_EQ(json[0]["what_if"][0]["gain"], 0.25);
  EXPECT_TRUE(json[0]["what_if"][1]["gain"].is_null());
}

TEST(SweepText, FitsAPageWithLettersForKeys) {
  const std::string text =
      sweep_text(sweep({"unified_buffer.write_ports", "link.in_bytes_per_second"},
                       {row({"1", "2x"}, 1'000'000'000), row({"2", "300GB/s"}, 1'000)}));
  EXPECT_THAT(text, HasSubstr("\n  A: unified_buffer.write_ports\n  B: link.in_bytes_per_second\n"
                              "  A        B  "));
  EXPECT_THAT(text, HasSubstr("\n  2  300GB/s  "));
  expect_page(text);
}

// Nine keys whose values are wide: each row has lines of its own for them.
TEST(SweepText, FitsAPageWithManyKeys) {
  std::vector<std::string> keys, values;
  for (int i = 0; i < 9; ++i) {
    keys.push_back("link.in_bytes_per_second" + std::to_string(i));
    values.push_back("1000000000" + std::to_string(i));
  }
  const std::string text = sweep_text(sweep(keys, {row(values, 5'000), failed(values, "no room")}));
  EXPECT_THAT(text, HasSubstr("  link.in_bytes_per_second0=10000000000"));
  EXPECT_THAT(text, HasSubstr("\n    error: no room\n"));
  expect_page(text);
}

// What a value or an error says does nothing where it is shown.
TEST(SweepText, IsClean) {
  const Sweep s = sweep({"k"}, {row({"=1\x1b[31m"}, 10), failed({"2"}, "a\nb")});
  EXPECT_EQ(sweep_text(s).find('\x1b'), std::string::npos);
  EXPECT_THAT(sweep_csv(s), HasSubstr("\n'=1 [31m,m,10,"));
  EXPECT_THAT(sweep_csv(s), HasSubstr("\n2,,,,,,,a b\n"));
}

}  // namespace
}  // namespace systole::report
