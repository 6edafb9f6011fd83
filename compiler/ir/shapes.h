// Shape rules shared by the frontends, the verifier and the evaluator (NumPy's, as ONNX has them).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/tensor.h"

namespace systole::compiler {

// The broadcast of two shapes, or nothing if they do not fit.
[[nodiscard]] std::optional<Shape> broadcast(const Shape& a, const Shape& b);

// Row-major element strides of `from`, one per dimension of its broadcast `to`; 0 where repeated.
[[nodiscard]] std::vector<std::int64_t> broadcast_strides(const Shape& from, const Shape& to);

// True if `order` names each of 0 ... rank-1 once.
[[nodiscard]] bool is_permutation(const std::vector<std::int64_t>& order, std::size_t rank);

// result[i] = shape[order[i]].
[[nodiscard]] Shape permute(const Shape& shape, const std::vector<std::int64_t>& order);

// The elements of `t` with its dimensions in another order.
[[nodiscard]] Tensor transpose(const Tensor& t, const std::vector<std::int64_t>& order);

// Places of a window of `kernel` elements, `dilation` apart, that walks in steps of `stride` over
// `length` elements; 0 if it does not fit.
[[nodiscard]] std::int64_t window_steps(std::int64_t length, std::int64_t kernel,
                                        std::int64_t stride, std::int64_t dilation);

// The shape with pads[i] before and pads[rank + i] behind each dimension i, where negative ones cut
// off; nothing if there are not 2 * rank pads or more is cut off than there is.
[[nodiscard]] std::optional<Shape> padded(const Shape& shape,
                                          const std::vector<std::int64_t>& pads);

// Product of shape[first, end).
[[nodiscard]] std::int64_t extent(const Shape& shape, std::size_t first, std::size_t end);

}  // namespace systole::compiler
