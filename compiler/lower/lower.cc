// Lowering: place nodes, lay out memory, then emit the device segments between the host stages.
#include "compiler/lower/lower.h"

#include <algorithm>

#include "base/diag.h"
#include "compiler/lower/host_plan.h"
#include "compiler/lower/place.h"
#include "compiler/lower/segment.h"

namespace systole::compiler {
namespace {

class Lowerer {
 public:
  Lowerer(const Graph& graph, const isa::Machine& machine, const CompileOptions& options,
          Schedule schedule)
      : graph_(graph),
        schedule_(schedule),
        placement_(place(graph, machine.name)),
        host_(graph, placement_, program_) {
    program_.model = graph.name;
    program_.model_hash = graph.hash;
    program_.machine = machine;
    program_.batch = batch_of(graph);
    program_.batches = options.batches;
    program_.has_values = !options.timing_only && !graph.structure_only;
  }

  isa::Program run() {
    make_layers();
    make_matmuls();
    const std::int64_t zero_rows = build_image(graph_, matmuls_, program_);
    host_.build(layers_);
    emit_code(zero_rows);
    return std::move(program_);
  }

 private:
  static std::int64_t batch_of(const Graph& graph) {
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

  void make_matmuls() {
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.where[n] != Where::kDevice) continue;
      DeviceMatmul m;
      m.node = &graph_.nodes[n];
      m.layer = layers_[n];
      m.rows = row_view(graph_.value(m.node->outputs[0]).shape).rows;
      m.k = graph_.value(m.node->inputs[1]).shape[0];
      m.n = graph_.value(m.node->inputs[1]).shape[1];
      const std::int64_t y_bytes = dtype_bytes(graph_.value(m.node->outputs[0]).type);
      m.k_cuts = cut(m.k, block_width(program_.machine, 1), program_.machine.r());
      m.n_cuts = cut(m.n, block_width(program_.machine, y_bytes), program_.machine.c());
      if (m.rows % program_.batch != 0) {
        throw InputError("node " + m.node->name,
                         "has " + std::to_string(m.rows) + " rows for a batch of " +
                             std::to_string(program_.batch),
                         "a multiple of the batch");
      }
      predict(m);
      matmuls_.push_back(std::move(m));
    }
  }

  // Each tile costs its rows, its shift or its read, whichever takes longest (T3 to T5).
  void predict(const DeviceMatmul& m) {
    const isa::Machine& machine = program_.machine;
    isa::Layer& layer = program_.layers[static_cast<std::size_t>(m.layer)];
    layer.macs = m.rows * m.k * m.n * program_.batches;
    const std::int64_t pass =
        std::min(m.rows, std::max<std::int64_t>(1, machine.accumulators_rows / 2));
    const double read = static_cast<double>(machine.tile_bytes()) *
                        static_cast<double>(machine.clock_hertz) /
                        static_cast<double>(machine.dram_bytes_per_second);
    const auto tile = std::max({pass, machine.r(), static_cast<std::int64_t>(read)});
    layer.predicted_cycles = tile * m.tiles() * ceil_div(m.rows, pass) * program_.batches;
  }

  SegmentPlan plan_segment(int segment) {
    SegmentPlan plan;
    plan.schedule = schedule_;
    for (std::size_t n = 0, i = 0; n < graph_.nodes.size(); ++n) {
      if (placement_.where[n] != Where::kDevice) continue;
      DeviceMatmul& m = matmuls_[i++];
      if (placement_.stage[n] != segment) continue;
      const auto position = static_cast<int>(plan.matmuls.size());
      plan.matmuls.push_back(&m);
      plan.x.push_back(use(plan, m, m.node->inputs[0], position));
      plan.y.push_back(define(plan, m, position));
    }
    return plan;
  }

  ValueId use(SegmentPlan& plan, const DeviceMatmul& m, ValueId id, int position) {
    const ValueId root = placement_.root_of(id);
    const auto [it, fresh] = plan.values.try_emplace(root);
    Resident& value = it->second;
    if (fresh) {
      value = resident(id);
      value.loaded = true;
      value.layer = m.layer;
    }
    value.last_use = position;
    return root;
  }

  ValueId define(SegmentPlan& plan, const DeviceMatmul& m, int position) {
    const ValueId root = m.node->outputs[0];
    Resident value = resident(root);
    value.stored = value.host >= 0;
    value.first_use = value.last_use = position;
    plan.values.emplace(root, value);
    return root;
  }

  Resident resident(ValueId id) const {
    const Value& v = graph_.value(id);
    const RowView view = row_view(v.shape);
    Resident value;
    value.rows = view.rows;
    value.features = view.features;
    value.element_bytes = dtype_bytes(v.type);
    value.host = host_.address(id);
    return value;
  }

  void emit_code(std::int64_t zero_rows) {
    Emitter emitter(program_.machine, program_.code);
    ParamCache params(zero_rows, program_.machine.parameters_rows - zero_rows);
    if (zero_rows > 0) emitter.emit(isa::ReadParams{.host = 0, .param = 0, .rows = zero_rows}, 0);
    for (int segment = 0; segment < placement_.segments; ++segment) {
      if (segment > 0) emitter.barrier(isa::Interrupt{.stage = segment});
      const SegmentPlan plan = plan_segment(segment);
      if (!plan.matmuls.empty()) emit_segment(plan, program_, params, emitter);
    }
    emitter.barrier(isa::Halt{});
  }

  const Graph& graph_;
  Schedule schedule_;
  isa::Program program_;
  Placement placement_;
  HostPlan host_;
  std::vector<std::int64_t> layers_;  // by node
  std::vector<DeviceMatmul> matmuls_;
};

}  // namespace

isa::Program lower(const Graph& graph, const isa::Machine& machine, const CompileOptions& options,
                   Schedule schedule) {
  return Lowerer(graph, machine, options, schedule).run();
}

}  // namespace systole::compiler
