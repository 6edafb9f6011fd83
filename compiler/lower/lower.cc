// Lowering: place nodes, lay out memory, then emit the device segments between the host stages.
#include "compiler/lower/lower.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>

#include "base/diag.h"
#include "compiler/lower/host_plan.h"
#include "compiler/lower/host_step.h"
#include "compiler/lower/image.h"
#include "compiler/lower/phases.h"
#include "compiler/lower/place.h"
#include "compiler/lower/predict.h"
#include "compiler/lower/roll.h"
#include "compiler/lower/segment_code.h"
#include "compiler/lower/spill.h"

namespace systole::compiler {
namespace {

class Lowerer {
 public:
  Lowerer(const Graph& graph, const isa::Machine& machine, const CompileOptions& options,
          Schedule schedule, const std::set<std::size_t>& on_host = {})
      : graph_(graph),
        schedule_(schedule),
        unrolled_(options.unrolled),
        placement_(place(graph, machine, on_host)),
        host_(graph, placement_, addresses_, program_) {
    program_.model = graph.name;
    program_.model_hash = graph.hash;
    program_.machine = machine;
    program_.batch = leading_of(graph);
    program_.batches = options.batches;
    program_.has_values = !options.timing_only && !graph.structure_only;
  }

  // Whether one unit fits the unified buffer, all operations of a segment in one phase.
  bool fits_buffer() {
    make_layers();
    make_products();
    for (int segment = 0; segment < placement_.segments; ++segment) {
      if (!one_unit_fits(plan_segment(segment, true), program_)) return false;
    }
    return true;
  }

  // Makes layers, products and segments that fit. The first node that alone fits no unified buffer
  // and that the host can do, if there is one.
  std::optional<std::size_t> prepare() {
    make_layers();
    make_products();
    for (int segment = 0; segment < placement_.segments; ++segment) {
      const std::optional<std::size_t> large = spill(segment);
      if (large) return large;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::ptrdiff_t device_nodes() const {
    return std::ranges::count(placement_.where, Where::kDevice);
  }

  // Behind prepare().
  Compiled run() {
    const std::int64_t zero_rows = build_image(graph_, products_, addresses_, program_);
    make_tables();
    host_.build(layers_);
    emit_code(zero_rows);
    explain();
    return {std::move(program_), std::move(explanation_)};
  }

 private:
  // What jobs divide a batch by; whether it counts rows of data is the caller's to say.
  static std::int64_t leading_of(const Graph& graph) {
    if (graph.inputs.empty() || graph.value(graph.inputs[0]).shape.empty()) return 1;
    return std::max<std::int64_t>(1, graph.value(graph.inputs[0]).shape[0]);
  }

  void make_layers() {
    program_.layers.push_back({"(none)", "none", 0, 0});
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      layers_.push_back(0);
      if (placement_.where[n] == Where::kView) continue;
      layers_.back() = static_cast<std::int64_t>(program_.layers.size());
      const bool device = placement_.where[n] == Where::kDevice;
      program_.layers.push_back(
          {node.name, device ? std::string(op_name(node.kind)) : "host", 0, 0});
    }
  }

  // Every tensor on the device falls into as many equal parts, or has images of several units side
  // by side in a pixel; constants are the same for all.
  void set_units() {
    std::vector<std::int64_t> counts;  // of images
    bool single = false;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.where[n] != Where::kDevice) continue;
      const Node& node = graph_.nodes[n];
      const bool product = node.kind == OpKind::kMatmul || node.kind == OpKind::kConv;
      counts.push_back(placed_view(graph_, placement_, node, node.outputs[0]).images);
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        const ValueId id = node.inputs[i];
        if (id == kNoValue || (product && i > 0)) continue;
        const std::int64_t images = placed_view(graph_, placement_, node, id).images;
        const bool constant = graph_.value(id).constant.has_value();
        single = single || (constant && images > 1);
        if (!constant) counts.push_back(images);
      }
    }
    const std::int64_t packs =
        std::accumulate(counts.begin(), counts.end(), std::int64_t{0},
                        [](std::int64_t a, std::int64_t b) { return std::gcd(a, b); });
    const std::int64_t samples = packs * graph_.images_together;
    const bool apart = std::ranges::all_of(counts, [&](std::int64_t images) {
      return images % std::max<std::int64_t>(1, samples) == 0 || images == packs;
    });
    units_ = single ? 1 : std::max<std::int64_t>(1, apart ? samples : packs);
  }

  void make_products() {
    products_.clear();
    product_of_.clear();
    set_units();
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const Node& node = graph_.nodes[n];
      const bool product = node.kind == OpKind::kMatmul || node.kind == OpKind::kConv;
      if (placement_.where[n] != Where::kDevice || !product) continue;
      const bool whole = placement_.bands[static_cast<std::size_t>(placement_.stage[n])] == 1;
      products_.push_back(make_product(graph_, node, input_map(n, node.inputs[0]), program_.machine,
                                       {.fold = placement_.fold[n], .whole_images = whole}));
      product_of_[n] = products_.size() - 1;
      Product& p = products_.back();
      p.layer = layers_[n];
      program_.layers[static_cast<std::size_t>(p.layer)].macs = p.macs * program_.batches;
    }
  }

  // Cuts the segment in two if it has to be; the rest is looked at as the next one. Its first node
  // if not even that fits and the host can do it; where it cannot, choose_phases says so.
  std::optional<std::size_t> spill(int segment) {
    const SegmentPlan plan = plan_segment(segment, true);
    if (plan.ops.empty() || one_unit_fits(plan, program_)) return std::nullopt;
    const std::optional<SpillCut> cut = spill_cut(plan, program_);
    const std::vector<std::size_t> nodes = nodes_of(segment);
    if (!cut) {
      const Node& node = graph_.nodes[nodes.front()];
      const bool is_float = graph_.value(node.outputs[0]).type == DType::kFloat32;
      return host_step(node, is_float) ? std::optional(nodes.front()) : std::nullopt;
    }
    const auto first = nodes.begin() + static_cast<std::ptrdiff_t>(cut->operations);
    split_segment(placement_, segment, {first, nodes.end()}, cut->bands);
    make_products();
    return std::nullopt;
  }

  // How device node `n` finds input `id` in the unified buffer: as an earlier node of its segment
  // wrote it, or as it wants it.
  FeatureMap input_map(std::size_t n, ValueId id) const {
    const ValueId root = placement_.root_of(id);
    if (segment_of(graph_, placement_, root) == placement_.stage[n])
      return placement_.view[static_cast<std::size_t>(root)];
    return host_view(graph_, placement_, n, id);
  }

  void make_tables() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.where[n] != Where::kDevice) continue;
      const std::vector<std::int32_t> words = table_words(graph_.nodes[n]);
      if (!words.empty()) tables_[n] = append_table(words, addresses_, program_);
    }
  }

  // Of a table or of a product's look-up, as the unit that looks up wants them; none of others.
  static std::vector<std::int32_t> table_words(const Node& node) {
    const auto words = [](const TableAttrs& table) -> std::vector<std::int32_t> {
      if (!table.points.empty()) return {table.points.begin(), table.points.end()};
      return {table.entries.begin(), table.entries.end()};
    };
    if (const auto* table = std::get_if<TableAttrs>(&node.attrs)) return words(*table);
    const ProductQuants* product = std::get_if<MatmulAttrs>(&node.attrs);
    if (product == nullptr) product = std::get_if<ConvAttrs>(&node.attrs);
    if (product == nullptr || !product->lookup) return {};
    std::vector<std::int32_t> result = words(*product->lookup);
    // The activation unit counts entries from the type's lowest value on.
    if (product->output->type == DType::kInt8)
      std::rotate(result.begin(), result.begin() + 128, result.end());
    return result;
  }

  // With `one_by_one` in the graph's order; else work of the vector unit stands as early as its
  // operands allow, so that it can go on beside as many products as possible.
  SegmentPlan plan_segment(int segment, bool one_by_one) {
    SegmentPlan plan;
    plan.units = units_;
    plan.schedule = schedule_;
    plan.one_by_one = one_by_one;
    for (std::size_t n : one_by_one ? nodes_of(segment) : early_order(segment)) {
      const Node& node = graph_.nodes[n];
      const auto product = product_of_.find(n);
      const bool is_product = product != product_of_.end();
      DeviceOp op;
      op.node = &node;
      op.layer = layers_[n];
      if (is_product) op.product = &products_[product->second];
      if (const auto table = tables_.find(n); table != tables_.end()) op.table = table->second;
      const std::size_t operands = is_product ? term_count(node) : node.inputs.size();
      for (std::size_t i = 0; i < operands; ++i)
        op.inputs.push_back(use(plan, n, node.inputs[is_product ? 2 * i : i]));
      op.output = define(plan, n);
      plan.ops.push_back(std::move(op));
    }
    plan.set_times();
    const std::int64_t bands = placement_.bands[static_cast<std::size_t>(segment)];
    if (bands > 1) plan.bands = cut_lines(plan, bands).value();
    return plan;
  }

  [[nodiscard]] std::vector<std::size_t> nodes_of(int segment) const {
    std::vector<std::size_t> nodes;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.where[n] == Where::kDevice && placement_.stage[n] == segment)
        nodes.push_back(n);
    }
    return nodes;
  }

  // Products in the graph's order; other nodes behind the last one they read from.
  [[nodiscard]] std::vector<std::size_t> early_order(int segment) const {
    const std::vector<std::size_t> nodes = nodes_of(segment);
    std::map<ValueId, std::size_t> position;  // of the product behind which a value is there
    std::vector<std::pair<std::size_t, std::size_t>> keys;
    std::size_t products = 0;
    for (std::size_t n : nodes) {
      const Node& node = graph_.nodes[n];
      std::size_t after = product_of_.contains(n) ? ++products : 0;
      for (ValueId id : node.inputs) {
        const auto made = id == kNoValue ? position.end() : position.find(placement_.root_of(id));
        if (made != position.end()) after = std::max(after, made->second);
      }
      position[node.outputs[0]] = after;
      keys.emplace_back(after, n);
    }
    std::sort(keys.begin(), keys.end());
    std::vector<std::size_t> order;
    for (const auto& [after, n] : keys) order.push_back(n);
    return order;
  }

  std::size_t use(SegmentPlan& plan, std::size_t n, ValueId id) const {
    const ValueId root = placement_.root_of(id);
    const FeatureMap map = input_map(n, id);
    const auto position = static_cast<int>(plan.ops.size());
    for (std::size_t i = 0; i < plan.residents.size(); ++i) {
      Resident& known = plan.residents[i];
      if (known.root != root || known.map != map) continue;
      known.last_use = position;
      return i;
    }
    Resident value = resident(root, map);
    value.is_constant = graph_.value(root).constant.has_value();
    value.loaded = true;
    value.layer = layers_[n];
    // With paper2015 all inputs are there before the first operation.
    value.first_use = schedule_ == Schedule::kPaper2015 ? 0 : position;
    value.last_use = position;
    plan.residents.push_back(value);
    return plan.residents.size() - 1;
  }

  std::size_t define(SegmentPlan& plan, std::size_t n) const {
    const ValueId id = graph_.nodes[n].outputs[0];
    Resident value = resident(id, placement_.view[static_cast<std::size_t>(id)]);
    value.stored = crosses_host(graph_, placement_, id);
    value.first_use = value.last_use = static_cast<int>(plan.ops.size());
    plan.residents.push_back(value);
    return plan.residents.size() - 1;
  }

  Resident resident(ValueId root, const FeatureMap& map) const {
    Resident value;
    value.root = root;
    value.name = graph_.value(root).name;
    value.map = map;
    value.type = graph_.value(root).type;
    value.use = block_use(graph_, root);
    value.host = host_.address(root, map);
    return value;
  }

  // Whether all waits before a segment: for steps of the host, or as the schedule has it. A
  // segment that only takes up what another spilled goes on beside it.
  [[nodiscard]] bool interrupts_before(int segment) const {
    if (segment == 0) return false;
    const bool steps = std::ranges::any_of(
        program_.host_steps, [&](const isa::HostStep& step) { return step.stage == segment; });
    return steps || graph_.separate_layers || schedule_ == Schedule::kPaper2015;
  }

  // Values that one segment stores and another loads.
  void note_spilled(Emitter& emitter) const {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.where[n] != Where::kDevice) continue;
      const ValueId id = graph_.nodes[n].outputs[0];
      const FeatureMap& map = placement_.view[static_cast<std::size_t>(id)];
      const std::int64_t at = host_.address(id, map);
      if (at < 0) continue;
      const std::int64_t bytes =
          map.pixels() * map.channels * dtype_bytes(graph_.value(id).type) * program_.batches;
      emitter.read_again(at, at + bytes);
    }
  }

  // With long rows of jobs rolled, from as few periods as show what repeats; else as they are.
  void emit_code(std::int64_t zero_rows) {
    for (const std::size_t periods : std::to_array<std::size_t>({5, 12, 0})) {
      program_.code.clear();
      if (emitted(zero_rows, periods)) return;
    }
  }

  bool emitted(std::int64_t zero_rows, std::size_t periods) {
    Emitter emitter(program_.machine, program_.code);
    Stream stream(program_.machine, emitter);
    ParamCache params(zero_rows, program_.machine.parameters_rows - zero_rows);
    SegmentCode code(program_, params, stream, unrolled_);
    if (zero_rows > 0) emitter.emit(isa::ReadParams{.host = 0, .param = 0, .rows = zero_rows}, 0);
    note_spilled(emitter);
    for (int segment = 0; segment < placement_.segments; ++segment) {
      if (interrupts_before(segment)) emitter.barrier(isa::Interrupt{.stage = segment});
      SegmentPlan plan = plan_segment(segment, schedule_ == Schedule::kPaper2015);
      if (!plan.one_by_one && !one_unit_fits(plan, program_)) plan = plan_segment(segment, true);
      if (plan.ops.empty()) continue;
      const std::optional<RowCode> row = code.emit(plan, periods);
      if (row && !roll(program_, *row)) return false;
      // What a repeat spills is not known by its rows.
      if (row && segment + 1 < placement_.segments) {
        emitter.await(isa::Unit::kDmaIn, isa::Unit::kDmaOut, isa::why::kRaw);
      }
    }
    emitter.barrier(isa::Halt{});
    explanation_ = code.explanation();
    return true;
  }

  void explain() {
    const std::vector<LayerPrediction> predicted = predict(program_);
    for (std::size_t l = 0; l < predicted.size(); ++l)
      program_.layers[l].predicted_cycles = predicted[l].cycles;
    for (LayerPlan& plan : explanation_.layers)
      plan.predicted = predicted.at(static_cast<std::size_t>(plan.layer));
  }

  const Graph& graph_;
  Schedule schedule_;
  std::int64_t unrolled_;  // of CompileOptions
  isa::Program program_;
  AddressPlan addresses_{program_};
  Placement placement_;
  HostPlan host_;
  Explanation explanation_;
  std::int64_t units_ = 1;                         // parts of a batch that jobs take
  std::vector<std::int64_t> layers_;               // by node
  std::vector<Product> products_;                  // of device nodes, in order
  std::map<std::size_t, std::size_t> product_of_;  // by node: index into products_
  std::map<std::size_t, std::int64_t> tables_;     // by node: host address
};

}  // namespace

Compiled lower(const Graph& graph, const isa::Machine& machine, const CompileOptions& options,
               Schedule schedule) {
  std::set<std::size_t> on_host;  // what alone is too large; but not all: a machine is to be asked
  for (;;) {
    Lowerer lowerer(graph, machine, options, schedule, on_host);
    const std::optional<std::size_t> large = lowerer.prepare();
    if (!large || lowerer.device_nodes() == 1) return lowerer.run();
    on_host.insert(*large);
  }
}

bool fits_buffer(const Graph& graph, const isa::Machine& machine) {
  return Lowerer(graph, machine, {}, Schedule::kOverlap).fits_buffer();
}

}  // namespace systole::compiler
