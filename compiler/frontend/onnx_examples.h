// The example of each ONNX operator (onnx_ops.def) as a whole model.
#pragma once

#include <optional>

#include "compiler/frontend/onnx_ops.h"
#include "compiler/ir/graph.h"

namespace systole::compiler {

enum class ExampleForm {
  kQuantised,  // uint8 in; a float operator stands between DequantizeLinear and QuantizeLinear
  kFloat,      // float32 in
};

// The operator's example as it is imported; nothing if it has no such form (integer operators have
// no float one, QuantizeLinear has no other).
[[nodiscard]] std::optional<Graph> example_graph(const OnnxOperator& op, ExampleForm form);

}  // namespace systole::compiler
