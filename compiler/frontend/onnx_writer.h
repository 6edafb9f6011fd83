// Graph -> ONNX model: what `systole quantize` and `systole models make` write.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

struct OnnxStyle {
  std::int64_t opset = 13, ir = 7;  // 13 or newer
  bool open_batch = true;           // leading dimensions of inputs and outputs are "batch"
};

// Whether a fused product is a QLinearConv or a QLinearMatMul: 8 bits that use their whole range,
// no factor, and no bias in a QLinearMatMul, which has none.
[[nodiscard]] bool has_qlinear_form(const Node& node);

// Each node becomes its ONNX operator, float or between QuantizeLinear and DequantizeLinear, or
// QLinear if it is fused and has_qlinear_form;
// results keep their values' names. Reshapes follow an open batch in their first dimension.
[[nodiscard]] onnx::ModelProto write_onnx(const Graph& graph, const OnnxStyle& style);

// The model's bytes. Throws InputError naming `where` if they pass protobuf's 2 GiB.
[[nodiscard]] std::vector<std::uint8_t> onnx_bytes(const onnx::ModelProto& model,
                                                   const std::string& where);

}  // namespace systole::compiler
