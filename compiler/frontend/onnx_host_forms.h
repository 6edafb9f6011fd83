// The host's functions as nodes of ONNX, for the writer.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

struct HostForm {
  using Input = std::variant<ValueId, Tensor>;
  std::string op;
  std::vector<Input> inputs;  // the node's own, and constants
  std::vector<std::pair<std::string, std::int64_t>> ints = {};
  std::string reduction = {};  // if it has one
  int slot = 0;                // which output of the operator the node's is
};

[[nodiscard]] HostForm host_form(const Graph& graph, const Node& node);

}  // namespace systole::compiler
