// See elements.h. Integers are computed in 64 bits of their sign, and their own bits are kept.
#include "compiler/ir/elements.h"

#include <array>
#include <cmath>
#include <type_traits>

#include "base/numerics.h"
#include "compiler/ir/number_list.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// Calls visit(i, offsets) for element i of the shape; the offsets are those of its operands.
template <std::size_t count, typename Visit>
void for_elements(const Shape& shape, const std::array<const Tensor*, count>& operands,
                  Visit visit) {
  std::array<std::vector<std::int64_t>, count> strides;
  for (std::size_t k = 0; k < count; ++k) strides[k] = broadcast_strides(operands[k]->shape, shape);
  std::array<std::int64_t, count> at{};
  std::vector<std::int64_t> index(shape.size());
  const auto elements = static_cast<std::size_t>(element_count(shape));
  for (std::size_t i = 0; i < elements; ++i) {
    visit(i, at);
    for (std::size_t d = index.size(); d-- > 0;) {  // the next index, like a milometer
      for (std::size_t k = 0; k < count; ++k) at[k] += strides[k][d];
      if (++index[d] < shape[d]) break;
      for (std::size_t k = 0; k < count; ++k) at[k] -= strides[k][d] * shape[d];
      index[d] = 0;
    }
  }
}

template <typename T, typename Result, typename Combine>
void combine_all(const Tensor& a, const Tensor& b, Tensor& y, Combine combine) {
  const auto* u = a.as<T>().data();
  const auto* v = b.as<T>().data();
  auto* to = y.as<Result>().data();
  for_elements<2>(y.shape, {&a, &b}, [&](std::size_t i, const auto& at) {
    to[i] = static_cast<Result>(combine(u[at[0]], v[at[1]]));
  });
}

void zip_floats(ZipFn fn, const Tensor& x, const Tensor& z, Tensor& y) {
  switch (fn) {
#define SYSTOLE_ZIP(name, text, host_op, vector_op, commutes, of_floats, of_integers) \
  case ZipFn::name:                                                                   \
    return combine_all<float, float>(x, z, y, [](float a, float b) { return of_floats; });
#define SYSTOLE_COMPARISON(name, text, host_op, commutes, holds) \
  case ZipFn::name:                                              \
    return combine_all<float, bool>(x, z, y, [](float a, float b) { return holds; });
#define SYSTOLE_BITS(name, ...) \
  case ZipFn::name:             \
    break;
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "zip function {} of floats", static_cast<int>(fn));
}

template <typename Wide>
Wide combined(ZipFn fn, Wide a, Wide b) {
  switch (fn) {
#define SYSTOLE_ZIP(name, text, host_op, vector_op, commutes, of_floats, of_integers) \
  case ZipFn::name:                                                                   \
    return static_cast<Wide>(of_integers);
#include "isa/elementwise.def"
  }
  SYSTOLE_CHECK(false, "zip function {}", static_cast<int>(fn));
}

template <typename T>
using WideOf = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;

template <typename T>
void zip_integers(ZipFn fn, const Tensor& x, const Tensor& z, Tensor& y) {
  const auto combine = [fn](T a, T b) {
    return combined<WideOf<T>>(fn, static_cast<WideOf<T>>(a), static_cast<WideOf<T>>(b));
  };
  compares(fn) ? combine_all<T, bool>(x, z, y, combine) : combine_all<T, T>(x, z, y, combine);
}

template <typename To, typename From>
To converted(From value) {
  if constexpr (std::is_same_v<To, bool>) {
    return value != From{};
  } else if constexpr (std::is_same_v<From, Bfloat16>) {
    return converted<To>(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, Bfloat16>) {
    return Bfloat16(static_cast<float>(value));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return saturated_to<To>(static_cast<double>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

Tensor evaluate_zip(ZipFn fn, const Tensor& a, const Tensor& b, const Shape& shape) {
  Tensor y(compares(fn) ? DType::kBool : a.type, shape);
  with_element_type(a.type, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_same_v<T, float>) {
      zip_floats(fn, a, b, y);
    } else {
      SYSTOLE_CHECK(std::is_integral_v<T>, "zip of {}", dtype_name(a.type));
      if constexpr (std::is_integral_v<T>) zip_integers<T>(fn, a, b, y);
    }
  });
  return y;
}

Tensor evaluate_select(const Tensor& c, const Tensor& a, const Tensor& b, const Shape& shape) {
  Tensor y(a.type, shape);
  with_element_type(a.type, [&](auto zero) {
    using T = decltype(zero);
    const bool* holds = c.as<bool>().data();
    const T* u = a.as<T>().data();
    const T* v = b.as<T>().data();
    T* to = y.as<T>().data();
    for_elements<3>(shape, {&c, &a, &b}, [&](std::size_t i, const auto& at) {
      to[i] = holds[at[0]] ? u[at[1]] : v[at[2]];
    });
  });
  return y;
}

Tensor evaluate_cast(const Tensor& x, DType type) {
  Tensor y(type, x.shape);
  with_element_type(x.type, [&](auto from) {
    using From = decltype(from);
    with_element_type(type, [&](auto to) {
      using To = decltype(to);
      const From* source = x.as<From>().data();
      for (To& v : y.as<To>()) v = converted<To, From>(*source++);
    });
  });
  return y;
}

}  // namespace systole::compiler
