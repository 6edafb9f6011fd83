// Tensor: element types, shapes and their limits.
#include "base/tensor.h"

#include <gtest/gtest.h>

#include <array>

namespace systole {
namespace {

constexpr std::int64_t kTwo20 = std::int64_t{1} << 20;

TEST(Tensor, ElementCount) {
  EXPECT_EQ(element_count({}), 1);
  EXPECT_EQ(element_count({7}), 7);
  EXPECT_EQ(element_count({200, 784}), 200 * 784);
  EXPECT_EQ(element_count({5, 0, 3}), 0);
  EXPECT_EQ(element_count({kTwo20, kTwo20 - 1}), kTwo20 * (kTwo20 - 1));
}

TEST(Tensor, ElementCountRefusesWhatCannotBe) {
  EXPECT_THROW((void)element_count({2, -1}), InputError);
  EXPECT_THROW((void)element_count({kTwo20, kTwo20}), InputError);
  EXPECT_THROW((void)element_count({kTwo20, kTwo20, kTwo20, kTwo20}), InputError);
  EXPECT_THROW((void)element_count({INT64_MAX, 2}), InputError);
  EXPECT_EQ(element_count({0, kTwo20 - 1, kTwo20}), 0);
  EXPECT_THROW((void)element_count({0, kTwo20, kTwo20}), InputError);
  EXPECT_THROW((void)element_count({INT64_MAX, INT64_MAX, 0}), InputError);
}

TEST(Tensor, ErrorsNameTheTensor) {
  try {
    (void)element_count({3, -2}, "input 'x'");
    FAIL() << "accepted";
  } catch (const InputError& e) {
    EXPECT_EQ(std::string(e.what()),
              "input 'x': shape [3, -2] has a negative dimension; expected dimensions >= 0");
  }
}

TEST(Tensor, StartsAtZeroWithTheRightSize) {
  Tensor t(DType::kInt32, {2, 3});
  EXPECT_EQ(t.count(), 6);
  EXPECT_EQ(t.bytes(), 24);
  for (const std::int32_t v : t.as<std::int32_t>()) EXPECT_EQ(v, 0);
}

TEST(Tensor, AsChecksTheType) {
  Tensor t(DType::kInt32, {2});
  EXPECT_THROW((void)t.as<float>(), InternalError);
}

TEST(Tensor, MakeTensor) {
  const std::array<float, 3> values{1.0F, -2.0F, 0.5F};
  const Tensor t = make_tensor<float>({3}, values);
  EXPECT_EQ(t.type, DType::kFloat32);
  EXPECT_EQ(t.as<float>()[1], -2.0F);
  EXPECT_THROW((void)make_tensor<float>({4}, values), InternalError);
}

TEST(Tensor, TypesRoundTripByNameAndCode) {
  for (int code = 0; code < 20; ++code) {
    DType type{};
    try {
      type = dtype_from_onnx(code, "test");
    } catch (const InputError&) {
      continue;
    }
    EXPECT_EQ(dtype_onnx_code(type), code);
    EXPECT_EQ(dtype_from_name(dtype_name(type), "test"), type);
    EXPECT_GE(dtype_bytes(type), 1);
  }
  EXPECT_EQ(dtype_from_onnx(1, "test"), DType::kFloat32);
  EXPECT_EQ(dtype_from_onnx(2, "test"), DType::kUint8);
  EXPECT_EQ(dtype_from_onnx(3, "test"), DType::kInt8);
  EXPECT_EQ(dtype_from_onnx(6, "test"), DType::kInt32);
  EXPECT_THROW((void)dtype_from_onnx(8, "test"), InputError);  // string
  EXPECT_THROW((void)dtype_from_name("float", "test"), InputError);
}

}  // namespace
}  // namespace systole
