// The float product of two tensors of any ranks, as MatMul has it.
#pragma once

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// a [..., M, K] times b [..., K, N], whose leading dimensions are broadcast; vectors are a row or a
// column. Throws InputError naming the node if they do not fit.
[[nodiscard]] ValueId emit_matmul(OnnxNode& node, ValueId a, ValueId b);

}  // namespace systole::compiler
