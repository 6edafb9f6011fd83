// Host plan: which values live in host memory, where, and what the host does to them in each stage.
#pragma once

#include <map>

#include "compiler/ir/graph.h"
#include "compiler/lower/place.h"
#include "isa/program.h"

namespace systole::compiler {

// Host tensors by value, in a program. Views of one root share its address.
class HostPlan {
 public:
  HostPlan(const Graph& graph, const Placement& placement, isa::Program& program)
      : graph_(graph), placement_(placement), program_(program) {}

  // Gives inputs, outputs, constants of host steps and all values that cross between device
  // segments a place in host memory (after the constants), and appends the host steps. `layers` is
  // by node. Throws InputError if a step would mix samples of different batches.
  void build(const std::vector<std::int64_t>& layers);

  // Host address of a value's root, or -1 if it stays in the unified buffer.
  [[nodiscard]] std::int64_t address(ValueId id) const;

 private:
  std::int64_t tensor(ValueId id);
  std::int64_t constant_tensor(ValueId id);
  void add_step(const Node& node, int stage, std::int64_t layer);
  void check_batches(const Node& node) const;
  [[nodiscard]] Shape full_shape(const Value& value) const;
  void add_outputs(std::int64_t layer);

  const Graph& graph_;
  const Placement& placement_;
  isa::Program& program_;
  std::map<ValueId, std::int64_t> tensors_;    // by value: index into program.tensors
  std::map<ValueId, std::int64_t> addresses_;  // by root value
};

// Whether a device result or input must pass through host memory, by root value.
[[nodiscard]] bool crosses_host(const Graph& graph, const Placement& placement, ValueId root);

}  // namespace systole::compiler
