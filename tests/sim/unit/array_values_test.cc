// Array and activation values: every instruction set gives the bits of the plain definition.
#include "sim/unit/array_values.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "base/numerics.h"
#include "sim/unit/activation_values.h"

namespace systole::sim {
namespace {

struct Shape {
  std::int64_t rows, k, n;
};
struct Case {
  Shape shape;
  bool x_signed, w_signed, zeros, accumulate;
  std::int64_t x_bytes;
  int shift = 0;
};

// One pass, drawn from a seed; acc starts near the ends of int32 so that sums wrap.
struct Pass {
  std::vector<std::uint8_t> x, w;
  std::vector<std::int32_t> zero, acc;
  std::int64_t x_stride, acc_stride;
  std::int32_t zero_point;
};

Pass draw(const Case& c, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto [rows, k, n] = c.shape;
  const auto size = [](std::int64_t s) { return static_cast<std::size_t>(s); };
  Pass p;
  p.x_stride = k * c.x_bytes + 3;
  p.acc_stride = n + 5;
  p.x.resize(size(rows * p.x_stride + 64));
  p.w.resize(size(k * (n + 2)));
  p.acc.resize(size(rows * p.acc_stride));
  for (auto& x : p.x) x = static_cast<std::uint8_t>(random());
  for (auto& w : p.w) w = static_cast<std::uint8_t>(random());
  for (auto& a : p.acc) {
    a = wrapping_add(std::numeric_limits<std::int32_t>::min(),
                     static_cast<std::int32_t>(random() % 200'000) - 100'000);
  }
  if (c.zeros) {
    p.zero.resize(size(n));
    for (auto& z : p.zero) z = static_cast<std::int32_t>(random() % 256) - (c.w_signed ? 128 : 0);
  }
  p.zero_point = static_cast<std::int32_t>(random() % 256) - (c.x_signed ? 128 : 0);
  return p;
}

std::int64_t byte_value(std::uint8_t byte, bool is_signed) {
  return is_signed ? std::int64_t{static_cast<std::int8_t>(byte)} : std::int64_t{byte};
}

// The definition, one product at a time. Returns the wraps.
std::int64_t naive(const Case& c, Pass& p) {
  const auto [rows, k, n] = c.shape;
  const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
  std::int64_t wraps = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t col = 0; col < n; ++col) {
      std::int32_t& acc = p.acc[at(i * p.acc_stride + col)];
      const std::int64_t old = c.accumulate ? acc : 0;
      std::int64_t sum = 0;
      for (std::int64_t r = 0; r < k; ++r) {
        const std::size_t first = at(i * p.x_stride + r * c.x_bytes);
        const std::int64_t x = c.x_bytes == 2 ? p.x[first] + 256 * byte_value(p.x[first + 1], true)
                                              : byte_value(p.x[first], c.x_signed);
        const std::int64_t w = byte_value(p.w[at(r * (n + 2) + col)], c.w_signed);
        sum += (x - p.zero_point) * (w - (p.zero.empty() ? 0 : p.zero[at(col)]));
      }
      const std::int64_t exact = old + sum * (std::int64_t{1} << c.shift);
      acc = static_cast<std::int32_t>(static_cast<std::uint32_t>(exact));
      wraps += acc != exact;
    }
  }
  return wraps;
}

void expect_equal(const Case& c, Simd simd, std::uint32_t seed) {
  Pass expected = draw(c, seed);
  Pass actual = expected;
  const auto [rows, k, n] = c.shape;
  const std::int64_t wraps = naive(c, expected);
  const PackedTile tile = pack_tile(actual.w.data(), n + 2, k, n, c.w_signed);
  const PassValues pass{
      tile,       actual.zero,       actual.x.data(),   actual.x_stride,   rows,         c.x_bytes,
      c.x_signed, actual.zero_point, actual.acc.data(), actual.acc_stride, c.accumulate, c.shift};
  EXPECT_EQ(compute_pass(pass, simd), wraps);
  EXPECT_EQ(actual.acc, expected.acc)
      << rows << " x " << k << " x " << n << ", signed " << c.x_signed << c.w_signed << ", zeros "
      << c.zeros << ", accumulate " << c.accumulate << ", bytes " << c.x_bytes;
}

std::vector<Simd> available() {
  std::vector<Simd> all;
  for (const Simd simd : {Simd::kPortable, Simd::kAvx2, Simd::kAvx512, Simd::kVnni}) {
    if (simd <= processor_simd()) all.push_back(simd);
  }
  return all;
}

TEST(ArrayValues, AllInstructionSetsGiveTheDefinition) {
  const std::vector<Shape> shapes{{1, 1, 1},    {2, 3, 5},   {5, 4, 16},
                                  {6, 8, 17},   {7, 9, 48},  {13, 31, 64},
                                  {12, 64, 65}, {3, 17, 97}, {11, 256, 130}};
  std::uint32_t seed = 1;
  for (const Shape& shape : shapes) {
    for (int bits = 0; bits < 16; ++bits) {
      const Case c{shape, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, 1};
      for (const Simd simd : available()) expect_equal(c, simd, seed++);
    }
  }
}

TEST(ArrayValues, OneByteSumsMayCountMoreThanOnce) {
  std::uint32_t seed = 1'000;
  for (int bits = 0; bits < 16; ++bits) {
    Case c{{5, 9, 19}, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0, 1};
    c.shift = 8;
    for (const Simd simd : available()) expect_equal(c, simd, seed++);
  }
}

TEST(ArrayValues, ExtremeOperandsOfTheLargestArrayDoNotOverflow) {
  Case c{{2, 1024, 16}, false, false, true, false, 1};
  Pass p = draw(c, 7);
  std::fill(p.x.begin(), p.x.end(), std::uint8_t{255});
  std::fill(p.w.begin(), p.w.end(), std::uint8_t{255});
  std::fill(p.zero.begin(), p.zero.end(), 0);
  const PackedTile tile = pack_tile(p.w.data(), c.shape.n + 2, c.shape.k, c.shape.n, c.w_signed);
  for (const Simd simd : available()) {
    const PassValues pass{tile,  p.zero, p.x.data(),   p.x_stride,   c.shape.rows, 1,
                          false, 0,      p.acc.data(), p.acc_stride, false};
    EXPECT_EQ(compute_pass(pass, simd), 0);
    for (std::int64_t j = 0; j < c.shape.n; ++j) {
      EXPECT_EQ(p.acc[static_cast<std::size_t>(j)], 1024 * 255 * 255);
    }
  }
}

TEST(ArrayValues, SixteenBitActivations) {
  std::uint32_t seed = 1000;
  for (const Shape& shape :
       {Shape{1, 1, 1}, Shape{3, 20, 18}, Shape{7, 65, 33}, Shape{9, 256, 70}}) {
    for (int bits = 0; bits < 16; ++bits) {
      const Case c{shape, true, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, 2, bits & 8};
      for (const Simd simd : available()) expect_equal(c, simd, seed++);
    }
  }
}

// 1024 lanes of (-32768 - 32767) * (0 - 255), times 256: the largest sum there can be.
TEST(ArrayValues, ExtremeSixteenBitOperandsWrapAsTheDefinition) {
  const Case c{{2, 1024, 17}, true, false, true, true, 2, 8};
  Pass drawn = draw(c, 8);
  for (std::size_t i = 0; i < drawn.x.size(); ++i) drawn.x[i] = 0x80;
  drawn.zero_point = 32'767;
  std::fill(drawn.w.begin(), drawn.w.end(), std::uint8_t{0});
  std::fill(drawn.zero.begin(), drawn.zero.end(), 255);
  for (const Simd simd : available()) {
    Pass expected = drawn, actual = drawn;
    const std::int64_t wraps = naive(c, expected);
    const PackedTile tile = pack_tile(actual.w.data(), c.shape.n + 2, c.shape.k, c.shape.n, false);
    const PassValues pass{
        tile, actual.zero,       actual.x.data(),   actual.x_stride,   c.shape.rows, 2,
        true, actual.zero_point, actual.acc.data(), actual.acc_stride, true,         8};
    EXPECT_EQ(compute_pass(pass, simd), wraps);
    EXPECT_EQ(actual.acc, expected.acc);
  }
}

TEST(ArrayValues, PartOfATileIsThePackedPart) {
  std::mt19937 random(5);
  constexpr std::int64_t kRows = 37, kColumns = 50;
  std::vector<std::uint8_t> w(kRows * kColumns);
  for (auto& value : w) value = static_cast<std::uint8_t>(random());
  for (const bool is_signed : {false, true}) {
    const PackedTile whole = pack_tile(w.data(), kColumns, kRows, kColumns, is_signed);
    for (const auto& [k, n] : {std::pair{1, 1}, {37, 50}, {36, 16}, {5, 33}, {34, 49}}) {
      const PackedTile part = part_of(whole, k, n);
      const PackedTile direct = pack_tile(w.data(), kColumns, k, n, is_signed);
      EXPECT_EQ(part.k, direct.k);
      EXPECT_EQ(part.n, direct.n);
      EXPECT_EQ(part.weights, direct.weights);
      EXPECT_EQ(part.column_sum, direct.column_sum);
    }
  }
}

TEST(ActivationValues, RowsEqualTheSharedDefinition) {
  std::mt19937 random(3);
  const float scales[] = {1.0F,
                          0.5F,
                          0.001F,
                          -0.25F,
                          3e-8F,
                          1e20F,
                          0.0F,
                          std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()};
  const Limits limits[] = {{0, 0, 255},        {128, 0, 255},  {-5, -128, 127},        {7, 7, 100},
                           {0, -32768, 32767}, {200, 10, 100}, {-65536, -32768, 32767}};
  for (int round = 0; round < 200; ++round) {
    constexpr std::size_t kColumns = 67;
    std::vector<std::int32_t> acc(kColumns), bias(kColumns), to(kColumns);
    std::vector<float> scale(kColumns);
    for (std::size_t c = 0; c < kColumns; ++c) {
      const auto range = std::uint32_t{1} << (random() % 32);
      acc[c] = static_cast<std::int32_t>(random() % range) * (random() % 2 != 0 ? 1 : -1);
      bias[c] = static_cast<std::int32_t>(random());
      scale[c] = scales[random() % std::size(scales)];
    }
    const Limits& limit = limits[random() % std::size(limits)];
    const bool with_bias = round % 2 != 0;
    requantise_row(acc.data(), with_bias ? bias.data() : nullptr, scale.data(), limit, kColumns,
                   to.data());
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::int32_t sum = with_bias ? wrapping_add(acc[c], bias[c]) : acc[c];
      EXPECT_EQ(to[c], requantise(sum, scale[c], limit.zero_point, limit.lo, limit.hi))
          << sum << " * " << scale[c] << " in " << limit.lo << ", " << limit.hi;
    }
  }
}

TEST(ActivationValues, NarrowIsLittleEndian) {
  const std::int32_t values[] = {0x1234, -2};
  std::uint8_t to[4];
  narrow_row(values, 2, 2, to);
  EXPECT_EQ(std::vector<int>(to, to + 4), (std::vector<int>{0x34, 0x12, 0xFE, 0xFF}));
  narrow_row(values, 2, 1, to);
  EXPECT_EQ(std::vector<int>(to, to + 2), (std::vector<int>{0x34, 0xFE}));
}

}  // namespace
}  // namespace systole::sim
