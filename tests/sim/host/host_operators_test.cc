// Host operations that stand for ONNX operators the device does not run: values worked out by hand,
// operands that do not fit.
#include <gtest/gtest.h>

#include <cmath>

#include "base/numerics.h"
#include "sim/host/host_ops.h"

namespace systole::sim {
namespace {

using isa::HostOp;

template <typename T>
Tensor tensor(Shape shape, std::vector<T> values) {
  return make_tensor<T>(std::move(shape), values);
}
template <typename T>
std::vector<T> values(const Tensor& t) {
  return {t.as<T>().begin(), t.as<T>().end()};
}

// One step on tensors that follow each other from address 0 on.
struct Step {
  HostOp op{};
  std::vector<std::int64_t> numbers = {};
  std::vector<float> reals = {};

  [[nodiscard]] Tensor run(const std::vector<Tensor>& inputs, DType type,
                           const Shape& shape) const {
    isa::HostStep step{0, op, "step", {}, {}, numbers, reals, 0};
    std::vector<isa::HostTensor> tensors;
    std::vector<std::uint8_t> memory;
    const auto add = [&](const Tensor& t) {
      tensors.push_back({"t", t.type, t.shape, isa::Role::kIntermediate, std::ssize(memory)});
      memory.insert(memory.end(), t.data.begin(), t.data.end());
      return std::ssize(tensors) - 1;
    };
    for (const Tensor& input : inputs) step.inputs.push_back(add(input));
    Tensor result(type, shape);
    step.outputs.push_back(add(result));
    run_host_step(step, tensors, memory);
    result.data.assign(memory.end() - result.bytes(), memory.end());
    return result;
  }
  [[nodiscard]] std::vector<float> floats(const std::vector<Tensor>& inputs,
                                          const Shape& shape) const {
    return values<float>(run(inputs, DType::kFloat32, shape));
  }
};

using Floats = std::vector<float>;

TEST(HostOperators, FunctionsOfOneNumber) {
  const Tensor x = tensor<float>({3}, {-2.0F, 0.5F, 3.0F});
  EXPECT_EQ((Step{HostOp::kClip, {}, {-1.0F, 2.0F}}.floats({x}, {3})), (Floats{-1, 0.5F, 2}));
  EXPECT_EQ((Step{HostOp::kLeakyRelu, {}, {0.25F}}.floats({x}, {3})), (Floats{-0.5F, 0.5F, 3}));
  EXPECT_EQ((Step{HostOp::kSigmoid}.floats({x}, {3})),
            (Floats{1.0F / (1.0F + std::exp(2.0F)), 1.0F / (1.0F + std::exp(-0.5F)),
                    1.0F / (1.0F + std::exp(-3.0F))}));
  EXPECT_EQ((Step{HostOp::kTanh}.floats({x}, {3})),
            (Floats{std::tanh(-2.0F), std::tanh(0.5F), std::tanh(3.0F)}));
}

TEST(HostOperators, AddSubAndMulBroadcastEitherOperand) {
  const Tensor column = tensor<float>({2, 1}, {1, 10});
  const Tensor row = tensor<float>({3}, {1, 2, 3});
  EXPECT_EQ((Step{HostOp::kAdd}.floats({column, row}, {2, 3})), (Floats{2, 3, 4, 11, 12, 13}));
  EXPECT_EQ((Step{HostOp::kSub}.floats({column, row}, {2, 3})), (Floats{0, -1, -2, 9, 8, 7}));
  EXPECT_EQ((Step{HostOp::kMul}.floats({row, column}, {2, 3})), (Floats{1, 2, 3, 10, 20, 30}));
  EXPECT_THROW((Step{HostOp::kMul}.floats({row, column}, {3, 2})), InputError);
  EXPECT_THROW((Step{HostOp::kMul}.floats({column, row}, {3})), InputError);
}

TEST(HostOperators, IntegersAreAddedByTheirScales) {
  const Step step{HostOp::kAdd, {1, -1, 10, 0, 20}, {0.5F, 2.0F, 1.0F}};
  const Tensor a = tensor<std::uint8_t>({2}, {3, 101});  // 1, 50
  const Tensor b = tensor<std::int8_t>({2}, {0, 1});     // 2, 4
  EXPECT_EQ(values<std::uint8_t>(step.run({a, b}, DType::kUint8, {2})),
            (std::vector<std::uint8_t>{13, 20}));
  EXPECT_THROW(static_cast<void>(step.run({a, tensor<float>({2}, {0, 1})}, DType::kUint8, {2})),
               InputError);
}

// kernel 2 x 2, stride 1, pad 1 before and behind a 2 x 2 map: a 3 x 3 result.
const std::vector<std::int64_t> kPadded = {2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0};

TEST(HostOperators, PoolsLeaveOutWhatIsPadding) {
  const Tensor x = tensor<float>({1, 1, 2, 2}, {-1, -2, -3, -4});
  EXPECT_EQ((Step{HostOp::kMaxPool, kPadded}.floats({x}, {1, 1, 3, 3})),
            (Floats{-1, -1, -2, -1, -1, -2, -3, -3, -4}));
  EXPECT_EQ((Step{HostOp::kAveragePool, kPadded}.floats({x}, {1, 1, 3, 3})),
            (Floats{-1, -1.5F, -2, -2, -2.5F, -3, -3, -3.5F, -4}));
  std::vector<std::int64_t> counted = kPadded;
  counted[10] = 1;
  EXPECT_EQ((Step{HostOp::kAveragePool, counted}.floats({x}, {1, 1, 3, 3})),
            (Floats{-0.25F, -0.75F, -0.5F, -1, -2.5F, -1.5F, -0.75F, -1.75F, -1}));
  counted[11] = counted[12] = 1;  // the pads at the end are overhang
  EXPECT_EQ((Step{HostOp::kAveragePool, counted}.floats({x}, {1, 1, 3, 3})),
            (Floats{-0.25F, -0.75F, -1, -1, -2.5F, -3, -1.5F, -3.5F, -4}));
}

TEST(HostOperators, AveragesOfIntegersAreRequantisedOnce) {
  std::vector<std::int64_t> numbers = kPadded;
  numbers.insert(numbers.end(), {3, 5});
  const Step step{HostOp::kAveragePool, numbers, {0.5F, 0.25F}};
  const Tensor x = tensor<std::uint8_t>({1, 1, 2, 2}, {3, 4, 5, 6});  // 0, 1, 2, 3 of 1/2
  EXPECT_EQ(values<std::int8_t>(step.run({x}, DType::kInt8, {1, 1, 3, 3})),
            (std::vector<std::int8_t>{5, 6, 7, 7, 8, 9, 9, 10, 11}));
  for (const std::size_t zero : {13U, 14U}) {
    Step far = step;
    far.numbers[zero] = INT64_MIN;
    EXPECT_THROW(static_cast<void>(far.run({x}, DType::kInt8, {1, 1, 3, 3})), InputError);
  }
}

TEST(HostOperators, DilatedMaxPool) {
  const Step step{HostOp::kMaxPool, {2, 2, 1, 1, 2, 2, 0, 0, 0, 0, 0, 0, 0}};
  const Tensor x = tensor<std::int8_t>({1, 1, 3, 3}, {1, 9, 3, 9, 9, 9, 2, 9, -4});
  EXPECT_EQ(values<std::int8_t>(step.run({x}, DType::kInt8, {1, 1, 1, 1})),
            std::vector<std::int8_t>{3});
}

TEST(HostOperators, PadAddsAndCutsOff) {
  const Tensor x = tensor<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ((Step{HostOp::kPad, {1, 0, 0, 1}, {9.0F}}.floats({x}, {3, 3})),
            (Floats{9, 9, 9, 1, 2, 9, 3, 4, 9}));
  EXPECT_EQ((Step{HostOp::kPad, {-1, 0, 0, -1}, {9.0F}}.floats({x}, {1, 1})), Floats{3});
  const Step bytes{HostOp::kPad, {0, 1, 7}};
  EXPECT_EQ(
      values<std::uint8_t>(bytes.run({tensor<std::uint8_t>({2}, {1, 2})}, DType::kUint8, {3})),
      (std::vector<std::uint8_t>{1, 2, 7}));
}

TEST(HostOperators, ConcatAlongAnyDimension) {
  const Tensor a = tensor<std::int64_t>({2, 1}, {1, 2});
  const Tensor b = tensor<std::int64_t>({2, 2}, {3, 4, 5, 6});
  EXPECT_EQ(values<std::int64_t>(Step{HostOp::kConcat, {1}}.run({a, b, a}, DType::kInt64, {2, 4})),
            (std::vector<std::int64_t>{1, 3, 4, 1, 2, 5, 6, 2}));
}

TEST(HostOperators, MisfitsAreErrors) {
  const Tensor x = tensor<float>({1, 1, 2, 2}, {1, 2, 3, 4});
  const auto fails = [&](const Step& step, const Shape& shape) {
    EXPECT_THROW(static_cast<void>(step.run({x}, DType::kFloat32, shape)), InputError);
  };
  fails({HostOp::kClip, {}, {1.0F}}, {1, 1, 2, 2});
  fails({HostOp::kLeakyRelu}, {1, 1, 2, 2});
  fails({HostOp::kMul}, {1, 1, 2, 2});
  fails({HostOp::kMaxPool, {2, 2}}, {1, 1, 1, 1});
  fails({HostOp::kMaxPool, kPadded}, {1, 2, 3, 3});
  fails({HostOp::kMaxPool, {2, 2, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0}}, {1, 1, 1, 1});
  fails({HostOp::kPad, {0, 0, 0, 0, 0, 0, 0, 1}, {}}, {1, 1, 2, 3});
  fails({HostOp::kPad, {0, 0, 0, 0, 0, 0, 0, 1}, {0.0F}}, {1, 1, 2, 4});
  fails({HostOp::kPad, {0, 0, 0, INT64_MIN, 0, 0, 0, -1}, {0.0F}}, {1, 1, 2, 2});
  fails({HostOp::kConcat, {4}}, {1, 1, 2, 2});
  fails({HostOp::kConcat, {3}}, {1, 1, 2, 4});
  fails({HostOp::kConcat}, {1, 1, 2, 2});
}

}  // namespace
}  // namespace systole::sim
