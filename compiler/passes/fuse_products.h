// Pass: dequantise -> op -> quantise becomes one integer op.
#pragma once

#include <functional>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// A matmul or conv [-> add bias] [-> relu | clip] between dequantise and quantise gets x_quant,
// w_quant and output (inputs x, w, int32 bias), exactly as ONNX Runtime fuses it; one of
// dequantised operands whose result is not quantised again becomes int32 sums and a dequantise with
// scales x_scale * w_scale[c]. Only those of which `keep` (when given) wants the fused node.
[[nodiscard]] Graph fuse_products(Graph graph, const std::function<bool(const Node&)>& keep);

}  // namespace systole::compiler
