// Vector code: element-wise operations, look-ups, pooling and concatenation, block by block of
// channels, in stretches of pixels that let the next unit start early.
#include <algorithm>
#include <bit>

#include "base/diag.h"
#include "compiler/lower/op_code.h"
#include "compiler/passes/clamp.h"
#include "isa/access.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kStretchRows = 512;

std::int64_t element_type(DType type) {
  if (type == DType::kInt16) return isa::type::kS16;
  return type == DType::kInt8 ? isa::type::kS8 : isa::type::kU8;
}

// [0, total) in stretches of at most kStretchRows.
struct Stretch {
  std::int64_t first = 0, rows = 0;
};
std::vector<Stretch> stretches(std::int64_t total) {
  std::vector<Stretch> result;
  const std::int64_t rows =
      ceil_div(total, std::max<std::int64_t>(1, ceil_div(total, kStretchRows)));
  for (std::int64_t first = 0; first < total; first += rows)
    result.push_back({first, std::min(rows, total - first)});
  return result;
}

// The channels of a block.
std::int64_t width_of(const JobContext& context, std::size_t resident, std::int64_t block) {
  const Resident& r = context.resident(resident);
  const std::int64_t width = block_width(context.machine(), r.element_bytes());
  return std::min(width, r.map.channels - block * width);
}

}  // namespace

void VectorCode::emit(const JobContext& context, const DeviceOp& op) {
  const Work work{context, op, context.map(op.output)};
  switch (op.node->kind) {
    case OpKind::kMap:
      return map(work);
    case OpKind::kZip:
      return zip(work);
    case OpKind::kTable:
      return table(work);
    case OpKind::kPool:
      return pool(work);
    case OpKind::kMove:
      return concat(work);
    default:
      SYSTOLE_CHECK(false, "{} has no code", op_name(op.node->kind));
  }
}

void VectorCode::set(const Work& work, std::int64_t index, std::int64_t value) {
  const auto held = registers_.find(index);
  if (held != registers_.end() && held->second == value) return;
  registers_[index] = value;
  const auto vector = static_cast<std::int64_t>(isa::index(isa::Unit::kVector));
  work.context.stream.push(isa::Set{.unit = vector, .index = index, .value = value}, work.op.layer);
}

void VectorCode::set(const Work& work, std::int64_t index, float value) {
  set(work, index, std::int64_t{std::bit_cast<std::int32_t>(value)});
}

// A relu, clip or change of quantisation.
void VectorCode::map(const Work& work) {
  namespace reg = isa::configuration;
  const auto& attrs = std::get<MapAttrs>(work.op.node->attrs);
  const JobContext& context = work.context;
  const std::size_t x = work.op.inputs[0];
  const IntegerRange limits = Clamp::of(attrs)->steps(*attrs.output);
  set(work, reg::kAScale, attrs.x_quant->scales[0]);
  set(work, reg::kAZero, std::int64_t{attrs.x_quant->zero_points[0]});
  set(work, reg::kToScale, attrs.output->scales[0]);
  set(work, reg::kToZero, std::int64_t{attrs.output->zero_points[0]});
  set(work, reg::kLo, std::int64_t{limits.lo});
  set(work, reg::kHi, std::int64_t{limits.hi});
  for (std::int64_t block = 0; block < context.buffer.layout(work.op.output).blocks(); ++block) {
    for (const Stretch& s : stretches(work.out.pixels())) {
      context.need(x, block, s.first + s.rows);
      context.stream.push(isa::Vector{.op = isa::vector_op::kConvert,
                                      .a = context.row(x, block, s.first),
                                      .a_type = element_type(attrs.x_quant->type),
                                      .to = context.row(work.op.output, block, s.first),
                                      .to_type = element_type(attrs.output->type),
                                      .rows = s.rows,
                                      .n = width_of(context, work.op.output, block)},
                          work.op.layer);
    }
    context.stretch_done();
  }
}

void VectorCode::zip(const Work& work) {
  namespace reg = isa::configuration;
  const auto& attrs = std::get<ZipAttrs>(work.op.node->attrs);
  const JobContext& context = work.context;
  // The full-sized operand comes first; both operations commute.
  const bool swap = context.map(work.op.inputs[0]) != work.out;
  const std::size_t a = work.op.inputs[swap ? 1 : 0];
  const std::size_t b = work.op.inputs[swap ? 0 : 1];
  const Quant& a_quant = swap ? *attrs.b_quant : *attrs.a_quant;
  const Quant& b_quant = swap ? *attrs.a_quant : *attrs.b_quant;
  set(work, reg::kAScale, a_quant.scales[0]);
  set(work, reg::kAZero, std::int64_t{a_quant.zero_points[0]});
  set(work, reg::kBScale, b_quant.scales[0]);
  set(work, reg::kBZero, std::int64_t{b_quant.zero_points[0]});
  set(work, reg::kToScale, attrs.output->scales[0]);
  set(work, reg::kToZero, std::int64_t{attrs.output->zero_points[0]});
  set(work, reg::kLo, std::int64_t{attrs.lo});
  set(work, reg::kHi, std::int64_t{attrs.hi});

  const FeatureMap b_map = context.map(b);
  const bool broadcast = b_map != work.out;
  // Rows that share a row of b, or all rows.
  const std::int64_t run =
      broadcast && b_map.images > 1 ? work.out.image_pixels() : work.out.pixels();
  for (std::int64_t block = 0; block < context.buffer.layout(work.op.output).blocks(); ++block) {
    for (std::int64_t begin = 0; begin < work.out.pixels(); begin += run) {
      for (const Stretch& s : stretches(run)) {
        const std::int64_t pixel = begin + s.first;
        const std::int64_t b_pixel = broadcast ? begin / run : pixel;
        context.need(a, block, pixel + s.rows);
        context.need(b, block, b_pixel + (broadcast ? 1 : s.rows));
        context.stream.push(
            isa::Vector{.op = attrs.fn == ZipFn::kAdd ? isa::vector_op::kAdd : isa::vector_op::kMul,
                        .a = context.row(a, block, pixel),
                        .a_type = element_type(a_quant.type),
                        .b = context.row(b, block, b_pixel),
                        .b_type = element_type(b_quant.type),
                        .broadcast = broadcast ? 1 : 0,
                        .to = context.row(work.op.output, block, pixel),
                        .to_type = element_type(attrs.output->type),
                        .rows = s.rows,
                        .n = width_of(context, work.op.output, block)},
            work.op.layer);
      }
    }
    context.stretch_done();
  }
}

void VectorCode::table(const Work& work) {
  const JobContext& context = work.context;
  const std::size_t x = work.op.inputs[0];
  const bool bytes = context.resident(x).element_bytes() == 1;
  const std::int64_t type = bytes ? isa::type::kU8 : isa::type::kS16;  // entries are by byte
  const std::int64_t rows = ceil_div(isa::table_words(type), context.machine().c());
  for (std::int64_t block = 0; block < context.buffer.layout(work.op.output).blocks(); ++block) {
    const std::int64_t table =
        context.params.row(work.op.table, rows, context.stream, work.op.layer);
    for (const Stretch& s : stretches(work.out.pixels())) {
      context.need(x, block, s.first + s.rows);
      context.stream.push(isa::Vector{.op = isa::vector_op::kLookup,
                                      .a = context.row(x, block, s.first),
                                      .a_type = type,
                                      .to = context.row(work.op.output, block, s.first),
                                      .to_type = type,
                                      .rows = s.rows,
                                      .n = width_of(context, work.op.output, block),
                                      .table = table},
                          work.op.layer);
    }
    context.stretch_done();
  }
}

void VectorCode::pool(const Work& work) {
  namespace reg = isa::configuration;
  const auto& attrs = std::get<PoolAttrs>(work.op.node->attrs);
  const JobContext& context = work.context;
  const Window& w = attrs.window;
  const std::size_t x = work.op.inputs[0];
  const FeatureMap in = context.map(x);
  const bool average = attrs.fn == PoolFn::kAverage;
  if (average) {
    set(work, reg::kAScale, attrs.x_quant->scales[0]);
    set(work, reg::kAZero, std::int64_t{attrs.x_quant->zero_points[0]});
    set(work, reg::kToScale, attrs.output->scales[0]);
    set(work, reg::kToZero, std::int64_t{attrs.output->zero_points[0]});
    set(work, reg::kLo, std::int64_t{-32'768});
    set(work, reg::kHi, std::int64_t{65'535});
  }
  const std::int64_t lines =
      std::clamp<std::int64_t>(kStretchRows / work.out.width, 1, work.out.height);
  for (std::int64_t block = 0; block < context.buffer.layout(work.op.output).blocks(); ++block) {
    for (std::int64_t line = 0; line < work.out.images * work.out.height;) {
      const std::int64_t image = line / work.out.height;
      const std::int64_t y = line % work.out.height;
      const std::int64_t n = std::min(lines, work.out.height - y);
      const std::int64_t top = y * w.strides[0] - w.pads[0];
      const std::int64_t begin = std::max<std::int64_t>(top, 0);
      const std::int64_t end = std::min(top + (n - 1) * w.strides[0] + w.kernel[0], in.height);
      const std::int64_t base = image * in.image_pixels();
      context.need(x, block, base + end * in.width);
      context.stream.push(isa::Pool{.op = average ? isa::pool_op::kAverage : isa::pool_op::kMax,
                                    .type = element_type(context.resident(x).type),
                                    .include_pad = attrs.count_padding ? 1 : 0,
                                    .ub = context.row(x, block, base + begin * in.width),
                                    .to = context.row(work.op.output, block, line * work.out.width),
                                    .n = width_of(context, work.op.output, block),
                                    .in_height = end - begin,
                                    .in_width = in.width,
                                    .out_height = n,
                                    .out_width = work.out.width,
                                    .kernel_y = w.kernel[0],
                                    .kernel_x = w.kernel[1],
                                    .stride_y = w.strides[0],
                                    .stride_x = w.strides[1],
                                    .pad_top = begin - top,
                                    .pad_left = w.pads[1]},
                          work.op.layer);
      line += n;
    }
    context.stretch_done();
  }
}

void VectorCode::concat(const Work& work) {
  const JobContext& context = work.context;
  const std::int64_t bytes = context.resident(work.op.output).element_bytes();
  const std::int64_t row_bytes = context.machine().unified_buffer_row_bytes;
  const std::int64_t width = block_width(context.machine(), bytes);
  const auto stride = [&](std::size_t resident, std::int64_t block) {
    const Layout& layout = context.buffer.layout(resident);
    return layout.row(block, 1) - layout.row(block, 0);
  };
  std::int64_t begin = 0;  // channel of the output
  for (std::size_t x : work.op.inputs) {
    const std::int64_t channels = context.resident(x).map.channels;
    for (std::int64_t c = 0; c < channels;) {
      const std::int64_t from = c / width;
      const std::int64_t to = (begin + c) / width;
      const std::int64_t n =
          std::min({width - c % width, width - (begin + c) % width, channels - c});
      const std::int64_t lane = c % width * bytes;
      const std::int64_t to_lane = (begin + c) % width * bytes;
      for (const Stretch& s : stretches(work.out.pixels())) {
        context.need(x, from, s.first + s.rows);
        context.stream.push(
            isa::Copy{.ub = context.row(x, from, s.first) + lane / row_bytes,
                      .lane = lane % row_bytes,
                      .stride = stride(x, from),
                      .to = context.row(work.op.output, to, s.first) + to_lane / row_bytes,
                      .to_lane = to_lane % row_bytes,
                      .to_stride = stride(work.op.output, to),
                      .rows = s.rows,
                      .bytes = n * bytes},
            work.op.layer);
      }
      c += n;
    }
    begin += channels;
    context.stretch_done();
  }
}

}  // namespace systole::compiler
