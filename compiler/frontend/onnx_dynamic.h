// Products of bytes whose zero points or second operands are computed when the network runs.
#pragma once

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

struct DynamicQuant {
  ValueId y, scale, zero;
};
// DynamicQuantizeLinear of a float32 tensor to uint8.
[[nodiscard]] DynamicQuant emit_dynamic_quant(OnnxNode& node, ValueId x);

// An integer of any type as float32.
[[nodiscard]] ValueId as_float(GraphBuilder& builder, ValueId x);

// Whether one of these two inputs is there and not a constant.
[[nodiscard]] bool has_computed_zero(OnnxNode& node, int x, int w);

// int32 sums without what x's computed zero point adds to them: zero times `ones_product`, the same
// product of ones.
[[nodiscard]] ValueId without_zero(OnnxNode& node, ValueId sums, ValueId zero,
                                   ValueId ones_product);

// int32 sums of (a - a_zero) times (b - b_zero), all of them computed or not.
struct IntegerProduct {
  ValueId a = kNoValue, b = kNoValue, a_zero = kNoValue, b_zero = kNoValue;
};
[[nodiscard]] ValueId emit_matmul_integer(OnnxNode& node, const IntegerProduct& product);

}  // namespace systole::compiler
