// The oracle against hand-worked values and naive sums, an instruction at a time.
#include <gtest/gtest.h>

#include <cstring>

#include "sim/func/oracle.h"
#include "tests/support/random_choice.h"

namespace systole::sim {
namespace {

using isa::Insn;

constexpr std::int64_t kInput = 4096, kOutput = 8192;  // host addresses of tensors "x" and "y"

// A machine with an array of 4 x 3 and buffer rows of 8 bytes, and a program under construction.
struct Bench {
  isa::Program program;
  Tensor x{DType::kUint8, {1024}};
  Counters counters;
  std::vector<HostReport> report;

  Bench() {
    isa::Machine& m = program.machine;
    m.array_rows = 4;
    m.array_columns = 3;
    m.accumulators_rows = 16;
    m.parameters_rows = 8;
    m.unified_buffer_row_bytes = 8;
    m.unified_buffer_bytes = 1024;
    program.tensors = {{"x", DType::kUint8, {1024}, isa::Role::kInput, kInput},
                       {"y", DType::kUint8, {1024}, isa::Role::kOutput, kOutput}};
    program.host_bytes = kOutput + 1024;
    program.layers = {{"(none)", "", 0, 0}};
    program.weights.resize(48);
    program.weight_bytes = 48;
  }

  // Appends parameter row `row` (3 values) to the constants; rows must be given in order.
  template <typename T>
  void constant_row(std::array<T, 3> values) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    program.constants.insert(program.constants.end(), bytes, bytes + 12);
  }

  // Runs `code`, with halt appended, and returns the output tensor's bytes.
  std::vector<std::uint8_t> run(std::vector<Insn> code) {
    program.code = std::move(code);
    program.code.emplace_back(isa::Halt{});
    HostMemory memory(program, true);
    memory.load_inputs({{"x", x}});
    counters = {};
    execute(program, program.machine, memory, counters, report);
    return memory.outputs().at("y").data;
  }
};

std::int32_t int32_at(const std::vector<std::uint8_t>& bytes, std::size_t i) {
  std::int32_t value = 0;
  std::memcpy(&value, bytes.data() + 4 * i, 4);
  return value;
}

isa::Matmul pass(std::int64_t ub, std::int64_t acc, std::int64_t rows, std::int64_t k,
                 std::int64_t n) {
  isa::Matmul m;
  m.ub = ub;
  m.acc = acc;
  m.rows = rows;
  m.k = k;
  m.n = n;
  return m;
}

isa::Activate as_s32(std::int64_t acc, std::int64_t ub, std::int64_t rows, std::int64_t n) {
  isa::Activate a;
  a.acc = acc;
  a.ub = ub;
  a.rows = rows;
  a.n = n;
  a.type = isa::type::kS32;
  return a;
}

TEST(Func, DmaMovesStridedRowsWithLanes) {
  Bench b;
  for (std::size_t i = 0; i < 1024; ++i) b.x.data[i] = static_cast<std::uint8_t>(i);
  // Three rows of 5 bytes, 10 apart, into lanes 2 to 6; out again as rows 7 apart.
  const auto y =
      b.run({isa::ReadHost{kInput, 10, 4, 2, 3, 5}, isa::WriteHost{kOutput, 7, 4, 2, 3, 5}});
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(y[row * 7 + i], row * 10 + i);
    EXPECT_EQ(y[row * 7 + 5], 0);  // the gap keeps what it had
  }
  EXPECT_EQ(b.counters.host_in, Bytes(15));
  EXPECT_EQ(b.counters.host_out, Bytes(15));
  EXPECT_EQ(b.counters.ub_written, Bytes(15));
  EXPECT_EQ(b.counters.ub_read, Bytes(15));
  EXPECT_EQ(b.counters.instructions, 3);
}

// 11 bytes from lane 3 on need ceil(14 / 8) = 2 buffer rows; the second row starts two rows on.
TEST(Func, LongRowsTakeSeveralBufferRows) {
  Bench b;
  for (std::size_t i = 0; i < 1024; ++i) b.x.data[i] = static_cast<std::uint8_t>(i);
  const auto y =
      b.run({isa::ReadHost{kInput, 11, 10, 3, 2, 11}, isa::WriteHost{kOutput, 8, 10, 0, 4, 8}});
  const std::vector<std::uint8_t> expected{0,  0,  0,  0,  1,  2,  3,  4,  5,  6,  7,
                                           8,  9,  10, 0,  0,  0,  0,  0,  11, 12, 13,
                                           14, 15, 16, 17, 18, 19, 20, 21, 0,  0};
  EXPECT_EQ(std::vector<std::uint8_t>(y.begin(), y.begin() + 32), expected);
}

// [1 2 3] and [200 0 255] times a 3 x 2 valid part of a signed tile, worked by hand.
TEST(Func, MatmulByHand) {
  Bench b;
  b.x.data = {1, 2, 3, 200, 0, 255};
  b.x.data.resize(1024);
  const std::int8_t tile[12] = {1, -2, 99, 3, 4, 99, -5, 127, 99, 99, 99, 99};
  std::memcpy(b.program.weights.data(), tile, 12);
  isa::Matmul m = pass(0, 0, 2, 3, 2);
  m.switch_tile = 1;
  const auto y = b.run({isa::ReadHost{kInput, 3, 0, 0, 2, 3}, isa::ReadWeights{0, 3, 2, 1, 0, 0}, m,
                        as_s32(0, 20, 2, 2), isa::WriteHost{kOutput, 8, 20, 0, 2, 8}});
  EXPECT_EQ(int32_at(y, 0), 1 * 1 + 2 * 3 + 3 * -5);
  EXPECT_EQ(int32_at(y, 1), 1 * -2 + 2 * 4 + 3 * 127);
  EXPECT_EQ(int32_at(y, 2), 200 * 1 + 0 * 3 + 255 * -5);
  EXPECT_EQ(int32_at(y, 3), 200 * -2 + 0 * 4 + 255 * 127);
  EXPECT_EQ(b.counters.macs_useful, 2 * 3 * 2);
  EXPECT_EQ(b.counters.macs_padded, 2 * 4 * 3 - 2 * 3 * 2);
  EXPECT_EQ(b.counters.passes, 1);
  EXPECT_EQ(b.counters.tiles, 1);
  EXPECT_EQ(b.counters.weights_read, Bytes(4 * 3));
}

// Signedness of both sides, activation and per-column weight zero points, accumulate: all against
// sums of products written out.
TEST(Func, MatmulZeroPointsAndSigns) {
  RandomChoice random(7);
  for (int mode = 0; mode < 8; ++mode) {
    const bool x_signed = (mode & 1) != 0, w_signed = (mode & 2) != 0, twice = (mode & 4) != 0;
    Bench b;
    for (std::uint8_t& v : b.x.data) v = random.byte();
    for (std::uint8_t& v : b.program.weights) v = random.byte();
    const std::array<std::int32_t, 3> zeros{3, w_signed ? -7 : 200, 0};
    b.constant_row(zeros);
    isa::Matmul m = pass(0, 5, 6, 4, 3);
    m.switch_tile = 1;
    m.is_signed = x_signed ? 1 : 0;
    m.zero_point = x_signed ? -20 : 131;
    std::vector<Insn> code{isa::ReadParams{0, 2, 1}, isa::ReadHost{kInput, 4, 0, 0, 6, 4},
                           isa::ReadWeights{12, 4, 3, w_signed ? 1 : 0, 1, 2}, m};
    m.switch_tile = 0;
    m.accumulate = 1;
    if (twice) code.emplace_back(m);
    code.emplace_back(as_s32(5, 40, 6, 3));
    code.emplace_back(isa::WriteHost{kOutput, 12, 40, 0, 6, 12});
    const auto y = b.run(code);
    const auto value = [](std::uint8_t v, bool is_signed) {
      return is_signed ? int{static_cast<std::int8_t>(v)} : int{v};
    };
    for (std::size_t row = 0; row < 6; ++row) {
      for (std::size_t c = 0; c < 3; ++c) {
        std::int32_t sum = 0;
        for (std::size_t r = 0; r < 4; ++r) {
          const int a = value(b.x.data[row * 4 + r], x_signed) - static_cast<int>(m.zero_point);
          sum += a * (value(b.program.weights[12 + r * 3 + c], w_signed) - zeros.at(c));
        }
        EXPECT_EQ(int32_at(y, row * 3 + c), sum * (twice ? 2 : 1)) << "mode " << mode;
      }
    }
  }
}

TEST(Func, Int8x16ReadsLittleEndianPairs) {
  Bench b;
  const std::int16_t x[4] = {-32768, 32767, -1, 256};
  std::memcpy(b.x.data.data(), x, 8);
  const std::int8_t tile[12] = {1, 0, 2, 0, 1, -128, 0, 0, 127, 0, 0, 1};
  std::memcpy(b.program.weights.data(), tile, 12);
  isa::Matmul m = pass(0, 0, 1, 4, 3);
  m.switch_tile = 1;
  m.is_signed = 1;
  m.zero_point = 5;
  m.precision = isa::precision::kInt8x16;
  const auto y = b.run({isa::ReadHost{kInput, 8, 0, 0, 1, 8}, isa::ReadWeights{0, 4, 3, 1, 0, 0}, m,
                        as_s32(0, 20, 1, 3), isa::WriteHost{kOutput, 12, 20, 0, 1, 12}});
  EXPECT_EQ(int32_at(y, 0), -32768 - 5);
  EXPECT_EQ(int32_at(y, 1), 32767 - 5);
  EXPECT_EQ(int32_at(y, 2), 2 * (-32768 - 5) - 128 * (32767 - 5) + 127 * (-1 - 5) + (256 - 5));
  EXPECT_EQ(b.counters.ub_read, Bytes(4 * 2 + 12));
}

// 4 * 32768 * 128 = 2^24 a pass: the 128th pass reaches 2^31 and wraps, once.
TEST(Func, AccumulatorsWrapAndSaySo) {
  Bench b;
  const std::int16_t x[4] = {-32768, -32768, -32768, -32768};
  std::memcpy(b.x.data.data(), x, 8);
  for (std::uint8_t& w : b.program.weights) w = 0x80;  // -128
  isa::Matmul m = pass(0, 0, 1, 4, 1);
  m.is_signed = 1;
  m.precision = isa::precision::kInt8x16;
  m.switch_tile = 1;
  std::vector<Insn> code{isa::ReadHost{kInput, 8, 0, 0, 1, 8}, isa::ReadWeights{0, 4, 1, 1, 0, 0},
                         m};
  m.switch_tile = 0;
  m.accumulate = 1;
  code.emplace_back(isa::Repeat{127, 1});
  code.emplace_back(m);
  code.emplace_back(as_s32(0, 20, 1, 1));
  code.emplace_back(isa::WriteHost{kOutput, 4, 20, 0, 1, 4});
  const auto y = b.run(code);
  EXPECT_EQ(int32_at(y, 0), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(b.counters.accumulator_wraps, 1);
  EXPECT_EQ(b.counters.passes, 128);
  EXPECT_EQ(b.counters.instructions, 3 + 1 + 127 + 3);
}

// One accumulator value through bias, scale and every type; columns have their own parameters.
TEST(Func, ActivateRequantisesPerColumn) {
  Bench b;
  b.x.data = {10, 100, 200};
  b.x.data.resize(1024);
  const std::int8_t tile[12] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};  // identity
  std::memcpy(b.program.weights.data(), tile, 12);
  b.constant_row<std::int32_t>({-5, 0, 1000});
  b.constant_row<float>({0.5F, 0.25F, -1.0F});
  isa::Matmul m = pass(0, 3, 1, 3, 3);
  m.switch_tile = 1;
  isa::Activate a;
  a.acc = 3;
  a.ub = 10;
  a.lane = 2;
  a.rows = 1;
  a.n = 3;
  a.type = isa::type::kS8;
  a.zero_point = 4;
  a.lo = -128;
  a.hi = 127;
  a.use_bias = 1;
  a.bias = 6;
  a.scale = 7;
  isa::Activate relu = a;
  relu.ub = 11;
  relu.function = isa::function::kRelu;
  isa::Activate wide = a;
  wide.ub = 12;
  wide.type = isa::type::kS16;
  wide.lo = -1200;
  wide.hi = 28;
  const auto y =
      b.run({isa::ReadHost{kInput, 3, 0, 0, 1, 3}, isa::ReadWeights{0, 3, 3, 1, 0, 0}, m,
             isa::ReadParams{0, 6, 2}, a, relu, wide, isa::WriteHost{kOutput, 8, 10, 0, 3, 8}});
  // (10 - 5) / 2 = 2.5 -> 2; 100 / 4 = 25; -(200 + 1000) = -1200; then + 4 and saturate.
  const auto s8 = [](int v) { return static_cast<std::uint8_t>(v); };
  const std::vector<std::uint8_t> expected{
      0, 0, s8(6), s8(29), s8(-128), 0, 0,    0,      // lanes 2 to 4
      0, 0, s8(6), s8(29), s8(4),    0, 0,    0,      // relu
      0, 0, 6,     0,      28,       0, 0x54, 0xFB};  // -1196
  EXPECT_EQ(std::vector<std::uint8_t>(y.begin(), y.begin() + 24), expected);
}

TEST(Func, RepeatStepsEveryAddressSpace) {
  Bench b;
  for (std::size_t i = 0; i < 1024; ++i) b.x.data[i] = static_cast<std::uint8_t>(i);
  // Four rows, each 3 host bytes further, each a buffer row lower; without a step the second stays.
  const auto y =
      b.run({isa::Repeat{4, 3}, isa::StepBy{-1, 0, 0, 0, 3}, isa::ReadHost{kInput, 0, 9, 0, 1, 2},
             isa::ReadHost{kInput + 50, 0, 20, 0, 1, 2}, isa::WriteHost{kOutput, 2, 6, 0, 4, 2}});
  EXPECT_EQ(std::vector<std::uint8_t>(y.begin(), y.begin() + 8),
            (std::vector<std::uint8_t>{9, 10, 6, 7, 3, 4, 0, 1}));
  EXPECT_EQ(b.counters.host_in, Bytes(4 * 2 + 4 * 2));
  EXPECT_EQ(b.counters.instructions, 1 + 4 * 3 + 2);
}

TEST(Func, WithoutValuesItOnlyCounts) {
  Bench b;
  isa::Matmul m = pass(0, 0, 2, 3, 2);
  m.switch_tile = 1;
  b.program.code = {isa::ReadHost{kInput, 3, 0, 0, 2, 3}, isa::ReadWeights{0, 3, 2, 1, 0, 0}, m,
                    as_s32(0, 20, 2, 2), isa::Halt{}};
  b.program.weights.clear();
  b.program.has_values = false;
  HostMemory memory(b.program, false);
  execute(b.program, b.program.machine, memory, b.counters, b.report);
  EXPECT_EQ(b.counters.macs_useful, 2 * 3 * 2);
  EXPECT_EQ(b.counters.instructions, 5);
  EXPECT_TRUE(memory.outputs().empty());
}

TEST(Func, StagesRunAroundAndWithinTheProgram) {
  Bench b;
  b.program.host_steps = {{0, isa::HostOp::kCopy, "first", {0}, {1}, {}, {}, 0},
                          {7, isa::HostOp::kCopy, "second", {1}, {0}, {}, {}, 0},
                          {isa::kFinalStage, isa::HostOp::kRelu, "last", {1}, {1}, {}, {}, 0}};
  b.x.data[0] = 42;
  const auto y = b.run({isa::Interrupt{7}});
  ASSERT_EQ(b.report.size(), 3U);
  EXPECT_EQ(b.report[0].name, "first");
  EXPECT_EQ(b.report[1].name, "second");
  EXPECT_EQ(b.report[2].name, "last");
  EXPECT_EQ(y[0], 42);
}

}  // namespace
}  // namespace systole::sim
