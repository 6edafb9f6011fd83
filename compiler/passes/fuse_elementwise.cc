// Pass fuse_elementwise: from each quantise node upwards, through maps that nothing else reads, to
// a dequantise, a zip or an average pool.
//
// A table holds, for each byte, the written formula in float32 (sigmoid and tanh in float64), so it
// is exact whatever the functions are. One that changes nothing becomes a reshape, which is free.
#include "compiler/passes/fuse_elementwise.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/numerics.h"
#include "compiler/ir/elementwise.h"
#include "compiler/passes/clamp.h"
#include "compiler/passes/graph_edit.h"
#include "isa/insn.h"

namespace systole::compiler {
namespace {

constexpr std::size_t kMaxMaps = 64;

bool is_short(DType type) { return type != DType::kFloat32 && dtype_bytes(type) <= 2; }

// Whether the vector unit has the function.
bool is_vector_op(ZipFn fn) {
  using namespace isa::vector_op;  // NOLINT(google-build-using-namespace): names of the table
  constexpr std::int64_t kNoVectorOp = -1;
  switch (fn) {
#define SYSTOLE_ZIP(name, text, host_op, vector_op, ...) \
  case ZipFn::name:                                      \
    return (vector_op) != kNoVectorOp;
#include "isa/elementwise.def"
  }
  return false;  // no function is left
}

// An integer value with one scale. The vector unit takes none of 0, a table has any.
struct Source {
  ValueId integer = kNoValue;
  Quant quant;
  [[nodiscard]] bool has_steps() const { return quant.scales[0] > 0.0F; }
};

class Fuser {
 public:
  explicit Fuser(Graph& graph) : graph_(graph), uses_(graph) {}

  void run() {
    for (Node& node : graph_.nodes) {
      if (node.kind != OpKind::kQuantise) continue;
      const Quant& quant = std::get<QuantAttrs>(node.attrs).quant;
      if (quant.per_tensor() && is_short(quant.type)) try_fuse(node, quant);
    }
    eliminate_dead(graph_);
  }

 private:
  // Maps in the order in which they are applied to `source`; `named` is the node that the fused one
  // is called after.
  struct Chain {
    ValueId source = kNoValue;
    std::vector<MapAttrs> maps;
    const Node* named = nullptr;
  };

  const Node* producer(ValueId id) const {
    const int index = uses_.producer(id);
    return index < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(index)];
  }

  Chain chain_above(const Node& quantise) const {
    Chain chain{quantise.inputs[0], {}, &quantise};
    while (uses_.single_use(chain.source) && chain.maps.size() < kMaxMaps) {
      const Node* node = producer(chain.source);
      if (node == nullptr || node->kind != OpKind::kMap) break;
      chain.maps.push_back(std::get<MapAttrs>(node->attrs));
      chain.named = node;
      chain.source = node->inputs[0];
    }
    std::reverse(chain.maps.begin(), chain.maps.end());
    return chain;
  }

  std::optional<Source> dequantised(ValueId id) const {
    const Node* node = producer(id);
    if (node == nullptr || node->kind != OpKind::kDequantise) return std::nullopt;
    const Quant& quant = std::get<QuantAttrs>(node->attrs).quant;
    if (!quant.per_tensor() || !is_short(quant.type)) return std::nullopt;
    return Source{node->inputs[0], quant};
  }

  void try_fuse(Node& quantise, const Quant& output) const {
    const Chain chain = chain_above(quantise);
    const Node* above = producer(chain.source);
    std::optional<Node> fused;
    if (const auto x = dequantised(chain.source)) {
      fused = unary(chain, *x, output);
    } else if (above != nullptr && uses_.single_use(chain.source)) {
      if (above->kind == OpKind::kZip) fused = zip(*above, chain, output);
      if (above->kind == OpKind::kPool) fused = pool(*above, chain, output);
    }
    if (!fused) return;
    fused->outputs = quantise.outputs;
    quantise = std::move(*fused);
  }

  static Node node_like(const Node& source, OpKind kind, std::vector<ValueId> inputs, Attrs attrs) {
    return {kind, source.name, source.origin, std::move(inputs), {}, std::move(attrs)};
  }

  static std::optional<Node> unary(const Chain& chain, const Source& x, const Quant& output) {
    const bool bytes = dtype_bytes(x.quant.type) == 1 && dtype_bytes(output.type) == 1;
    const bool equal = x.quant.scales == output.scales && x.quant.type == output.type &&
                       x.quant.zero_points == output.zero_points;
    const bool changes_nothing =
        bytes ? is_identity(chain.maps, x.quant, output) : equal && chain.maps.empty();
    if (changes_nothing) return node_like(*chain.named, OpKind::kMove, {x.integer}, MoveAttrs{});
    if (bytes) {
      TableAttrs table{table_of(chain.maps, x.quant, output)};
      return node_like(*chain.named, OpKind::kTable, {x.integer}, std::move(table));
    }
    if (chain.maps.size() > 1 || !x.has_steps()) return std::nullopt;
    MapAttrs attrs{MapFn::kClip, std::numeric_limits<float>::lowest(),
                   std::numeric_limits<float>::max()};  // a change of quantisation only
    if (!chain.maps.empty()) attrs = chain.maps[0];
    const bool floats = x.quant.type == DType::kBfloat16 ||
                        output.type == DType::kBfloat16;  // which have no tables
    if (floats && !is_clamp(attrs, output)) return std::nullopt;
    attrs.x_quant = x.quant;
    attrs.output = output;
    return node_like(*chain.named, OpKind::kMap, {x.integer}, attrs);
  }

  static bool is_clamp(const MapAttrs& map, const Quant& output) {
    const std::optional<Clamp> clamp = Clamp::of(map);
    return clamp && clamp->has_steps(output);
  }

  static std::vector<std::uint8_t> table_of(const std::vector<MapAttrs>& maps, const Quant& x,
                                            const Quant& y) {
    const IntegerRange range = integer_range(y.type);
    std::vector<std::uint8_t> entries;
    for (int byte = 0; byte < 256; ++byte) {
      const int q = x.type == DType::kInt8 ? static_cast<std::int8_t>(byte) : byte;
      float v = static_cast<float>(q - x.zero_points[0]) * x.scales[0];
      for (const MapAttrs& map : maps) v = map_exact(map, v);
      entries.push_back(static_cast<std::uint8_t>(
          quantise(v, y.scales[0], y.zero_points[0], range.lo, range.hi)));
    }
    return entries;
  }

  static bool is_identity(const std::vector<MapAttrs>& maps, const Quant& x, const Quant& y) {
    if (x.type != y.type) return false;
    const std::vector<std::uint8_t> entries = table_of(maps, x, y);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i] != i) return false;
    }
    return true;
  }

  std::optional<Node> zip(const Node& above, const Chain& chain, const Quant& output) const {
    const auto a = dequantised(above.inputs[0]);
    const auto b = dequantised(above.inputs[1]);
    if (!a || !b || !a->has_steps() || !b->has_steps() || chain.maps.size() > 1)
      return std::nullopt;
    const ZipFn fn = std::get<ZipAttrs>(above.attrs).fn;
    if (output.type == DType::kBfloat16 && !fuses_floats(fn, {*a, *b}, chain)) return std::nullopt;
    if (a->quant.type == DType::kBfloat16 && output.type != a->quant.type) return std::nullopt;
    Clamp clamp;
    if (!chain.maps.empty()) {
      const std::optional<Clamp> found = Clamp::of(chain.maps[0]);
      if (!found || !found->has_steps(output)) return std::nullopt;
      clamp = *found;
    }
    ZipAttrs attrs = std::get<ZipAttrs>(above.attrs);
    attrs.a_quant = a->quant;
    attrs.b_quant = b->quant;
    attrs.output = output;
    attrs.lo = clamp.steps(output).lo;
    attrs.hi = clamp.steps(output).hi;
    return node_like(above, OpKind::kZip, {a->integer, b->integer}, attrs);
  }

  // Of bfloat16: what the vector unit computes; and what goes to the host, as it broadcasts, has no
  // limits.
  [[nodiscard]] bool fuses_floats(ZipFn fn, const std::array<Source, 2>& operands,
                                  const Chain& chain) const {
    const Shape& a = graph_.value(operands[0].integer).shape;
    const Shape& b = graph_.value(operands[1].integer).shape;
    const bool alike =
        operands[0].quant.type == DType::kBfloat16 && operands[1].quant.type == DType::kBfloat16;
    return alike && is_vector_op(fn) && (a == b || chain.maps.empty());
  }

  std::optional<Node> pool(const Node& above, const Chain& chain, const Quant& output) const {
    PoolAttrs attrs = std::get<PoolAttrs>(above.attrs);
    const auto x = dequantised(above.inputs[0]);
    const bool fits = attrs.fn == PoolFn::kAverage && x && x->has_steps() && chain.maps.empty();
    if (!fits) return std::nullopt;
    attrs.x_quant = x->quant;
    attrs.output = output;
    return node_like(above, OpKind::kPool, {x->integer}, attrs);
  }

  Graph& graph_;
  UseMap uses_;
};

}  // namespace

Graph fuse_elementwise(Graph graph) {
  Fuser(graph).run();
  verify(graph);
  return graph;
}

}  // namespace systole::compiler
