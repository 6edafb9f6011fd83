// Rows are followed through the graph by the distance in elements between one and the next: row r
// of a tensor is where (offset / inner) % rows = r. Reshapes keep that; whatever works along a
// dimension must not be the rows'.
#include "compiler/ir/batch.h"

#include <algorithm>
#include <vector>

#include "compiler/ir/shapes.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kSame = 0;  // instead of a distance: the tensor is the same for all rows

// The dimension that counts rows, and how many of its indices one row has before the next begins.
struct RowAxis {
  std::size_t axis = 0;
  std::int64_t below = 1;
};

std::int64_t stride_of(const Shape& shape, std::size_t axis) {
  return extent(shape, axis + 1, shape.size());
}

class RowWalk {
 public:
  RowWalk(const Graph& graph, std::int64_t rows)
      : graph_(graph), rows_(rows), inner_(graph.values.size(), kSame) {}

  std::optional<RowMixer> run(const std::vector<bool>& inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i]) inner(graph_.inputs[i]) = stride_of(shape(graph_.inputs[i]), 0);
    }
    for (const Node& node : graph_.nodes) {
      how_.clear();
      inner(node.outputs[0]) = follow(node);
      if (!how_.empty()) return RowMixer{node.name, how_};
    }
    return std::nullopt;
  }

 private:
  std::int64_t& inner(ValueId id) { return inner_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] const Shape& shape(ValueId id) const { return graph_.value(id).shape; }

  std::int64_t mixes(const std::string& how) {
    how_ = how;
    return kSame;
  }

  // Nothing if rows lie across dimensions.
  std::optional<RowAxis> axis_of(ValueId id) {
    const Shape& dims = shape(id);
    const std::int64_t distance = inner(id);
    for (std::size_t axis = dims.size(); axis-- > 0;) {
      const std::int64_t stride = stride_of(dims, axis);
      const bool inside = stride > 0 && distance % stride == 0 &&
                          stride * dims[axis] % (distance * rows_) == 0 &&
                          distance * rows_ <= stride * dims[axis] && distance >= stride;
      if (inside) return RowAxis{axis, distance / stride};
    }
    return std::nullopt;
  }

  // The distance of rows in y if they lie above its last elements, `from` of which become `to`.
  std::int64_t above(ValueId x, std::int64_t from, std::int64_t to) {
    if (inner(x) == kSame) return kSame;
    if (from == 0 || inner(x) % from != 0) return mixes("computes along the rows of the batch");
    return inner(x) / from * to;
  }

  std::int64_t follow(const Node& node) {
    const ValueId x = node.inputs[0];
    const Shape& in = shape(x);
    const Shape& out = shape(node.outputs[0]);
    const bool rows = std::any_of(node.inputs.begin(), node.inputs.end(),
                                  [&](ValueId id) { return id != kNoValue && inner(id) != kSame; });
    if (!rows || element_count(out) == 0) return kSame;
    switch (node.kind) {
      case OpKind::kMatmul:
        if (shape(node.inputs[1]).size() > 2) return products(node);
        return product(node, in.back(), out.back());
      case OpKind::kConv:
        return product(node, stride_of(in, 0), stride_of(out, 0));
      case OpKind::kPool:
        return above(x, stride_of(in, 1), stride_of(out, 1));
      case OpKind::kZip:
      case OpKind::kSelect:
        return zip(node, out);
      case OpKind::kReduce:
        return reduce(node, std::get<ReduceAttrs>(node.attrs));
      case OpKind::kMove:
        return move(node, std::get<MoveAttrs>(node.attrs), out);
      case OpKind::kQuantise:
      case OpKind::kDequantise:
        return quantise(x, std::get<QuantAttrs>(node.attrs).quant);
      case OpKind::kMap:
      case OpKind::kTable:
      case OpKind::kCast:
        return inner(x);
      case OpKind::kHost:
        return host(node, std::get<HostAttrs>(node.attrs), out);
    }
    SYSTOLE_CHECK(false, "op {}", static_cast<int>(node.kind));
  }

  // Matrices by matrices: rows that lie above both operands' matrices stay apart.
  std::int64_t products(const Node& node) {
    const auto matrix = [&](ValueId id) {
      const Shape& s = shape(id);
      return s[s.size() - 2] * s.back();
    };
    const ValueId x = node.inputs[0];
    const ValueId w = node.inputs[1];
    const bool both = inner(x) != kSame && inner(w) != kSame;
    if (!both || matrix(x) == 0 || matrix(w) == 0 || inner(x) * matrix(w) != inner(w) * matrix(x))
      return mixes("multiplies rows by one another");
    return above(x, matrix(x), matrix(node.outputs[0]));
  }

  std::int64_t product(const Node& node, std::int64_t from, std::int64_t to) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == kNoValue) continue;
      const bool is_x = i % 2 == 0 && i / 2 < term_count(node);
      if (!is_x && inner(node.inputs[i]) != kSame) return mixes("multiplies rows by one another");
      if (is_x && inner(node.inputs[i]) != inner(node.inputs[0]))
        return mixes("adds products of other rows");
    }
    return above(node.inputs[0], from, to);
  }

  // Operands are aligned at their last dimensions; one without rows must not change along them.
  std::int64_t zip(const Node& node, const Shape& out) {
    std::optional<RowAxis> rows;
    for (ValueId id : node.inputs) {
      if (inner(id) == kSame) continue;
      std::optional<RowAxis> own = axis_of(id);
      if (own) own->axis += out.size() - shape(id).size();
      const bool fits = own && (!rows || (own->axis == rows->axis && own->below == rows->below));
      if (!fits) return mixes("combines rows with one another");
      rows = own;
    }
    for (ValueId id : node.inputs) {
      const std::size_t missing = out.size() - shape(id).size();
      const bool absent = rows->axis < missing;
      const std::int64_t dim = absent ? 1 : shape(id)[rows->axis - missing];
      if (inner(id) == kSame && dim != 1) return mixes("has another constant for each row");
    }
    return rows->below * stride_of(out, rows->axis);
  }

  std::int64_t reduce(const Node& node, const ReduceAttrs& attrs) {
    const std::optional<RowAxis> rows = axis_of(node.inputs[0]);
    const auto first = static_cast<std::size_t>(attrs.first_axis);
    const auto end = static_cast<std::size_t>(attrs.end_axis);
    if (!rows || (rows->axis >= first && rows->axis < end))
      return mixes("computes along the rows of the batch");
    if (rows->axis >= end || attrs.fn == ReduceFn::kSoftmax) return inner(node.inputs[0]);
    return inner(node.inputs[0]) / extent(shape(node.inputs[0]), first, end);
  }

  // Of the host's functions those that work along one dimension, or pick from the same table for
  // all rows, keep rows apart.
  std::int64_t host(const Node& node, const HostAttrs& attrs, const Shape& out) {
    const std::string how = "computes over all rows together";
    const auto has_rows = [&](ValueId id) { return inner(id) != kSame; };
    const ValueId rowed = *std::ranges::find_if(node.inputs, has_rows);
    const std::optional<RowAxis> rows = axis_of(rowed);
    if (std::ranges::count_if(node.inputs, has_rows) != 1 || !rows || attrs.numbers.empty())
      return mixes(how);
    const auto axis = static_cast<std::size_t>(std::max<std::int64_t>(0, attrs.numbers[0]));
    const bool first = rowed == node.inputs[0];
    const auto at = [&](std::size_t d) { return rows->below * stride_of(out, d); };
    switch (attrs.fn) {
      case HostFn::kTopK:
      case HostFn::kCumSum:
        return rows->axis == axis ? mixes(how) : at(rows->axis);
      case HostFn::kGather:
        if (!first) return at(axis + rows->axis);
        if (rows->axis == axis) return mixes(how);
        return at(rows->axis < axis ? rows->axis : rows->axis + shape(node.inputs[1]).size() - 1);
      case HostFn::kOneHot:
        if (!first) return mixes(how);
        return at(rows->axis < axis ? rows->axis : rows->axis + 1);
      default:
        return mixes(how);
    }
  }

  std::int64_t quantise(ValueId x, const Quant& quant) {
    if (quant.per_tensor()) return inner(x);
    const std::optional<RowAxis> rows = axis_of(x);
    const bool apart = rows && rows->axis != static_cast<std::size_t>(quant.axis);
    return apart ? inner(x) : mixes("has another scale for each row");
  }

  std::int64_t move(const Node& node, const MoveAttrs& attrs, const Shape& out) {
    if (attrs.fn == MoveFn::kReshape) return inner(node.inputs[0]);
    std::optional<RowAxis> rows;
    for (ValueId id : node.inputs) {
      const std::optional<RowAxis> own = inner(id) == kSame ? std::nullopt : axis_of(id);
      const bool fits = own && (!rows || (own->axis == rows->axis && own->below == rows->below));
      if (!fits) return mixes("puts rows beside other elements");
      rows = own;
    }
    const auto axis = static_cast<std::int64_t>(rows->axis);
    switch (attrs.fn) {
      case MoveFn::kTranspose: {
        const auto to = std::find(attrs.permutation.begin(), attrs.permutation.end(), axis);
        const auto at = static_cast<std::size_t>(to - attrs.permutation.begin());
        return rows->below * stride_of(out, at);
      }
      case MoveFn::kConcat:
        if (attrs.axis == axis) return mixes("appends rows to rows");
        break;
      case MoveFn::kPad:
        if (attrs.pads[rows->axis] != 0 || attrs.pads[rows->axis + out.size()] != 0)
          return mixes("adds or cuts off rows");
        break;
      case MoveFn::kReshape:
        break;
    }
    return rows->below * stride_of(out, rows->axis);
  }

  const Graph& graph_;
  std::int64_t rows_;
  std::vector<std::int64_t> inner_;  // by value: elements between one row and the next, or kSame
  std::string how_;                  // of the node at hand, if it mixes rows
};

}  // namespace

namespace {

// By output of the graph.
std::vector<bool> dependent_outputs(const Graph& graph, const std::vector<bool>& inputs) {
  std::vector<bool> depends(graph.values.size());
  const auto at = [](ValueId id) { return static_cast<std::size_t>(id); };
  for (std::size_t i = 0; i < inputs.size(); ++i) depends[at(graph.inputs[i])] = inputs[i];
  for (const Node& node : graph.nodes) {
    const bool any = std::any_of(node.inputs.begin(), node.inputs.end(),
                                 [&](ValueId id) { return id != kNoValue && depends[at(id)]; });
    for (ValueId id : node.outputs) depends[at(id)] = any;
  }
  std::vector<bool> outputs;
  for (ValueId id : graph.outputs) outputs.push_back(depends[at(id)]);
  return outputs;
}

}  // namespace

Batch batch_of(const Graph& graph) {
  Batch batch;
  batch.inputs.assign(graph.inputs.size(), false);
  batch.outputs.assign(graph.outputs.size(), false);
  if (graph.inputs.empty() || graph.value(graph.inputs[0]).shape.empty()) return batch;
  const std::int64_t rows = graph.value(graph.inputs[0]).shape[0];
  for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
    const Shape& shape = graph.value(graph.inputs[i]).shape;
    batch.inputs[i] = !shape.empty() && shape[0] == rows;
  }
  batch.rows = std::max<std::int64_t>(1, rows);
  batch.outputs = dependent_outputs(graph, batch.inputs);
  if (rows < 2) return batch;
  batch.mixer = RowWalk(graph, rows).run(batch.inputs);
  if (!batch.mixer) return batch;
  batch.rows = 1;
  batch.inputs.assign(graph.inputs.size(), false);
  batch.outputs.assign(graph.outputs.size(), false);
  return batch;
}

}  // namespace systole::compiler
