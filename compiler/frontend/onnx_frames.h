// Convolutions along a line by filters that are longer than an instruction's window. Spectra of
// sound are computed so.
#pragma once

#include <optional>

#include "compiler/frontend/onnx_node.h"
#include "compiler/frontend/onnx_window.h"

namespace systole::compiler {

// The window along the line if it is such a one: over x [N, C, 1, L] or [N, C, L, 1], without
// groups and dilations. `result` is [N, M, H, W].
[[nodiscard]] std::optional<WindowAxis> long_line(const Shape& x, const ConvAttrs& attrs,
                                                  const Shape& result);

// x [N, C, ...] by w [M, C, ...] and perhaps a bias [M], as inputs of a kConv; [N, M, steps]. It is
// a product of frames, one a step.
[[nodiscard]] ValueId convolve_line(GraphBuilder& builder, const std::vector<ValueId>& inputs,
                                    const WindowAxis& line);

}  // namespace systole::compiler
