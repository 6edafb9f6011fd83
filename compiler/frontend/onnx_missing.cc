// Which values are constants follows from names alone: initialisers, shapes, and what constants
// give.
#include "compiler/frontend/onnx_missing.h"

#include <algorithm>
#include <set>
#include <string>

#include "compiler/frontend/onnx_constants.h"
#include "compiler/frontend/onnx_ops.h"

namespace systole::compiler {
namespace {

constexpr std::size_t kNodesNamed = 3, kOperatorsNamed = 12;

struct Missing {
  std::string name;
  bool on_constants = false;  // is known, but not on what is computed when the model runs
  std::vector<std::string> nodes;
};

std::string operator_name(const onnx::NodeProto& node) {
  const bool standard = node.domain().empty() || node.domain() == "ai.onnx";
  return standard ? node.op_type() : node.domain() + "." + node.op_type();
}

void add(std::vector<Missing>& all, const onnx::NodeProto& node, bool on_constants) {
  const std::string name = operator_name(node);
  auto found =
      std::find_if(all.begin(), all.end(), [&](const Missing& m) { return m.name == name; });
  if (found == all.end()) found = all.insert(all.end(), {name, on_constants, {}});
  found->nodes.push_back(node_name(node));
}

std::vector<Missing> missing_operators(const OnnxFile& file) {
  std::set<std::string> constants;
  for (const onnx::TensorProto& tensor : file.model.graph().initializer())
    constants.insert(tensor.name());
  std::vector<Missing> missing;
  for (const onnx::NodeProto& node : file.model.graph().node()) {
    const OnnxConstant* row = find_onnx_constant(node);
    const bool shapes = row != nullptr && row->reads == ConstantReads::kShapes;
    const bool constant =
        shapes || std::all_of(node.input().begin(), node.input().end(), [&](const std::string& n) {
          return n.empty() || constants.contains(n);
        });
    const bool known = find_onnx_operator(node) != nullptr || (row != nullptr && constant);
    if (!known) add(missing, node, row != nullptr);
    if (constant) constants.insert(node.output().begin(), node.output().end());
  }
  std::stable_sort(missing.begin(), missing.end(), [](const Missing& a, const Missing& b) {
    return a.nodes.size() > b.nodes.size();
  });
  return missing;
}

std::string text_of(const Missing& m) {
  std::string nodes;
  for (std::size_t i = 0; i < std::min(kNodesNamed, m.nodes.size()); ++i)
    nodes += fmt::format("{}'{}'", i == 0 ? "" : ", ", m.nodes[i]);
  if (m.nodes.size() > kNodesNamed) nodes += " ...";
  return fmt::format("{}{} ({} node{}: {})", m.name, m.on_constants ? " of computed values" : "",
                     m.nodes.size(), m.nodes.size() == 1 ? "" : "s", nodes);
}

}  // namespace

void check_operators(const OnnxFile& file) {
  const std::vector<Missing> missing = missing_operators(file);
  if (missing.empty()) return;
  const std::string advice =
      "operators of `systole ops`: cut the model off before these nodes, or export it without them";
  if (missing.size() == 1) {
    const Missing& m = missing.front();
    throw InputError(fmt::format("{}: node '{}' ({})", file.path, m.nodes.front(), m.name),
                     fmt::format("unknown operator {} in opset {}", text_of(m), file.opset),
                     advice);
  }
  std::string list;
  for (std::size_t i = 0; i < std::min(kOperatorsNamed, missing.size()); ++i)
    list += (i == 0 ? "" : ", ") + text_of(missing[i]);
  if (missing.size() > kOperatorsNamed)
    list += fmt::format(" and {} more", missing.size() - kOperatorsNamed);
  throw InputError(
      file.path,
      fmt::format("has {} unknown operators in opset {}: {}", missing.size(), file.opset, list),
      advice);
}

}  // namespace systole::compiler
