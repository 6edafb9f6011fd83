// Tensor: element types from dtype.def, shapes and their products.
#include "base/tensor.h"

#include <array>

#include "base/onnx_type.h"

namespace systole {
namespace {

struct DTypeRow {
  DType type;
  std::string_view text;
  std::int64_t bytes;
  int onnx;
};

constexpr auto kRows = std::to_array<DTypeRow>({
#define SYSTOLE_DTYPE(name, text, bytes, onnx, type) {DType::name, text, bytes, onnx},
#include "base/dtype.def"
});

constexpr std::int64_t kMaxElements = std::int64_t{1} << 40;

const DTypeRow& row(DType type) { return kRows.at(static_cast<std::size_t>(type)); }

std::string known_types() {
  std::string text;
  for (const DTypeRow& r : kRows) text += (text.empty() ? "" : ", ") + std::string(r.text);
  return text;
}

}  // namespace

std::string_view dtype_name(DType type) { return row(type).text; }
std::int64_t dtype_bytes(DType type) { return row(type).bytes; }
int dtype_onnx_code(DType type) { return row(type).onnx; }

DType dtype_from_name(std::string_view text, const std::string& where) {
  for (const DTypeRow& r : kRows) {
    if (r.text == text) return r.type;
  }
  throw InputError(where, fmt::format("element type '{}'", text), "one of " + known_types());
}

DType dtype_from_onnx(int code, const std::string& where) {
  for (const DTypeRow& r : kRows) {
    if (r.onnx == code) return r.type;
  }
  throw InputError(where, "ONNX element type " + onnx_type_name(code), "one of " + known_types());
}

// The limit holds for the other dimensions of an empty shape, too, so that the product of any of a
// shape's dimensions fits.
std::int64_t element_count(const Shape& shape, const std::string& where) {
  for (const std::int64_t dim : shape) {
    if (dim < 0)
      throw InputError(where, "shape " + shape_text(shape) + " has a negative dimension",
                       "dimensions >= 0");
  }
  std::int64_t count = 1;
  bool is_empty = false;
  for (const std::int64_t dim : shape) {
    is_empty = is_empty || dim == 0;
    if (dim == 0) continue;
    if (dim >= kMaxElements / count + 1 || count * dim >= kMaxElements) {
      throw InputError(where, "shape " + shape_text(shape) + " has too many elements",
                       "fewer than 2^40");
    }
    count *= dim;
  }
  return is_empty ? 0 : count;
}

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

Tensor::Tensor(DType t, Shape s) : type(t), shape(std::move(s)) {
  data.resize(static_cast<std::size_t>(element_count(shape) * dtype_bytes(type)));
}

}  // namespace systole
