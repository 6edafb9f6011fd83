// See onnx_subgraphs.h. Names inside a body hide those outside while its nodes are read.
#include "compiler/frontend/onnx_subgraphs.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "compiler/frontend/onnx_import.h"

namespace systole::compiler {
namespace {

constexpr int kMaxNodes = 1'000'000;  // written out in all, as of functions (onnx_functions.cc)

std::set<std::string> defined_names(const onnx::GraphProto& body) {
  std::set<std::string> names;
  for (const onnx::ValueInfoProto& input : body.input()) names.insert(input.name());
  for (const onnx::TensorProto& tensor : body.initializer()) names.insert(tensor.name());
  for (const onnx::NodeProto& node : body.node())
    names.insert(node.output().begin(), node.output().end());
  return names;
}

// The names that a body defines, as they were before; they are so again at the end.
class Scope {
 public:
  Scope(OnnxImport& import, const onnx::GraphProto& body) : import_(import) {
    for (const std::string& name : defined_names(body)) hide(name);
    for (const onnx::TensorProto& tensor : body.initializer()) {
      check_tensor(import.file, tensor);
      import.initialisers[tensor.name()] = &tensor;
    }
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() {
    for (const auto& [name, value] : values_) restore(import_.values, name, value);
    for (const auto& [name, tensor] : initialisers_) restore(import_.initialisers, name, tensor);
  }

 private:
  void hide(const std::string& name) {
    hide_in(import_.values, values_, name);
    hide_in(import_.initialisers, initialisers_, name);
  }
  template <typename Names, typename Before>
  static void hide_in(Names& names, Before& before, const std::string& name) {
    const auto found = names.find(name);
    const bool has = found != names.end();
    if (!before.try_emplace(name, has ? std::optional(found->second) : std::nullopt).second) return;
    if (has) names.erase(found);
  }
  template <typename Names, typename Value>
  static void restore(Names& names, const std::string& name, const std::optional<Value>& before) {
    if (before) {
      names[name] = *before;
    } else {
      names.erase(name);
    }
  }

  OnnxImport& import_;
  std::map<std::string, std::optional<ValueId>> values_;
  std::map<std::string, std::optional<const onnx::TensorProto*>> initialisers_;
};

ValueId output_of(OnnxNode& node, const std::string& name) {
  OnnxImport& import = node.import();
  if (const auto found = import.values.find(name); found != import.values.end())
    return found->second;
  const auto stored = import.initialisers.find(name);
  node.require(stored != import.initialisers.end(),
               fmt::format("output '{}' of its graph is not defined", name),
               "an input, an initialiser or a node's output");
  return import.builder.add_constant(name, read_tensor(import.file, *stored->second));
}

}  // namespace

void each_read(const onnx::NodeProto& node, const Visit& visit) {
  for (const std::string& name : node.input()) {
    if (!name.empty()) visit(name);
  }
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    const std::set<std::string> inside = defined_names(attribute.g());
    const auto outside = [&](const std::string& name) {
      if (!inside.contains(name)) visit(name);
    };
    for (const onnx::NodeProto& inner : attribute.g().node()) each_read(inner, outside);
    for (const onnx::ValueInfoProto& output : attribute.g().output()) outside(output.name());
  }
}

void each_read_within(const onnx::NodeProto& node, const Visit& visit) {
  for (const std::string& name : node.input()) {
    if (!name.empty()) visit(name);
  }
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (!attribute.has_g()) continue;
    for (const onnx::NodeProto& inner : attribute.g().node()) each_read_within(inner, visit);
    for (const onnx::ValueInfoProto& output : attribute.g().output()) visit(output.name());
  }
}

std::vector<ValueId> import_body(OnnxNode& node, const onnx::GraphProto& body,
                                 const std::vector<ValueId>& inputs, const std::string& step) {
  OnnxImport& import = node.import();
  const Scope scope(import, body);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    import.values[body.input(static_cast<int>(i)).name()] = inputs[i];
  for (const onnx::NodeProto& inner : body.node()) {
    const auto is_used = [&](const std::string& name) { return import.uses.contains(name); };
    if (std::ranges::none_of(inner.output(), is_used)) continue;
    node.require(++import.written_out <= kMaxNodes, "its graphs, written out, are too large",
                 fmt::format("at most {} nodes", kMaxNodes));
    onnx::NodeProto named = inner;
    named.set_name(fmt::format("{}/{}{}", node.name(), step, node_name(inner)));
    import_node(import, named);
  }
  std::vector<ValueId> outputs;
  for (const onnx::ValueInfoProto& output : body.output())
    outputs.push_back(output_of(node, output.name()));
  return outputs;
}

}  // namespace systole::compiler
