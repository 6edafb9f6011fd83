// ONNX files: bytes to a protobuf model whose versions are known to us, and tensors out of it.
//
// ONNX IR specification: https://github.com/onnx/onnx/blob/main/docs/IR.md
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <span>
#include <string>

#include "base/tensor.h"

namespace systole::compiler {

inline constexpr std::int64_t kOldestIr = 3, kNewestIr = 13;
// From here on initialisers need not be inputs.
inline constexpr std::int64_t kFreeInitialiserIr = 4;
inline constexpr std::int64_t kOldestOpset = 7, kNewestOpset = 22;

struct OnnxFile {
  std::string path;
  onnx::ModelProto model;
  std::int64_t opset = 0;  // of the default domain
  std::uint64_t hash = 0;  // FNV-1a of the file and, as they are read, of its external tensors
};

// Reads a binary model or a text model, whichever it is. Throws InputError if it cannot be read, is
// not an ONNX model or has a version or a part that is not known.
[[nodiscard]] OnnxFile read_onnx(const std::string& path);

// The same of a file's bytes; `path` names it.
[[nodiscard]] OnnxFile parse_onnx(const std::string& path, std::span<const std::uint8_t> bytes);

// The same of a model that is parsed already; `path` names it and is where external data are looked
// for. The hash is left at 0.
[[nodiscard]] OnnxFile onnx_file(const std::string& path, onnx::ModelProto model);

// libonnx's own checker, which knows IR <= 8 and opset <= 17 and wants its tensors inside the file;
// newer files pass unchecked. Run it only on models whose tensors went through read_tensor.
void run_onnx_checker(const OnnxFile& file);

// Throws InputError unless the tensor's type is known and its data are exactly as long as its shape
// says; external data must lie inside the model's folder and inside their file. Reads no data.
void check_tensor(const OnnxFile& file, const onnx::TensorProto& proto);

// The tensor's value; float16, bfloat16 and float64 become float32. Checks as check_tensor.
[[nodiscard]] Tensor read_tensor(OnnxFile& file, const onnx::TensorProto& proto);

// The element type a value of this ONNX type has in a Graph (float16 -> float32 and so on).
[[nodiscard]] DType graph_type(int onnx_type, const std::string& where);

}  // namespace systole::compiler
