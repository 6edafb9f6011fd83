// See onnx_frames.h.
#include "compiler/frontend/onnx_frames.h"

#include "base/units.h"
#include "compiler/frontend/onnx_emit.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kLongestWindow = 255, kMostFrames = 4096;

// Frames [N, steps, K] and filters that have K numbers each.
struct FrameProduct {
  ValueId frames = kNoValue, filters = kNoValue;
};

FrameProduct one_by_one(GraphBuilder& builder, ValueId x, ValueId w, const WindowAxis& line) {
  const Shape shape = builder.value(x).shape;
  const ValueId whole = emit_pad(builder, x, {0, 0, line.before, 0, 0, line.behind});
  std::vector<ValueId> frames;
  for (std::int64_t t = 0; t < line.steps; ++t) {
    const std::int64_t begin = t * line.stride;
    const ValueId frame = emit_slice(builder, whole, 2, begin, begin + line.kernel);
    frames.push_back(builder.reshape(frame, {shape[0], 1, shape[1] * line.kernel}));
  }
  return {emit_concat(builder, frames, 1), w};
}

// [N, C, blocks * s] as [N, blocks, C * s].
ValueId in_blocks(GraphBuilder& builder, ValueId x, std::int64_t s) {
  const Shape shape = builder.value(x).shape;
  const std::int64_t blocks = shape[2] / s;
  const ValueId split = builder.reshape(x, {shape[0], shape[1], blocks, s});
  return builder.reshape(builder.transpose(split, {0, 2, 1, 3}), {shape[0], blocks, shape[1] * s});
}

// [N, places, count * C * s]: so many blocks from each one on, of which there are halves first.
ValueId joined(GraphBuilder& builder, ValueId blocks, std::int64_t count) {
  if (count == 1) return blocks;
  const std::int64_t half = count / 2;
  const std::int64_t places = builder.value(blocks).shape[1] - count + 1;
  const ValueId part = joined(builder, blocks, half);
  std::vector<ValueId> parts = {emit_slice(builder, part, 1, 0, places),
                                emit_slice(builder, part, 1, half, half + places)};
  if (count % 2 != 0)
    parts.push_back(emit_slice(builder, blocks, 1, count - 1, count - 1 + places));
  return emit_concat(builder, parts, 2);
}

// From blocks as long as the stride.
FrameProduct by_blocks(GraphBuilder& builder, ValueId x, ValueId w, const WindowAxis& line) {
  const std::int64_t s = line.stride;
  const std::int64_t count = ceil_div(line.kernel, s);
  const std::int64_t length = builder.value(x).shape[2];
  const std::int64_t behind = (line.steps - 1 + count) * s - line.before - length;
  const ValueId blocks =
      in_blocks(builder, emit_pad(builder, x, {0, 0, line.before, 0, 0, behind}), s);
  const ValueId whole = emit_pad(builder, w, {0, 0, 0, 0, 0, count * s - line.kernel});
  return {joined(builder, blocks, count), in_blocks(builder, whole, s)};
}

}  // namespace

std::optional<WindowAxis> long_line(const Shape& x, const ConvAttrs& attrs, const Shape& result) {
  const Window& w = attrs.window;
  for (std::size_t d = 0; d < 2; ++d) {
    const std::size_t other = 1 - d;
    const bool line =
        x[2 + other] == 1 && w.kernel[other] == 1 && result[2 + other] == 1 && w.pads[other] == 0;
    if (line && w.kernel[d] > kLongestWindow && w.dilations[d] == 1 && attrs.groups == 1)
      return WindowAxis{w.kernel[d], w.strides[d], 1, w.pads[d], w.pads[2 + d], result[2 + d]};
  }
  return std::nullopt;
}

ValueId convolve_line(GraphBuilder& builder, const std::vector<ValueId>& inputs,
                      const WindowAxis& line) {
  const auto flat = [&](ValueId id) {
    const Shape shape = builder.value(id).shape;
    return builder.reshape(id, {shape[0], shape[1], shape[2] * shape[3]});
  };
  const bool pads_filters = line.kernel % line.stride != 0;  // so that blocks make longer rows
  const bool few = line.steps == 1 || (pads_filters && line.steps <= kMostFrames);
  const auto [frames, filters] =
      (few ? one_by_one : by_blocks)(builder, flat(inputs[0]), flat(inputs[1]), line);
  const Shape shape = builder.value(frames).shape;
  const std::int64_t rows = shape[0] * shape[1];
  const std::int64_t count = builder.value(inputs[1]).shape[0];
  std::vector<ValueId> all = inputs;
  all[0] = builder.reshape(frames, {rows, shape[2]});
  all[1] = builder.transpose(builder.reshape(filters, {count, shape[2]}), {1, 0});
  const ValueId y =
      builder.emit(OpKind::kMatmul, all, DType::kFloat32, {rows, count}, MatmulAttrs{});
  return builder.transpose(builder.reshape(y, {shape[0], line.steps, count}), {0, 2, 1});
}

}  // namespace systole::compiler
