// Functions that only the host has, as rewrites emit them.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// fn(inputs) of this type and shape. Throws InputError naming the node if they do not fit.
ValueId emit_host(OnnxNode& node, HostAttrs attrs, std::vector<ValueId> inputs, DType type,
                  const Shape& shape);

// The places of the largest (smallest) element along an axis, which becomes 1, as int64.
ValueId emit_arg_extreme(OnnxNode& node, ValueId x, std::size_t axis, bool largest, bool last);

// A constant tensor of zeros, or of one value everywhere.
ValueId emit_bytes(OnnxNode& node, DType type, const Shape& shape, std::uint8_t value);
ValueId emit_int64(OnnxNode& node, const Shape& shape, const std::vector<std::int64_t>& values);

// The shape of a result whose size depends on the data: what the model declares for it, where that
// is known in all dimensions, else `most`, which is noted.
Shape data_dependent_shape(OnnxNode& node, int output, const Shape& most);

}  // namespace systole::compiler
