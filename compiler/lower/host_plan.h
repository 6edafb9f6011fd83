// Host plan: which values live in host memory, where, and what the host does to them in each stage.
#pragma once

#include <map>

#include "compiler/ir/graph.h"
#include "compiler/lower/address_plan.h"
#include "compiler/lower/place.h"
#include "isa/program.h"

namespace systole::compiler {

// Host tensors by value, in a program. Views of one root share its address.
class HostPlan {
 public:
  HostPlan(const Graph& graph, const Placement& placement, AddressPlan& plan, isa::Program& program)
      : graph_(graph), placement_(placement), plan_(plan), program_(program) {}

  // Gives inputs, outputs, constants of host steps and all values that cross between device
  // segments a place in host memory, and appends the host steps. Feature maps
  // that cross get a channels-last copy and the transposes to and from it. `layers` is by node.
  void build(const std::vector<std::int64_t>& layers);

  // Host address of a value's pixels as a device node sees them, or -1 if they stay in the unified
  // buffer.
  [[nodiscard]] std::int64_t address(ValueId id, const FeatureMap& view) const;

 private:
  std::int64_t tensor(ValueId id);
  std::int64_t constant_tensor(ValueId id);
  void add_step(const Node& node, int stage, std::int64_t layer);
  [[nodiscard]] bool keeps_batches_apart(const Node& node) const;
  std::int64_t batch_view(ValueId id, std::size_t rank);
  void add_batch_constant(ValueId id);
  [[nodiscard]] Shape full_shape(const Value& value) const;
  void add_outputs(std::int64_t layer);
  void add_constants();
  void add_host_constant(ValueId id);
  // Appends bytes to the constants; returns their address.
  std::int64_t append(const std::vector<std::uint8_t>& bytes);
  void add_device_constant(ValueId id, const FeatureMap& view);
  void add_stored(std::size_t node, std::int64_t layer);
  void add_loaded(std::size_t node, ValueId id, std::int64_t layer);
  std::int64_t channels_last(ValueId id, const Shape& shape);
  [[nodiscard]] bool wanted_as_it_was(ValueId id, const FeatureMap& view) const;
  std::int64_t blocks_of(ValueId id, const Shape& shape);
  [[nodiscard]] isa::HostStep transpose_step(int stage, std::int64_t from, std::int64_t to,
                                             std::int64_t layer) const;

  const Graph& graph_;
  const Placement& placement_;
  AddressPlan& plan_;
  isa::Program& program_;
  std::map<ValueId, std::int64_t> tensors_;    // by value: index into program.tensors
  std::map<ValueId, std::int64_t> addresses_;  // by root value
  std::map<ValueId, std::int64_t> pixels_;     // by root value: index of its channels-last tensor
  std::map<ValueId, std::int64_t> batch_constants_;  // by value: index of one copy a batch
  std::map<ValueId, std::int64_t> constants_;  // by value: address of a device operand's pixels
  // Steps before and behind those of the graph in their stages.
  std::vector<isa::HostStep> before_, behind_;
};

// Whether a device result must pass through host memory, by root value.
[[nodiscard]] bool crosses_host(const Graph& graph, const Placement& placement, ValueId root);
// The device segment that computes a root value, or -1.
[[nodiscard]] int segment_of(const Graph& graph, const Placement& placement, ValueId root);

}  // namespace systole::compiler
