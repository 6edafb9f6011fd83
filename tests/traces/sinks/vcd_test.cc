// VCD files, read back change by change: every register of every PE in every cycle.
#include "traces/sinks/vcd.h"

#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <vector>

#include "base/diag.h"

namespace systole::traces {
namespace {

using testing::HasSubstr;

// Registers that are all another function of place and cycle, in part below 0.
class Registers : public sim::ArrayView {
 public:
  explicit Registers(std::int64_t cycle) : cycle_(cycle) {}
  [[nodiscard]] std::int64_t rows() const override { return 2; }
  [[nodiscard]] std::int64_t columns() const override { return 3; }
  [[nodiscard]] std::int32_t value(sim::Plane plane, std::int64_t r,
                                   std::int64_t c) const override {
    const auto p = static_cast<std::int64_t>(plane);
    const int bits = sim::kPlanes.at(static_cast<std::size_t>(p)).bits;
    if (bits == 1) return static_cast<std::int32_t>((cycle_ + r + c) % 2);
    const std::int64_t at = (cycle_ / 2) * 31 + p * 7 + r * 3 + c;
    return static_cast<std::int32_t>(bits == 32 ? -at * 1'000'000 : at % 200 - 100);
  }

 private:
  std::int64_t cycle_;
};

isa::Machine machine_of(std::int64_t rows, std::int64_t columns) {
  isa::Machine machine;
  machine.name = "m";
  machine.array_rows = rows;
  machine.array_columns = columns;
  return machine;
}

// What a reader of VCD knows: the value of each name at each time at which something changed.
struct Waves {
  std::map<std::string, std::string> names;  // by code
  std::map<std::int64_t, std::map<std::string, std::string>> at;
};

void read_declaration(std::istringstream& words, std::vector<std::string>& scopes, Waves& waves,
                      const std::string& kind) {
  std::string type, name, code;
  if (kind == "$upscope") scopes.pop_back();
  if (kind == "$scope") words >> type >> name, scopes.push_back(name);
  if (kind != "$var") return;
  std::string bits;
  words >> type >> bits >> code >> name;
  const std::string full = scopes.back() + "." + name;
  EXPECT_TRUE(waves.names.emplace(code, full).second) << code << " twice";
}

Waves read(const std::string& text) {
  Waves waves;
  std::vector<std::string> scopes;
  std::map<std::string, std::string> now;
  std::int64_t time = -1;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, code;
    words >> first;
    if (first.front() == '$') {
      read_declaration(words, scopes, waves, first);
    } else if (first.front() == '#') {
      if (time >= 0) waves.at[time] = now;
      EXPECT_GT(std::stoll(first.substr(1)), time);
      time = std::stoll(first.substr(1));
    } else if (first.front() == 'b') {
      words >> code;
      now[waves.names.at(code)] = first.substr(1);
    } else {
      now[waves.names.at(first.substr(1))] = first.substr(0, 1);
    }
  }
  waves.at[time] = now;
  return waves;
}

std::int32_t number(const std::string& bits, int width) {
  std::uint64_t value = 0;
  for (const char c : bits) value = 2 * value + (c == '1' ? 1 : 0);
  if (width > 1 && (value >> (width - 1)) != 0) value -= std::uint64_t{1} << width;
  return static_cast<std::int32_t>(value);
}

void expect_registers(const std::map<std::string, std::string>& wave, const Registers& view) {
  for (std::size_t p = 0; p < sim::kPlanes.size(); ++p) {
    const sim::PlaneInfo& plane = sim::kPlanes.at(p);
    for (std::int64_t r = 0; r < view.rows(); ++r) {
      for (std::int64_t c = 0; c < view.columns(); ++c) {
        const std::string name =
            "pe_" + std::to_string(r) + "_" + std::to_string(c) + "." + std::string(plane.name);
        EXPECT_EQ(number(wave.at(name), plane.bits), view.value(static_cast<sim::Plane>(p), r, c))
            << name;
      }
    }
  }
}

TEST(VcdTrace, ShowsEveryRegisterInEveryCycle) {
  const isa::Machine machine = machine_of(2, 3);
  std::ostringstream out;
  VcdTrace trace(out, {.model = "x $end y", .shows_array = true, .parameters = &machine});
  for (const std::int64_t t : {5, 6, 7, 9}) trace.array(CyclePoint(t), Registers(t));
  trace.finish(CycleCount(11));
  EXPECT_THAT(out.str(), HasSubstr("$comment x _end y on  $end\n"));
  const Waves waves = read(out.str());
  EXPECT_EQ(waves.names.size(), 1 + 2 * 3 * sim::kPlanes.size());
  ASSERT_EQ(waves.at.size(), 2U * 6);  // cycles 5 to 10, two edges each
  for (const std::int64_t t : {5, 6, 7, 9}) {
    EXPECT_EQ(waves.at.at(1000 * t).at("matrix.clock"), "1");
    EXPECT_EQ(waves.at.at(1000 * t + 500).at("matrix.clock"), "0");
    expect_registers(waves.at.at(1000 * t), Registers(t));
    expect_registers(waves.at.at(1000 * t + 500), Registers(t));
  }
  expect_registers(waves.at.at(8000), Registers(7));  // left out: nothing changed
  expect_registers(waves.at.at(10'000), Registers(9));
}

TEST(VcdTrace, RealTimeIsThatOfTheClock) {
  const isa::Machine machine = machine_of(2, 3);
  std::ostringstream out;
  VcdTrace trace(
      out,
      {.clock_hertz = 700'000'000, .real_time = true, .shows_array = true, .parameters = &machine});
  trace.array(CyclePoint(7), Registers(7));
  trace.finish(CycleCount(8));
  const Waves waves = read(out.str());
  ASSERT_EQ(waves.at.size(), 2U);
  EXPECT_EQ(waves.at.begin()->first, 10'000);
  EXPECT_EQ(waves.at.rbegin()->first, 10'714);
}

TEST(VcdTrace, NoCyclesNoChanges) {
  std::ostringstream out;
  VcdTrace trace(out, [] {
    static const isa::Machine machine = machine_of(2, 3);
    return TraceInfo{.shows_array = true, .parameters = &machine};
  }());
  trace.finish(CycleCount(100));
  EXPECT_TRUE(read(out.str()).at.begin()->second.empty());
}

std::string refusal(const TraceInfo& info) {
  try {
    check_vcd("x.vcd", info);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(VcdTrace, RefusesWhatItCannotShow) {
  isa::Machine machine = machine_of(64, 64);
  EXPECT_EQ(refusal({.shows_array = true, .parameters = &machine}), "");
  EXPECT_THAT(refusal({.parameters = &machine}), HasSubstr("--engine register"));
  EXPECT_THAT(refusal({}), HasSubstr("--engine register"));
  machine.array_units = 2;
  EXPECT_THAT(refusal({.shows_array = true, .parameters = &machine}),
              HasSubstr("m has 2 matrix units"));
  machine = machine_of(64, 65);
  EXPECT_THAT(refusal({.shows_array = true, .parameters = &machine}),
              testing::AllOf(HasSubstr("64 x 65"), HasSubstr("4096 PEs")));
}

}  // namespace
}  // namespace systole::traces
