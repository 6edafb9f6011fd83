// Reference moves: reshape, transpose, concat and pad of any element type.
#pragma once

#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The move node's value, of this shape.
[[nodiscard]] Tensor evaluate_move(const MoveAttrs& attrs, const std::vector<const Tensor*>& inputs,
                                   const Shape& shape);

}  // namespace systole::compiler
