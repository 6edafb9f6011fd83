// ONNX TensorProto files (.pb), as in ONNX's own operator tests: elements are in raw_data, or in
// the field of their type (onnx.proto3, message TensorProto).
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <limits>
#include <type_traits>

#include "formats/tensor_bytes.h"
#include "formats/tensor_files.h"

namespace systole::formats {
namespace {

// The elements of a typed field as T. Narrow integers are stored as int32 there and must fit.
template <typename T, typename Field>
Tensor from_field(const Field& field, Shape shape, const std::string& where) {
  const std::int64_t count = element_count(shape, where);
  if (field.size() != count) {
    throw InputError(where, fmt::format("holds {} elements", field.size()),
                     fmt::format("{} for shape {}", count, shape_text(shape)));
  }
  Tensor tensor(DTypeOf<T>::value, std::move(shape));
  const auto out = tensor.as<T>();
  for (int i = 0; i < field.size(); ++i) {
    const T value = static_cast<T>(field[i]);
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (value != field[i]) {
        throw InputError(where, fmt::format("element {} is {}", i, field[i]),
                         fmt::format("a value of {}", dtype_name(tensor.type)));
      }
    }
    out[static_cast<std::size_t>(i)] = value;
  }
  return tensor;
}

// Their bits in int32_data.
Tensor from_bfloat16_field(const onnx::TensorProto& proto, Shape shape, const std::string& where) {
  const Tensor bits = from_field<std::uint16_t>(proto.int32_data(), std::move(shape), where);
  Tensor tensor(DType::kBfloat16, bits.shape);
  tensor.data = bits.data;
  return tensor;
}

// Bfloat16 as float32, as models' are read; others as they are.
Tensor without_bfloat16(Tensor tensor) {
  if (tensor.type != DType::kBfloat16) return tensor;
  Tensor wide(DType::kFloat32, tensor.shape);
  std::ranges::copy(tensor.as<Bfloat16>(), wide.as<float>().begin());
  return wide;
}

Tensor from_typed_field(const onnx::TensorProto& proto, DType type, Shape shape,
                        const std::string& where) {
  switch (type) {
    case DType::kFloat32:
      return from_field<float>(proto.float_data(), std::move(shape), where);
    case DType::kFloat64:
      return from_field<double>(proto.double_data(), std::move(shape), where);
    case DType::kInt64:
      return from_field<std::int64_t>(proto.int64_data(), std::move(shape), where);
    case DType::kInt32:
      return from_field<std::int32_t>(proto.int32_data(), std::move(shape), where);
    case DType::kInt16:
      return from_field<std::int16_t>(proto.int32_data(), std::move(shape), where);
    case DType::kUint16:
      return from_field<std::uint16_t>(proto.int32_data(), std::move(shape), where);
    case DType::kInt8:
      return from_field<std::int8_t>(proto.int32_data(), std::move(shape), where);
    case DType::kUint8:
      return from_field<std::uint8_t>(proto.int32_data(), std::move(shape), where);
    case DType::kBool:
      return from_field<bool>(proto.int32_data(), std::move(shape), where);
    case DType::kBfloat16:
      return from_bfloat16_field(proto, std::move(shape), where);
    case DType::kUint32:
      return from_field<std::uint32_t>(proto.uint64_data(), std::move(shape), where);
    case DType::kUint64:
      return from_field<std::uint64_t>(proto.uint64_data(), std::move(shape), where);
  }
  throw InternalError("tensor of no known type");
}

}  // namespace

Tensor parse_tensor_proto(std::span<const std::uint8_t> bytes, const std::string& where) {
  onnx::TensorProto proto;
  const bool parsed = bytes.size() <= std::numeric_limits<int>::max() &&
                      proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  if (!parsed || !proto.has_data_type()) {
    throw InputError(where, "is not an ONNX tensor", "a whole TensorProto");
  }
  if (proto.data_location() == onnx::TensorProto::EXTERNAL || proto.has_segment()) {
    throw InputError(where, "keeps its elements elsewhere", "a tensor with its elements");
  }
  const bool halves = proto.data_type() == onnx::TensorProto::FLOAT16;
  const DType type = halves ? DType::kUint16 : dtype_from_onnx(proto.data_type(), where);
  Shape shape(proto.dims().begin(), proto.dims().end());
  if (!proto.has_raw_data()) {
    Tensor tensor = from_typed_field(proto, type, std::move(shape), where);
    return halves ? widen_halves(tensor) : without_bfloat16(std::move(tensor));
  }
  const std::string& text = proto.raw_data();
  const std::span raw(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  return halves ? tensor_from_halves(std::move(shape), raw, where)
                : without_bfloat16(tensor_from_bytes(type, std::move(shape), raw, where));
}

}  // namespace systole::formats
