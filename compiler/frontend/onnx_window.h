// The window attributes that ONNX's convolutions and pools share, as a Window of the IR.
#pragma once

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// Windows over [N, C, L] are windows over [N, C, 1, L]: x with a height of 1 where it has three
// dimensions.
[[nodiscard]] Shape image_shape(const Shape& x);

// A window over x [N, C, H, W] and the two sizes of its result. `overhang` is the part of the
// bottom and right pads that only ceil_mode added.
struct PlacedWindow {
  Window window;
  std::array<std::int64_t, 2> steps = {}, overhang = {};
};

// kernel_shape if the node has it, else `otherwise` (none: an error).
[[nodiscard]] std::array<std::int64_t, 2> read_kernel(
    OnnxNode& node, bool flat, std::optional<std::array<std::int64_t, 2>> otherwise = {});
// The same of a window of so many dimensions.
[[nodiscard]] std::vector<std::int64_t> read_kernel_of(OnnxNode& node, std::size_t dimensions);

// Reads strides, pads, auto_pad and, where asked for, dilations and ceil_mode; explicit pads are
// what auto_pad comes to. Throws InputError for sizes that are malformed or leave no result.
struct WindowOptions {
  bool dilations = true, ceil_mode = false;
  bool flat = false;  // x is [N, C, L]: attributes have one number a window
};
[[nodiscard]] PlacedWindow read_window(OnnxNode& node, std::array<std::int64_t, 2> kernel,
                                       const Shape& x, WindowOptions options);

// One dimension of a window, placed.
struct WindowAxis {
  std::int64_t kernel = 1, stride = 1, dilation = 1, before = 0, behind = 0;
  std::int64_t steps = 1, overhang = 0;
};
// The same for a window over the last dimensions of x, one for each number of the kernel.
[[nodiscard]] std::vector<WindowAxis> read_axes(OnnxNode& node,
                                                const std::vector<std::int64_t>& kernel,
                                                const Shape& x, WindowOptions options);
// Of two dimensions.
[[nodiscard]] PlacedWindow placed_window(const WindowAxis& rows, const WindowAxis& columns);

}  // namespace systole::compiler
