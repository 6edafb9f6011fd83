// See onnx_volume.h.
#include "compiler/frontend/onnx_volume.h"

#include "compiler/frontend/onnx_emit.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

using Ints = std::vector<std::int64_t>;

// For each place of a window along the depth one picture, [N * places, groups * kernel * C /
// groups, H, W]: its channels are, group by group, those of the slices that the window sees.
ValueId stacked(OnnxNode& node, const WindowAxis& depth, std::int64_t groups) {
  GraphBuilder& builder = node.builder();
  const Shape x = node.shape(0);
  const ValueId padded =
      emit_pad(builder, node.input(0), {0, 0, depth.before, 0, 0, 0, 0, depth.behind, 0, 0});
  const Shape split = {x[0], groups, 1, x[1] / groups, depth.steps, x[3], x[4]};
  std::vector<ValueId> slices;
  for (std::int64_t k = 0; k < depth.kernel; ++k) {
    Ints places;
    for (std::int64_t i = 0; i < depth.steps; ++i)
      places.push_back(i * depth.stride + k * depth.dilation);
    const ValueId slice = emit_take(builder, padded, 2, places);
    slices.push_back(builder.reshape(slice, split));
  }
  const ValueId together = emit_concat(builder, slices, 2);
  return builder.reshape(builder.transpose(together, {0, 4, 1, 2, 3, 5, 6}),
                         {x[0] * depth.steps, depth.kernel * x[1], x[3], x[4]});
}

}  // namespace

void convolve_volume(OnnxNode& node) {
  GraphBuilder& builder = node.builder();
  const Shape x = node.shape(0);
  const Shape w = node.shape(1);
  const std::int64_t groups = node.int_or("group", 1);
  const bool fits = w.size() == 5 && groups >= 1 && x[1] == w[1] * groups && w[0] % groups == 0 &&
                    w[2] >= 1 && w[3] >= 1 && w[4] >= 1;
  node.require(
      fits,
      fmt::format("X has shape {} and W {} with group {}", shape_text(x), shape_text(w), groups),
      "X [N, C, D, H, W], W [M, C/group, kD, kH, kW]; C and M multiples of group");
  const Ints kernel(w.begin() + 2, w.end());
  if (node.has_attribute("kernel_shape")) {
    const Ints said = read_kernel_of(node, 3);
    node.require(said == kernel, "kernel_shape is " + shape_text(said), shape_text(kernel));
  }
  const std::vector<WindowAxis> axes = read_axes(node, kernel, x, {});
  ConvAttrs attrs;
  attrs.window = placed_window(axes[1], axes[2]).window;
  attrs.groups = groups;
  std::vector<ValueId> inputs = {stacked(node, axes[0], groups)};
  inputs.push_back(builder.reshape(builder.transpose(node.input(1), {0, 2, 1, 3, 4}),
                                   {w[0], w[1] * w[2], w[3], w[4]}));
  if (node.has(2)) {
    inputs.push_back(node.input(2));
    node.require_type("B", node.input(2), DType::kFloat32);
    node.require(node.shape(2) == Shape{w[0]}, "B has shape " + shape_text(node.shape(2)),
                 shape_text({w[0]}));
  }
  const Shape plane = {x[0] * axes[0].steps, w[0], axes[1].steps, axes[2].steps};
  const ValueId y = builder.emit(OpKind::kConv, inputs, DType::kFloat32, plane, attrs);
  const ValueId apart =
      builder.reshape(y, {x[0], axes[0].steps, w[0], axes[1].steps, axes[2].steps});
  node.result(builder.transpose(apart, {0, 2, 1, 3, 4}));
}

void pool_volume(OnnxNode& node, const PoolAttrs& attrs, WindowOptions options) {
  GraphBuilder& builder = node.builder();
  const Shape x = node.shape(0);
  const DType type = builder.value(node.input(0)).type;
  const std::vector<WindowAxis> axes = read_axes(node, read_kernel_of(node, 3), x, options);
  for (const WindowAxis& axis : axes) {
    node.require(axis.before < axis.kernel && axis.behind - axis.overhang < axis.kernel,
                 fmt::format("pads {} and {} for a kernel of {}", axis.before,
                             axis.behind - axis.overhang, axis.kernel),
                 "pads smaller than the kernel");
  }
  const auto pool = [&](ValueId in, const Shape& from, const PlacedWindow& placed) {
    PoolAttrs own = attrs;
    own.window = placed.window;
    own.overhang = placed.overhang;
    const Shape to = {from[0], from[1], placed.steps[0], placed.steps[1]};
    return builder.emit(OpKind::kPool, {builder.reshape(in, from)}, type, to, own);
  };
  const ValueId planes =
      pool(node.input(0), {x[0], x[1] * x[2], x[3], x[4]}, placed_window(axes[1], axes[2]));
  const std::int64_t plane = axes[1].steps * axes[2].steps;
  const ValueId y =
      pool(planes, {x[0], x[1], x[2], plane}, placed_window(axes[0], {.steps = plane}));
  node.result(builder.reshape(y, {x[0], x[1], axes[0].steps, axes[1].steps, axes[2].steps}));
}

}  // namespace systole::compiler
