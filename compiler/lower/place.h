// Placement: which nodes the machine runs, which the host runs, and in which stage.
//
// A program alternates host stages and device segments: stage 0, segment 0, stage 1, segment 1 ...
// Integer matmuls run on the device; what the machine cannot do is a host step. Reshapes move no
// bytes: their output is another view of the same root value.
#pragma once

#include <cstdint>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

enum class Where : std::uint8_t { kDevice, kHost, kView };

struct Placement {
  std::vector<Where> where;   // by node
  std::vector<int> stage;     // by node: host stage, or device segment
  std::vector<ValueId> root;  // by value: the value whose bytes it shares
  int segments = 0;           // number of device segments

  [[nodiscard]] ValueId root_of(ValueId id) const { return root.at(static_cast<std::size_t>(id)); }
};

// Throws InputError for a node that neither side can run (names node, operator and reason).
[[nodiscard]] Placement place(const Graph& graph, const std::string& machine_name);

// Rows and features of a value as the matrix unit sees it: all dimensions but the last, and the
// last.
struct RowView {
  std::int64_t rows = 1, features = 1;
  bool operator==(const RowView&) const = default;
};
[[nodiscard]] RowView row_view(const Shape& shape);

}  // namespace systole::compiler
