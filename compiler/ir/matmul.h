// Reference matrix product: dense, row-major, one rounding order whatever the blocking.
#pragma once

#include <span>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// One x [..., K] and its w [K, N].
struct MatmulTerm {
  const Tensor& x;
  const Tensor& w;
};

// The matmul node's value for its terms (more than one only of integers), and bias [N] or null,
// before any look-up. Float results sum k upwards from +0 in binary32; integer results are exact
// modulo 2^32 before they are requantised.
[[nodiscard]] Tensor evaluate_matmul(const MatmulAttrs& attrs, std::span<const MatmulTerm> terms,
                                     const Tensor* bias);
[[nodiscard]] Tensor evaluate_matmul(const MatmulAttrs& attrs, const Tensor& x, const Tensor& w,
                                     const Tensor* bias);

}  // namespace systole::compiler
