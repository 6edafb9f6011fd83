// ONNX pools: windowed and global, all rewritten to kPool; LpPool is one of powers.
#include "compiler/frontend/constant_tensor.h"
#include "compiler/frontend/onnx_emit.h"
#include "compiler/frontend/onnx_host.h"
#include "compiler/frontend/onnx_ops.h"
#include "compiler/frontend/onnx_pool_places.h"
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

// A result [N, C, H, W], without a height where X has none.
void give_image(OnnxNode& node, ValueId y, int slot = 0) {
  const Shape shape = node.builder().value(y).shape;
  node.result(is_flat(node) ? node.builder().reshape(y, {shape[0], shape[1], shape[3]}) : y, slot);
}

void emit_pool(OnnxNode& node, const PoolAttrs& attrs, const Shape& shape) {
  GraphBuilder& builder = node.builder();
  const ValueId x = builder.reshape(node.input(0), read_image(node));
  const DType type = builder.value(x).type;
  give_image(node, builder.emit(OpKind::kPool, {x}, type, shape, attrs));
}

// |x|^p of what a norm sums, and the sum's p-th root.
ValueId power_of(GraphBuilder& builder, ValueId x, std::int64_t p) {
  if (p == 2) return emit_zip(builder, ZipFn::kMul, x, x);
  const ValueId size = emit_map(builder, {MapFn::kAbs}, x);
  return p == 1 ? size
                : emit_zip(builder, ZipFn::kPow, size, emit_scalar(builder, static_cast<float>(p)));
}
ValueId root_of(GraphBuilder& builder, ValueId x, std::int64_t p) {
  if (p == 1) return x;
  if (p == 2) return emit_map(builder, {MapFn::kSqrt}, x);
  const ValueId exponent = emit_scalar(builder, 1.0F / static_cast<float>(p));
  return emit_zip(builder, ZipFn::kPow, x, exponent);
}
std::int64_t read_norm(OnnxNode& node) {
  const std::int64_t p = node.int_or("p", 2);
  node.require(p >= 1, fmt::format("p is {}", p), "1 or more");
  return p;
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

// What a window without padding gives x from.
Shape unpooled_shape(OnnxNode& node, Shape x) {
  const std::size_t dimensions = x.size() - 2;
  const std::vector<std::int64_t> kernel = read_kernel_of(node, dimensions);
  const auto numbers = [&](const std::string& name, std::size_t count, std::int64_t otherwise) {
    std::vector<std::int64_t> found = node.ints(name);
    if (!node.has_attribute(name)) found.assign(count, otherwise);
    node.require(found.size() == count,
                 fmt::format("attribute '{}' is {}", name, shape_text(found)),
                 fmt::format("{} numbers", count));
    return found;
  };
  const std::vector<std::int64_t> strides = numbers("strides", dimensions, 1);
  const std::vector<std::int64_t> pads = numbers("pads", 2 * dimensions, 0);
  for (std::size_t d = 0; d < dimensions; ++d) {
    x[d + 2] = (x[d + 2] - 1) * strides[d] + kernel[d] - pads[d] - pads[dimensions + d];
    node.require(x[d + 2] >= 1 && strides[d] >= 1, "a result of " + shape_text(x),
                 "a window that fits");
  }
  return x;
}

}  // namespace

void rewrite_max_pool(OnnxNode& node) {
  node.require_arity(1, 1);
  const DType type = node.builder().value(node.input(0)).type;
  const bool bytes = type == DType::kUint8 || type == DType::kInt8;
  node.require(type == DType::kFloat32 || (bytes && node.opset() >= 12),
               fmt::format("X is {}", dtype_name(type)), "float32, int8 or uint8 (opset 12)");
  const bool by_columns = node.opset() >= 8 && node.flag("storage_order");
  const bool newer = node.opset() >= 10;
  if (is_volume(node.shape(0))) {
    node.require_unused_outputs(1);
    return pool_volume(node, {PoolFn::kMax}, {.dilations = newer, .ceil_mode = newer});
  }
  const Shape x = read_image(node);
  const PlacedWindow placed =
      read_window(node, read_kernel(node, is_flat(node)), x,
                  {.dilations = newer, .ceil_mode = newer, .flat = is_flat(node)});
  require_small_pads(node, placed);
  PoolAttrs attrs;
  attrs.fn = PoolFn::kMax;
  attrs.window = placed.window;
  attrs.overhang = placed.overhang;
  if (node.is_used(0)) emit_pool(node, attrs, {x[0], x[1], placed.steps[0], placed.steps[1]});
  if (!node.is_used(1)) return;
  const ValueId image = node.builder().reshape(node.input(0), x);
  give_image(node, emit_pool_places(node, image, placed, by_columns), 1);
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

// Sums are averages times the window's size; padding is made zeros before.
void rewrite_lp_pool(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("X", node.input(0), DType::kFloat32);
  const std::int64_t p = read_norm(node);
  const Shape x = read_image(node);
  const bool newer = node.opset() >= 18;
  PlacedWindow placed =
      read_window(node, read_kernel(node, is_flat(node)), x,
                  {.dilations = newer, .ceil_mode = newer, .flat = is_flat(node)});
  require_small_pads(node, placed);
  GraphBuilder& builder = node.builder();
  const auto pads = placed.window.pads;
  const ValueId powers = emit_pad(builder, power_of(builder, builder.reshape(node.input(0), x), p),
                                  {0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]});
  PoolAttrs attrs;
  attrs.fn = PoolFn::kAverage;
  attrs.window = placed.window;
  attrs.window.pads = {};
  const Shape shape = {x[0], x[1], placed.steps[0], placed.steps[1]};
  const ValueId average = builder.emit(OpKind::kPool, {powers}, DType::kFloat32, shape, attrs);
  const auto size = static_cast<float>(attrs.window.kernel[0] * attrs.window.kernel[1]);
  const ValueId sum = emit_zip(builder, ZipFn::kMul, average, emit_scalar(builder, size));
  give_image(node, root_of(builder, sum, p));
}

void rewrite_global_lp_pool(OnnxNode& node) {
  node.require_arity(1, 1);
  node.require_type("X", node.input(0), DType::kFloat32);
  const std::int64_t p = read_norm(node);
  const Shape x = node.shape(0);
  node.require(x.size() >= 3, "X has shape " + shape_text(x), "[N, C, ...]");
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = 2; axis < std::ssize(x); ++axis) axes.push_back(axis);
  GraphBuilder& builder = node.builder();
  const ValueId sum =
      emit_reduce(builder, ReduceFn::kSum, power_of(builder, node.input(0), p), axes);
  node.result(root_of(builder, sum, p));
}

// Each element where its index says, among zeros of the size that the window was slid over.
void rewrite_max_unpool(OnnxNode& node) {
  node.require_arity(2, 3);
  const Shape x = node.shape(0);
  node.require(x.size() >= 3 && node.shape(1) == x,
               fmt::format("X has shape {} and I {}", shape_text(x), shape_text(node.shape(1))),
               "[N, C, ...], both alike");
  node.require_type("I", node.input(1), DType::kInt64);
  const Shape shape = unpooled_shape(node, x);
  if (node.has(2)) {
    const std::vector<std::int64_t> said = integers(node, 2, "output_shape");
    node.require(said == shape, "output_shape is " + shape_text(said),
                 shape_text(shape) + ", which the window gives");
  }
  GraphBuilder& builder = node.builder();
  const DType type = builder.value(node.input(0)).type;
  const ValueId zeros = emit_bytes(node, type, {element_count(shape)}, 0);
  const ValueId at = builder.reshape(node.input(1), {element_count(x)});
  const ValueId values = builder.reshape(node.input(0), {element_count(x)});
  const ValueId y = emit_host(node, {HostFn::kScatterElements, {0, 0}}, {zeros, at, values}, type,
                              {element_count(shape)});
  node.result(builder.reshape(y, shape));
}

void rewrite_global_average_pool(OnnxNode& node) { global_pool(node, PoolFn::kAverage); }

void rewrite_global_max_pool(OnnxNode& node) { global_pool(node, PoolFn::kMax); }

}  // namespace systole::compiler
