// Pass fuse_quantised: pattern matching from each float matmul outwards.
//
// Upwards: x and w must come from dequantise nodes, w's of a constant, scales per tensor or per
// column. Downwards: a bias addition, one relu or clip, and a quantise, each the only user of the
// one before. Relu and clip become the saturation limits [lo, hi]: quantising is monotone, so
// clamping before or after it gives the same integers. This matches ONNX Runtime's QDQ fusion into
// QGemm.
#include "compiler/passes/fuse_quantised.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numerics.h"
#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

struct IntegerRange {
  std::int32_t lo, hi;
};

IntegerRange range_of(DType type) {
  switch (type) {
    case DType::kUint8:
      return {0, 255};
    case DType::kInt8:
      return {-128, 127};
    case DType::kInt16:
      return {-32768, 32767};
    default:
      return {0, 65535};
  }
}

bool is_byte(DType type) { return type == DType::kUint8 || type == DType::kInt8; }

// A float value that is a dequantised integer value.
struct Dequantised {
  ValueId integer = kNoValue;
  Quant quant;
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), uses_(graph) {}

  void run() {
    const std::size_t count = graph_.nodes.size();
    for (std::size_t n = 0; n < count; ++n) {
      if (graph_.nodes[n].kind == OpKind::kMatmul && !attrs(n).x_quant) try_fuse(n);
    }
    graph_.nodes = std::move(rebuilt());
    eliminate_dead(graph_);
  }

 private:
  // What a fused matmul absorbed below it.
  struct Tail {
    ValueId value = kNoValue;  // the last value of the chain
    ValueId added = kNoValue;  // a bias that was a separate addition
    float clip_lo = -std::numeric_limits<float>::infinity();
    float clip_hi = std::numeric_limits<float>::infinity();
    std::optional<Quant> output;  // absent: the chain does not end in a quantise
  };

  MatmulAttrs& attrs(std::size_t node) { return std::get<MatmulAttrs>(graph_.nodes[node].attrs); }

  std::optional<Dequantised> dequantised(ValueId id) const {
    const int producer = id == kNoValue ? -1 : uses_.producer(id);
    if (producer < 0) return std::nullopt;
    const Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
    if (node.kind != OpKind::kDequantise) return std::nullopt;
    return Dequantised{node.inputs[0], std::get<QuantAttrs>(node.attrs).quant};
  }

  void try_fuse(std::size_t n) {
    const Node& node = graph_.nodes[n];
    const auto x = dequantised(node.inputs[0]);
    const auto w = dequantised(node.inputs[1]);
    if (!x || !w || !x->quant.per_tensor() || !is_byte(graph_.value(x->integer).type)) return;
    const Value& weights = graph_.value(w->integer);
    const auto rank = static_cast<std::int64_t>(weights.shape.size());
    const bool known = weights.constant || graph_.structure_only;
    if (!known || !is_byte(weights.type) || rank != 2) return;
    if (!w->quant.per_tensor() && w->quant.axis != 1) return;
    Tail tail = follow(node.outputs[0]);
    const ValueId bias_in = node.inputs.size() > 2 ? node.inputs[2] : kNoValue;
    if (bias_in != kNoValue && tail.added != kNoValue) return;
    const auto bias = integer_bias(n, bias_in != kNoValue ? bias_in : tail.added, *x, *w);
    if (!bias) return;
    rewrite(n, *x, *w, *bias, tail);
  }

  // Walks down while each value has one user: add constant, relu or clip, quantise.
  Tail follow(ValueId start) const {
    Tail tail;
    tail.value = start;
    Tail best = tail;  // the longest prefix that ends well: in a quantise, or before any clamping
    for (;;) {
      if (!uses_.single_use(tail.value)) return best;
      const Node& user = graph_.nodes[static_cast<std::size_t>(uses_.users(tail.value)[0])];
      if (!absorb(user, tail)) return best;
      tail.value = user.outputs[0];
      const bool clamped = std::isfinite(tail.clip_lo) || std::isfinite(tail.clip_hi);
      if (tail.output || !clamped) best = tail;
      if (tail.output) return best;
    }
  }

  bool absorb(const Node& user, Tail& tail) const {
    const bool clamped = std::isfinite(tail.clip_lo) || std::isfinite(tail.clip_hi);
    if (user.kind == OpKind::kZip && !clamped && tail.added == kNoValue)
      return absorb_bias(user, tail);
    if (user.kind == OpKind::kMap && !clamped) {
      const auto& map = std::get<MapAttrs>(user.attrs);
      if (map.fn != MapFn::kRelu && map.fn != MapFn::kClip) return false;
      tail.clip_lo = map.fn == MapFn::kRelu ? 0.0F : map.lo;
      if (map.fn == MapFn::kClip) tail.clip_hi = map.hi;
      return true;
    }
    if (user.kind != OpKind::kQuantise) return false;
    const Quant& quant = std::get<QuantAttrs>(user.attrs).quant;
    if (!quant.per_tensor() || !is_byte(graph_.value(user.outputs[0]).type)) return false;
    tail.output = quant;
    tail.output->type = graph_.value(user.outputs[0]).type;
    return true;
  }

  bool absorb_bias(const Node& add, Tail& tail) const {
    if (std::get<ZipAttrs>(add.attrs).fn != ZipFn::kAdd) return false;
    const ValueId other = add.inputs[0] == tail.value ? add.inputs[1] : add.inputs[0];
    const Shape& shape = graph_.value(other).shape;
    const std::int64_t columns = graph_.value(tail.value).shape.back();
    const auto dequant = dequantised(other);
    const bool constant =
        graph_.value(other).constant || (dequant && graph_.value(dequant->integer).constant);
    if (!constant || shape.empty() || shape.back() != columns || element_count(shape) != columns)
      return false;
    tail.added = other;
    return true;
  }

  // The bias as an int32 constant at scale alpha * xs * ws[c]; nullopt if it is not a constant [N].
  // kNoValue inside stands for "no bias".
  std::optional<ValueId> integer_bias(std::size_t n, ValueId id, const Dequantised& x,
                                      const Dequantised& w) {
    if (id == kNoValue) return kNoValue;
    const MatmulAttrs& matmul = attrs(n);
    const auto dequant = dequantised(id);
    const Value& source = graph_.value(dequant ? dequant->integer : id);
    if (!source.constant)
      return graph_.structure_only ? std::optional<ValueId>(kNoValue) : std::nullopt;
    const std::int64_t columns = graph_.value(w.integer).shape[1];
    if (element_count(source.shape) != columns) return std::nullopt;
    Tensor result(DType::kInt32, {columns});
    for (std::int64_t c = 0; c < columns; ++c) {
      const float scale = matmul.alpha * x.quant.scales[0] * column(w.quant.scales, c);
      const auto i = static_cast<std::size_t>(c);
      if (dequant && source.type == DType::kInt32) {
        const std::int32_t raw =
            source.constant->as<std::int32_t>()[i] - column(dequant->quant.zero_points, c);
        const float given = column(dequant->quant.scales, c);
        const bool exact = given == scale && matmul.beta == 1.0F;
        result.as<std::int32_t>()[i] =
            exact ? raw : rescaled(static_cast<double>(raw) * given * matmul.beta, scale);
      } else if (!dequant && source.type == DType::kFloat32) {
        result.as<std::int32_t>()[i] =
            rescaled(double{source.constant->as<float>()[i]} * matmul.beta, scale);
      } else {
        return std::nullopt;
      }
    }
    return graph_.add_value(
        Value{graph_.value(id).name + "_int32", DType::kInt32, {columns}, std::move(result)});
  }

  static std::int32_t rescaled(double value, float scale) {
    const double steps = std::nearbyint(value / double{scale});
    return static_cast<std::int32_t>(std::clamp(steps, -2147483648.0, 2147483647.0));
  }

  template <typename T>
  static T column(const std::vector<T>& values, std::int64_t c) {
    return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(c)];
  }

  void rewrite(std::size_t n, const Dequantised& x, const Dequantised& w, ValueId bias,
               const Tail& tail) {
    Node fused = graph_.nodes[n];
    auto& a = std::get<MatmulAttrs>(fused.attrs);
    a.x_quant = x.quant;
    a.w_quant = w.quant;
    a.x_quant->type = graph_.value(x.integer).type;
    a.w_quant->type = graph_.value(w.integer).type;
    a.beta = 1.0F;
    fused.inputs = {x.integer, w.integer};
    if (bias != kNoValue) fused.inputs.push_back(bias);
    if (tail.output) {
      a.output = tail.output;
      const IntegerRange range = range_of(tail.output->type);
      const auto limit = [&](float v) {
        return quantise(v, tail.output->scales[0], tail.output->zero_points[0], range.lo, range.hi);
      };
      a.lo = std::isfinite(tail.clip_lo) ? limit(tail.clip_lo) : range.lo;
      a.hi = std::isfinite(tail.clip_hi) ? limit(tail.clip_hi) : range.hi;
      fused.outputs = {tail.value};
    } else {
      fused.outputs = {graph_.add_value(
          Value{fused.name + "_int32", DType::kInt32, graph_.value(tail.value).shape, {}})};
      extra_.push_back(dequantise_result(fused, a, tail.value));
    }
    replaced_.emplace_back(tail.value, std::move(fused));
  }

  // float(acc) * (alpha * xs * ws[c]) as a dequantise node of the int32 result.
  Node dequantise_result(const Node& fused, const MatmulAttrs& a, ValueId to) const {
    Quant quant;
    quant.type = DType::kInt32;
    quant.axis = static_cast<std::int64_t>(graph_.value(to).shape.size()) - 1;
    for (float w_scale : a.w_quant->scales)
      quant.scales.push_back(a.alpha * a.x_quant->scales[0] * w_scale);
    quant.zero_points.assign(quant.scales.size(), 0);
    return Node{OpKind::kDequantise, fused.name + "_dequantise", fused.origin, fused.outputs, {to},
                QuantAttrs{quant}};
  }

  // Each chain is replaced where it ended, so that order still holds.
  std::vector<Node> rebuilt() {
    std::vector<Node> nodes;
    for (Node& node : graph_.nodes) {
      const auto hit = std::find_if(replaced_.begin(), replaced_.end(),
                                    [&](const auto& r) { return r.first == node.outputs[0]; });
      if (hit == replaced_.end()) {
        nodes.push_back(std::move(node));
        continue;
      }
      nodes.push_back(hit->second);
      for (const Node& extra : extra_) {
        if (extra.outputs[0] == hit->first) nodes.push_back(extra);
      }
    }
    return nodes;
  }

  Graph& graph_;
  UseMap uses_;
  std::vector<std::pair<ValueId, Node>> replaced_;  // end of chain -> fused matmul
  std::vector<Node> extra_;                         // dequantise nodes after int32 matmuls
};

}  // namespace

Graph fuse_quantised(Graph graph) {
  Fuser(graph).run();
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
