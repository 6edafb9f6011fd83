// Node by node in the graph's order. Values keep their numbers where they keep their meaning.
#include "compare/targets/cpu/float_twin.h"

#include <algorithm>
#include <limits>
#include <map>

namespace systole::compare {
namespace {

using compiler::Graph;
using compiler::Node;
using compiler::OpKind;
using compiler::Quant;
using compiler::Value;
using compiler::ValueId;

// The scale and zero point of an element: `inner` elements share an index of the quantised axis.
struct ByAxis {
  const Quant& quant;
  std::int64_t inner = 1, extent = 1;

  ByAxis(const Quant& q, const Shape& shape) : quant(q) {
    if (q.per_tensor() || shape.empty()) return;
    const auto axis = static_cast<std::size_t>(q.axis);
    extent = shape.at(axis);
    for (std::size_t d = axis + 1; d < shape.size(); ++d) inner *= shape[d];
  }
  [[nodiscard]] std::size_t at(std::int64_t i) const {
    return quant.per_tensor() ? 0 : static_cast<std::size_t>(i / inner % extent);
  }
};

template <typename T>
Tensor dequantised(const Tensor& from, const Quant& quant) {
  Tensor result(DType::kFloat32, from.shape);
  const ByAxis by(quant, from.shape);
  const auto in = from.as<T>();
  const auto out = result.as<float>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t c = by.at(static_cast<std::int64_t>(i));
    const std::int32_t zero = quant.zero_points[quant.zero_points.size() == 1 ? 0 : c];
    out[i] = static_cast<float>(static_cast<std::int32_t>(in[i]) - zero) * quant.scales[c];
  }
  return result;
}

Tensor dequantised_any(const Tensor& from, const Quant& quant, const std::string& where) {
  switch (from.type) {
    case DType::kUint8:
      return dequantised<std::uint8_t>(from, quant);
    case DType::kInt8:
      return dequantised<std::int8_t>(from, quant);
    case DType::kUint16:
      return dequantised<std::uint16_t>(from, quant);
    case DType::kInt16:
      return dequantised<std::int16_t>(from, quant);
    case DType::kInt32:
      return dequantised<std::int32_t>(from, quant);
    default:
      throw InputError(where, fmt::format("{} elements", dtype_name(from.type)),
                       "integers of 8, 16 or 32 bits");
  }
}

class Twin {
 public:
  explicit Twin(const Graph& graph) : from_(graph) {
    to_.name = graph.name;
    to_.hash = graph.hash;
    to_.structure_only = graph.structure_only;
    input_quants_.resize(graph.inputs.size());
  }

  FloatTwin make() {
    for (const ValueId id : from_.inputs) to_.inputs.push_back(floating(id));
    for (const Node& node : from_.nodes) add(node);
    for (const ValueId id : from_.outputs) to_.outputs.push_back(floating(id));
    compiler::verify(to_);
    return {std::move(to_), std::move(input_quants_)};
  }

 private:
  void add(const Node& node);
  template <typename Attrs>
  void add_product(const Node& node, Attrs attrs, float alpha);
  void add_plain(const Node& node, compiler::Attrs attrs, const std::optional<Quant>& output,
                 std::int32_t lo, std::int32_t hi);

  // The twin of a value that is no quantised constant.
  ValueId floating(ValueId id) {
    const auto found = twin_.find(id);
    if (found != twin_.end()) return found->second;
    Value v = from_.value(id);
    if (!v.constant) v.type = DType::kFloat32;
    return twin_[id] = to_.add_value(std::move(v));
  }
  ValueId constant(const std::string& name, Tensor tensor) {
    const Shape shape = tensor.shape;
    return to_.add_value({name, DType::kFloat32, shape, std::move(tensor)});
  }
  // The twin of an operand that `quant` describes.
  ValueId operand(ValueId id, const Quant& quant) {
    const Value& v = from_.value(id);
    if (v.constant) return constant(v.name, real(*v.constant, quant, v.name));
    const auto input = std::ranges::find(from_.inputs, id);
    if (input != from_.inputs.end() && v.type != DType::kFloat32) {
      input_quants_[static_cast<std::size_t>(input - from_.inputs.begin())] = quant;
    }
    return floating(id);
  }
  [[nodiscard]] Tensor real(const Tensor& tensor, const Quant& quant,
                            const std::string& name) const {
    if (!to_.structure_only) return dequantised_any(tensor, quant, name);
    Tensor absent;
    absent.shape = tensor.shape;
    return absent;
  }
  // `value` clipped where the integers' range was: nothing if that is the type's own.
  void clip(const Node& node, ValueId value, const Quant& y, std::int32_t lo, std::int32_t hi);

  const Graph& from_;
  Graph to_;
  std::map<ValueId, ValueId> twin_;
  std::vector<std::optional<Quant>> input_quants_;
};

void Twin::add(const Node& node) {
  switch (node.kind) {
    case OpKind::kQuantise:
      twin_[node.outputs[0]] = floating(node.inputs[0]);
      return;
    case OpKind::kDequantise:
      twin_[node.outputs[0]] =
          operand(node.inputs[0], std::get<compiler::QuantAttrs>(node.attrs).quant);
      return;
    case OpKind::kMatmul: {
      const auto& attrs = std::get<compiler::MatmulAttrs>(node.attrs);
      return add_product(node, attrs, attrs.alpha);
    }
    case OpKind::kConv:
      return add_product(node, std::get<compiler::ConvAttrs>(node.attrs), 1.0F);
    case OpKind::kZip: {
      const auto& zip = std::get<compiler::ZipAttrs>(node.attrs);
      if (!zip.output) break;
      operand(node.inputs[0], *zip.a_quant);
      operand(node.inputs[1], *zip.b_quant);
      return add_plain(node, compiler::ZipAttrs{.fn = zip.fn}, zip.output, zip.lo, zip.hi);
    }
    case OpKind::kPool: {
      compiler::PoolAttrs pool = std::get<compiler::PoolAttrs>(node.attrs);
      if (pool.x_quant) operand(node.inputs[0], *pool.x_quant);
      pool.x_quant = pool.output = std::nullopt;
      return add_plain(node, pool, std::nullopt, 0, 0);
    }
    case OpKind::kSelect:
    case OpKind::kCast:
      throw InputError(node.name, "a choice or a change of types", "an operator with a float form");
    case OpKind::kTable:
      throw InputError(node.name, "a look-up table", "an operator with a float form");
    case OpKind::kMap: {
      compiler::MapAttrs map = std::get<compiler::MapAttrs>(node.attrs);
      if (map.x_quant) operand(node.inputs[0], *map.x_quant);
      map.x_quant = map.output = std::nullopt;
      return add_plain(node, map, std::nullopt, 0, 0);
    }
    case OpKind::kReduce:
    case OpKind::kMove:
    case OpKind::kHost:
      break;
  }
  add_plain(node, node.attrs, std::nullopt, 0, 0);
}

void Twin::add_plain(const Node& node, compiler::Attrs attrs, const std::optional<Quant>& output,
                     std::int32_t lo, std::int32_t hi) {
  Node twin{node.kind, node.name, node.origin, {}, {}, std::move(attrs)};
  for (const ValueId id : node.inputs) twin.inputs.push_back(floating(id));
  const ValueId result = floating(node.outputs[0]);
  twin.outputs = {result};
  to_.nodes.push_back(std::move(twin));
  if (output) clip(node, result, *output, lo, hi);
}

template <typename Attrs>
void Twin::add_product(const Node& node, Attrs attrs, float alpha) {
  if (!attrs.x_quant) return add_plain(node, attrs, std::nullopt, 0, 0);
  if (!attrs.w_quant || !attrs.output) {
    throw InputError(node.name, "int32 sums", "a requantised or float product");
  }
  if (attrs.lookup || compiler::term_count(node) > 1) {
    throw InputError(node.name, "a look-up table or a sum of products", "one product's float form");
  }
  const Quant x = *attrs.x_quant, w = *attrs.w_quant, y = *attrs.output;
  Node twin{node.kind, node.name, node.origin, {}, {}, {}};
  twin.inputs = {operand(node.inputs[0], x), operand(node.inputs[1], w)};
  if (compiler::bias_of(node) != compiler::kNoValue) {
    Quant sums{{}, {0}, 0, DType::kInt32};
    for (const float scale : w.scales) sums.scales.push_back(alpha * x.scales[0] * scale);
    sums.zero_points.assign(sums.scales.size(), 0);
    twin.inputs.push_back(operand(node.inputs[2], sums));
  }
  const std::int32_t lo = attrs.lo, hi = attrs.hi;
  static_cast<compiler::ProductQuants&>(attrs) = {};
  twin.attrs = attrs;
  const ValueId result = floating(node.outputs[0]);
  twin.outputs = {result};
  to_.nodes.push_back(std::move(twin));
  clip(node, result, y, lo, hi);
}

void Twin::clip(const Node& node, ValueId value, const Quant& y, std::int32_t lo, std::int32_t hi) {
  const std::int32_t least = y.type == DType::kInt8 ? -128 : 0;
  const std::int32_t zero = y.zero_points[0];
  const bool rectified = lo == zero && lo >= least;
  if (!rectified && lo <= least) return;  // the range is the type's own
  compiler::MapAttrs map;
  if (rectified) {
    map.fn = compiler::MapFn::kRelu;
  } else {
    map.fn = compiler::MapFn::kClip;
    map.lo = static_cast<float>(lo - zero) * y.scales[0];
    map.hi = static_cast<float>(hi - zero) * y.scales[0];
  }
  Value v = to_.value(value);
  v.name += ".clipped";
  const ValueId clipped = to_.add_value(std::move(v));
  to_.nodes.push_back({OpKind::kMap, node.name + ".clip", node.origin, {value}, {clipped}, map});
  twin_[node.outputs[0]] = clipped;
}

}  // namespace

FloatTwin float_twin(const Graph& graph) { return Twin(graph).make(); }

Tensor dequantise_input(const Tensor& x, const Quant& quant) {
  return dequantised_any(x, quant, "input");
}

}  // namespace systole::compare
