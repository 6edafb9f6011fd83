// ONNX's names of element types (onnx.proto, TensorProto.DataType), for messages about those that
// are not read.
#pragma once

#include <string>

namespace systole {

// "STRING" of 8; the number where ONNX has no such type.
[[nodiscard]] std::string onnx_type_name(int code);

}  // namespace systole
