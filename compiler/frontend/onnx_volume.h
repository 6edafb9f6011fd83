// Windows over [N, C, D, H, W], as windows over pictures.
#pragma once

#include "compiler/frontend/onnx_window.h"

namespace systole::compiler {

[[nodiscard]] inline bool is_volume(const Shape& x) { return x.size() == 5; }

// A Conv of float32: over pictures whose channels are those of the kernel's whole depth.
void convolve_volume(OnnxNode& node);
// A pool: over height and width, then over depth. Largest and average of all elements are those of
// the planes' largest and averages.
void pool_volume(OnnxNode& node, const PoolAttrs& attrs, WindowOptions options);

}  // namespace systole::compiler
