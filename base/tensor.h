// Tensor: a dense row-major array in host memory, the currency between files, compiler and machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bfloat16.h"
#include "base/diag.h"

namespace systole {

enum class DType : std::uint8_t {
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) name,
#include "base/dtype.def"
};

[[nodiscard]] std::string_view dtype_name(DType type);
[[nodiscard]] std::int64_t dtype_bytes(DType type);
// The type with this text or ONNX code; throws InputError naming `where` if there is none.
[[nodiscard]] DType dtype_from_name(std::string_view text, const std::string& where);
[[nodiscard]] DType dtype_from_onnx(int code, const std::string& where);
[[nodiscard]] int dtype_onnx_code(DType type);

template <typename T>
struct DTypeOf;
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) \
  template <>                                        \
  struct DTypeOf<type> {                             \
    static constexpr DType value = DType::name;      \
  };
#include "base/dtype.def"

using Shape = std::vector<std::int64_t>;

// Product of the dimensions (1 for a scalar). Throws InputError on a negative dimension or a
// product of 2^40 elements or more.
[[nodiscard]] std::int64_t element_count(const Shape& shape, const std::string& where = "tensor");
[[nodiscard]] std::string shape_text(const Shape& shape);  // "[200, 784]"

struct Tensor {
  DType type = DType::kFloat32;
  Shape shape;
  std::vector<std::uint8_t> data;  // element_count(shape) * dtype_bytes(type) bytes, row-major

  Tensor() = default;
  Tensor(DType t, Shape s);  // zero-filled

  [[nodiscard]] std::int64_t count() const { return element_count(shape); }
  [[nodiscard]] std::int64_t bytes() const { return static_cast<std::int64_t>(data.size()); }

  // The elements as T; T must be the tensor's type.
  template <typename T>
  [[nodiscard]] std::span<T> as() {
    SYSTOLE_CHECK(type == DTypeOf<T>::value, "tensor holds {}", dtype_name(type));
    return {reinterpret_cast<T*>(data.data()), data.size() / sizeof(T)};
  }
  template <typename T>
  [[nodiscard]] std::span<const T> as() const {
    SYSTOLE_CHECK(type == DTypeOf<T>::value, "tensor holds {}", dtype_name(type));
    return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
  }
};

template <typename T>
[[nodiscard]] Tensor make_tensor(Shape shape, std::span<const T> values) {
  Tensor t(DTypeOf<T>::value, std::move(shape));
  SYSTOLE_CHECK(values.size() == t.as<T>().size(), "{} values for {}", values.size(),
                shape_text(t.shape));
  std::copy(values.begin(), values.end(), t.as<T>().begin());
  return t;
}

}  // namespace systole
