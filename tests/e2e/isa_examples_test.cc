// The example programs of docs/isa-examples: their values are those of plain loops, on every
// engine, and their cycles are those that they say.
#include <gmock/gmock-matchers.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>

#include "base/files.h"
#include "base/source.h"
#include "formats/program_files.h"
#include "isa/verify.h"
#include "sim/run.h"

namespace systole {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Outputs = std::map<std::string, Tensor>;

std::string path_of(const std::string& name) {
  return source_path("docs/isa-examples/" + name + ".asm");
}

std::string text_of(const std::string& path) {
  const std::vector<std::uint8_t> bytes = read_file(path);
  return {bytes.begin(), bytes.end()};
}

// An example, an input for it, and what it gives.
class Example {
 public:
  explicit Example(const std::string& name)
      : text_(text_of(path_of(name))),
        program_(formats::read_program(path_of(name))),
        x_(DType::kUint8, program_.tensors.at(0).shape) {
    for (std::size_t i = 0; i < x_.data.size(); ++i) {
      x_.data[i] = static_cast<std::uint8_t>(i * 37 + i / 8 + 11);
    }
  }

  [[nodiscard]] const isa::Program& program() const { return program_; }
  [[nodiscard]] std::int64_t x(std::int64_t row, std::int64_t channel) const {
    return x_.data.at(static_cast<std::size_t>(row * 8 + channel));
  }
  // Row k, column n of a tile of 8 x 8 signed bytes.
  [[nodiscard]] std::int64_t weight(std::int64_t tile, std::int64_t k, std::int64_t n) const {
    return static_cast<std::int8_t>(
        program_.weights.at(static_cast<std::size_t>((tile * 8 + k) * 8 + n)));
  }

  // Runs it on every engine, unless it is refused; they agree. The cycles are those that its text
  // says.
  [[nodiscard]] Outputs run() const {
    std::optional<Outputs> first;
    for (const sim::Engine engine :
         {sim::Engine::kFunc, sim::Engine::kCycle, sim::Engine::kRegister}) {
      sim::RunOptions options;
      options.engine = engine;
      sim::RunResult result = sim::run(program_, program_.machine, {{"x", x_}}, options);
      if (engine != sim::Engine::kFunc) {
        EXPECT_EQ(result.report.total.cycles, CycleCount(cycles_said()));
      }
      if (first) {
        for (const auto& [name, tensor] : *first) {
          EXPECT_EQ(result.outputs.at(name).data, tensor.data) << name;
        }
      } else {
        first = std::move(result.outputs);
      }
    }
    return *first;
  }

 private:
  [[nodiscard]] std::int64_t cycles_said() const {
    std::smatch found;
    return std::regex_search(text_, found, std::regex("\n# Cycles: ([0-9]+)\n"))
               ? std::stoll(found[1])
               : -1;
  }

  std::string text_;
  isa::Program program_;
  Tensor x_;
};

// y = x w of so many rows, by a tile of 8 x 8.
void expect_product(const Example& example) {
  const Outputs outputs = example.run();
  const auto y = outputs.at("y").as<std::int32_t>();
  for (std::int64_t row = 0; row < example.program().batch; ++row) {
    for (std::int64_t n = 0; n < 8; ++n) {
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < 8; ++k) sum += example.x(row, k) * example.weight(0, k, n);
      EXPECT_EQ(y[static_cast<std::size_t>(row * 8 + n)], sum) << row << "," << n;
    }
  }
}

TEST(IsaExamples, DoubleBufferMultiplies) { expect_product(Example("double_buffer")); }
TEST(IsaExamples, RepeatMultiplies) { expect_product(Example("repeat")); }

TEST(IsaExamples, TheRaceIsRefusedAndTheMendedOneMultiplies) {
  const Example raced("race"), mended("race_mended");
  const auto findings = isa::verify(raced.program(), raced.program().machine);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].kind, isa::FindingKind::kRace);
  EXPECT_THAT(findings[0].text, HasSubstr("expected a sync that lets matrix wait for dma_in"));
  EXPECT_THROW((void)raced.run(), InputError);
  expect_product(mended);
  // They differ by that sync alone.
  isa::Program without = mended.program();
  std::erase_if(without.code, [](const isa::Insn& insn) {
    const auto* sync = std::get_if<isa::Sync>(&insn);
    return sync != nullptr && isa::awaited(*sync) == isa::Unit::kDmaIn;
  });
  EXPECT_EQ(without.code.size() + 1, mended.program().code.size());
  EXPECT_EQ(without.code, raced.program().code);
}

TEST(IsaExamples, ConvolutionIsThatOfThreeByThree) {
  const Example example("convolution");
  const Outputs outputs = example.run();
  const auto y = outputs.at("y").as<std::int32_t>();
  constexpr std::int64_t kSide = 6;
  for (std::int64_t at = 0; at < kSide * kSide; ++at) {
    for (std::int64_t n = 0; n < 8; ++n) {
      std::int64_t sum = 0;
      for (std::int64_t tap = 0; tap < 9 * 8; ++tap) {
        const std::int64_t position = tap / 8, c = tap % 8;
        const std::int64_t row = at / kSide + position / 3 - 1;
        const std::int64_t column = at % kSide + position % 3 - 1;
        const bool inside = row >= 0 && row < kSide && column >= 0 && column < kSide;
        if (inside) sum += example.x(row * kSide + column, c) * example.weight(position, c, n);
      }
      EXPECT_EQ(y[static_cast<std::size_t>(at * 8 + n)], sum) << at << "," << n;
    }
  }
}

// A sum of four over four, rounded half to even.
std::int64_t mean_of(const std::vector<std::int64_t>& four) {
  std::int64_t sum = 0;
  for (const std::int64_t value : four) sum += value;
  const std::int64_t half_up = (sum + 2) / 4;
  return sum % 4 == 2 && half_up % 2 == 1 ? half_up - 1 : half_up;
}

TEST(IsaExamples, PoolsAreThoseOfTwoByTwo) {
  const Example example("pool");
  const Outputs outputs = example.run();
  const auto largest = outputs.at("largest").as<std::uint8_t>();
  const auto mean = outputs.at("mean").as<std::uint8_t>();
  for (std::int64_t at = 0; at < 16; ++at) {
    for (std::int64_t c = 0; c < 8; ++c) {
      const std::int64_t corner = at / 4 * 2 * 8 + at % 4 * 2;
      const std::vector<std::int64_t> window = {example.x(corner, c), example.x(corner + 1, c),
                                                example.x(corner + 8, c), example.x(corner + 9, c)};
      const auto i = static_cast<std::size_t>(at * 8 + c);
      EXPECT_EQ(largest[i], *std::ranges::max_element(window)) << at << "," << c;
      EXPECT_EQ(mean[i], mean_of(window)) << at << "," << c;
    }
  }
}

// Each has a line in the folder's README, and a test here.
TEST(IsaExamples, AreListed) {
  std::vector<std::string> names;
  const std::string readme = text_of(source_path("docs/isa-examples/README.md"));
  for (const auto& entry : std::filesystem::directory_iterator(source_path("docs/isa-examples"))) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(".asm")) continue;
    names.push_back(entry.path().stem().string());
    EXPECT_THAT(readme, HasSubstr("[" + name + "](" + name + ") | "));
    EXPECT_THAT(text_of(entry.path().string()), HasSubstr("systole "));
  }
  std::ranges::sort(names);
  EXPECT_THAT(names,
              ElementsAre("convolution", "double_buffer", "pool", "race", "race_mended", "repeat"));
}

}  // namespace
}  // namespace systole
