// Pass fuse_products: pattern matching from each float matmul and conv outwards.
//
// Upwards: x and w must come from dequantise nodes, w's of a constant, scales per tensor or per
// column (filter). Downwards: a bias addition, one relu or clip, and a quantise, each the only user
// of the one before; before them, additions of further matmuls of the same quantisations, whose
// products are then summed as integers. Relu and clip become the saturation limits [lo, hi]
// (clamp.h). This matches ONNX Runtime's QDQ fusion into QGemm and QLinearConv.
#include "compiler/passes/fuse_products.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "base/numerics.h"
#include "compiler/passes/clamp.h"
#include "compiler/passes/graph_edit.h"

namespace systole::compiler {
namespace {

bool is_short(DType type) { return type != DType::kFloat32 && dtype_bytes(type) <= 2; }

// A float value that is a dequantised integer value.
struct Dequantised {
  ValueId integer = kNoValue;
  Quant quant;
};

class Fuser {
 public:
  // Products that `keep` (if given) does not want stay as they are.
  Fuser(Graph& graph, const std::function<bool(const Node&)>& keep)
      : graph_(graph), keep_(keep), uses_(graph) {}

  void run() {
    const std::size_t count = graph_.nodes.size();
    for (std::size_t n = 0; n < count; ++n) {
      const ProductQuants* product = quants(graph_.nodes[n]);
      if (product != nullptr && !product->x_quant && !taken_.contains(n)) try_fuse(n);
    }
    graph_.nodes = std::move(rebuilt());
    eliminate_dead(graph_);
  }

 private:
  // What a fused matmul absorbed below it.
  struct Tail {
    ValueId value = kNoValue;        // the last value of the chain
    std::vector<std::size_t> terms;  // further products that were added: their nodes
    ValueId added = kNoValue;        // a bias that was a separate addition
    std::optional<Clamp> clamp;
    std::optional<Quant> output;  // absent: the chain does not end in a quantise
  };

  // What matmul and conv share; null for other nodes.
  static ProductQuants* quants(Node& node) {
    if (auto* matmul = std::get_if<MatmulAttrs>(&node.attrs)) return matmul;
    return std::get_if<ConvAttrs>(&node.attrs);
  }

  // Along which dimension the columns (filters) are: of the weights, and of the result counted from
  // its end.
  struct ColumnAxes {
    std::size_t weights, from_end;
  };
  static ColumnAxes column_axes(const Node& node) {
    return node.kind == OpKind::kMatmul ? ColumnAxes{1, 1} : ColumnAxes{0, 3};
  }

  static float alpha(const Node& node) {
    const auto* matmul = std::get_if<MatmulAttrs>(&node.attrs);
    return matmul == nullptr ? 1.0F : matmul->alpha;
  }
  static float beta(const Node& node) {
    const auto* matmul = std::get_if<MatmulAttrs>(&node.attrs);
    return matmul == nullptr ? 1.0F : matmul->beta;
  }

  std::optional<Dequantised> dequantised(ValueId id) const {
    const int producer = id == kNoValue ? -1 : uses_.producer(id);
    if (producer < 0) return std::nullopt;
    const Node& node = graph_.nodes[static_cast<std::size_t>(producer)];
    if (node.kind != OpKind::kDequantise) return std::nullopt;
    return Dequantised{node.inputs[0], std::get<QuantAttrs>(node.attrs).quant};
  }

  // Whether it is a constant, perhaps one whose values were not read.
  [[nodiscard]] bool is_known(ValueId id) const {
    const bool absent = graph_.structure_only && uses_.producer(id) < 0;
    return absent || graph_.value(id).constant.has_value();
  }

  void try_fuse(std::size_t n) {
    const Node& node = graph_.nodes[n];
    const auto x = dequantised(node.inputs[0]);
    const auto w = dequantised(node.inputs[1]);
    if (!x || !w || !x->quant.per_tensor() || !is_short(graph_.value(x->integer).type)) return;
    const Value& weights = graph_.value(w->integer);
    const bool known = is_known(w->integer);
    const auto axis = static_cast<std::int64_t>(column_axes(node).weights);
    if (!known || !is_short(weights.type)) return;
    if (!w->quant.per_tensor() && w->quant.axis != axis) return;
    if ((x->quant.type == DType::kBfloat16) != (w->quant.type == DType::kBfloat16)) return;
    Tail tail = follow(node, *x, *w);
    const ValueId bias_in = node.inputs.size() > 2 ? node.inputs[2] : kNoValue;
    if (bias_in != kNoValue && tail.added != kNoValue) return;
    const auto bias = integer_bias(n, bias_in != kNoValue ? bias_in : tail.added, *x, *w);
    if (!bias) return;
    rewrite(n, *x, *w, *bias, tail);
  }

  // Walks down while each value has one user: add products, add constant, relu or clip, quantise.
  Tail follow(const Node& product, const Dequantised& x, const Dequantised& w) const {
    Tail tail;
    tail.value = product.outputs[0];
    Tail best = tail;  // the longest prefix that ends well: in a quantise, or before any clamping
    for (;;) {
      if (!uses_.single_use(tail.value)) return best;
      const Node& user = graph_.nodes[static_cast<std::size_t>(uses_.users(tail.value)[0])];
      const bool sum = bias_of(product) == kNoValue && absorb_term(user, {product, x, w}, tail);
      if (!sum && !absorb(user, column_axes(product).from_end, tail)) return best;
      tail.value = user.outputs[0];
      if (tail.output || !tail.clamp) best = tail;
      if (tail.output) return best;
    }
  }

  bool absorb(const Node& user, std::size_t column_from_end, Tail& tail) const {
    if (user.kind == OpKind::kZip && !tail.clamp && tail.added == kNoValue)
      return absorb_bias(user, column_from_end, tail);
    if (user.kind == OpKind::kMap && !tail.clamp) {
      tail.clamp = Clamp::of(std::get<MapAttrs>(user.attrs));
      return tail.clamp.has_value();
    }
    if (user.kind != OpKind::kQuantise) return false;
    const Quant& quant = std::get<QuantAttrs>(user.attrs).quant;
    if (!quant.per_tensor() || !is_short(graph_.value(user.outputs[0]).type)) return false;
    if (tail.clamp && !tail.clamp->has_steps(quant)) return false;
    tail.output = quant;
    tail.output->type = graph_.value(user.outputs[0]).type;
    return true;
  }

  // A product and where its operands come from.
  struct Term {
    const Node& node;
    const Dequantised& x;
    const Dequantised& w;
  };

  // The addition of another matmul like `first` that has no bias and no other user.
  bool absorb_term(const Node& add, const Term& first, Tail& tail) const {
    const auto* zip = std::get_if<ZipAttrs>(&add.attrs);
    if (zip == nullptr || zip->fn != ZipFn::kAdd || tail.clamp || tail.added != kNoValue)
      return false;
    const ValueId other = add.inputs[0] == tail.value ? add.inputs[1] : add.inputs[0];
    const int producer = uses_.producer(other);
    if (other == tail.value || producer < 0 || !uses_.single_use(other)) return false;
    const auto n = static_cast<std::size_t>(producer);
    const Node& node = graph_.nodes[n];
    if (node.kind != OpKind::kMatmul || first.node.kind != OpKind::kMatmul || taken_.contains(n))
      return false;
    const auto x = dequantised(node.inputs[0]);
    const auto w = dequantised(node.inputs[1]);
    const bool known = w && is_known(w->integer);
    const bool computed = x && !graph_.value(x->integer).constant;
    const bool fits = computed && known && node.inputs.size() == 2 &&
                      first.x.quant.type != DType::kBfloat16 && alpha(node) == alpha(first.node) &&
                      same(*x, first.x) && same(*w, first.w) &&
                      graph_.value(other).shape == graph_.value(tail.value).shape;
    if (fits) tail.terms.push_back(n);
    return fits;
  }

  [[nodiscard]] bool same(const Dequantised& a, const Dequantised& b) const {
    return a.quant.scales == b.quant.scales && a.quant.zero_points == b.quant.zero_points &&
           (a.quant.per_tensor() || a.quant.axis == b.quant.axis) &&
           graph_.value(a.integer).type == graph_.value(b.integer).type;
  }

  bool absorb_bias(const Node& add, std::size_t column_from_end, Tail& tail) const {
    if (std::get<ZipAttrs>(add.attrs).fn != ZipFn::kAdd) return false;
    const ValueId other = add.inputs[0] == tail.value ? add.inputs[1] : add.inputs[0];
    const Shape& shape = graph_.value(other).shape;
    const Shape& result = graph_.value(tail.value).shape;
    if (shape.size() < column_from_end || shape.size() > result.size()) return false;
    const std::int64_t columns = result[result.size() - column_from_end];
    const auto dequant = dequantised(other);
    const bool constant =
        graph_.value(other).constant || (dequant && graph_.value(dequant->integer).constant);
    const bool along_columns = shape[shape.size() - column_from_end] == columns;
    if (!constant || !along_columns || element_count(shape) != columns) return false;
    tail.added = other;
    return true;
  }

  // The bias as an int32 constant at scale alpha * xs * ws[c]; nullopt if it is not a constant [N]
  // or has no such form. kNoValue inside stands for "no bias".
  std::optional<ValueId> integer_bias(std::size_t n, ValueId id, const Dequantised& x,
                                      const Dequantised& w) {
    if (id == kNoValue) return kNoValue;
    const Node& product = graph_.nodes[n];
    const auto dequant = dequantised(id);
    const Value& source = graph_.value(dequant ? dequant->integer : id);
    if (!source.constant)
      return graph_.structure_only ? std::optional<ValueId>(kNoValue) : std::nullopt;
    const std::int64_t columns = graph_.value(w.integer).shape[column_axes(product).weights];
    if (element_count(source.shape) != columns) return std::nullopt;
    if (x.quant.type == DType::kBfloat16) return float_bias(product, id, columns);
    Tensor result(DType::kInt32, {columns});
    for (std::int64_t c = 0; c < columns; ++c) {
      const float scale = alpha(product) * x.quant.scales[0] * column(w.quant.scales, c);
      const auto i = static_cast<std::size_t>(c);
      std::optional<std::int32_t> steps;
      if (dequant && source.type == DType::kInt32) {
        const std::int32_t raw =
            source.constant->as<std::int32_t>()[i] - column(dequant->quant.zero_points, c);
        const float given = column(dequant->quant.scales, c);
        const bool exact = given == scale && beta(product) == 1.0F;
        const double real = static_cast<double>(raw) * given * beta(product);
        steps = exact ? raw : rescaled(real, scale);
      } else if (!dequant && source.type == DType::kFloat32) {
        steps = rescaled(double{source.constant->as<float>()[i]} * beta(product), scale);
      }
      if (!steps) return std::nullopt;
      result.as<std::int32_t>()[i] = *steps;
    }
    return graph_.add_value(
        Value{graph_.value(id).name + "_int32", DType::kInt32, {columns}, std::move(result)});
  }

  // beta * bias [N]; nothing unless it is a float32 constant.
  std::optional<ValueId> float_bias(const Node& product, ValueId id, std::int64_t columns) {
    const Value& source = graph_.value(id);
    if (source.type != DType::kFloat32 || alpha(product) != 1.0F) return std::nullopt;
    Tensor result = *source.constant;
    result.shape = {columns};
    for (float& v : result.as<float>()) v *= beta(product);
    return graph_.add_value(
        Value{source.name + "_bias", DType::kFloat32, {columns}, std::move(result)});
  }

  // Nothing where no number of steps makes the value, as with a scale of 0.
  static std::optional<std::int32_t> rescaled(double value, float scale) {
    const double steps = value == 0.0 ? 0.0 : std::nearbyint(value / double{scale});
    if (!std::isfinite(steps)) return std::nullopt;
    return static_cast<std::int32_t>(std::clamp(steps, -2147483648.0, 2147483647.0));
  }

  template <typename T>
  static T column(const std::vector<T>& values, std::int64_t c) {
    return values.size() == 1 ? values[0] : values[static_cast<std::size_t>(c)];
  }

  void rewrite(std::size_t n, const Dequantised& x, const Dequantised& w, ValueId bias,
               const Tail& tail) {
    Node fused = graph_.nodes[n];
    ProductQuants& a = *quants(fused);
    a.x_quant = x.quant;
    a.w_quant = w.quant;
    a.x_quant->type = graph_.value(x.integer).type;
    a.w_quant->type = graph_.value(w.integer).type;
    if (auto* matmul = std::get_if<MatmulAttrs>(&fused.attrs)) matmul->beta = 1.0F;
    fused.inputs = {x.integer, w.integer};
    taken_.insert(n);
    for (const std::size_t term : tail.terms) {
      taken_.insert(term);
      for (ValueId id : graph_.nodes[term].inputs) fused.inputs.push_back(dequantised(id)->integer);
    }
    if (bias != kNoValue) fused.inputs.push_back(bias);
    if (tail.output) {
      a.output = tail.output;
      const IntegerRange range = tail.clamp.value_or(Clamp{}).steps(*tail.output);
      a.lo = range.lo;
      a.hi = range.hi;
      fused.outputs = {tail.value};
    } else if (a.x_quant->type == DType::kBfloat16) {
      fused.outputs = {tail.value};  // float32, as the model has it
    } else {
      fused.outputs = {graph_.add_value(
          Value{fused.name + "_int32", DType::kInt32, graph_.value(tail.value).shape, {}})};
    }
    if (keep_ && !keep_(fused)) return;
    std::vector<Node>& made = replaced_[tail.value];
    made.push_back(fused);
    const bool float_sums = a.x_quant->type == DType::kBfloat16;
    if (!tail.output && !float_sums)
      made.push_back(dequantise_result(fused, *quants(fused), tail.value));
  }

  // float(acc) * (alpha * xs * ws[c]) as a dequantise node of the int32 result.
  Node dequantise_result(const Node& fused, const ProductQuants& a, ValueId to) const {
    Quant quant;
    quant.type = DType::kInt32;
    quant.axis =
        static_cast<std::int64_t>(graph_.value(to).shape.size() - column_axes(fused).from_end);
    for (float w_scale : a.w_quant->scales)
      quant.scales.push_back(alpha(fused) * a.x_quant->scales[0] * w_scale);
    quant.zero_points.assign(quant.scales.size(), 0);
    return Node{OpKind::kDequantise, fused.name + "_dequantise", fused.origin, fused.outputs, {to},
                QuantAttrs{quant}};
  }

  // Each chain is replaced where it ended, so that order still holds.
  std::vector<Node> rebuilt() {
    std::vector<Node> nodes;
    for (Node& node : graph_.nodes) {
      const auto found = replaced_.find(node.outputs[0]);
      if (found == replaced_.end()) {
        nodes.push_back(std::move(node));
      } else {
        std::move(found->second.begin(), found->second.end(), std::back_inserter(nodes));
      }
    }
    return nodes;
  }

  Graph& graph_;
  const std::function<bool(const Node&)>& keep_;
  UseMap uses_;
  std::set<std::size_t> taken_;                    // nodes that are fused
  std::map<ValueId, std::vector<Node>> replaced_;  // end of chain -> what makes it now
};

}  // namespace

Graph fuse_products(Graph graph, const std::function<bool(const Node&)>& keep) {
  Fuser(graph, keep).run();
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
