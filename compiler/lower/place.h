// Placement: which nodes the machine runs, which the host runs, and in which stage.
//
// A program alternates host stages and device segments: stage 0, segment 0, stage 1, segment 1 ...
// Integer products, element-wise operations, look-ups, pooling and concatenation run on the device;
// what the machine cannot do is a host step. Reshapes move no bytes: their output is another view
// of the same root value.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/graph.h"
#include "compiler/lower/feature_map.h"
#include "isa/machine.h"

namespace systole::compiler {

enum class Where : std::uint8_t { kDevice, kHost, kView };

struct Placement {
  std::vector<Where> where;      // by node
  std::vector<int> stage;        // by node: host stage, or device segment
  std::vector<ValueId> root;     // by value: the value whose bytes it shares
  std::vector<FeatureMap> view;  // by value: how the device writes it, if a device node does
  std::vector<Fold> fold;        // by node: blocks of pixels as which it reads what the host holds
  int segments = 0;              // number of device segments
  std::vector<std::int64_t> bands;  // by segment: those in which an image's lines go; 1: whole

  // Where all that the device does goes element by element: of a pixel, as which it takes any of
  // them. Else 0.
  std::int64_t channels_together = 0;

  [[nodiscard]] ValueId root_of(ValueId id) const { return root.at(static_cast<std::size_t>(id)); }
};

// Throws InputError for a node that neither side can run (names node, operator and reason). Nodes
// `on_host` are steps of the host, whatever the device could do.
[[nodiscard]] Placement place(const Graph& graph, const isa::Machine& machine,
                              const std::set<std::size_t>& on_host = {});

// How a device node sees its input or output `id`. A matmul may also take a feature map of another
// view, flattened (reads_flattened).
[[nodiscard]] FeatureMap device_view(const Graph& graph, const Node& node, ValueId id);
// The same, where the elements of all values may be put together to pixels of full rows.
[[nodiscard]] FeatureMap placed_view(const Graph& graph, const Placement& placement,
                                     const Node& node, ValueId id);
// Whether a matmul that wants rows `wanted` can read them from images stored as `stored`.
[[nodiscard]] bool reads_flattened(const Node& node, const FeatureMap& wanted,
                                   const FeatureMap& stored);
// How device node `node` sees its input `id` in host memory.
[[nodiscard]] FeatureMap host_view(const Graph& graph, const Placement& placement, std::size_t node,
                                   ValueId id);
// Why the vector unit cannot run the node (a zip, table, pool or move); empty if it can.
[[nodiscard]] std::string vector_obstacle(const Graph& graph, const Node& node);

}  // namespace systole::compiler
