// Functions of two elements of every type that they take, in the evaluator and as host steps,
// against arithmetic in 128 bits written here; the choice between two; the change of type.
#include "compiler/ir/elements.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "compiler/ir/number_list.h"
#include "compiler/lower/host_step.h"
#include "sim/host/host_ops.h"

namespace systole::compiler {
namespace {

__extension__ using Whole = __int128;

constexpr DType kTypes[] = {DType::kUint8, DType::kInt8,   DType::kUint16, DType::kInt16,
                            DType::kInt32, DType::kInt64,  DType::kUint32, DType::kUint64,
                            DType::kBool,  DType::kFloat32};

std::vector<ZipFn> functions() {
  return {
#define SYSTOLE_ZIP(name, ...) ZipFn::name,
#include "isa/elementwise.def"
  };
}

Whole power(Whole a, Whole b) {
  if (b < 0) return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : 0;
  std::uint64_t result = 1;
  std::uint64_t base = static_cast<std::uint64_t>(a);
  for (auto rest = static_cast<std::uint64_t>(b); rest > 0; rest >>= 1, base *= base) {
    if ((rest & 1) == 1) result *= base;
  }
  return static_cast<Whole>(result);
}

// What is kept of it in a type is up to the caller.
Whole exact(ZipFn fn, Whole a, Whole b) {
  switch (fn) {
    case ZipFn::kAdd:
      return a + b;
    case ZipFn::kSub:
      return a - b;
    case ZipFn::kMul:
      return static_cast<Whole>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    case ZipFn::kMax:
      return a > b ? a : b;
    case ZipFn::kMin:
      return a < b ? a : b;
    case ZipFn::kDiv:
      return b == 0 ? 0 : a / b;
    case ZipFn::kPow:
      return power(a, b);
    case ZipFn::kPRelu:
      return a < 0 ? exact(ZipFn::kMul, a, b) : a;
    case ZipFn::kMod:
      return b == 0 ? 0 : ((a % b) + b) % b;
    case ZipFn::kFmod:
      return b == 0 ? 0 : a % b;
    case ZipFn::kAnd:
      return a & b;
    case ZipFn::kOr:
      return a | b;
    case ZipFn::kXor:
      return a ^ b;
    case ZipFn::kShiftLeft:
      return b < 0 || b > 63 ? 0 : static_cast<Whole>(static_cast<std::uint64_t>(a) << b);
    case ZipFn::kShiftRight:
      return b < 0 || b > 63 ? (a < 0 ? -1 : 0) : a >> b;
    case ZipFn::kEqual:
      return a == b ? 1 : 0;
    case ZipFn::kLess:
      return a < b ? 1 : 0;
    case ZipFn::kLessOrEqual:
      return a <= b ? 1 : 0;
  }
  return 0;
}

template <typename T>
Tensor some(const Shape& shape, std::mt19937_64& random) {
  Tensor t(DTypeOf<T>::value, shape);
  using Limits = std::numeric_limits<T>;
  const T edges[] = {T{0}, T{1}, Limits::lowest(), Limits::max(), static_cast<T>(-1), T{1}};
  for (T& v : t.as<T>()) {
    const std::uint64_t bits = random();
    if constexpr (std::is_same_v<T, float>) {
      v = bits % 5 == 0 ? NAN : static_cast<float>(static_cast<int>(bits % 33) - 16) * 0.25F;
    } else if constexpr (std::is_integral_v<T>) {
      v = bits % 2 == 0 ? edges[bits / 2 % 6] : static_cast<T>(bits >> 32);
    }
  }
  return t;
}

Tensor on_host(const Node& node, const std::vector<Tensor>& inputs, DType type,
               const Shape& shape) {
  isa::HostStep step = *host_step(node, true);
  std::vector<std::uint8_t> memory(1);  // so that nothing is aligned
  std::vector<isa::HostTensor> tensors;
  const auto add = [&](const Tensor& t) {
    tensors.push_back({"t", t.type, t.shape, isa::Role::kIntermediate, std::ssize(memory)});
    memory.insert(memory.end(), t.data.begin(), t.data.end());
  };
  for (const Tensor& t : inputs) add(t);
  Tensor y(type, shape);
  add(y);
  for (std::int64_t i = 0; i < std::ssize(inputs); ++i) step.inputs.push_back(i);
  step.outputs = {std::ssize(inputs)};
  sim::run_host_step(step, tensors, memory);
  y.data.assign(memory.end() - y.bytes(), memory.end());
  return y;
}

TEST(Elements, EveryFunctionOfIntegersKeepsItsTypesBits) {
  std::mt19937_64 random(1);
  int pairs = 0;
  for (const DType type : kTypes) {
    if (type == DType::kFloat32) continue;
    for (const ZipFn fn : functions()) {
      if (!takes(fn, type)) continue;
      ++pairs;
      with_element_type(type, [&](auto zero) {
        using T = decltype(zero);
        if constexpr (std::is_integral_v<T>) {
          const Tensor a = some<T>({3, 1, 8}, random);
          const Tensor b = some<T>({5, 1}, random);
          const Tensor y = evaluate_zip(fn, a, b, {3, 5, 8});
          for (std::size_t i = 0; i < 120; ++i) {
            const T u = a.as<T>()[i / 40 * 8 + i % 8];
            const T v = b.as<T>()[i / 8 % 5];
            const Whole wanted = exact(fn, u, v);
            const bool same = compares(fn) ? y.as<bool>()[i] == (wanted != 0)
                                           : y.as<T>()[i] == static_cast<T>(wanted);
            ASSERT_TRUE(same) << dtype_name(type) << " function " << static_cast<int>(fn) << " of "
                              << +u << " and " << +v;
          }
          const Node node{OpKind::kZip, "n", "", {}, {}, ZipAttrs{fn}};
          EXPECT_EQ(on_host(node, {a, b}, y.type, y.shape).data, y.data);
        }
      });
    }
  }
  EXPECT_EQ(pairs, 8 * 18 + 4);
}

TEST(Elements, ComparisonsOfFloatsKnowNoNumberFromNaN) {
  std::mt19937_64 random(2);
  const Tensor a = some<float>({4, 1, 6}, random);
  const Tensor b = some<float>({5, 1}, random);
  int holding = 0;
  for (const ZipFn fn : {ZipFn::kEqual, ZipFn::kLess, ZipFn::kLessOrEqual}) {
    const Tensor y = evaluate_zip(fn, a, b, {4, 5, 6});
    ASSERT_EQ(y.type, DType::kBool);
    for (std::size_t i = 0; i < 120; ++i) {
      const float u = a.as<float>()[i / 30 * 6 + i % 6];
      const float v = b.as<float>()[i / 6 % 5];
      const bool wanted = fn == ZipFn::kEqual ? u == v : fn == ZipFn::kLess ? u < v : u <= v;
      ASSERT_EQ(y.as<bool>()[i], wanted) << u << " and " << v;
      holding += wanted ? 1 : 0;
    }
    const Node node{OpKind::kZip, "n", "", {}, {}, ZipAttrs{fn}};
    EXPECT_EQ(on_host(node, {a, b}, y.type, y.shape).data, y.data);
  }
  EXPECT_GT(holding, 20);
}

TEST(Elements, ASelectionTakesWholeElementsOfAnyType) {
  std::mt19937_64 random(3);
  const Tensor c = some<bool>({4, 1}, random);
  for (const DType type : kTypes) {
    with_element_type(type, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (!std::is_same_v<T, double>) {
        const Tensor a = some<T>({3, 1, 5}, random);
        const Tensor b = some<T>({}, random);
        const Tensor y = evaluate_select(c, a, b, {3, 4, 5});
        const auto size = static_cast<std::size_t>(dtype_bytes(type));
        for (std::size_t i = 0; i < 60; ++i) {
          const bool first = c.as<bool>()[i / 5 % 4];
          const std::uint8_t* from =
              first ? a.data.data() + (i / 20 * 5 + i % 5) * size : b.data.data();
          EXPECT_TRUE(std::equal(from, from + size, y.data.data() + i * size));
        }
        const Node node{OpKind::kSelect, "n", "", {}, {}, std::monostate{}};
        EXPECT_EQ(on_host(node, {c, a, b}, type, y.shape).data, y.data);
      }
    });
  }
}

template <typename To, typename From>
void expect_cast(From x, To wanted) {
  const Tensor t = make_tensor<From>({1}, std::span<const From>(&x, 1));
  const Tensor y = evaluate_cast(t, DTypeOf<To>::value);
  EXPECT_EQ(y.as<To>()[0], wanted) << +x;
  const Node node{OpKind::kCast, "n", "", {}, {}, std::monostate{}};
  EXPECT_EQ(on_host(node, {t}, y.type, {1}).data, y.data) << +x;
}

TEST(Elements, CastsWrapIntegersAndSaturateFloats) {
  expect_cast<std::int8_t>(-1.9F, std::int8_t{-1});
  expect_cast<std::int8_t>(300.0F, std::int8_t{127});
  expect_cast<std::uint8_t>(-2.0F, std::uint8_t{0});
  expect_cast<std::int32_t>(std::numeric_limits<float>::quiet_NaN(), 0);
  expect_cast<std::int64_t>(-1e30F, std::numeric_limits<std::int64_t>::min());
  expect_cast<std::uint64_t>(1e30F, std::numeric_limits<std::uint64_t>::max());
  expect_cast<bool>(0.1F, true);
  expect_cast<bool>(-0.0F, false);
  expect_cast<bool>(std::int32_t{256}, true);
  expect_cast<std::uint8_t>(std::int64_t{-1}, std::uint8_t{255});
  expect_cast<std::int16_t>(std::uint32_t{0x18001}, std::int16_t{-32767});
  expect_cast<float>(std::int64_t{16'777'217}, 16'777'216.0F);
  expect_cast<float>(std::numeric_limits<std::uint64_t>::max(), 0x1p64F);
  expect_cast<float>(true, 1.0F);
  expect_cast<std::int64_t>(true, std::int64_t{1});
}

TEST(Elements, StepsOfOtherTypesAreErrors) {
  const Node less{OpKind::kZip, "n", "", {}, {}, ZipAttrs{ZipFn::kLess}};
  const Node both{OpKind::kZip, "n", "", {}, {}, ZipAttrs{ZipFn::kAnd}};
  const Node choice{OpKind::kSelect, "n", "", {}, {}, std::monostate{}};
  const Tensor f(DType::kFloat32, {2});
  const Tensor i(DType::kInt32, {2});
  EXPECT_THROW(static_cast<void>(on_host(less, {f, i}, DType::kBool, {2})), InputError);
  EXPECT_THROW(static_cast<void>(on_host(less, {f, f}, DType::kInt8, {2})), InputError);
  EXPECT_THROW(static_cast<void>(on_host(both, {f, f}, DType::kFloat32, {2})), InputError);
  EXPECT_THROW(static_cast<void>(on_host(choice, {f, i, i}, DType::kInt32, {2})), InputError);
  EXPECT_THROW(static_cast<void>(on_host(less, {i, i}, DType::kBool, {3})), InputError);
}

}  // namespace
}  // namespace systole::compiler
