// Host memory and host steps: placement, errors, prices, and each operation's values.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/numerics.h"
#include "sim/host/host_memory.h"

namespace systole::sim {
namespace {

using isa::HostOp;
using isa::Role;

// A program of one host step in stage 0; tensors follow each other from odd address 3 on, so that
// nothing is aligned. The last tensor is the output.
struct Bench {
  isa::Program program;
  std::map<std::string, Tensor> inputs;
  std::vector<HostReport> report;

  explicit Bench(HostOp op, std::vector<std::int64_t> numbers = {}, std::vector<float> reals = {}) {
    program.constants.resize(3);
    program.host_bytes = 3;
    program.host_steps.push_back({0, op, "step", {}, {}, std::move(numbers), std::move(reals), 0});
  }
  void input(const std::string& name, Tensor tensor) {
    program.host_steps[0].inputs.push_back(add(name, tensor.type, tensor.shape, Role::kInput));
    inputs.emplace(name, std::move(tensor));
  }
  Tensor run(DType type, Shape shape) {
    program.host_steps[0].outputs.push_back(add("y", type, std::move(shape), Role::kOutput));
    HostMemory memory(program, true);
    memory.load_inputs(inputs);
    memory.run_stage(0, isa::Machine{}, report);
    return memory.outputs().at("y");
  }

 private:
  std::int64_t add(const std::string& name, DType type, Shape shape, Role role) {
    program.tensors.push_back({name, type, std::move(shape), role, program.host_bytes});
    program.host_bytes += program.tensors.back().bytes();
    return static_cast<std::int64_t>(program.tensors.size()) - 1;
  }
};

template <typename T>
Tensor tensor(Shape shape, std::vector<T> values) {
  return make_tensor<T>(std::move(shape), values);
}
template <typename T>
std::vector<T> values(const Tensor& t) {
  const auto v = t.as<T>();
  return {v.begin(), v.end()};
}

TEST(Host, QuantisePerTensor) {
  Bench b(HostOp::kQuantise, {0, 10}, {0.5F});
  b.input("x", tensor<float>({2, 3}, {0.0F, 0.25F, 0.75F, -100.0F, 1000.0F, std::nanf("")}));
  EXPECT_EQ(values<std::uint8_t>(b.run(DType::kUint8, {2, 3})),
            (std::vector<std::uint8_t>{10, 10, 12, 0, 255, 10}));
}

TEST(Host, QuantisePerAxisWherever) {
  const Tensor x = tensor<float>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const std::vector<std::vector<std::int8_t>> expected{
      {1, 2, 3, 4, 20, 24, 28, 32},  // axis 0: scales 1 and 1/4 over halves
      {1, 2, 12, 16, 5, 6, 28, 32},  // axis 1
      {1, 8, 3, 16, 5, 24, 7, 32}};  // axis 2
  for (std::int64_t axis = 0; axis < 3; ++axis) {
    Bench b(HostOp::kQuantise, {axis, 0, 0}, {1.0F, 0.25F});
    b.input("x", x);
    EXPECT_EQ(values<std::int8_t>(b.run(DType::kInt8, {2, 2, 2})),
              expected[static_cast<std::size_t>(axis)]);
  }
}

// More than one block, against the scalar definition.
TEST(Host, QuantiseLongTensorsEqualTheDefinition) {
  Tensor x(DType::kFloat32, {3, 5000});
  std::uint32_t bits = 1;
  for (float& v : x.as<float>()) {
    bits = bits * 1664525U + 1013904223U;
    std::memcpy(&v, &bits, 4);  // any float32 at all
  }
  Bench b(HostOp::kQuantise, {1, -3}, {0.037F});
  b.input("x", x);
  const Tensor y = b.run(DType::kInt16, {3, 5000});
  for (std::size_t i = 0; i < 15'000; ++i) {
    EXPECT_EQ(y.as<std::int16_t>()[i], quantise(x.as<float>()[i], 0.037F, -3, -32768, 32767)) << i;
  }
}

TEST(Host, Dequantise) {
  Bench b(HostOp::kDequantise, {1, 128, 0}, {0.5F, 2.0F});
  b.input("x", tensor<std::uint8_t>({2, 2}, {0, 1, 255, 255}));
  EXPECT_EQ(values<float>(b.run(DType::kFloat32, {2, 2})),
            (std::vector<float>{-64.0F, 2.0F, 63.5F, 510.0F}));
  Bench wide(HostOp::kDequantise, {0, 0}, {1.0F / 1024});
  wide.input("x", tensor<std::int32_t>({1}, {-1'000'000}));
  EXPECT_EQ(values<float>(wide.run(DType::kFloat32, {1})), std::vector<float>{-976.5625F});
}

TEST(Host, SoftmaxOverEachRow) {
  Bench b(HostOp::kSoftmax, {1, 2});
  b.input("x", tensor<float>({2, 3}, {1, 2, 3, 1000, 1000, -1000}));
  const auto y = values<float>(b.run(DType::kFloat32, {2, 3}));
  const double sum = std::exp(-2.0) + std::exp(-1.0) + 1.0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(y[i], static_cast<float>(std::exp(static_cast<double>(i) - 2.0) / sum));
  }
  EXPECT_EQ(y[3], 0.5F);
  EXPECT_EQ(y[4], 0.5F);
  EXPECT_EQ(y[5], 0.0F);
}

TEST(Host, SoftmaxOverSeveralOrInnerDimensions) {
  const Tensor x = tensor<float>({2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0});
  Bench whole(HostOp::kSoftmax, {1, 3});
  whole.input("x", x);
  EXPECT_EQ(values<float>(whole.run(DType::kFloat32, {2, 2, 2})), std::vector<float>(8, 0.25F));
  Bench first(HostOp::kSoftmax, {0, 1});
  first.input("x", tensor<float>({2, 2}, {5, 7, 5, -2000}));
  EXPECT_EQ(values<float>(first.run(DType::kFloat32, {2, 2})),
            (std::vector<float>{0.5F, 1, 0.5F, 0}));
}

TEST(Host, Relu) {
  Bench f(HostOp::kRelu);
  f.input("x", tensor<float>({3}, {-1.0F, 2.0F, std::nanf("")}));
  const auto y = values<float>(f.run(DType::kFloat32, {3}));
  EXPECT_EQ(y[0], 0.0F);
  EXPECT_EQ(y[1], 2.0F);
  EXPECT_TRUE(std::isnan(y[2]));
  Bench i(HostOp::kRelu);
  i.input("x", tensor<std::int32_t>({2}, {-7, 7}));
  EXPECT_EQ(values<std::int32_t>(i.run(DType::kInt32, {2})), (std::vector<std::int32_t>{0, 7}));
}

TEST(Host, AddBroadcastsOverLeadingDimensions) {
  Bench b(HostOp::kAdd);
  b.input("a", tensor<std::int32_t>({2, 2}, {1, 2, std::numeric_limits<std::int32_t>::max(), 4}));
  b.input("b", tensor<std::int32_t>({1, 2}, {1, 20}));
  EXPECT_EQ(values<std::int32_t>(b.run(DType::kInt32, {2, 2})),
            (std::vector<std::int32_t>{2, 22, std::numeric_limits<std::int32_t>::min(), 24}));
  Bench f(HostOp::kAdd);
  f.input("a", tensor<float>({2}, {1.5F, 2.5F}));
  f.input("b", tensor<float>({1}, {0.25F}));
  EXPECT_EQ(values<float>(f.run(DType::kFloat32, {2})), (std::vector<float>{1.75F, 2.75F}));
}

TEST(Host, Transpose) {
  Bench b(HostOp::kTranspose, {2, 0, 1});
  b.input("x", tensor<std::int16_t>({1, 2, 3}, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(values<std::int16_t>(b.run(DType::kInt16, {3, 1, 2})),
            (std::vector<std::int16_t>{1, 4, 2, 5, 3, 6}));
}

TEST(Host, CopyKeepsBytes) {
  Bench b(HostOp::kCopy);
  b.input("x", tensor<std::uint8_t>({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(values<std::uint8_t>(b.run(DType::kUint8, {4})),
            (std::vector<std::uint8_t>{1, 2, 3, 4}));
}

TEST(Host, EmptyTensors) {
  for (const HostOp op : {HostOp::kRelu, HostOp::kCopy}) {
    Bench b(op);
    b.input("x", Tensor(DType::kFloat32, {0, 4}));
    EXPECT_EQ(b.run(DType::kFloat32, {0, 4}).count(), 0);
  }
  const Shape many = {std::int64_t{1} << 39, 0};  // takes no time
  Bench b(HostOp::kSoftmax, {1, 2});
  b.input("x", Tensor(DType::kFloat32, many));
  EXPECT_EQ(b.run(DType::kFloat32, many).count(), 0);
}

TEST(Host, MisfitsAreErrors) {
  const Tensor x = tensor<float>({2, 2}, {1, 2, 3, 4});
  const auto fails = [&](HostOp op, std::vector<std::int64_t> numbers, std::vector<float> reals,
                         DType type, Shape shape) {
    Bench b(op, std::move(numbers), std::move(reals));
    b.input("x", x);
    EXPECT_THROW((void)b.run(type, std::move(shape)), InputError);
  };
  fails(HostOp::kQuantise, {}, {}, DType::kUint8, {2, 2});                            // no scale
  fails(HostOp::kQuantise, {0, 256}, {1.0F}, DType::kUint8, {2, 2});                  // zero point
  fails(HostOp::kQuantise, {0, 0}, {1.0F}, DType::kUint8, {4});                       // shape
  fails(HostOp::kQuantise, {0, 0}, {1.0F}, DType::kFloat32, {2, 2});                  // type
  fails(HostOp::kQuantise, {2, 0, 0}, {1.0F, 1.0F}, DType::kUint8, {2, 2});           // axis
  fails(HostOp::kQuantise, {0, 0, 0, 0}, {1.0F, 1.0F, 1.0F}, DType::kUint8, {2, 2});  // scales
  fails(HostOp::kDequantise, {0, 0}, {1.0F}, DType::kFloat32, {2, 2});                // float input
  fails(HostOp::kSoftmax, {1, 3}, {}, DType::kFloat32, {2, 2});
  fails(HostOp::kSoftmax, {}, {}, DType::kFloat32, {2, 2});
  fails(HostOp::kRelu, {}, {}, DType::kInt32, {2, 2});
  fails(HostOp::kAdd, {}, {}, DType::kFloat32, {2, 2});  // one input
  fails(HostOp::kTranspose, {0, 0}, {}, DType::kFloat32, {2, 2});
  fails(HostOp::kTranspose, {0}, {}, DType::kFloat32, {2, 2});
  fails(HostOp::kCopy, {}, {}, DType::kFloat32, {2, 3});
}

TEST(Host, PriceIsCallPlusBytes) {
  isa::Machine machine;
  machine.host_call_nanoseconds = 2'000;
  machine.host_bytes_per_second = 1'000'000;
  Bench b(HostOp::kQuantise, {0, 0}, {1.0F});
  b.input("x", tensor<float>({5}, {1, 2, 3, 4, 5}));
  (void)b.run(DType::kUint8, {5});
  for (const bool with_values : {false, true}) {
    std::vector<HostReport> report;
    HostMemory memory(b.program, with_values);
    memory.run_stage(0, machine, report);
    memory.run_stage(1, machine, report);  // has no steps
    ASSERT_EQ(report.size(), 1U);
    EXPECT_EQ(report[0].name, "step");
    EXPECT_EQ(report[0].op, "quantise");
    EXPECT_EQ(report[0].bytes, Bytes(5 * 4 + 5));
    EXPECT_DOUBLE_EQ(report[0].seconds, 2'000e-9 + 25.0 / 1'000'000);
  }
}

TEST(Host, InputsMustFit) {
  Bench b(HostOp::kRelu);
  b.input("x", tensor<float>({2}, {1, 2}));
  (void)b.run(DType::kFloat32, {2});
  HostMemory memory(b.program, true);
  EXPECT_THROW(memory.load_inputs({}), InputError);
  EXPECT_THROW(memory.load_inputs({{"x", Tensor(DType::kInt32, {2})}}), InputError);
  EXPECT_THROW(memory.load_inputs({{"x", Tensor(DType::kFloat32, {3})}}), InputError);
  try {
    memory.load_inputs({{"x", Tensor(DType::kFloat32, {2})}, {"z", Tensor(DType::kFloat32, {2})}});
    FAIL() << "accepted an input that is none";
  } catch (const InputError& e) {
    EXPECT_STREQ(e.what(), "input 'z': is not an input of the program; expected 'x'");
  }
}

TEST(Host, PlacementAndValuesAreChecked) {
  isa::Program program;
  program.host_bytes = 8;
  program.tensors = {{"x", DType::kFloat32, {2}, Role::kInput, 1}};
  EXPECT_THROW(HostMemory(program, false), InputError);
  program.tensors[0].address = 0;
  EXPECT_EQ(HostMemory(program, true).bytes().size(), 8U);
  program.has_values = false;
  EXPECT_THROW(HostMemory(program, true), InputError);
  EXPECT_TRUE(HostMemory(program, false).bytes().empty());
}

}  // namespace
}  // namespace systole::sim
