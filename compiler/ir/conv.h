// Reference convolution and pooling over [N, C, H, W].
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The conv node's value, of this shape, for x [N, C, H, W], w [M, C/groups, kH, kW] and bias [M] or
// null. Rounding is evaluate_matmul's, with k over (channel, kernel row, kernel column).
[[nodiscard]] Tensor evaluate_conv(const ConvAttrs& attrs, const Tensor& x, const Tensor& w,
                                   const Tensor* bias, const Shape& shape);

// The pool node's value, of this type and shape. Float averages sum in row-major order. A window
// without elements gives the type's lowest value (max) or real 0 (average).
[[nodiscard]] Tensor evaluate_pool(const PoolAttrs& attrs, const Tensor& x, DType type,
                                   const Shape& shape);

}  // namespace systole::compiler
