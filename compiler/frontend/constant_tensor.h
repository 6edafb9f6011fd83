// Elements of constant tensors, whatever their type: what the functions of onnx_constants.def
// share.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "compiler/frontend/onnx_node.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {

// Calls use(T{}) with the C++ type of an element.
template <typename Use>
void with_type(DType type, Use use) {
  switch (type) {
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type)                   \
  case DType::name:                                                    \
    if constexpr (!std::is_same_v<type, Bfloat16>) return use(type{}); \
    break;  // models' bfloat16 are widened when they are read (onnx_tensor.cc)
#include "base/dtype.def"
  }
  SYSTOLE_CHECK(false, "type {}", static_cast<int>(type));
}

// The same for numbers; bool has been refused.
template <typename Use>
void with_number(DType type, Use use) {
  with_type(type, [&](auto zero) {
    if constexpr (!std::is_same_v<decltype(zero), bool>) use(zero);
  });
}

// A zero-filled result of the node. Throws InputError, before it takes memory, if what is folded
// would be far larger than what the model holds.
[[nodiscard]] Tensor new_constant(OnnxNode& node, DType type, const Shape& shape);
// The node's output is this constant.
void give_constant(OnnxNode& node, Tensor t, int output = 0);

// fn(a, b) of numbers; integers are computed modulo 2^64, which is modulo their own size.
template <typename T, typename Fn>
T wrapped(T a, T b, Fn fn) {
  if constexpr (std::is_floating_point_v<T>) {
    return fn(a, b);
  } else {
    return static_cast<T>(fn(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  }
}

// The elements of a list or a number of int32 or int64. Throws InputError for other tensors.
[[nodiscard]] std::vector<std::int64_t> integers(OnnxNode& node, int input,
                                                 const std::string& what);
// A list that is an attribute in older opsets and an input since `input_since`; nothing if absent.
[[nodiscard]] std::optional<std::vector<std::int64_t>> attribute_or_input(OnnxNode& node,
                                                                          const std::string& name,
                                                                          int input,
                                                                          std::int64_t input_since);
// The shape that all inputs of the node broadcast to.
[[nodiscard]] Shape broadcast_inputs(OnnxNode& node);

// Walks over all elements of a shape in order; at(k) is the offset of operand k, which is
// broadcast.
class BroadcastWalk {
 public:
  BroadcastWalk(const Shape& to, const std::vector<Shape>& from);
  [[nodiscard]] std::size_t at(std::size_t operand) const { return at_[operand]; }
  void next();

 private:
  void step(std::size_t axis, std::int64_t by);

  Shape to_;
  std::vector<std::int64_t> index_;
  std::vector<std::vector<std::int64_t>> strides_;
  std::vector<std::size_t> at_;
};

}  // namespace systole::compiler
