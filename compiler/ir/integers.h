// Quantised tensors element by element, whatever their integer type.
#pragma once

#include <cstdint>
#include <limits>

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
// A float within limits that are integers; the least and the largest int32 are none.
[[nodiscard]] inline float limited(float x, IntegerRange range) {
  using Word = std::numeric_limits<std::int32_t>;
  if (range.lo != Word::min() && x < static_cast<float>(range.lo)) x = static_cast<float>(range.lo);
  if (range.hi != Word::max() && x > static_cast<float>(range.hi)) x = static_cast<float>(range.hi);
  return x;
}

}  // namespace systole::compiler
