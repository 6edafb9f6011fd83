// ONNX pools: windowed and global, all rewritten to kPool.
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_volume.h"
#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

// X [N, C, H, W], or [N, C, L] as [N, C, 1, L].
Shape read_image(OnnxNode& node) {
  const Shape x = node.shape(0);
  node.require(x.size() == 3 || x.size() == 4, "X has shape " + shape_text(x),
               "[N, C, H, W], [N, C, L] or [N, C, D, H, W]");
  return image_shape(x);
}
bool is_flat(OnnxNode& node) { return node.shape(0).size() == 3; }

// Windows that see padding only would have no value; ONNX Runtime refuses them alike.
void require_small_pads(const OnnxNode& node, const PlacedWindow& placed) {
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int64_t before = placed.window.pads[d];
    const std::int64_t behind = placed.window.pads[d + 2] - placed.overhang[d];
    node.require(
        before < placed.window.kernel[d] && behind < placed.window.kernel[d],
        fmt::format("pads {} and {} for a kernel of {}", before, behind, placed.window.kernel[d]),
        "pads smaller than the kernel");
  }
}

void emit_pool(OnnxNode& node, const PoolAttrs& attrs, const Shape& shape) {
  GraphBuilder& builder = node.builder();
  const ValueId x = builder.reshape(node.input(0), read_image(node));
  const DType type = builder.value(x).type;
  const ValueId y = builder.emit(OpKind::kPool, {x}, type, shape, attrs);
  node.result(is_flat(node) ? builder.reshape(y, {shape[0], shape[1], shape[3]}) : y);
}

// One window over all of [N, C, H, W]; other ranks are pooled as [N, C, rest, 1].
void global_pool(OnnxNode& node, PoolFn fn) {
  node.require_arity(1, 1);
  const ValueId x = node.input(0);
  node.require_type("X", x, DType::kFloat32);
  GraphBuilder& builder = node.builder();
  const Shape shape = node.shape(0);
  const bool fits = shape.size() >= 3 && extent(shape, 2, shape.size()) >= 1;
  node.require(fits, "X has shape " + shape_text(shape), "[N, C, H, W], not empty");
  const Shape image =
      shape.size() == 4 ? shape : Shape{shape[0], shape[1], extent(shape, 2, shape.size()), 1};
  PoolAttrs attrs;
  attrs.fn = fn;
  attrs.window.kernel = {image[2], image[3]};
  const ValueId pooled = builder.emit(OpKind::kPool, {builder.reshape(x, image)}, DType::kFloat32,
                                      {image[0], image[1], 1, 1}, attrs);
  Shape result(shape.size(), 1);
  result[0] = shape[0];
  result[1] = shape[1];
  node.result(builder.reshape(pooled, result));
}

}  // namespace

void rewrite_max_pool(OnnxNode& node) {
  node.require_arity(1, 1);
  const DType type = node.builder().value(node.input(0)).type;
  const bool bytes = type == DType::kUint8 || type == DType::kInt8;
  node.require(type == DType::kFloat32 || (bytes && node.opset() >= 12),
               fmt::format("X is {}", dtype_name(type)), "float32, int8 or uint8 (opset 12)");
  if (node.opset() >= 8) static_cast<void>(node.flag("storage_order"));
  node.require_unused_outputs(1);
  const bool newer = node.opset() >= 10;
  if (is_volume(node.shape(0)))
    return pool_volume(node, {PoolFn::kMax}, {.dilations = newer, .ceil_mode = newer});
  const Shape x = read_image(node);
  const PlacedWindow placed =
      read_window(node, read_kernel(node, is_flat(node)), x,
                  {.dilations = newer, .ceil_mode = newer, .flat = is_flat(node)});
  require_small_pads(node, placed);
  PoolAttrs attrs;
  attrs.fn = PoolFn::kMax;
  attrs.window = placed.window;
  attrs.overhang = placed.overhang;
  emit_pool(node, attrs, {x[0], x[1], placed.steps[0], placed.steps[1]});
}

// What ceil_mode adds behind the padding is never counted.
void rewrite_average_pool(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("X", node.input(0), DType::kFloat32);
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.count_padding = node.flag("count_include_pad");
  const WindowOptions options{
      .dilations = node.opset() >= 19, .ceil_mode = node.opset() >= 10, .flat = is_flat(node)};
  if (is_volume(node.shape(0))) return pool_volume(node, attrs, options);
  const Shape x = read_image(node);
  const PlacedWindow placed = read_window(node, read_kernel(node, options.flat), x, options);
  require_small_pads(node, placed);
  attrs.window = placed.window;
  attrs.overhang = placed.overhang;
  emit_pool(node, attrs, {x[0], x[1], placed.steps[0], placed.steps[1]});
}

void rewrite_global_average_pool(OnnxNode& node) { global_pool(node, PoolFn::kAverage); }

void rewrite_global_max_pool(OnnxNode& node) { global_pool(node, PoolFn::kMax); }

}  // namespace systole::compiler
