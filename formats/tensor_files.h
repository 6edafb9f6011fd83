// Tensors in files: NumPy .npy (format 1.0 to 3.0), IDX (LeCun's MNIST files, plain or gzip) and
// ONNX TensorProto (.pb). Readers trust nothing: every size is checked against the file's own
// length before memory is taken for it. float16 elements (.npy, .pb) become float32.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace systole::formats {

// The tensor in a file, whose kind is told by its first bytes (or, where they leave it open, by
// the ending .pb). Throws InputError naming the file: missing, no known kind, damaged, truncated,
// unsupported element type.
[[nodiscard]] Tensor read_tensor_file(const std::string& path);

// The three readers behind it; `where` names the file in errors.
[[nodiscard]] Tensor parse_npy(std::span<const std::uint8_t> bytes, const std::string& where);
[[nodiscard]] Tensor parse_idx(std::span<const std::uint8_t> bytes, const std::string& where);
[[nodiscard]] Tensor parse_tensor_proto(std::span<const std::uint8_t> bytes,
                                        const std::string& where);

// The bytes of a .npy file, format 1.0, C order, little-endian.
[[nodiscard]] std::vector<std::uint8_t> npy_bytes(const Tensor& tensor);

}  // namespace systole::formats
