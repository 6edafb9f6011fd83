// Inlining by substitution: a function's inputs and outputs become the call's, every other name
// gets the call's in front, and attributes that refer to the function's become the call's or the
// defaults. ONNX IR specification, "Model Local Functions":
// https://github.com/onnx/onnx/blob/main/docs/IR.md
#include "compiler/frontend/onnx_functions.h"

#include <map>
#include <utility>
#include <vector>

#include "base/diag.h"
#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::NodeProto;

constexpr int kMaxNodes = 1'000'000, kMaxDepth = 64;     // nodes: calls count too
constexpr std::size_t kMaxBytes = std::size_t{1} << 31;  // of all nodes, as of a file
constexpr int kDefaultsField =
    11;  // FunctionProto.attribute_proto, since IR 9; not in libonnx 1.12

// Attributes with their default values, which our protobuf keeps as unknown fields.
std::map<std::string, AttributeProto> default_attributes(const FunctionProto& function) {
  std::map<std::string, AttributeProto> defaults;
  const auto& fields = function.GetReflection()->GetUnknownFields(function);
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto& field = fields.field(i);
    const bool is_default = field.number() == kDefaultsField &&
                            field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED;
    AttributeProto attribute;
    if (is_default && attribute.ParseFromString(field.length_delimited()))
      defaults[attribute.name()] = std::move(attribute);
  }
  return defaults;
}

class Inliner {
 public:
  Inliner(const std::string& path, onnx::ModelProto& model) : path_(path), model_(model) {
    for (const FunctionProto& function : model.functions()) {
      check_opset(function);
      if (!functions_.emplace(std::pair(function.domain(), function.name()), &function).second)
        fail(function, "is given twice", "one of each name");
    }
  }

  void run() {
    google::protobuf::RepeatedPtrField<NodeProto> original;
    original.Swap(model_.mutable_graph()->mutable_node());
    for (NodeProto& node : original) add(node, 0);
    model_.clear_functions();
  }

 private:
  [[noreturn]] void fail(const FunctionProto& function, const std::string& what,
                         const std::string& expected) const {
    throw InputError(fmt::format("{}: function '{}'", path_, function.name()), what, expected);
  }

  static bool is_default_domain(const std::string& domain) {
    return domain.empty() || domain == "ai.onnx";
  }

  void check_opset(const FunctionProto& function) const {
    for (const onnx::OperatorSetIdProto& mine : function.opset_import()) {
      for (const onnx::OperatorSetIdProto& whole : model_.opset_import()) {
        const bool both = is_default_domain(mine.domain()) && is_default_domain(whole.domain());
        if (both && mine.version() != whole.version()) {
          fail(function, fmt::format("uses opset {}", mine.version()),
               fmt::format("{}, the model's", whole.version()));
        }
      }
    }
  }

  // Moves a node into the graph, or what it stands for.
  void add(NodeProto& node, int depth) {
    bytes_ += node.ByteSizeLong();
    if (++nodes_ > kMaxNodes || bytes_ > kMaxBytes) {
      throw InputError(path_, "its functions, written out, are too large",
                       fmt::format("at most {} nodes and {} bytes", kMaxNodes, kMaxBytes));
    }
    const auto found = functions_.find({node.domain(), node.op_type()});
    if (found != functions_.end()) return call(*found->second, node, depth);
    *model_.mutable_graph()->add_node() = std::move(node);
  }

  void call(const FunctionProto& function, const NodeProto& node, int depth) {
    if (depth == kMaxDepth)
      fail(function, "calls itself, or calls are nested too deeply",
           fmt::format("{} levels", kMaxDepth));
    if (node.input_size() > function.input_size() || node.output_size() > function.output_size()) {
      fail(function,
           fmt::format("is called by '{}' with {} inputs and {} outputs", node_name(node),
                       node.input_size(), node.output_size()),
           fmt::format("at most {} and {}", function.input_size(), function.output_size()));
    }
    const std::string prefix = fmt::format("{}/", node_name(node));
    std::map<std::string, std::string> names = {{"", ""}};
    for (int i = 0; i < function.input_size(); ++i)
      names[function.input(i)] = i < node.input_size() ? node.input(i) : "";
    for (int i = 0; i < node.output_size(); ++i) {
      if (!node.output(i).empty()) names[function.output(i)] = node.output(i);
    }
    const auto rename = [&](std::string& name) {
      name = names.try_emplace(name, prefix + name).first->second;
    };
    std::map<std::string, AttributeProto> attributes = default_attributes(function);
    for (const AttributeProto& given : node.attribute()) attributes[given.name()] = given;
    for (NodeProto inner : function.node()) {
      inner.set_name(prefix + node_name(inner));
      for (std::string& name : *inner.mutable_input()) rename(name);
      for (std::string& name : *inner.mutable_output()) rename(name);
      substitute(inner, attributes);
      add(inner, depth + 1);
    }
  }

  // References to the function's attributes become their values; without a value there is no
  // attribute, as ONNX has it.
  static void substitute(NodeProto& node, const std::map<std::string, AttributeProto>& values) {
    google::protobuf::RepeatedPtrField<AttributeProto> original;
    original.Swap(node.mutable_attribute());
    for (AttributeProto& attribute : original) {
      if (attribute.ref_attr_name().empty()) {
        *node.add_attribute() = std::move(attribute);
        continue;
      }
      const auto value = values.find(attribute.ref_attr_name());
      if (value == values.end()) continue;
      AttributeProto& made = *node.add_attribute();
      made = value->second;
      made.set_name(attribute.name());
    }
  }

  const std::string& path_;
  onnx::ModelProto& model_;
  int nodes_ = 0;
  std::size_t bytes_ = 0;
  std::map<std::pair<std::string, std::string>, const FunctionProto*> functions_;
};

}  // namespace

void inline_functions(const std::string& path, onnx::ModelProto& model) {
  if (model.functions_size() > 0) Inliner(path, model).run();
}

}  // namespace systole::compiler
