// Vector operations, look-up and copy on both engines, against plain loops.
#include <cmath>
#include <limits>

#include "tests/sim/unit/vector_bench.h"

namespace systole::sim {
namespace {

namespace configuration = isa::configuration;
namespace op = isa::vector_op;
namespace type = isa::type;
using isa::Unit;

isa::Vector vector(std::int64_t operation, std::int64_t t, std::int64_t rows, std::int64_t n) {
  isa::Vector i;
  i.op = operation;
  i.a_type = i.b_type = i.to_type = t;
  i.rows = rows;
  i.n = n;
  return i;
}

// What ONNX gives for DQ(a), DQ(b) -> operation -> Q, written out for one element.
std::int64_t expected(std::int64_t operation, float a, float b, float scale, double zero, double lo,
                      double hi) {
  float v = a;
  if (operation == op::kAdd) v = a + b;
  if (operation == op::kSub) v = a - b;
  if (operation == op::kMul) v = a * b;
  if (operation == op::kMax) v = std::fmax(a, b);
  if (operation == op::kMin) v = std::fmin(a, b);
  v = v / scale;
  const double rounded = std::isnan(v) ? zero : double{std::nearbyint(v)} + zero;
  return static_cast<std::int64_t>(std::fmin(std::fmax(rounded, lo), hi));
}

struct Signed8 {
  using Type = std::int8_t;
  static constexpr std::int64_t kType = type::kS8;
};
struct Unsigned8 {
  using Type = std::uint8_t;
  static constexpr std::int64_t kType = type::kU8;
};
struct Signed16 {
  using Type = std::int16_t;
  static constexpr std::int64_t kType = type::kS16;
};
struct Signed32 {
  using Type = std::int32_t;
  static constexpr std::int64_t kType = type::kS32;
};

template <typename A>
class VectorOps : public testing::Test {};
using Types = testing::Types<Unsigned8, Signed8, Signed16, Signed32>;
TYPED_TEST_SUITE(VectorOps, Types);

// Row r of `rows` rows of `bytes` bytes at row `ub`, lane `lane`.
std::int64_t row_at(const isa::Machine& m, std::int64_t ub, std::int64_t lane, std::int64_t bytes,
                    std::int64_t r) {
  return (ub + r * m.ub_rows_of(bytes, lane)) * m.unified_buffer_row_bytes + lane;
}

// a of the tested type, b of s8, the result of u8 or of the tested type.
template <typename Tested, typename To>
void check_operation(std::int64_t operation, std::uint64_t seed) {
  using A = typename Tested::Type;
  using T = typename To::Type;
  RandomChoice random(seed);
  VectorBench bench(160, 16);
  bench.randomise(random);
  const float a_scale = 0.037F, b_scale = 0.5F, to_scale = random.chance(50) ? 0.11F : 3.0F;
  const std::int32_t a_zero = Tested::kType == type::kU8 ? 131 : -7, b_zero = 3;
  const std::int32_t to_zero = To::kType == type::kU8 ? 120 : -20, lo = 5, hi = 100;
  bench.set(Unit::kVector, configuration::kAScale, a_scale);
  bench.set(Unit::kVector, configuration::kAZero, a_zero);
  bench.set(Unit::kVector, configuration::kBScale, b_scale);
  bench.set(Unit::kVector, configuration::kBZero, b_zero);
  bench.set(Unit::kVector, configuration::kToScale, to_scale);
  bench.set(Unit::kVector, configuration::kToZero, to_zero);
  const bool limited = random.chance(50);
  if (limited) {
    bench.set(Unit::kVector, configuration::kLo, lo);
    bench.set(Unit::kVector, configuration::kHi, hi);
  }
  isa::Vector i = vector(operation, Tested::kType, random.pick(1, 5), random.pick(1, 13));
  i.b_type = type::kS8;
  i.to_type = To::kType;
  i.b = 40;
  i.to = 90;
  i.a_lane = random.pick(0, 3);
  i.b_lane = random.pick(0, 15);
  i.to_lane = random.pick(0, 5);
  i.broadcast = random.pick(0, 1);
  const auto y = bench.run({i});
  const isa::Machine& m = bench.machine();
  const std::int64_t a_bytes = i.n * static_cast<std::int64_t>(sizeof(A));
  const std::int64_t to_bytes = i.n * static_cast<std::int64_t>(sizeof(T));
  std::vector<std::uint8_t> wanted = bench.buffer;
  for (std::int64_t r = 0; r < i.rows; ++r) {
    for (std::int64_t c = 0; c < i.n; ++c) {
      const auto a = element<A>(bench.buffer, row_at(m, i.a, i.a_lane, a_bytes, r), c);
      const std::int64_t b_row = i.broadcast != 0 ? 0 : r;
      const auto b = element<std::int8_t>(bench.buffer, row_at(m, i.b, i.b_lane, i.n, b_row), c);
      const float x = static_cast<float>(std::int64_t{a} - a_zero) * a_scale;
      const float z = static_cast<float>(b - b_zero) * b_scale;
      const auto low = limited ? T{lo} : std::numeric_limits<T>::min();
      const auto high = limited ? T{hi} : std::numeric_limits<T>::max();
      const auto v = expected(operation, x, z, to_scale, to_zero, low, high);
      put(wanted, row_at(m, i.to, i.to_lane, to_bytes, r), c, static_cast<T>(v));
    }
  }
  EXPECT_TRUE(y == wanted) << "operation " << operation << " seed " << seed;
}

TYPED_TEST(VectorOps, AreQuantisedLikeOnnx) {
  for (const std::int64_t operation :
       {op::kAdd, op::kSub, op::kMul, op::kMax, op::kMin, op::kConvert}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      check_operation<TypeParam, Unsigned8>(operation, seed);
      check_operation<TypeParam, TypeParam>(operation, seed + 10);
    }
  }
}

TEST(VectorOperation, WorksInPlaceAndCountsItsBytes) {
  VectorBench bench(8, 8);
  for (std::size_t i = 0; i < 64; ++i) bench.buffer[i] = static_cast<std::uint8_t>(i);
  isa::Vector i = vector(op::kAdd, type::kU8, 3, 4);
  i.b = 7;
  i.b_lane = 4;
  i.broadcast = 1;
  const auto y = bench.run({i});
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 4; ++c) EXPECT_EQ(y[8 * r + c], (8 * r + c) + (7 * 8 + 4 + c));
    EXPECT_EQ(y[8 * r + 4], 8 * r + 4);
  }
  EXPECT_EQ(bench.total.ub_read, Bytes(3 * 4 + 4 + 64));  // b once; 64 go out
  EXPECT_EQ(bench.total.ub_written, Bytes(3 * 4 + 64));
}

// Infinite and undefined intermediate values end at the limits and at the zero point.
TEST(VectorOperation, InfinitiesAndNan) {
  VectorBench bench(8, 8);
  bench.buffer[0] = 255;  // a = inf, -inf would need a negative scale
  bench.buffer[8] = 255;  // b
  bench.buffer[9] = 255;
  bench.set(Unit::kVector, configuration::kAScale, 3e38F);
  bench.set(Unit::kVector, configuration::kBScale, 3e38F);
  bench.set(Unit::kVector, configuration::kToZero, 77);
  isa::Vector i = vector(op::kSub, type::kU8, 1, 2);
  i.b = 1;
  i.to = 2;
  const auto y = bench.run({i});
  EXPECT_EQ(y[16], 77);  // inf - inf
  EXPECT_EQ(y[17], 0);   // 0 - inf
}

TEST(VectorOperation, FillWritesTheZeroPointWithinItsLimits) {
  VectorBench bench(8, 8);
  bench.set(Unit::kVector, configuration::kToZero, -1000);
  bench.set(Unit::kVector, configuration::kLo, -600);
  isa::Vector i = vector(op::kFill, type::kS16, 2, 3);
  i.to = 3;
  i.to_lane = 1;
  i.a = i.b = 1'000'000;  // not read
  std::vector<std::uint8_t> wanted = bench.buffer;
  for (std::int64_t c = 0; c < 3; ++c) {
    put<std::int16_t>(wanted, 3 * 8 + 1, c, -600);
    put<std::int16_t>(wanted, 4 * 8 + 1, c, -600);
  }
  EXPECT_EQ(bench.run({i}), wanted);
}

// 32-bit results: the whole range, and what lies beyond it.
TEST(VectorOperation, SaturatesIn32Bits) {
  VectorBench bench(8, 16);
  put<std::int32_t>(bench.buffer, 0, 0, std::numeric_limits<std::int32_t>::max());
  put<std::int32_t>(bench.buffer, 0, 1, std::numeric_limits<std::int32_t>::min());
  put<std::int32_t>(bench.buffer, 0, 2, 1000);
  bench.set(Unit::kVector, configuration::kToScale, 0.5F);
  bench.set(Unit::kVector, configuration::kToZero, 7);
  isa::Vector i = vector(op::kConvert, type::kS32, 1, 3);
  i.to = 1;
  const auto y = bench.run({i});
  EXPECT_EQ(element<std::int32_t>(y, 16, 0), std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(element<std::int32_t>(y, 16, 1), std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(element<std::int32_t>(y, 16, 2), 2007);
}

TEST(VectorLookUp, IndexesByValueFromTheLowestOn) {
  for (const std::int64_t t : {type::kU8, type::kS8}) {
    VectorBench bench(40, 16, 7);  // 256 words over 37 parameter rows
    RandomChoice random(3);
    bench.randomise(random);
    for (int w = 0; w < 256; ++w) bench.params.push_back(w * 70'000 - 9'000'000);
    isa::Vector i = vector(op::kLookup, t, 3, 7);
    i.to_type = type::kS16;
    i.to = 20;
    const auto y = bench.run({i});
    for (std::int64_t r = 0; r < 3; ++r) {
      for (std::int64_t c = 0; c < 7; ++c) {
        const int index = t == type::kU8 ? int{element<std::uint8_t>(bench.buffer, r * 16, c)}
                                         : element<std::int8_t>(bench.buffer, r * 16, c) + 128;
        EXPECT_EQ(element<std::int16_t>(y, (20 + r) * 16, c),
                  static_cast<std::int16_t>(index * 70'000 - 9'000'000));
      }
    }
  }
}

TEST(VectorLookUp, InterpolatesFor16Bits) {
  VectorBench bench(8, 32);
  for (int w = 0; w <= 256; ++w) bench.params.push_back((w - 128) * (w - 128));
  const std::vector<std::int16_t> xs = {-32768, -32767, -32640, -256, -1,   0,
                                        1,      128,    255,    256,  32767};
  for (std::size_t c = 0; c < xs.size(); ++c) {
    put(bench.buffer, 0, static_cast<std::int64_t>(c), xs[c]);
  }
  isa::Vector i = vector(op::kLookup, type::kS16, 1, std::ssize(xs));
  i.to = 1;
  const auto y = bench.run({i});
  for (std::size_t c = 0; c < xs.size(); ++c) {
    const double whole = std::floor(xs[c] / 256.0), part = xs[c] / 256.0 - whole;
    const double value = whole * whole + ((whole + 1) * (whole + 1) - whole * whole) * part;
    EXPECT_EQ(element<std::int16_t>(y, 32, static_cast<std::int64_t>(c)),
              static_cast<std::int16_t>(std::floor(value + 0.5)))
        << xs[c];
  }
}

// Strides, lanes, rows of several buffer rows: each byte is where it belongs, others are untouched.
TEST(Copy, MovesBytesAndNothingElse) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    RandomChoice random(seed);
    const std::int64_t width = random.pick(4, 24);
    VectorBench bench(200, width);
    bench.randomise(random);
    const isa::Machine& m = bench.machine();
    isa::Copy i;
    i.rows = random.pick(1, 9);
    i.bytes = random.pick(1, 2 * width);
    i.lane = random.pick(0, width - 1);
    i.to_lane = random.pick(0, width - 1);
    i.stride = random.pick(0, 8);
    i.to_stride = random.pick(m.ub_rows_of(i.bytes, i.to_lane), 9);
    i.to = 100;
    const auto y = bench.run({i});
    std::vector<std::uint8_t> wanted = bench.buffer;
    for (std::int64_t r = 0; r < i.rows; ++r) {
      for (std::int64_t b = 0; b < i.bytes; ++b) {
        wanted[static_cast<std::size_t>((i.to + r * i.to_stride) * width + i.to_lane + b)] =
            bench.buffer[static_cast<std::size_t>(r * i.stride * width + i.lane + b)];
      }
    }
    EXPECT_TRUE(y == wanted) << "seed " << seed;
  }
}

// Lanes of one row may move beside themselves.
TEST(Copy, WithinARow) {
  VectorBench bench(4, 8);
  for (std::size_t i = 0; i < 32; ++i) bench.buffer[i] = static_cast<std::uint8_t>(i);
  const auto y = bench.run({isa::Copy{1, 0, 1, 1, 4, 1, 3, 4}});
  for (std::size_t r = 1; r < 4; ++r) {
    for (std::size_t c = 0; c < 8; ++c) EXPECT_EQ(y[8 * r + c], 8 * r + c % 4);
  }
}

// `set` counts among the queue's entries, and what stands before it does not see it.
TEST(Registers, TakeEffectInTheQueuesOrder) {
  VectorBench bench(8, 8);
  const auto zero = [](std::int32_t value) {
    return isa::Set{static_cast<std::int64_t>(Unit::kVector), configuration::kToZero, value};
  };
  isa::Vector first = vector(op::kFill, type::kU8, 1, 1), second = first;
  first.to = 2;
  second.to = 3;
  const auto y = bench.run({zero(11), first, zero(12), second, zero(13)});
  EXPECT_EQ(y[16], 11);
  EXPECT_EQ(y[24], 12);
}

// Each unit has its own; the vector unit does not see the activation unit's.
TEST(Registers, BelongToOneUnit) {
  VectorBench bench(8, 8);
  bench.set(Unit::kActivation, configuration::kToZero, 99);
  isa::Vector i = vector(op::kFill, type::kU8, 1, 1);
  i.to = 2;
  EXPECT_EQ(bench.run({i})[16], 0);
}

}  // namespace
}  // namespace systole::sim
