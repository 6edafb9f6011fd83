// Scales and zero points of an ONNX node's inputs as a Quant.
#pragma once

#include <string>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// Where a node has its scale and zero point inputs.
struct QuantInputs {
  int scale = 0, zero_point = 0;
};

// How many channels there may be (besides one for the whole tensor), and the tensor's name.
struct Channels {
  std::int64_t count = 1;
  std::string what;
};

// Throws InputError unless scales and zero points are constants, finite, not negative, of one shape
// (one, or one per channel) and of the tensor's type. An absent zero point is 0; axis is left at 0.
[[nodiscard]] Quant read_quant(OnnxNode& node, QuantInputs inputs, DType type,
                               const Channels& channels);

// The same with scales of 1. The axis is the last one.
[[nodiscard]] Quant read_zero_points(OnnxNode& node, int input, const Value& tensor,
                                     const Channels& channels);

// Throws InputError unless the input is uint8 or int8.
void require_bytes(OnnxNode& node, int input, std::string_view what);

// Reads the result's scale and 8-bit zero point into attrs.output, and its type's range.
void read_output_quant(OnnxNode& node, QuantInputs inputs, ProductQuants& attrs);

}  // namespace systole::compiler
