// Hand-written programs for two matrix units, and for a memory that holds everything: the values
// are known, and every engine gives them.
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/source.h"
#include "isa/verify.h"
#include "tests/laws/law_support.h"

namespace systole::laws {
namespace {

using isa::Unit;

constexpr std::int64_t kSide = 4;  // of the array and of every tile
constexpr std::int64_t kRows = 3;  // of x

isa::Machine small_machine() {
  isa::Machine m;
  m.name = "small";
  m.array_rows = m.array_columns = kSide;
  m.unified_buffer_row_bytes = 16;
  m.unified_buffer_bytes = 16 * 64;
  m.accumulators_rows = 16;
  return m;
}

std::int64_t kind(Unit unit) { return static_cast<std::int64_t>(isa::kind_of(unit)); }
isa::Sync after(Unit unit, Unit of) {
  return {kind(unit), kind(of), 0, isa::why::kRaw, isa::instance_of(unit), isa::instance_of(of)};
}

// x [3, 4] u8 to y [3, 4 * outputs] s32; weight tiles of signed bytes.
RandomCase case_of(const isa::Machine& machine, const std::vector<std::int8_t>& weights,
                   std::int64_t outputs) {
  RandomCase c;
  c.machine = c.program.machine = machine;
  c.program.model = "hand-written";
  c.program.layers = {{"(none)", "", 0, 0}};
  c.program.tensors = {{"x", DType::kUint8, {kRows, kSide}, isa::Role::kInput, 0},
                       {"y", DType::kInt32, {kRows, kSide * outputs}, isa::Role::kOutput, 64}};
  c.program.host_bytes = 64 + kRows * kSide * outputs * 4;
  for (const std::int8_t w : weights) c.program.weights.push_back(static_cast<std::uint8_t>(w));
  c.program.weight_bytes = std::ssize(c.program.weights);
  Tensor x(DType::kUint8, {kRows, kSide});
  for (std::size_t i = 0; i < x.data.size(); ++i) x.data[i] = static_cast<std::uint8_t>(i + 1);
  c.inputs.emplace("x", std::move(x));
  return c;
}

std::vector<std::int8_t> tile(std::int8_t first) {
  std::vector<std::int8_t> values;
  for (int i = 0; i < kSide * kSide; ++i) values.push_back(static_cast<std::int8_t>(first - 3 * i));
  return values;
}

std::int32_t product(const std::vector<std::int8_t>& w, std::int64_t row, std::int64_t column) {
  std::int64_t sum = 0;
  for (std::int64_t k = 0; k < kSide; ++k) {
    sum += (row * kSide + k + 1) * w[static_cast<std::size_t>(k * kSide + column)];
  }
  return static_cast<std::int32_t>(sum);
}

void expect_everywhere(const RandomCase& c, const std::vector<std::int32_t>& expected) {
  for (const isa::Finding& f : isa::verify(c.program, c.machine)) ADD_FAILURE() << f.text;
  for (const sim::Engine engine :
       {sim::Engine::kFunc, sim::Engine::kCycle, sim::Engine::kRegister}) {
    const sim::RunResult result = run(c, {.engine = engine});
    const auto y = result.outputs.at("y").as<std::int32_t>();
    EXPECT_EQ(std::vector<std::int32_t>(y.begin(), y.end()), expected) << engine_name(engine);
  }
}

isa::ReadWeights read_tile(std::int64_t address, std::int64_t instance) {
  return {address, kSide, kSide, 1, 0, 0, instance};
}
isa::Matmul multiply(std::int64_t ub, std::int64_t instance) {
  isa::Matmul i{ub, 0, 0, kRows, kSide, kSide};
  i.switch_tile = 1;
  i.instance = instance;
  return i;
}
isa::Activate show(std::int64_t ub, std::int64_t instance) {
  isa::Activate i{0, ub, 0, kRows, kSide};
  i.type = isa::type::kS32;
  i.instance = instance;
  return i;
}

TEST(HandWritten, TwoMatrixUnitsTakeHalfTheColumnsEach) {
  isa::Machine m = small_machine();
  m.array_units = 2;
  const std::vector<std::int8_t> a = tile(20), b = tile(-5);
  std::vector<std::int8_t> both = a;
  both.insert(both.end(), b.begin(), b.end());
  RandomCase c = case_of(m, both, 2);
  const std::int64_t row = kSide * 4, all = 2 * row;
  c.program.code = {isa::ReadHost{0, kSide, 0, 0, kRows, kSide}, read_tile(0, 0),
                    read_tile(kSide * kSide, 1)};
  for (const std::int64_t i : {0, 1}) {
    const Unit matrix = isa::unit_at(Unit::kMatrix, i);
    const Unit activation = isa::unit_at(Unit::kActivation, i);
    for (const isa::Insn& insn : std::initializer_list<isa::Insn>{
             after(matrix, Unit::kDmaIn), multiply(0, i), after(activation, matrix),
             show(10 + 10 * i, i), after(Unit::kDmaOut, activation),
             isa::WriteHost{64 + i * row, all, 10 + 10 * i, 0, kRows, row}}) {
      c.program.code.push_back(insn);
    }
  }
  c.program.code.emplace_back(isa::Halt{});
  std::vector<std::int32_t> expected;
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t n = 0; n < kSide; ++n) expected.push_back(product(a, r, n));
    for (std::int64_t n = 0; n < kSide; ++n) expected.push_back(product(b, r, n));
  }
  expect_everywhere(c, expected);
}

// x goes to memory, comes back elsewhere, and is multiplied by a tile that was stored by the
// program, too: weights and activations in one memory.
TEST(HandWritten, LoadsStoresAndMultipliesFromOneMemory) {
  isa::Machine m = small_machine();
  m.dram_holds = isa::MemoryHolds::kEverything;
  const std::vector<std::int8_t> w = tile(9);
  RandomCase c = case_of(m, w, 1);
  constexpr std::int64_t kX = 256, kTile = 512;  // in memory
  const std::int64_t row = kSide * 4;
  c.program.code = {isa::ReadHost{0, kSide, 0, 0, kRows, kSide},
                    after(Unit::kStore, Unit::kDmaIn),
                    isa::Store{kX, 8, 0, 0, kRows, kSide},
                    isa::Load{0, kSide, 20, 0, kSide, kSide},  // the image's tile, to copy it
                    after(Unit::kStore, Unit::kLoad),
                    isa::Store{kTile, kSide, 20, 0, kSide, kSide},
                    after(Unit::kLoad, Unit::kStore),
                    isa::Load{kX, 8, 30, 0, kRows, kSide},
                    after(Unit::kWeights, Unit::kStore),
                    read_tile(kTile, 0),
                    after(Unit::kMatrix, Unit::kLoad),
                    multiply(30, 0),
                    after(Unit::kActivation, Unit::kMatrix),
                    show(10, 0),
                    after(Unit::kDmaOut, Unit::kActivation),
                    isa::WriteHost{64, row, 10, 0, kRows, row},
                    isa::Halt{}};
  std::vector<std::int32_t> expected;
  for (std::int64_t r = 0; r < kRows; ++r) {
    for (std::int64_t n = 0; n < kSide; ++n) expected.push_back(product(w, r, n));
  }
  expect_everywhere(c, expected);
}

// The programs that the docs show: [1, 2, 4, 8] on the diagonal of the first tile, then columns of
// ones.
TEST(HandWritten, ExamplesOfTheDocsMultiply) {
  for (const char* name : {"two_units", "one_memory"}) {
    SCOPED_TRACE(name);
    const std::string path = source_path(fmt::format("docs/examples/{}.asm", name));
    const std::vector<std::uint8_t> text = read_file(path);
    RandomCase c = case_of(small_machine(), {}, 1);
    c.program = isa::assemble(std::string(text.begin(), text.end()), path);
    c.machine = c.program.machine;
    const std::int64_t columns = c.program.tensors.at(1).shape.at(1);
    std::vector<std::int32_t> expected;
    for (std::int64_t r = 0; r < kRows; ++r) {
      const auto x = static_cast<std::int32_t>(r * kSide);  // less one
      for (std::int32_t n = 0; n < 4; ++n) expected.push_back((x + n + 1) << n);
      for (std::int64_t n = kSide; n < columns; ++n) expected.push_back(4 * x + 1 + 2 + 3 + 4);
    }
    expect_everywhere(c, expected);
  }
}

}  // namespace
}  // namespace systole::laws
