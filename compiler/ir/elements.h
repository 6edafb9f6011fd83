// Reference functions of elements of any type: of two, the choice between two, and the change of
// type.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// Of two tensors of one type, broadcast to `shape`.
[[nodiscard]] Tensor evaluate_zip(ZipFn fn, const Tensor& a, const Tensor& b, const Shape& shape);
// a where c holds, else b.
[[nodiscard]] Tensor evaluate_select(const Tensor& c, const Tensor& a, const Tensor& b,
                                     const Shape& shape);
[[nodiscard]] Tensor evaluate_cast(const Tensor& x, DType type);

}  // namespace systole::compiler
