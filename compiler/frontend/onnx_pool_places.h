// Where a MaxPool's results come from: its second output.
#pragma once

#include "compiler/frontend/onnx_node.h"
#include "compiler/frontend/onnx_window.h"

namespace systole::compiler {

// For each window over x [N, C, H, W] the index of its largest element, the first of equals, in x
// as one line; by_columns counts pictures along their columns. int64.
[[nodiscard]] ValueId emit_pool_places(OnnxNode& node, ValueId x, const PlacedWindow& placed,
                                       bool by_columns);

}  // namespace systole::compiler
