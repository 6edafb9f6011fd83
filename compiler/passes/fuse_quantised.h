// Pass: dequantise -> op -> quantise becomes one integer op.
#pragma once

#include <functional>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Integer ops are what a quantised machine runs. Quantisers are first moved to where they fuse
// (move_quantisers.h). A matmul or conv [-> add bias] [-> relu | clip] between dequantise and
// quantise gets x_quant, w_quant and output (inputs x, w, int32 bias), exactly as ONNX Runtime
// fuses it; one of dequantised operands whose result is not quantised again becomes int32 sums and
// a dequantise with scales x_scale * w_scale[c]. The rest follows in fuse_elementwise.h.
[[nodiscard]] Graph fuse_quantised(Graph graph);

// The first part alone: float products between dequantise and quantise become integer ones, if
// `keep` (when given) wants the fused node.
[[nodiscard]] Graph fuse_products(Graph graph, const std::function<bool(const Node&)>& keep);

}  // namespace systole::compiler
