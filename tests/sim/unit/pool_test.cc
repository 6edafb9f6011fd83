// Pooling on both engines against a plain loop; fused pooling against activate, then pool.
#include <algorithm>
#include <array>
#include <cmath>

#include "tests/sim/unit/vector_bench.h"

namespace systole::sim {
namespace {

namespace configuration = isa::configuration;
namespace type = isa::type;
using isa::Unit;

// A random window over a random map; out extents as large as the rules allow, or smaller.
template <typename Insn>
void random_window(RandomChoice& random, std::int64_t largest_map, Insn& i) {
  i.in_height = random.pick(1, largest_map);
  i.in_width = random.pick(1, largest_map);
  i.kernel_y = random.pick(1, 4);
  i.kernel_x = random.pick(1, 4);
  i.stride_y = random.pick(1, 3);
  i.stride_x = random.pick(1, 3);
  i.pad_top = random.pick(0, i.kernel_y - 1);
  i.pad_left = random.pick(0, i.kernel_x - 1);
  i.out_height = random.pick(1, (i.in_height - 1 + i.pad_top) / i.stride_y + 1);
  i.out_width = random.pick(1, (i.in_width - 1 + i.pad_left) / i.stride_x + 1);
  i.include_pad = random.pick(0, 1);
  i.op = random.pick(0, 1);
}

struct Quantisation {
  float a_scale, to_scale;
  std::int32_t a_zero, to_zero, lo, hi;
};

// Elements as 64-bit integers, pixel by pixel, into the same for the outputs.
std::vector<std::int64_t> plain_pool(const isa::Pool& i, const std::vector<std::int64_t>& map,
                                     const Quantisation& q) {
  std::vector<std::int64_t> out;
  for (std::int64_t y = 0; y < i.out_height; ++y) {
    for (std::int64_t x = 0; x < i.out_width; ++x) {
      for (std::int64_t c = 0; c < i.n; ++c) {
        std::int64_t sum = 0, count = 0, largest = INT64_MIN;
        for (std::int64_t row = 0; row < i.in_height; ++row) {
          for (std::int64_t column = 0; column < i.in_width; ++column) {
            const std::int64_t ky = row + i.pad_top - y * i.stride_y;
            const std::int64_t kx = column + i.pad_left - x * i.stride_x;
            if (ky < 0 || ky >= i.kernel_y || kx < 0 || kx >= i.kernel_x) continue;
            const std::int64_t v =
                map[static_cast<std::size_t>((row * i.in_width + column) * i.n + c)];
            largest = std::max(largest, v);
            sum += v - q.a_zero;
            ++count;
          }
        }
        if (i.include_pad != 0) count = i.kernel_y * i.kernel_x;
        const float m = q.a_scale / (q.to_scale * static_cast<float>(count));
        const double mean = std::nearbyint(double{static_cast<float>(sum) * m}) + q.to_zero;
        const auto limited = static_cast<std::int64_t>(std::clamp(mean, 0.0 + q.lo, 0.0 + q.hi));
        out.push_back(i.op == isa::pool_op::kMax ? largest : limited);
      }
    }
  }
  return out;
}

template <typename T>
void check_pool(std::int64_t t, std::uint64_t seed) {
  RandomChoice random(seed);
  const std::int64_t width = random.pick(4, 20);
  VectorBench bench(400, width);
  bench.randomise(random);
  isa::Pool i;
  random_window(random, 6, i);
  i.type = t;
  i.n = random.pick(1, 8);
  i.lane = random.pick(0, 3);
  i.to = 340 - 4;
  i.to_lane = random.pick(0, 3);
  const isa::Machine& m = bench.machine();
  const std::int64_t bytes = i.n * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t from_step = m.ub_rows_of(bytes, i.lane);
  const std::int64_t to_step = m.ub_rows_of(bytes, i.to_lane);
  if (i.in_height * i.in_width * from_step > i.to) return;
  if (i.to + i.out_height * i.out_width * to_step > 400) return;
  const bool is_unsigned = t == type::kU8;
  const Quantisation q{0.3F,
                       0.7F,
                       is_unsigned ? 100 : -5,
                       is_unsigned ? 20 : 11,
                       random.chance(50) ? 4 : std::int32_t{std::numeric_limits<T>::min()},
                       random.chance(50) ? 90 : std::int32_t{std::numeric_limits<T>::max()}};
  bench.set(Unit::kVector, configuration::kAScale, q.a_scale);
  bench.set(Unit::kVector, configuration::kToScale, q.to_scale);
  bench.set(Unit::kVector, configuration::kAZero, q.a_zero);
  bench.set(Unit::kVector, configuration::kToZero, q.to_zero);
  bench.set(Unit::kVector, configuration::kLo, q.lo);
  bench.set(Unit::kVector, configuration::kHi, q.hi);
  std::vector<std::int64_t> map;
  for (std::int64_t p = 0; p < i.in_height * i.in_width; ++p) {
    for (std::int64_t c = 0; c < i.n; ++c) {
      map.push_back(element<T>(bench.buffer, p * from_step * width + i.lane, c));
    }
  }
  std::vector<std::uint8_t> wanted = bench.buffer;
  const auto out = plain_pool(i, map, q);
  for (std::size_t e = 0; e < out.size(); ++e) {
    const auto index = static_cast<std::int64_t>(e);
    put(wanted, (i.to + index / i.n * to_step) * width + i.to_lane, index % i.n,
        static_cast<T>(out[e]));
  }
  EXPECT_TRUE(bench.run({i}) == wanted) << "type " << t << " seed " << seed;
}

TEST(Pool, EqualsAPlainLoop) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    check_pool<std::uint8_t>(type::kU8, seed);
    check_pool<std::int8_t>(type::kS8, seed + 100);
    check_pool<std::int16_t>(type::kS16, seed + 200);
    check_pool<std::int32_t>(type::kS32, seed + 300);
  }
}

// Two by two, worked by hand; the padded corner counts its padding only when it is told to.
TEST(Pool, AverageCountsThePaddingWhenAsked) {
  VectorBench bench(16, 4);
  bench.buffer[0] = 10;
  bench.buffer[4] = 20;
  bench.buffer[8] = 30;
  bench.buffer[12] = 44;
  isa::Pool i;
  i.op = isa::pool_op::kAverage;
  i.n = 1;
  i.in_height = i.in_width = i.kernel_y = i.kernel_x = 2;
  i.stride_y = i.stride_x = 1;
  i.out_height = i.out_width = 2;
  i.pad_top = i.pad_left = 1;
  i.to = 8;
  const auto y = bench.run({i});
  EXPECT_EQ(y[32], 10);  // one pixel
  EXPECT_EQ(y[36], 15);  // (10 + 20) / 2
  EXPECT_EQ(y[44], 26);  // 104 / 4
  EXPECT_EQ(bench.total.ub_read, Bytes((1 + 2 + 2 + 4) * 1 + 64));
  i.include_pad = 1;
  const auto padded = bench.run({i});
  EXPECT_EQ(padded[32], 2);  // 10 / 4 = 2.5, to even
  EXPECT_EQ(padded[36], 8);  // 7.5, to even
}

// The largest window: 255 x 255 elements at the end of their range.
TEST(Pool, SumsOfTheLargestWindowAreExact) {
  VectorBench bench(65'200, 4);
  std::ranges::fill(bench.buffer, std::uint8_t{0x7F});
  isa::Pool i;
  i.op = isa::pool_op::kAverage;
  i.type = type::kS16;
  i.n = 2;
  i.in_height = i.in_width = i.kernel_y = i.kernel_x = 255;
  i.stride_y = i.stride_x = i.out_height = i.out_width = 1;
  i.to = 65'100;
  const auto y = bench.run({i});
  EXPECT_EQ(element<std::int16_t>(y, 65'100 * 4, 0), 0x7F7F);
  EXPECT_EQ(element<std::int16_t>(y, 65'100 * 4, 1), 0x7F7F);
}

// Sums come from a pass over the buffer's rows; activate_pool must give what activate to scratch
// rows and then pool give, for every function and type.
void check_fused(std::uint64_t seed) {
  RandomChoice random(seed);
  VectorBench bench(420, random.pick(6, 20), 6);
  bench.randomise(random);
  const std::int64_t c = 6;
  for (std::int64_t w = 0; w < c; ++w) {  // row 0: biases; row 1: scales
    bench.params.push_back(static_cast<std::int32_t>(random.pick(-3000, 3000)));
  }
  for (std::int64_t w = 0; w < c; ++w) {
    bench.params.push_back(
        std::bit_cast<std::int32_t>(static_cast<float>(random.pick(1, 90)) / 4096.0F));
  }
  for (int w = 0; w < 300; ++w) {  // from row 2 on: a table
    bench.params.push_back(static_cast<std::int32_t>(random.pick(-40'000, 40'000)));
  }
  isa::Matmul pass;
  pass.k = std::min<std::int64_t>(8, bench.machine().unified_buffer_row_bytes);
  pass.n = c;
  pass.switch_tile = 1;
  isa::ActivatePool fused;
  random_window(random, 5, fused);
  fused.acc = random.pick(0, 30);
  fused.n = random.pick(1, c);
  fused.type = random.pick(0, 3);
  const bool requantised = fused.type != type::kS32;
  fused.function = requantised ? random.pick(0, 2) : 0;
  fused.zero_point = fused.type == type::kU8 ? 40 : 0;
  fused.lo = fused.type == type::kU8 ? 10 : -100;
  fused.hi = 110;
  fused.use_bias = random.pick(0, 1);
  fused.scale = 1;
  fused.table = 2;
  fused.ub = 300;
  fused.lane = random.pick(0, 3);
  pass.acc = fused.acc;
  pass.rows = fused.in_height * fused.in_width;

  isa::Activate first;
  first.acc = fused.acc;
  first.ub = 40;
  first.rows = pass.rows;
  first.n = fused.n;
  first.function = fused.function;
  first.type = fused.type;
  first.zero_point = fused.zero_point;
  first.lo = fused.lo;
  first.hi = fused.hi;
  first.use_bias = fused.use_bias;
  first.scale = 1;
  first.table = 2;
  isa::Pool second;
  second.op = fused.op;
  second.type = fused.type;
  second.include_pad = fused.include_pad;
  second.ub = first.ub;
  second.to = 360;
  second.to_lane = fused.lane;
  second.n = fused.n;
  second.in_height = fused.in_height;
  second.in_width = fused.in_width;
  second.out_height = fused.out_height;
  second.out_width = fused.out_width;
  second.kernel_y = fused.kernel_y;
  second.kernel_x = fused.kernel_x;
  second.stride_y = fused.stride_y;
  second.stride_x = fused.stride_x;
  second.pad_top = fused.pad_top;
  second.pad_left = fused.pad_left;
  const isa::Machine& m = bench.machine();
  const std::int64_t bytes = fused.n * (requantised ? (fused.type == type::kS16 ? 2 : 1) : 4);
  const std::int64_t each = m.ub_rows_of(bytes, fused.lane);
  if (fused.out_height * fused.out_width * each > 60) return;
  for (const Unit unit : {Unit::kVector, Unit::kActivation}) {
    bench.set(unit, configuration::kAScale, 0.5F);
    bench.set(unit, configuration::kToScale, 0.25F);
    bench.set(unit, configuration::kToZero, 17);
    bench.set(unit, configuration::kLo, 3);
  }
  bench.set(Unit::kVector, configuration::kAZero, static_cast<std::int32_t>(fused.zero_point));
  const auto y = bench.run({isa::ReadWeights{0, pass.k, pass.n, 1, 0, 0}, pass, isa::Interrupt{3},
                            fused, first, isa::Interrupt{4}, second});
  const auto rows = [&](std::int64_t from) {
    std::vector<std::uint8_t> all;
    for (std::int64_t r = 0; r < fused.out_height * fused.out_width; ++r) {
      const auto* begin = y.data() + (from + r * each) * m.unified_buffer_row_bytes + fused.lane;
      all.insert(all.end(), begin, begin + bytes);
    }
    return all;
  };
  EXPECT_TRUE(rows(fused.ub) == rows(second.to)) << "seed " << seed;
}

TEST(ActivatePool, EqualsActivateThenPool) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) check_fused(seed);
}

}  // namespace
}  // namespace systole::sim
