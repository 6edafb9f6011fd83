// Vector code: element-wise operations, look-ups, pooling and concatenation, block by block of
// channels, in stretches of pixels that let the next unit start early.
#include <algorithm>
#include <bit>

#include "base/diag.h"
#include "compiler/ir/integers.h"
#include "compiler/lower/op_code.h"
#include "compiler/lower/vector_op.h"
#include "compiler/passes/clamp.h"
#include "isa/access.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kStretchRows = 512;

// [0, total) in stretches of at most kStretchRows.
struct Stretch {
  std::int64_t first = 0, rows = 0;
};
std::vector<Stretch> stretches(const PixelRange& pixels) {
  std::vector<Stretch> result;
  const std::int64_t parts = std::max<std::int64_t>(1, ceil_div(pixels.count(), kStretchRows));
  const std::int64_t rows = ceil_div(pixels.count(), parts);
  for (std::int64_t first = pixels.first; first < pixels.end; first += rows)
    result.push_back({first, std::min(rows, pixels.end - first)});
  return result;
}

// The channels of a block.
std::int64_t width_of(const JobContext& context, std::size_t resident, std::int64_t block) {
  const Resident& r = context.resident(resident);
  const std::int64_t width = r.width(context.machine());
  return std::min(width, r.map.channels - block * width);
}

std::int64_t pool_op(PoolFn fn) {
  switch (fn) {
    case PoolFn::kMax:
      return isa::pool_op::kMax;
    case PoolFn::kAverage:
      return isa::pool_op::kAverage;
  }
  SYSTOLE_CHECK(false, "pool function {}", static_cast<int>(fn));
}

using Registers = std::map<std::int64_t, std::int64_t>;

std::int64_t word(float value) { return std::bit_cast<std::int32_t>(value); }

// Turns one operation into items.
class Maker {
 public:
  Maker(const JobContext& context, const DeviceOp& op)
      : context_(context),
        op_(op),
        out_(context.map(op.output)),
        made_(context.pixels(op.output)) {}

  std::vector<VectorItem> run() {
    switch (op_.node->kind) {
      case OpKind::kMap:
        map();
        break;
      case OpKind::kZip:
        zip();
        break;
      case OpKind::kTable:
        table();
        break;
      case OpKind::kPool:
        pool();
        break;
      case OpKind::kMove:
        move(std::get<MoveAttrs>(op_.node->attrs).fn);
        break;
      case OpKind::kMatmul:
      case OpKind::kConv:
      case OpKind::kReduce:
      case OpKind::kQuantise:
      case OpKind::kDequantise:
      case OpKind::kSelect:
      case OpKind::kCast:
      case OpKind::kHost:
        SYSTOLE_CHECK(false, "{} has no code", op_name(op_.node->kind));
    }
    const auto registers = std::make_shared<const Registers>(std::move(registers_));
    for (VectorItem& item : items_) item.registers = registers;
    return std::move(items_);
  }

 private:
  [[nodiscard]] std::int64_t blocks() const { return context_.buffer.layout(op_.output).blocks(); }
  // `each`: cycles of the vector unit for a row, as each row read takes one.
  void add(std::vector<Span> reads, const Written& writes, std::int64_t each,
           const isa::Insn& insn) {
    const bool joins = std::holds_alternative<isa::Copy>(insn);
    items_.push_back({std::move(reads), writes, writes.rows * each, insn, nullptr, false, !joins});
  }
  void end_block() { items_.back().ends_block = true; }

  void move(MoveFn fn) {
    switch (fn) {
      case MoveFn::kConcat:
        return concat();
      case MoveFn::kReshape:
        return take_apart();
      case MoveFn::kTranspose:
      case MoveFn::kPad:
        break;
    }
    SYSTOLE_CHECK(false, "move {} has no code", static_cast<int>(fn));
  }

  // A relu, clip or change of quantisation.
  void map() {
    namespace reg = isa::configuration;
    const auto& attrs = std::get<MapAttrs>(op_.node->attrs);
    const std::size_t x = op_.inputs[0];
    const IntegerRange limits = Clamp::of(attrs)->steps(*attrs.output);
    registers_[reg::kAScale] = word(attrs.x_quant->scales[0]);
    registers_[reg::kAZero] = attrs.x_quant->zero_points[0];
    registers_[reg::kToScale] = word(attrs.output->scales[0]);
    registers_[reg::kToZero] = attrs.output->zero_points[0];
    registers_[reg::kLo] = limits.lo;
    registers_[reg::kHi] = limits.hi;
    for (std::int64_t block = 0; block < blocks(); ++block) {
      for (const Stretch& s : stretches(made_)) {
        add({{x, block, s.first + s.rows}}, {block, s.first, s.rows}, 1,
            isa::Vector{.op = isa::vector_op::kConvert,
                        .a = context_.row(x, block, s.first),
                        .a_type = element_type(attrs.x_quant->type),
                        .to = context_.row(op_.output, block, s.first),
                        .to_type = element_type(attrs.output->type),
                        .rows = s.rows,
                        .n = width_of(context_, op_.output, block)});
      }
      end_block();
    }
  }

  void zip() {
    namespace reg = isa::configuration;
    const auto& attrs = std::get<ZipAttrs>(op_.node->attrs);
    // The full-sized operand comes first; it is the first of those that may not change places.
    const bool swap = context_.map(op_.inputs[0]) != out_;
    const std::size_t a = op_.inputs[swap ? 1 : 0];
    const std::size_t b = op_.inputs[swap ? 0 : 1];
    const Quant& a_quant = swap ? *attrs.b_quant : *attrs.a_quant;
    const Quant& b_quant = swap ? *attrs.a_quant : *attrs.b_quant;
    registers_[reg::kAScale] = word(a_quant.scales[0]);
    registers_[reg::kAZero] = a_quant.zero_points[0];
    registers_[reg::kBScale] = word(b_quant.scales[0]);
    registers_[reg::kBZero] = b_quant.zero_points[0];
    registers_[reg::kToScale] = word(attrs.output->scales[0]);
    registers_[reg::kToZero] = attrs.output->zero_points[0];
    registers_[reg::kLo] = attrs.lo;
    registers_[reg::kHi] = attrs.hi;

    const FeatureMap b_map = context_.map(b);
    const bool broadcast = b_map != out_;
    // Rows that share a row of b, or all rows.
    const std::int64_t run = broadcast && b_map.images > 1 ? out_.image_pixels() : made_.count();
    for (std::int64_t block = 0; block < blocks(); ++block) {
      for (std::int64_t begin = made_.first; begin < made_.end; begin += run) {
        for (const Stretch& s : stretches({begin, begin + run})) {
          const std::int64_t pixel = s.first;
          const std::int64_t b_pixel = broadcast ? begin / out_.image_pixels() : pixel;
          add({{a, block, pixel + s.rows}, {b, block, b_pixel + (broadcast ? 1 : s.rows)}},
              {block, pixel, s.rows}, 2,
              isa::Vector{.op = vector_op(attrs.fn).value(),
                          .a = context_.row(a, block, pixel),
                          .a_type = element_type(a_quant.type),
                          .b = context_.row(b, block, b_pixel),
                          .b_type = element_type(b_quant.type),
                          .broadcast = broadcast ? 1 : 0,
                          .to = context_.row(op_.output, block, pixel),
                          .to_type = element_type(attrs.output->type),
                          .rows = s.rows,
                          .n = width_of(context_, op_.output, block)});
        }
      }
      end_block();
    }
  }

  void table() {
    const std::size_t x = op_.inputs[0];
    const bool bytes = context_.resident(x).element_bytes() == 1;
    const std::int64_t type = bytes ? isa::type::kU8 : isa::type::kS16;  // entries are by byte
    for (std::int64_t block = 0; block < blocks(); ++block) {
      for (const Stretch& s : stretches(made_)) {
        add({{x, block, s.first + s.rows}}, {block, s.first, s.rows}, 1,
            isa::Vector{.op = isa::vector_op::kLookup,
                        .a = context_.row(x, block, s.first),
                        .a_type = type,
                        .to = context_.row(op_.output, block, s.first),
                        .to_type = type,
                        .rows = s.rows,
                        .n = width_of(context_, op_.output, block)});
      }
      end_block();
    }
  }

  void set_pool_registers(const PoolAttrs& attrs) {
    namespace reg = isa::configuration;
    switch (attrs.fn) {
      case PoolFn::kMax:
        return;
      case PoolFn::kAverage:
        registers_[reg::kAScale] = word(attrs.x_quant->scales[0]);
        registers_[reg::kAZero] = attrs.x_quant->zero_points[0];
        registers_[reg::kToScale] = word(attrs.output->scales[0]);
        registers_[reg::kToZero] = attrs.output->zero_points[0];
        registers_[reg::kLo] = -32'768;
        registers_[reg::kHi] = 65'535;
        if (attrs.output->type != DType::kBfloat16) return;
        registers_[reg::kLo] = integer_range(DType::kBfloat16).lo;  // none
        registers_[reg::kHi] = integer_range(DType::kBfloat16).hi;
        return;
    }
  }

  void pool() {
    const auto& attrs = std::get<PoolAttrs>(op_.node->attrs);
    const Window& w = attrs.window;
    const std::size_t x = op_.inputs[0];
    const FeatureMap in = context_.map(x);
    set_pool_registers(attrs);
    // Lines of all images, or those of a band of the only one.
    const std::int64_t lines = std::clamp<std::int64_t>(kStretchRows / out_.width, 1, out_.height);
    const std::int64_t last = made_.end / out_.width;
    for (std::int64_t block = 0; block < blocks(); ++block) {
      for (std::int64_t line = made_.first / out_.width; line < last;) {
        const std::int64_t image = line / out_.height;
        const std::int64_t y = line % out_.height;
        const std::int64_t n = std::min({lines, out_.height - y, last - line});
        const std::int64_t top = y * w.strides[0] - w.pads[0];
        const std::int64_t begin = std::max<std::int64_t>(top, 0);
        const std::int64_t end = std::min(top + (n - 1) * w.strides[0] + w.kernel[0], in.height);
        const std::int64_t base = image * in.image_pixels();
        add({{x, block, base + end * in.width}}, {block, line * out_.width, n * out_.width},
            w.kernel[0] * w.kernel[1],
            isa::Pool{.op = pool_op(attrs.fn),
                      .type = element_type(context_.resident(x).type),
                      .include_pad = attrs.count_padding ? 1 : 0,
                      .ub = context_.row(x, block, base + begin * in.width),
                      .to = context_.row(op_.output, block, line * out_.width),
                      .n = width_of(context_, op_.output, block),
                      .in_height = end - begin,
                      .in_width = in.width,
                      .out_height = n,
                      .out_width = out_.width,
                      .kernel_y = w.kernel[0],
                      .kernel_x = w.kernel[1],
                      .stride_y = w.strides[0],
                      .stride_x = w.strides[1],
                      .pad_top = begin - top,
                      .pad_left = w.pads[1]});
        line += n;
      }
      end_block();
    }
  }

  void concat() {
    const std::int64_t bytes = context_.resident(op_.output).element_bytes();
    const std::int64_t row_bytes = context_.machine().unified_buffer_row_bytes;
    const std::int64_t width = context_.resident(op_.output).width(context_.machine());
    const auto stride = [&](std::size_t resident, std::int64_t block) {
      const Layout& layout = context_.buffer.layout(resident);
      return layout.row(block, 1) - layout.row(block, 0);
    };
    std::int64_t begin = 0;  // channel of the output
    for (std::size_t x : op_.inputs) {
      const std::int64_t channels = context_.resident(x).map.channels;
      for (std::int64_t c = 0; c < channels;) {
        const std::int64_t from = c / width;
        const std::int64_t to = (begin + c) / width;
        const std::int64_t n =
            std::min({width - c % width, width - (begin + c) % width, channels - c});
        const std::int64_t lane = c % width * bytes;
        const std::int64_t to_lane = (begin + c) % width * bytes;
        for (const Stretch& s : stretches(made_)) {
          add({{x, from, s.first + s.rows}}, {to, s.first, s.rows}, 1,
              isa::Copy{.ub = context_.row(x, from, s.first) + lane / row_bytes,
                        .lane = lane % row_bytes,
                        .stride = stride(x, from),
                        .to = context_.row(op_.output, to, s.first) + to_lane / row_bytes,
                        .to_lane = to_lane % row_bytes,
                        .to_stride = stride(op_.output, to),
                        .rows = s.rows,
                        .bytes = n * bytes});
        }
        c += n;
      }
      begin += channels;
      end_block();
    }
  }

  // Images whose channels lie side by side: each gets pixels of its own.
  void take_apart() {
    const std::size_t x = op_.inputs[0];
    const FeatureMap in = context_.map(x);
    const std::int64_t bytes = out_.channels * context_.resident(x).element_bytes();
    const Layout& from = context_.buffer.layout(x);
    const Layout& to = context_.buffer.layout(op_.output);
    for (std::int64_t pixel = 0; pixel < in.pixels(); pixel += in.image_pixels()) {
      for (const Stretch& s : stretches({0, in.image_pixels()})) {
        for (std::int64_t i = 0; i < in.channels / out_.channels; ++i) {
          const std::int64_t apart = pixel * (in.channels / out_.channels) + i * in.image_pixels();
          add({{x, 0, pixel + s.first + s.rows}}, {0, apart + s.first, s.rows}, 1,
              isa::Copy{.ub = context_.row(x, 0, pixel + s.first),
                        .lane = i * bytes,
                        .stride = from.row(0, 1) - from.row(0, 0),
                        .to = context_.row(op_.output, 0, apart + s.first),
                        .to_stride = to.row(0, 1) - to.row(0, 0),
                        .rows = s.rows,
                        .bytes = bytes});
        }
      }
    }
    end_block();
  }

  const JobContext& context_;
  const DeviceOp& op_;
  FeatureMap out_;
  PixelRange made_;  // of it, in this job
  Registers registers_;
  std::vector<VectorItem> items_;
};

}  // namespace

std::vector<VectorItem> VectorCode::items(const JobContext& context, const DeviceOp& op) {
  return Maker(context, op).run();
}

void VectorCode::push(const JobContext& context, const DeviceOp& op, VectorItem item) {
  for (const auto& [index, value] : *item.registers) {
    const auto [held, fresh] = registers_.try_emplace(index, value);
    if (!fresh && held->second == value) continue;
    held->second = value;
    const auto vector = static_cast<std::int64_t>(isa::index(isa::Unit::kVector));
    context.stream.push(isa::Set{.unit = vector, .index = index, .value = value}, op.layer);
  }
  for (const Span& span : item.reads) context.need(span.resident, span.block, span.end);
  if (op.table >= 0) {
    auto& lookup = std::get<isa::Vector>(item.insn);
    const std::int64_t rows = ceil_div(isa::table_words(lookup.to_type), context.machine().c());
    lookup.table = context.params.row(op.table, rows, context.stream, op.layer);
  }
  context.stream.push(item.insn, op.layer);
}

}  // namespace systole::compiler
