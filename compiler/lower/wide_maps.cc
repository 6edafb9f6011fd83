// Wide maps: which convolutions are cut, into tiles of what size, and the nodes around them.
#include "compiler/lower/wide_maps.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "compiler/lower/layout.h"
#include "compiler/lower/product.h"

namespace systole::compiler {
namespace {

// One dimension of a convolution: 0 for lines (H), 1 for columns (W).
struct Side {
  std::int64_t in = 0, out = 0, before = 0, stride = 1, span = 1;
};

Side side_of(const Graph& graph, const Node& node, std::size_t d) {
  const Window& w = std::get<ConvAttrs>(node.attrs).window;
  return {graph.value(node.inputs[0]).shape[2 + d], graph.value(node.outputs[0]).shape[2 + d],
          w.pads[d], w.strides[d], (w.kernel[d] - 1) * w.dilations[d] + 1};
}

// Tiles of a convolution: `count` of `width` results each along dimension `cut`, stacked along the
// other one in `step` lines of the input each.
struct Tiling {
  std::size_t cut = 1;
  std::int64_t count = 1, width = 0, step = 0;
};

std::int64_t blocks(const Graph& graph, ValueId id, const isa::Machine& machine) {
  const Value& value = graph.value(id);
  return ceil_div(value.shape[1], block_width(machine, dtype_bytes(value.type)));
}

// The most results of a line that instructions, accumulators and the unified buffer hold, with all
// lines that their windows reach; `least` if not even that is enough.
std::int64_t widest(const Graph& graph, const Node& node, const isa::Machine& machine) {
  const Side lines = side_of(graph, node, 0), columns = side_of(graph, node, 1);
  const std::int64_t in = lines.span * blocks(graph, node.inputs[0], machine);
  const std::int64_t out = blocks(graph, node.outputs[0], machine);
  const std::int64_t room = machine.ub_rows() - in * columns.span;
  const std::int64_t buffer = room / (in * columns.stride + out);
  return std::max<std::int64_t>(1, std::min({buffer, machine.accumulators_rows,
                                             (kMaxExtent - columns.span) / columns.stride}));
}

bool walks_by_rows(const Window& w) {
  return w.kernel == std::array<std::int64_t, 2>{1, 1} &&
         w.strides == std::array<std::int64_t, 2>{1, 1} && w.pads == std::array<std::int64_t, 4>{};
}

// The tiles into which an integer or bfloat16 convolution has to be cut; none if it need not be, or
// if that would not help.
std::optional<Tiling> tiling_of(const Graph& graph, const Node& node, const isa::Machine& machine) {
  const auto* conv = std::get_if<ConvAttrs>(&node.attrs);
  if (conv == nullptr || !conv->x_quant || walks_by_rows(conv->window)) return std::nullopt;
  const Side lines = side_of(graph, node, 0), columns = side_of(graph, node, 1);
  const std::int64_t most = widest(graph, node, machine);
  Tiling tiling;
  if (std::max(lines.in, lines.out) > kMaxExtent) {
    tiling = {.cut = 0, .count = ceil_div(lines.out, kMaxExtent / 2 / lines.stride)};
  } else if (columns.out > most || columns.in > kMaxExtent) {
    // Half of what fits leaves room for another tile's lines to come meanwhile.
    tiling = {.cut = 1, .count = ceil_div(columns.out, std::max<std::int64_t>(1, most / 2))};
  } else {
    return std::nullopt;
  }
  const Side& cut = tiling.cut == 0 ? lines : columns;
  const Side& along = tiling.cut == 0 ? columns : lines;
  tiling.width = ceil_div(cut.out, tiling.count);
  tiling.count = ceil_div(cut.out, tiling.width);
  tiling.step = ceil_div((along.out - 1) * along.stride + along.span, along.stride) * along.stride;
  if (tiling.count * tiling.step > kMaxExtent) return std::nullopt;
  return tiling;
}

// Writes the nodes of one convolution that is cut.
class Cutter {
 public:
  Cutter(Graph& graph, std::vector<Node>& nodes, const Node& conv, const Tiling& tiling)
      : graph_(graph),
        nodes_(nodes),
        conv_(conv),
        tiling_(tiling),
        cut_(side_of(graph, conv, tiling.cut)),
        along_(side_of(graph, conv, 1 - tiling.cut)) {}

  void run() {
    const ValueId y = convolve(tiles());
    const Shape& made = graph_.value(y).shape;
    const std::int64_t each = tiling_.step / along_.stride;
    // Tiles apart, behind each other along the dimension that was cut.
    Shape split = made, joined = made;
    split.insert(split.begin() + (tiling_.cut == 1 ? 2 : 3), tiling_.count);
    split[tiling_.cut == 1 ? 3 : 4] = each;
    joined[2 + tiling_.cut] = tiling_.count * tiling_.width;
    joined[3 - tiling_.cut] = each;
    const ValueId whole = reorder("results", y, split, joined);
    Value result = graph_.value(conv_.outputs[0]);
    std::vector<std::int64_t> pads(8);
    for (std::size_t d = 2; d < 4; ++d) pads[4 + d] = result.shape[d] - joined[d];
    push(OpKind::kMove, "join", {whole}, conv_.outputs[0], pad(pads, 0));
  }

 private:
  // The input with padding around it and its tiles stacked.
  ValueId tiles() {
    const ConvAttrs& attrs = std::get<ConvAttrs>(conv_.attrs);
    const bool floats = graph_.value(conv_.inputs[0]).type == DType::kBfloat16;
    const std::int64_t width = (tiling_.width - 1) * cut_.stride + cut_.span;
    const std::int64_t reach = (tiling_.count - 1) * tiling_.width * cut_.stride + width;
    Shape shape = graph_.value(conv_.inputs[0]).shape;
    std::vector<std::int64_t> pads(8);
    const auto take = [&](std::size_t d, const Side& side, std::int64_t size) {
      pads[d] = side.before;
      pads[4 + d] = size - side.in - side.before;
      shape[d] = size;
    };
    take(2 + tiling_.cut, cut_, reach);
    take(3 - tiling_.cut, along_, tiling_.step);
    const double zero = floats ? 0.0 : attrs.x_quant->zero_points[0];
    const ValueId padded = value("padded", shape);
    push(OpKind::kMove, "pad", {conv_.inputs[0]}, padded, pad(pads, zero));

    shape[2 + tiling_.cut] = tiling_.count * width;
    const ValueId gathered = value("tiles", shape);
    isa::HostFunction gather{HostFn::kGather, {static_cast<std::int64_t>(2 + tiling_.cut)}};
    push(OpKind::kHost, "tile", {padded, indices(width)}, gathered, std::move(gather));
    Shape split = shape, joined = shape;
    split.insert(split.begin() + static_cast<std::ptrdiff_t>(2 + tiling_.cut), tiling_.count);
    split[3 + tiling_.cut] = width;
    joined[2 + tiling_.cut] = width;
    joined[3 - tiling_.cut] = tiling_.count * tiling_.step;
    return reorder("tiles", gathered, split, joined);
  }

  // Of tile after tile along the dimension that is cut.
  ValueId indices(std::int64_t width) {
    std::vector<std::int64_t> list;
    for (std::int64_t tile = 0; tile < tiling_.count; ++tile) {
      for (std::int64_t i = 0; i < width; ++i)
        list.push_back(tile * tiling_.width * cut_.stride + i);
    }
    Tensor constant(DType::kInt64, {std::ssize(list)});
    std::memcpy(constant.data.data(), list.data(), constant.data.size());
    return graph_.add_value(
        {conv_.name + ".indices", DType::kInt64, constant.shape, std::move(constant)});
  }

  ValueId convolve(ValueId x) {
    ConvAttrs attrs = std::get<ConvAttrs>(conv_.attrs);
    attrs.window.pads = {};
    // Results of the windows between the last tile's and the end, so that all tiles have as many.
    attrs.window.pads[3 - tiling_.cut] = std::max<std::int64_t>(0, along_.span - along_.stride);
    Value made = graph_.value(conv_.outputs[0]);
    made.name += ".tiles";
    made.shape[2 + tiling_.cut] = tiling_.width;
    made.shape[3 - tiling_.cut] = tiling_.count * tiling_.step / along_.stride;
    Node node = conv_;
    node.inputs[0] = x;
    node.outputs[0] = graph_.add_value(std::move(made));
    node.attrs = std::move(attrs);
    nodes_.push_back(node);
    return node.outputs[0];
  }

  // `from` in shape `split`, dimensions 2 and 3 exchanged, in shape `joined`.
  ValueId reorder(const std::string& what, ValueId from, const Shape& split, const Shape& joined) {
    const Value& old = graph_.value(from);
    const std::string name = old.name;
    const DType type = old.type;
    Shape turned = split;
    std::swap(turned[2], turned[3]);
    const ValueId apart = graph_.add_value({name + ".apart", type, split, {}});
    const ValueId exchanged = graph_.add_value({name + ".exchanged", type, turned, {}});
    const ValueId whole = graph_.add_value({name + ".joined", type, joined, {}});
    push(OpKind::kMove, what + ".split", {from}, apart, MoveAttrs{});
    MoveAttrs transpose{MoveFn::kTranspose};
    transpose.permutation = {0, 1, 3, 2, 4};
    push(OpKind::kMove, what + ".exchange", {apart}, exchanged, std::move(transpose));
    push(OpKind::kMove, what + ".stack", {exchanged}, whole, MoveAttrs{});
    return whole;
  }

  static MoveAttrs pad(std::vector<std::int64_t> pads, double fill) {
    MoveAttrs attrs{MoveFn::kPad};
    attrs.pads = std::move(pads);
    attrs.fill = fill;
    return attrs;
  }

  ValueId value(const char* what, Shape shape) {
    const Value& x = graph_.value(conv_.inputs[0]);
    return graph_.add_value({conv_.name + "." + what, x.type, std::move(shape), {}});
  }

  void push(OpKind kind, const std::string& what, std::vector<ValueId> inputs, ValueId output,
            Attrs attrs) {
    nodes_.push_back({kind,
                      conv_.name + "." + what,
                      conv_.origin,
                      std::move(inputs),
                      {output},
                      std::move(attrs)});
  }

  Graph& graph_;
  std::vector<Node>& nodes_;
  const Node& conv_;
  const Tiling tiling_;
  const Side cut_, along_;
};

}  // namespace

Graph cut_wide_maps(const Graph& graph, const isa::Machine& machine) {
  Graph result = graph;
  std::vector<Node> nodes;
  bool any = false;
  for (const Node& node : graph.nodes) {
    const std::optional<Tiling> tiling = tiling_of(graph, node, machine);
    if (!tiling) {
      nodes.push_back(node);
      continue;
    }
    any = true;
    Cutter(result, nodes, node, *tiling).run();
  }
  if (!any) return graph;
  result.nodes = std::move(nodes);
  return result;
}

}  // namespace systole::compiler
