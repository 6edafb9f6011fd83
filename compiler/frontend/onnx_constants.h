// Constant folding while a model is read: the table of ONNX operators that are computed where their
// inputs are constants or only their shapes matter (onnx_constants.def), with ONNX's meaning.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// What a constant operator needs to know of its inputs.
enum class ConstantReads : std::uint8_t { kValues, kShapes };

struct OnnxConstant {
  std::string_view name;
  std::int64_t first, newest;
  ConstantReads reads;
  void (*fold)(
      OnnxNode& node);  // gives the node's outputs; InputError: what ONNX forbids, too large
};

[[nodiscard]] std::span<const OnnxConstant> onnx_constants();
// The row of an operator of ONNX's own domain, or null.
[[nodiscard]] const OnnxConstant* find_onnx_constant(const onnx::NodeProto& node);

#define SYSTOLE_ONNX_CONSTANT(name, first, newest, reads, function) void function(OnnxNode& node);
#include "compiler/frontend/onnx_constants.def"

}  // namespace systole::compiler
