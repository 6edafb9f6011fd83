// Reference products of bfloat16: the order of sums that ProductQuants states (graph.h).
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// x [..., K] times w [K, N], bias [N] or null.
[[nodiscard]] Tensor multiply_bfloat16(const ProductQuants& attrs, const Tensor& x, const Tensor& w,
                                       const Tensor* bias);
// x [N, C, H, W], w [M, C/groups, kH, kW], bias [M] or null; a result of this shape.
[[nodiscard]] Tensor convolve_bfloat16(const ConvAttrs& attrs, const Tensor& x, const Tensor& w,
                                       const Tensor* bias, const Shape& shape);

}  // namespace systole::compiler
