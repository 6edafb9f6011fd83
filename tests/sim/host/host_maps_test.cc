// Every function of one element: the oracle's body against the table's exact expression, over
// magnitudes, signs and the special values; reductions against sums written here.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/tensor.h"
#include "sim/host/host_ops.h"

namespace systole::sim {
namespace {

using isa::HostOp;

Tensor run(HostOp op, const std::vector<std::int64_t>& numbers, const std::vector<float>& reals,
           const Tensor& x, const Shape& shape) {
  Tensor y(DType::kFloat32, shape);
  std::vector<std::uint8_t> memory = x.data;
  memory.insert(memory.end(), y.data.begin(), y.data.end());
  const std::vector<isa::HostTensor> tensors = {
      {"x", x.type, x.shape, isa::Role::kIntermediate, 0},
      {"y", y.type, y.shape, isa::Role::kIntermediate, std::ssize(x.data)}};
  run_host_step({0, op, "step", {0}, {1}, numbers, reals, 0}, tensors, memory);
  y.data.assign(memory.begin() + std::ssize(x.data), memory.end());
  return y;
}

// The table's words.
[[maybe_unused]] constexpr float lo = -0.75F, hi = 1.5F, alpha = 0.3F, beta = 0.6F;

struct Function {
  const char* name;
  HostOp op;
  std::vector<float> reals;
  double (*exact)(float);
};

std::vector<Function> functions() {
  return {
#define SYSTOLE_MAP(name, text, host_op, reals, of_float, exact)            \
  {text, HostOp::host_op, std::vector<float> reals, [](float x) -> double { \
     [[maybe_unused]] const double d = x;                                   \
     return exact;                                                          \
   }},
#include "isa/elementwise.def"
  };
}

// Within a few steps of float32, or of the largest term where terms cancel.
bool is_close(float found, double exact) {
  if (std::isnan(exact)) return std::isnan(found);
  if (std::isinf(exact)) return static_cast<double>(found) == exact;
  return std::abs(static_cast<double>(found) - exact) <= 1e-6 * std::max(1.0, std::abs(exact));
}

TEST(HostMaps, EveryFunctionIsItsExactExpression) {
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0.0F,
                               -0.0F,
                               1.0F,
                               -1.0F,
                               0.5F,
                               -0.5F,
                               2.5F,
                               -2.5F,
                               3.0F,
                               -3.0F,
                               kInfinite,
                               -kInfinite,
                               std::numeric_limits<float>::quiet_NaN()};
  for (int i = -40; i <= 40; ++i) values.push_back(static_cast<float>(i) * 0.137F);
  const auto count = static_cast<std::int64_t>(values.size());
  const Tensor x = make_tensor<float>({count}, values);
  ASSERT_GT(functions().size(), 30U);
  for (const Function& f : functions()) {
    const Tensor y = run(f.op, {}, f.reals, x, {count});
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_TRUE(is_close(y.as<float>()[i], f.exact(values[i])))
          << f.name << "(" << values[i] << ") is " << y.as<float>()[i] << ", exactly "
          << f.exact(values[i]);
    }
    EXPECT_THROW(run(f.op, {}, {1, 2, 3}, x, {count}), InputError) << f.name;
    EXPECT_THROW(run(f.op, {}, f.reals, x, {count, 1}), InputError) << f.name;
  }
}

enum Reduction : std::int64_t {
#define SYSTOLE_REDUCTION(name, text) name,
#include "isa/reductions.def"
};

TEST(HostMaps, LookBytesUp) {
  Tensor x(DType::kInt8, {3});
  x.as<std::int8_t>()[0] = -1;
  x.as<std::int8_t>()[1] = 0;
  x.as<std::int8_t>()[2] = 127;
  std::vector<std::int64_t> entries(256);
  entries[255] = 7;
  entries[0] = 8;
  entries[127] = 255;
  std::vector<std::uint8_t> memory = x.data;
  memory.resize(6);
  const std::vector<isa::HostTensor> tensors = {
      {"x", DType::kInt8, {3}, isa::Role::kIntermediate, 0},
      {"y", DType::kUint8, {3}, isa::Role::kIntermediate, 3}};
  run_host_step({0, HostOp::kTable, "step", {0}, {1}, entries, {}, 0}, tensors, memory);
  EXPECT_EQ((std::vector<std::uint8_t>(memory.begin() + 3, memory.end())),
            (std::vector<std::uint8_t>{7, 8, 255}));
  entries.pop_back();
  EXPECT_THROW(
      run_host_step({0, HostOp::kTable, "step", {0}, {1}, entries, {}, 0}, tensors, memory),
      InputError);
}

TEST(HostReduce, TakesDimensionsTogether) {
  const Tensor x =
      make_tensor<float>({2, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -7});
  const auto reduced = [&](std::int64_t first, std::int64_t end, Reduction how, Shape shape) {
    const Tensor y = run(HostOp::kReduce, {first, end, how}, {}, x, shape);
    return std::vector<float>(y.as<float>().begin(), y.as<float>().end());
  };
  using Floats = std::vector<float>;
  EXPECT_EQ(reduced(1, 3, kSum, {2, 1, 1}), (Floats{21, -22}));
  EXPECT_EQ(reduced(2, 3, kMean, {2, 2, 1}), (Floats{2, 5, -2, -16.0F / 3.0F}));
  EXPECT_EQ(reduced(1, 2, kMax, {2, 1, 3}), (Floats{4, 5, 6, -1, -2, -3}));
  EXPECT_EQ(reduced(0, 1, kMin, {1, 2, 3}), (Floats{-1, -2, -3, -4, -5, -7}));
  EXPECT_EQ(reduced(0, 3, kProd, {1, 1, 1}), (Floats{720.0F * -1 * -2 * -3 * -4 * -5 * -7}));
  EXPECT_EQ(reduced(1, 1, kSum, {2, 2, 3}), (Floats{1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -7}));
  EXPECT_THROW(reduced(1, 4, kSum, {2, 1, 1}), InputError);
  EXPECT_THROW(reduced(1, 3, kSum, {2, 2, 1}), InputError);
  EXPECT_THROW(reduced(1, 3, kSoftmax, {2, 1, 1}), InputError);
}

}  // namespace
}  // namespace systole::sim
