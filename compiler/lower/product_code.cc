// Product code: the passes of a matmul or convolution, and the activations of their sums.
//
// The output pixels of a job are cut into pieces of one instruction each. A group of pieces fills
// at most the accumulators: every tile of a column block passes over all of them before the next
// tile comes, so a tile is read once a group. With a single tile for each column block nothing has
// to wait in the accumulators, and the tile stays for all groups.
//
// The last tile of a column block goes in finer pieces, each activated when its pass is complete.
// Both units take a row a cycle, so the last activation ends the largest such piece after the array
// has drained; whatever reads the result waits as long. With paper2015 a group is activated as a
// whole, and is half the accumulators if not all pixels fit them together.
#include <algorithm>

#include "base/diag.h"
#include "compiler/ir/integers.h"
#include "compiler/lower/op_code.h"
#include "isa/access.h"
#include "isa/operand.h"

namespace systole::compiler {
namespace {

// Rows to activate together: few, so that what comes after them is short beside the layer, but so
// many that the unit's queue holds those that it lies behind the matrix unit (R + C cycles, or all
// there are), each activation with its sync. A full queue would hold up the next pass.
std::int64_t rows_of_an_activation(std::int64_t pixels, const Product& p,
                                   const isa::Machine& machine) {
  constexpr std::int64_t kParts = 128, kFewest = 16;
  const std::int64_t queued = std::max<std::int64_t>(1, machine.sequencer_queue / 2 - 1);
  const std::int64_t behind = std::min(machine.r() + machine.c(), pixels * std::ssize(p.columns));
  const std::int64_t fewest = std::max(ceil_div(behind, queued), kFewest);
  return std::min(std::max(pixels / kParts, fewest), stretch_rows(machine));
}

}  // namespace

// Output pixels [first, first + rows) of the job. With a window: lines [line, line + lines) of an
// image.
struct ProductCode::Piece {
  std::int64_t first = 0, rows = 0;
  std::int64_t image = 0, line = 0, lines = 0;
};

struct ProductCode::Group {
  std::vector<Piece> pieces;
  std::int64_t rows = 0;
};

// One operation of one job.
class ProductCode::Emission {
 public:
  Emission(ProductCode& code, const JobContext& context, const DeviceOp& op)
      : code_(code),
        context_(context),
        op_(op),
        p_(*op.product),
        in_(context.map(op.inputs[0])),
        out_(context.map(op.output)),
        activation_rows_(
            rows_of_an_activation(context.pixels(op.output).count(), p_, code.machine_)),
        row_cycles_(static_cast<double>(pass_cycles(p_)) /
                    static_cast<double>(p_.tile_count() * p_.out.pixels()) *
                    static_cast<double>(p_.row_cycles())) {}

  // All sums of a column block for the pixels of a group, and their activation.
  void column(const Group& group, std::size_t nb) {
    const Parameters param = parameters(nb);
    const std::int64_t acc = code_.take_accumulators(group.rows);
    const std::vector<Tile>& tiles = p_.tiles[nb];
    for (std::size_t t = 0; t + 1 < tiles.size(); ++t) {
      std::int64_t at = acc;
      for (const Piece& piece : group.pieces) {
        if (p_.pairs_lines()) pair_lines_until(piece.image + 2);
        pass(piece, {nb, tiles[t], at, t > 0});
        at += piece.rows;
      }
    }
    last_tile(group, {nb, tiles.back(), acc, tiles.size() > 1}, param);
    context_.stretch_done();
  }

 private:
  struct Pass {
    std::size_t nb;
    const Tile& tile;
    std::int64_t acc;
    bool accumulate;
    bool own = false;  // of a pair, the pixels' own channels only
  };
  // Parameter rows: of the bias, with the scale behind it, and of the table.
  struct Parameters {
    std::int64_t bias = 0, table = 0;
  };
  struct Activation {
    Parameters param;
    std::size_t nb;
    std::int64_t acc, first, rows;
  };

  void last_tile(const Group& group, Pass last, const Parameters& param) {
    Activation activation{param, last.nb, 0, 0, 0};
    for (const Piece& whole : group.pieces) {
      for (const Piece& piece : parts(whole)) {
        pass(piece, last);
        collect(activation, piece, last.acc);
        last.acc += piece.rows;
      }
    }
    flush(activation);
  }

  // The piece in parts of at least the rows that are activated together, if it has as many.
  [[nodiscard]] std::vector<Piece> parts(const Piece& whole) const {
    const std::int64_t unit = p_.walk == Walk::kWindow ? out_.width : 1;
    const std::int64_t units = whole.rows / unit;
    const std::int64_t count = std::max<std::int64_t>(1, whole.rows / activation_rows_);
    const std::int64_t each = ceil_div(units, count);
    std::vector<Piece> parts;
    for (std::int64_t done = 0; done < units; done += each) {
      const std::int64_t n = std::min(each, units - done);
      Piece part{whole.first + done * unit, n * unit, whole.image, 0, 0};
      if (p_.walk == Walk::kWindow) {
        part.line = whole.line + done;
        part.lines = n;
      }
      parts.push_back(part);
    }
    return parts;
  }

  // Copies each pixel's channels beside those of the pixel below, in images up to `end`: one more
  // than the passes need, so that they do not wait.
  void pair_lines_until(std::int64_t end) {
    for (; paired_ < std::min(end, in_.images); ++paired_) {
      const std::int64_t first = paired_ * in_.image_pixels();
      context_.need(op_.inputs[0], 0, first + in_.image_pixels());
      const isa::Copy copy{.ub = context_.row(op_.inputs[0], 0, first),
                           .lane = 0,
                           .stride = 1,
                           .to = context_.row(op_.inputs[0], 0, first + in_.width),
                           .to_lane = in_.channels,
                           .to_stride = 1,
                           .rows = in_.image_pixels() - in_.width,
                           .bytes = in_.channels};
      if (copy.rows > 0) context_.stream.push(copy, op_.layer);
    }
  }

  void pass(const Piece& piece, const Pass& whole) {
    const Slice& slice = p_.slices[whole.tile.slice];
    if (slice.above) pair_lines_until(piece.image + 1);
    // The map's top line has none above it: there the pass takes the pixels' own channels alone.
    const bool has_top = slice.above && piece.line == 0 && slice.y == p_.window.pads[0];
    if (!has_top) return push(piece, whole);
    Piece top = piece, rest = piece;
    top.lines = 1;
    top.rows = out_.width;
    Pass own = whole, both = whole;
    own.own = true;
    push(top, own);
    if (piece.lines == 1) return;
    rest.first += top.rows;
    rest.rows -= top.rows;
    ++rest.line;
    --rest.lines;
    both.acc += top.rows;
    push(rest, both);
  }

  void push(const Piece& piece, const Pass& pass) {
    const Slice& slice = p_.slices[pass.tile.slice];
    context_.need(op_.inputs[slice.term], slice.channels.block, input_end(piece));
    const bool fresh = code_.active_tile_ != pass.tile.dram;
    const isa::Insn insn = p_.walk == Walk::kRows ? isa::Insn(matmul(piece, pass, slice, fresh))
                                                  : isa::Insn(convolve(piece, pass, slice, fresh));
    const auto cycles = static_cast<std::int64_t>(static_cast<double>(piece.rows) * row_cycles_);
    if (!fresh) {
      context_.stream.push(insn, op_.layer);
      code_.since_switch_ += cycles;
      return context_.passed(cycles);
    }
    // The tile before holds the array until this one is there.
    const std::int64_t late = std::max<std::int64_t>(0, code_.fetch_cycles_ - code_.since_switch_);
    code_.since_switch_ = cycles;
    code_.active_tile_ = pass.tile.dram;
    const ProductQuants& q = p_.quants();
    const auto block = static_cast<std::int64_t>(pass.nb);
    context_.stream.push_switch(insn,
                                {.dram = pass.tile.dram,
                                 .k = slice.rows(),
                                 .n = p_.columns[pass.nb].width,
                                 .is_signed = q.w_quant->type == DType::kInt8 ? 1 : 0,
                                 .use_zero = p_.zero_row >= 0 ? 1 : 0,
                                 .zero = p_.zero_row >= 0 ? p_.zero_row + block : 0,
                                 .instance = 0,
                                 .weights = p_.weight_type()},
                                op_.layer);
    context_.passed(late + cycles);
  }

  // One past the last input pixel that the piece reads.
  [[nodiscard]] std::int64_t input_end(const Piece& piece) const {
    if (p_.walk == Walk::kRows) return piece.first + piece.rows;
    if (p_.walk == Walk::kFlatten) return (piece.first + piece.rows) * in_.image_pixels();
    return piece.image * in_.image_pixels() + input_lines(piece).end * in_.width;
  }

  // The input lines [begin, end) that the piece's windows reach; `top` may lie in the padding.
  // Where all of them see padding only it is the first line, which they are to miss.
  struct Lines {
    std::int64_t top, begin, end;
    bool missed = false;
  };
  [[nodiscard]] Lines input_lines(const Piece& piece) const {
    const Window& w = p_.window;
    const std::int64_t top = piece.line * w.strides[0] - w.pads[0];
    const std::int64_t bottom =
        top + (piece.lines - 1) * w.strides[0] + (w.kernel[0] - 1) * w.dilations[0];
    if (bottom < 0 || top >= in_.height) return {-piece.lines, 0, 1, true};
    return {top, std::max<std::int64_t>(top, 0), std::min(bottom + 1, in_.height)};
  }

  // Those that one kernel line reaches; all are within the map.
  [[nodiscard]] Lines own_lines(const Piece& piece, const Slice& slice) const {
    const Window& w = p_.window;
    const std::int64_t top = piece.line * w.strides[0] + slice.y - w.pads[0];
    return {top, top, top + (piece.lines - 1) * w.strides[0] + 1};
  }

  // The operands that matmul and convolve share.
  template <typename Insn>
  Insn common(const Pass& pass, const Slice& slice, bool fresh) const {
    const Quant& x = *p_.quants().x_quant;
    Insn insn;
    insn.lane = slice.channels.lane * p_.x_bytes();
    insn.acc = pass.acc;
    insn.k = pass.own ? slice.channels.width : slice.rows();
    insn.n = p_.columns[pass.nb].width;
    insn.accumulate = pass.accumulate ? 1 : 0;
    insn.switch_tile = fresh ? 1 : 0;
    insn.is_signed = x.type == DType::kUint8 ? 0 : 1;
    insn.zero_point = x.zero_points[0];
    insn.precision = p_.precision();
    return insn;
  }

  isa::Matmul matmul(const Piece& piece, const Pass& pass, const Slice& slice, bool fresh) const {
    auto insn = common<isa::Matmul>(pass, slice, fresh);
    insn.ub = context_.row(op_.inputs[slice.term], slice.channels.block, piece.first);
    insn.rows = piece.rows;
    return insn;
  }

  isa::Convolve convolve(const Piece& piece, const Pass& pass, const Slice& slice,
                         bool fresh) const {
    auto insn = common<isa::Convolve>(pass, slice, fresh);
    insn.taps = slice.taps;
    insn.stride_y = insn.stride_x = insn.dilation_y = insn.dilation_x = 1;
    if (p_.walk == Walk::kFlatten) {
      flatten(piece, slice, insn);
    } else {
      window(piece, slice, insn);
    }
    return insn;
  }

  // The input lines that the piece's windows reach, as a map of their own.
  void window(const Piece& piece, const Slice& slice, isa::Convolve& insn) const {
    const Window& w = p_.window;
    const Lines lines = slice.above ? own_lines(piece, slice) : input_lines(piece);
    const std::int64_t pixel = piece.image * in_.image_pixels() + lines.begin * in_.width;
    insn.ub = context_.row(op_.inputs[0], slice.channels.block, pixel);
    insn.in_height = lines.end - lines.begin;
    insn.in_width = in_.width;
    insn.out_height = piece.lines;
    insn.out_width = out_.width;
    insn.stride_y = w.strides[0];
    insn.stride_x = w.strides[1];
    insn.dilation_y = w.dilations[0];
    insn.dilation_x = w.dilations[1];
    insn.pad_top = lines.begin - lines.top;
    insn.pad_left = w.pads[1];
    insn.kernel_y = slice.above ? 0 : slice.y;
    insn.kernel_x = slice.x;
    if (!lines.missed) return;
    insn.stride_y = insn.dilation_y = 1;  // the last of the lines ends above the map
    insn.kernel_y = 0;
  }

  // Images become the lines of one map; the pixel is a kernel position.
  void flatten(const Piece& piece, const Slice& slice, isa::Convolve& insn) const {
    const std::int64_t pixel = piece.first * in_.image_pixels();
    insn.ub = context_.row(op_.inputs[0], slice.channels.block, pixel);
    insn.in_height = insn.out_height = piece.rows;
    insn.in_width = in_.image_pixels();
    insn.out_width = 1;
    insn.kernel_x = slice.x;
  }

  // Consecutive pieces are activated together until they are worth an instruction; with paper2015
  // those of the whole group.
  void collect(Activation& activation, const Piece& piece, std::int64_t acc) {
    if (activation.rows == 0) {
      activation.acc = acc;
      activation.first = piece.first;
    }
    activation.rows += piece.rows;
    const bool whole = context_.plan.schedule == Schedule::kPaper2015;
    if (!whole && activation.rows >= activation_rows_) flush(activation);
  }

  void flush(Activation& activation) {
    if (activation.rows == 0) return;
    const Cut& columns = p_.columns[activation.nb];
    const ProductQuants& q = p_.quants();
    isa::Activate insn{.acc = activation.acc,
                       .ub = context_.row(op_.output, columns.block, activation.first),
                       .lane = columns.lane * context_.plan.residents[op_.output].element_bytes(),
                       .rows = activation.rows,
                       .n = columns.width,
                       .type = p_.floats() ? isa::type::kF32 : isa::type::kS32};
    if (p_.floats()) {
      set_float_result(q, insn);
    } else if (p_.requantised()) {
      insn.type = element_type(q.output->type);
      insn.zero_point = q.output->zero_points[0];
      insn.lo = q.lo;
      insn.hi = q.hi;
      insn.scale = activation.param.bias + 1;
      const std::int64_t lowest = lowest_of(insn.type);
      if (q.lo == q.output->zero_points[0] && q.lo > lowest) insn.function = isa::function::kRelu;
      if (q.lookup) insn.function = isa::function::kTable;
    }
    insn.use_bias = p_.has_bias() ? 1 : 0;
    insn.bias = p_.has_bias() ? activation.param.bias : 0;
    insn.table = activation.param.table;
    context_.stream.push(insn, op_.layer);
    context_.activated(activation.rows);
    const std::size_t next = activation.nb + 1;
    if (next == p_.columns.size() || p_.columns[next].block != columns.block)
      context_.written(columns.block, activation.first + activation.rows);
    activation.rows = 0;
  }

  // Limits that are none are the operand's; a lowest of 0 is a relu.
  static void set_float_result(const ProductQuants& q, isa::Activate& insn) {
    const isa::OperandRange& none = isa::operand_range(isa::Operand::Limit);
    const IntegerRange unlimited = integer_range(DType::kBfloat16);
    insn.lo = none.low;
    insn.hi = none.high;
    if (!q.output) return;
    insn.type = isa::type::kBf16;
    if (q.lo == 0) {
      insn.function = isa::function::kRelu;
    } else if (q.lo != unlimited.lo) {
      insn.lo = q.lo;
    }
    if (q.hi != unlimited.hi) insn.hi = q.hi;
  }

  static std::int64_t lowest_of(std::int64_t type) {
    if (type == isa::type::kU8) return 0;
    return type == isa::type::kS8 ? -128 : -32'768;
  }

  // The parameters of a column block. Where parameter memory is small, loading one may drop the
  // other.
  Parameters parameters(std::size_t nb) {
    Parameters rows;
    if (p_.param_rows() == 0) return rows;
    const std::int64_t bytes = p_.param_rows() * context_.machine().param_row_bytes();
    const std::int64_t host = p_.params + static_cast<std::int64_t>(nb) * bytes;
    if (op_.table >= 0) context_.params.require(table_rows() + p_.param_rows());
    do {
      if (op_.table >= 0) rows.table = table();
      rows.bias = context_.params.row(host, p_.param_rows(), context_.stream, op_.layer);
    } while (op_.table >= 0 && table() != rows.table);
    return rows;
  }

  [[nodiscard]] std::int64_t table_rows() const {
    const std::int64_t words = isa::table_words(element_type(p_.quants().output->type));
    return ceil_div(words, context_.machine().c());
  }
  std::int64_t table() {
    return context_.params.row(op_.table, table_rows(), context_.stream, op_.layer);
  }

  ProductCode& code_;
  const JobContext& context_;
  const DeviceOp& op_;
  const Product& p_;
  FeatureMap in_, out_;
  std::int64_t activation_rows_;
  double row_cycles_;        // of a pass, on average over the tiles
  std::int64_t paired_ = 0;  // images whose lines have been paired
};

std::vector<ProductCode::Piece> ProductCode::pieces(const JobContext& context,
                                                    const DeviceOp& op) const {
  const FeatureMap out = context.map(op.output);
  const PixelRange made = context.pixels(op.output);
  const std::int64_t most = stretch_rows(machine_);
  std::vector<Piece> pieces;
  if (op.product->walk != Walk::kWindow) {
    const std::int64_t rows = ceil_div(made.count(), ceil_div(made.count(), most));
    for (std::int64_t first = made.first; first < made.end; first += rows)
      pieces.push_back({first, std::min(rows, made.end - first), 0, 0, 0});
    return pieces;
  }
  if (out.width > machine_.accumulators_rows) {
    throw InputError("node " + op.node->name, "has output lines of " + std::to_string(out.width),
                     "at most accumulators.rows = " + std::to_string(machine_.accumulators_rows));
  }
  std::int64_t fit = std::max<std::int64_t>(1, most / out.width);
  if (op.product->misses_lines()) fit = std::min(fit, isa::operand_range(isa::Operand::Pad).high);
  // Lines of each image: all, or those of a band of the only one.
  const std::int64_t height = made.count() / out.images / out.width;
  const std::int64_t top = made.first / out.width;
  const std::int64_t lines = ceil_div(height, ceil_div(height, fit));
  for (std::int64_t image = 0; image < out.images; ++image) {
    for (std::int64_t line = top; line < top + height; line += lines) {
      const std::int64_t n = std::min(lines, top + height - line);
      pieces.push_back({(image * out.height + line) * out.width, n * out.width, image, line, n});
    }
  }
  return pieces;
}

std::vector<ProductCode::Group> ProductCode::groups(const JobContext& context,
                                                    const DeviceOp& op) const {
  const std::vector<Piece> all = pieces(context, op);
  std::int64_t total = 0;
  for (const Piece& piece : all) total += piece.rows;
  std::int64_t most = machine_.accumulators_rows;
  const bool tiles_stay = op.product->tile_count() == std::ssize(op.product->columns);
  if (context.plan.schedule == Schedule::kPaper2015) {
    if (total > most) most = std::max(most / 2, all.front().rows);
  } else if (tiles_stay) {
    most = std::max(most / 4, all.front().rows);
  }
  const std::int64_t even = ceil_div(total, ceil_div(total, most));
  std::vector<Group> groups;
  for (const Piece& piece : all) {
    const bool full =
        groups.empty() || groups.back().rows >= even || groups.back().rows + piece.rows > most;
    if (full) groups.emplace_back();
    groups.back().pieces.push_back(piece);
    groups.back().rows += piece.rows;
  }
  return groups;
}

std::int64_t ProductCode::group_count(const JobContext& context, const DeviceOp& op) const {
  return std::ssize(groups(context, op));
}

std::int64_t ProductCode::stretches(const JobContext& context, const DeviceOp& op) const {
  return group_count(context, op) * std::ssize(op.product->columns);
}

void ProductCode::emit(const JobContext& context, const DeviceOp& op) {
  Emission emission(*this, context, op);
  const std::vector<Group> all = groups(context, op);
  const std::size_t columns = op.product->columns.size();
  if (op.product->tile_count() == std::ssize(op.product->columns)) {
    for (std::size_t nb = 0; nb < columns; ++nb) {
      for (const Group& group : all) emission.column(group, nb);
    }
    return;
  }
  for (const Group& group : all) {
    for (std::size_t nb = 0; nb < columns; ++nb) emission.column(group, nb);
  }
}

std::int64_t ProductCode::take_accumulators(std::int64_t rows) {
  if (next_accumulator_ + rows > machine_.accumulators_rows) next_accumulator_ = 0;
  const std::int64_t at = next_accumulator_;
  next_accumulator_ += rows;
  return at;
}

}  // namespace systole::compiler
