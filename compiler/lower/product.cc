// Product: cutting into slices, columns and tiles.
#include "compiler/lower/product.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/diag.h"
#include "isa/precisions.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kMaxWindow = 255;  // of the instructions' Window and Pad operands

// How the kernel positions are put together in tiles: lines in pairs (an odd one is left over), or
// `taps` of a line.
struct Packing {
  std::int64_t taps = 1;
  bool pairs = false;
};

// Kernel positions, `taps` of a line together as long as there are that many. Pairs come last: by
// then their copies have been made.
std::vector<Slice> kernel_positions(const Window& window, const Packing& packing) {
  std::vector<Slice> positions;
  const std::int64_t paired = packing.pairs ? window.kernel[0] / 2 * 2 : 0;
  for (std::int64_t y = paired; y < window.kernel[0]; ++y) {
    for (std::int64_t x = 0; x < window.kernel[1]; x += packing.taps)
      positions.push_back({y, x, std::min(packing.taps, window.kernel[1] - x), false, {}});
  }
  for (std::int64_t y = 1; y < paired; y += 2) {
    for (std::int64_t x = 0; x < window.kernel[1]; ++x) positions.push_back({y, x, 1, true, {}});
  }
  return positions;
}

// Whether each tile is of one group: a block-diagonal one would multiply other groups' pixels by
// zeros, which infinities make NaNs of.
bool goes_by_groups(const Product& p) { return p.floats() && p.groups > 1; }

// The most taps whose channels fit a tile.
std::int64_t most_taps(const Product& p, const isa::Machine& machine) {
  const std::int64_t channels = goes_by_groups(p) ? p.in.channels / p.groups : p.in.channels;
  const bool one_cut = channels <= block_width(machine, p.x_bytes());
  if (p.walk == Walk::kRows || p.row_cycles() != 1 || !one_cut) return 1;
  const std::int64_t in_line = (machine.array_taps - 1) / p.window.dilations[1] + 1;
  return std::max<std::int64_t>(1, std::min({in_line, p.window.kernel[1], machine.r() / channels}));
}

// Channels cut for the blocks of the buffer and a side of the array, and where it has to be for
// each group.
std::vector<Cut> cut_channels(const Product& p, std::int64_t channels, std::int64_t width,
                              std::int64_t limit) {
  const std::vector<Cut> cuts = cut(channels, width, limit);
  if (!goes_by_groups(p)) return cuts;
  const std::int64_t group = channels / p.groups;
  std::vector<Cut> finer;
  for (Cut rest : cuts) {
    while (rest.width > 0) {
      Cut next = rest;
      next.width = std::min(rest.width, group - rest.begin % group);
      finer.push_back(next);
      rest.begin += next.width;
      rest.lane += next.width;
      rest.width -= next.width;
    }
  }
  return finer;
}

// Cycles of a pass over one output line, of that many taps.
std::int64_t line_cycles(const Product& p, std::int64_t taps) {
  const std::int64_t line = (taps - 1) * p.window.dilations[1] + 1;
  return p.out.width * std::min(p.window.strides[1], line) + line - 1;
}

// Cycles of the passes of one kernel line over one output line.
std::int64_t kernel_line_cycles(const Product& p, std::int64_t taps) {
  const std::int64_t rest = p.window.kernel[1] % taps;
  return p.window.kernel[1] / taps * line_cycles(p, taps) + (rest > 0 ? line_cycles(p, rest) : 0);
}

// The cheapest number of taps: fewest cycles of all passes over one output line; few tiles where
// a line is one row.
std::int64_t best_taps(const Product& p, const isa::Machine& machine) {
  const std::int64_t most = most_taps(p, machine);
  if (p.walk == Walk::kFlatten) return most;
  std::int64_t best = 1;
  for (std::int64_t t = 2; t <= most; ++t) {
    if (kernel_line_cycles(p, t) < kernel_line_cycles(p, best)) best = t;
  }
  return best;
}

// Whether pixels may be paired with those above: one row of the unified buffer holds both, and the
// lower one is never outside the map (the upper one alone would be lost).
bool may_pair_lines(const Product& p, const isa::Machine& machine) {
  const Window& w = p.window;
  const std::int64_t lowest =
      (p.out.height - 1) * w.strides[0] + w.kernel[0] / 2 * 2 - 1 - w.pads[0];
  return p.walk == Walk::kWindow && p.x_bytes() == 1 && p.groups == 1 && p.fold == Fold{} &&
         term_count(*p.node) == 1 && w.kernel[0] > 1 && w.pads[0] <= 1 &&
         w.dilations == std::array<std::int64_t, 2>{1, 1} && lowest < p.in.height &&
         2 * p.in.channels <=
             std::min({block_width(machine, 1), machine.r(), machine.unified_buffer_row_bytes});
}

Packing best_packing(const Product& p, const isa::Machine& machine, bool whole_images) {
  const std::int64_t taps = best_taps(p, machine);
  if (!whole_images || !may_pair_lines(p, machine)) return {taps, false};
  const std::int64_t lines = p.window.kernel[0];
  const std::int64_t plain = lines * kernel_line_cycles(p, taps);
  const std::int64_t paired =
      lines / 2 * kernel_line_cycles(p, 1) + lines % 2 * kernel_line_cycles(p, taps);
  // The copies are another unit's work, but the passes wait for the first of them.
  const std::int64_t copies = p.window.strides[0] * p.in.width;
  return {taps, paired + copies < plain};
}

bool is_one_by_one(const Window& w) {
  return w.kernel == std::array<std::int64_t, 2>{1, 1} &&
         w.strides == std::array<std::int64_t, 2>{1, 1} && w.pads == std::array<std::int64_t, 4>{};
}

void require_at_most(const Node& node, std::int64_t value, std::int64_t most, const char* what) {
  if (value <= most) return;
  throw InputError("node " + node.name, fmt::format("has {} {}", what, value),
                   fmt::format("at most {}, which the instructions hold", most));
}

void check_window(const Node& node, const Product& p) {
  for (std::size_t d = 0; d < 2; ++d) {
    require_at_most(node, p.window.kernel[d], kMaxWindow, "a kernel extent of");
    require_at_most(node, p.window.strides[d], kMaxWindow, "a stride of");
    require_at_most(node, p.window.dilations[d], kMaxWindow, "a dilation of");
    require_at_most(node, p.window.pads[d], kMaxWindow, "padding of");
  }
  require_at_most(node, std::max(p.in.height, p.out.height), kMaxExtent, "a height of");
  require_at_most(node, std::max(p.in.width, p.out.width), kMaxExtent, "a width of");
}

// The window over blocks of pixels that covers `w` over the pixels; its strides are the blocks.
Window folded_window(Window w, const Fold& fold) {
  const std::array<std::int64_t, 2> blocks = {fold.y, fold.x};
  for (std::size_t d = 0; d < 2; ++d) {
    if (blocks[d] == 1) continue;
    const std::int64_t before = ceil_div(w.pads[d], blocks[d]);
    w.kernel[d] = (w.kernel[d] - 1 - w.pads[d] + before * blocks[d]) / blocks[d] + 1;
    w.pads[d] = before;
    w.strides[d] = 1;
  }
  return w;
}

void take_conv(const Graph& graph, const ConvAttrs& attrs, Product& p) {
  p.window = folded_window(attrs.window, p.fold);
  p.groups = attrs.groups;
  p.out = image_view(graph.value(p.node->outputs[0]).shape);
  p.walk = is_one_by_one(p.window) ? Walk::kRows : Walk::kWindow;
}

void take_matmul(const Graph& graph, Product& p) {
  p.out = rows_view(graph.value(p.node->outputs[0]).shape);
  if (p.in.image_pixels() == 1) return;
  p.window.kernel = {1, p.in.image_pixels()};
  p.walk = Walk::kFlatten;
}

// Whether any weight of the tile lies within a group.
bool holds_weights(const Product& p, const Slice& slice, const Cut& columns) {
  if (p.groups == 1) return true;
  const std::int64_t group_in = p.in.channels / p.groups;
  const std::int64_t group_out = p.out.channels / p.groups;
  const std::int64_t first = columns.begin / group_out;
  const std::int64_t last = (columns.begin + columns.width - 1) / group_out;
  return slice.channels.begin < (last + 1) * group_in &&
         slice.channels.begin + slice.channels.width > first * group_in;
}

// Before memory is taken for tiles: as many as there are at least must fit weight memory and, as
// each is passed over, a program.
void check_tiles(const Product& p, const Packing& packing, const isa::Machine& machine) {
  const auto& kernel = p.window.kernel;
  const std::int64_t together = packing.taps * (packing.pairs ? 2 : 1);
  const std::int64_t slices =
      ceil_div(kernel[0] * kernel[1], together) * ceil_div(p.in.channels, machine.r());
  const std::int64_t columns = ceil_div(p.out.channels, machine.c());
  const double least = p.groups == 1 ? static_cast<double>(slices) * static_cast<double>(columns)
                                     : static_cast<double>(std::max(slices, columns));
  const std::int64_t room = machine.dram_bytes / isa::tile_bytes(machine, p.weight_type());
  const std::string where = "node " + p.node->name;
  if (least > static_cast<double>(room)) {
    throw InputError(where, fmt::format("needs {:.0f} weight tiles or more", least),
                     fmt::format("at most {}, as dram.bytes = {}", room, machine.dram_bytes));
  }
  if (least > static_cast<double>(kMaxPasses)) {
    throw InputError(where, fmt::format("needs {:.0f} passes or more", least),
                     fmt::format("at most {} passes in a program", kMaxPasses));
  }
}

}  // namespace

const ProductQuants& Product::quants() const {
  if (const auto* matmul = std::get_if<MatmulAttrs>(&node->attrs)) return *matmul;
  return std::get<ConvAttrs>(node->attrs);
}

float Product::alpha() const {
  const auto* matmul = std::get_if<MatmulAttrs>(&node->attrs);
  return matmul != nullptr ? matmul->alpha : 1.0F;
}

std::int64_t Product::tile_count() const {
  std::int64_t count = 0;
  for (const auto& column : tiles) count += static_cast<std::int64_t>(column.size());
  return count;
}

bool Product::misses_lines() const {
  const std::int64_t reach = (window.kernel[0] - 1) * window.dilations[0] + 1;
  const std::int64_t last = (out.height - 1) * window.strides[0] - window.pads[0];
  return window.pads[0] >= reach || last >= in.height;
}

bool Product::pairs_lines() const {
  return std::ranges::any_of(slices, [](const Slice& slice) { return slice.above; });
}

// Multiply-accumulates of one batch for each input channel of a group, as the model has them.
static std::int64_t macs_per_channel(const Product& p) {
  const auto* conv = std::get_if<ConvAttrs>(&p.node->attrs);
  const auto& kernel = conv != nullptr ? conv->window.kernel : p.window.kernel;
  return p.out.pixels() * p.out.channels * kernel[0] * kernel[1];
}

Product make_product(const Graph& graph, const Node& node, const FeatureMap& in,
                     const isa::Machine& machine, const Reading& reading) {
  Product p;
  p.node = &node;
  p.fold = reading.fold;
  p.in = in;
  if (const auto* conv = std::get_if<ConvAttrs>(&node.attrs)) {
    take_conv(graph, *conv, p);
  } else {
    take_matmul(graph, p);
  }
  if (p.walk == Walk::kWindow) check_window(node, p);
  const Packing packing = best_packing(p, machine, reading.whole_images);
  check_tiles(p, packing, machine);
  for (std::size_t term = 0; term < term_count(node); ++term) {
    const std::int64_t channels =
        term == 0 ? p.in.channels : graph.value(node.inputs[2 * term]).shape.back();
    p.macs += macs_per_channel(p) * (channels / (p.fold.y * p.fold.x) / p.groups);
    const auto cuts = cut_channels(
        p, channels, block_width(machine, p.x_bytes(), block_use(graph, node.inputs[0])),
        machine.r());
    for (const Slice& position : kernel_positions(p.window, packing)) {
      for (const Cut& cut_of_channels : cuts) {
        Slice& slice = p.slices.emplace_back(position);
        slice.channels = cut_of_channels;
        slice.term = term;
      }
    }
  }
  const std::int64_t y_bytes = dtype_bytes(graph.value(node.outputs[0]).type);
  p.columns =
      cut_channels(p, p.out.channels,
                   block_width(machine, y_bytes, block_use(graph, node.outputs[0])), machine.c());
  for (const Cut& columns : p.columns) {
    std::vector<Tile>& tiles = p.tiles.emplace_back();
    for (std::size_t s = 0; s < p.slices.size(); ++s) {
      if (holds_weights(p, p.slices[s], columns)) tiles.push_back({s, 0});
    }
  }
  return p;
}

std::int64_t pass_cycles(const Product& product) {
  std::int64_t cycles = 0;
  for (const auto& column : product.tiles) {
    for (const Tile& tile : column) {
      cycles += product.out.images * product.out.height *
                line_cycles(product, product.slices[tile.slice].taps);
    }
  }
  return cycles;
}

namespace {

// The kernel position of row `row` of a folded convolution's tile; its padding may lie outside the
// kernel.
WeightRow folded_row(const Product& p, std::int64_t y, std::int64_t x, std::int64_t channel) {
  const Window& w = std::get<ConvAttrs>(p.node->attrs).window;
  const std::int64_t group_in = p.in.channels / p.groups;
  const std::int64_t group_out = p.out.channels / p.groups;
  const std::int64_t channels = group_in / (p.fold.y * p.fold.x);
  const std::int64_t group = channel / group_in;
  channel %= group_in;
  const std::int64_t block_y = channel / (p.fold.x * channels);
  const std::int64_t block_x = channel / channels % p.fold.x;
  const std::int64_t ky = (y - p.window.pads[0]) * p.fold.y + w.pads[0] + block_y;
  const std::int64_t kx = (x - p.window.pads[1]) * p.fold.x + w.pads[1] + block_x;
  if (ky < 0 || ky >= w.kernel[0] || kx < 0 || kx >= w.kernel[1]) return {};
  return {(channel % channels * w.kernel[0] + ky) * w.kernel[1] + kx,
          channels * w.kernel[0] * w.kernel[1], group * group_out, (group + 1) * group_out};
}

}  // namespace

Fold best_fold(const Graph& graph, const Node& node, const isa::Machine& machine) {
  const auto& attrs = std::get<ConvAttrs>(node.attrs);
  const Fold fold{attrs.window.strides[0], attrs.window.strides[1]};
  const FeatureMap in = image_view(graph.value(node.inputs[0]).shape);
  const auto& zeros = attrs.w_quant->zero_points;
  const bool plain = attrs.window.dilations == std::array<std::int64_t, 2>{1, 1} &&
                     std::all_of(zeros.begin(), zeros.end(), [](auto z) { return z == 0; });
  const bool whole = in.height % fold.y == 0 && in.width % fold.x == 0;
  const bool floats = attrs.x_quant->type == DType::kBfloat16;  // a zero times infinity
  if (fold == Fold{} || !plain || !whole || floats) return {};
  const FeatureMap blocks = folded(in, fold);
  if (blocks.image_pixels() == 1 || blocks.channels > machine.r()) return {};
  const std::int64_t cycles = pass_cycles(make_product(graph, node, in, machine));
  const Reading by_blocks{.fold = fold};
  return pass_cycles(make_product(graph, node, blocks, machine, by_blocks)) < cycles ? fold
                                                                                     : Fold{};
}

WeightRow weight_row(const Product& product, const Slice& slice, std::int64_t row) {
  const std::int64_t channel = slice.channels.begin + row % slice.channels.width;
  const std::int64_t position = row / slice.channels.width;
  const std::int64_t x = slice.x + (slice.above ? 0 : position);
  const std::int64_t y = slice.y - (slice.above ? position : 0);
  if (product.fold != Fold{}) return folded_row(product, y, x, channel);
  const auto& kernel = product.window.kernel;
  const std::int64_t columns = product.out.channels;
  if (std::holds_alternative<MatmulAttrs>(product.node->attrs)) {
    const std::int64_t k = (channel * kernel[0] + y) * kernel[1] + x;
    return {k * columns, 1, 0, columns};
  }
  const std::int64_t group_in = product.in.channels / product.groups;
  const std::int64_t group_out = columns / product.groups;
  const std::int64_t group = channel / group_in;
  return {(channel % group_in * kernel[0] + y) * kernel[1] + x, group_in * kernel[0] * kernel[1],
          group * group_out, (group + 1) * group_out};
}

}  // namespace systole::compiler
