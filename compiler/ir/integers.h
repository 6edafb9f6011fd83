// Quantised tensors element by element, whatever their integer type.
#pragma once

#include <cstdint>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Calls use(T{}) with the C++ type of a quantised element.
template <typename Use>
void with_integer_type(DType type, Use use) {
  switch (type) {
    case DType::kUint8:
      return use(std::uint8_t{});
    case DType::kInt8:
      return use(std::int8_t{});
    case DType::kUint16:
      return use(std::uint16_t{});
    case DType::kInt16:
      return use(std::int16_t{});
    case DType::kInt32:
      return use(std::int32_t{});
    default:
      SYSTOLE_CHECK(false, "{} is not a quantised type", dtype_name(type));
  }
}

// Calls use(span of the tensor's integers).
template <typename Use>
void with_integers(const Tensor& t, Use use) {
  with_integer_type(t.type, [&](auto zero) { use(t.as<decltype(zero)>()); });
}
template <typename Use>
void with_integers(Tensor& t, Use use) {
  with_integer_type(t.type, [&](auto zero) { use(t.as<decltype(zero)>()); });
}

// The quantised type's smallest and largest value.
struct IntegerRange {
  std::int32_t lo = 0, hi = 0;
};
[[nodiscard]] IntegerRange integer_range(DType type);

}  // namespace systole::compiler
