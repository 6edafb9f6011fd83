// Pass: dequantise -> matmul [-> add bias] [-> relu | clip] -> quantise becomes one integer matmul.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Integer matmuls are what a quantised machine runs. A matmul between dequantise and quantise turns
// into kMatmul with x_quant, w_quant and output (inputs x, w, int32 bias), exactly as ONNX Runtime
// fuses it; a matmul of dequantised operands whose result is not quantised again becomes an int32
// matmul and a dequantise with scales x_scale * w_scale[c].
[[nodiscard]] Graph fuse_quantised(Graph graph);

}  // namespace systole::compiler
