// Reference matrix product: dense, row-major, one rounding order whatever the blocking.
#pragma once

#include <cstdint>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The matmul node's value for x [..., K], w [K, N] and bias [N] or null. Float results sum k
// upwards from +0 in binary32; integer results are exact modulo 2^32 before they are requantised.
[[nodiscard]] Tensor evaluate_matmul(const MatmulAttrs& attrs, const Tensor& x, const Tensor& w,
                                     const Tensor* bias);

}  // namespace systole::compiler
