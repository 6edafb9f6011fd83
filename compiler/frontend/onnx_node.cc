// ONNX node: access to inputs and attributes with every mistake reported in the node's name.
#include "compiler/frontend/onnx_node.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace systole::compiler {
namespace {

using Attribute = onnx::AttributeProto;

std::string type_text(int type) {
  if (!Attribute::AttributeType_IsValid(type)) return std::to_string(type);
  return Attribute::AttributeType_Name(static_cast<Attribute::AttributeType>(type));
}

}  // namespace

std::string node_name(const onnx::NodeProto& proto) {
  if (!proto.name().empty()) return proto.name();
  for (const std::string& output : proto.output()) {
    if (!output.empty()) return output;
  }
  return proto.op_type();
}

OnnxNode::OnnxNode(OnnxImport& import, const onnx::NodeProto& proto)
    : import_(import), proto_(proto) {
  for (const Attribute& attribute : proto.attribute()) {
    const bool fresh = attributes_.emplace(attribute.name(), &attribute).second;
    require(fresh, fmt::format("attribute '{}' occurs twice", attribute.name()),
            "each attribute once");
    require(attribute.ref_attr_name().empty(),
            fmt::format("attribute '{}' refers to a function's attribute", attribute.name()),
            "a value");
  }
  import_.builder.begin_layer(node_name(proto), proto.op_type());
}

void OnnxNode::fail(const std::string& what, const std::string& expected) const {
  throw InputError(
      fmt::format("{}: node '{}' ({})", import_.file.path, node_name(proto_), proto_.op_type()),
      what, expected);
}

void OnnxNode::require(bool holds, const std::string& what, const std::string& expected) const {
  if (!holds) fail(what, expected);
}

void OnnxNode::require_arity(int low, int high) const {
  const int found = proto_.input_size();
  const std::string range = low == high ? std::to_string(low) : fmt::format("{} to {}", low, high);
  require(found >= low && found <= high, fmt::format("{} inputs", found), range);
  for (int i = 0; i < low; ++i)
    require(has(i), fmt::format("input {} is absent", i), range + " inputs");
}

void OnnxNode::require_type(const std::string& what, ValueId id, DType type) const {
  const DType found = import_.builder.value(id).type;
  require(found == type, fmt::format("{} is {}", what, dtype_name(found)),
          std::string(dtype_name(type)));
}

bool OnnxNode::is_used(int output) const {
  return output < proto_.output_size() && !proto_.output(output).empty() &&
         import_.uses.contains(proto_.output(output));
}

int OnnxNode::output_count() const {
  return static_cast<int>(
      std::ranges::count_if(proto_.output(), [](const auto& name) { return !name.empty(); }));
}

void OnnxNode::require_unused_outputs(int first) const {
  for (int i = first; i < proto_.output_size(); ++i) {
    require(!is_used(i), fmt::format("output '{}' is used", proto_.output(i)),
            "only the first output in use");
  }
}

std::string OnnxNode::name() const { return node_name(proto_); }

bool OnnxNode::use_known_inputs() {
  std::vector<ValueId> known;
  for (int i = 0; i < input_count(); ++i) {
    known.push_back(has(i) ? builder().known(input(i)) : kNoValue);
    if (has(i) && known.back() == kNoValue) return false;
  }
  known_ = std::move(known);
  return true;
}

ValueId OnnxNode::input(int i) {
  require(has(i), fmt::format("input {} is absent", i), "every input of the operator");
  if (!known_.empty()) return known_[static_cast<std::size_t>(i)];
  const std::string& name = proto_.input(i);
  const auto found = import_.values.find(name);
  if (found != import_.values.end()) return found->second;
  const auto initialiser = import_.initialisers.find(name);
  require(initialiser != import_.initialisers.end(), fmt::format("input '{}' is not defined", name),
          "an input, an initialiser or a node's output");
  const ValueId id = builder().add_constant(name, read_tensor(import_.file, *initialiser->second));
  import_.values.emplace(name, id);
  return id;
}

bool OnnxNode::is_sole_use(int i) const { return import_.uses.at(proto_.input(i)) == 1; }

const Tensor& OnnxNode::constant(int i, const std::string& what) {
  const Tensor* t = builder().constant(input(i));
  require(t != nullptr, fmt::format("{} '{}' is computed", what, proto_.input(i)), "a constant");
  return *t;
}

bool OnnxNode::has_attribute(const std::string& name) const { return attributes_.contains(name); }

const Attribute* OnnxNode::find(const std::string& name, int type) {
  asked_.insert(name);
  const auto found = attributes_.find(name);
  if (found == attributes_.end()) return nullptr;
  const int actual = found->second->type();
  require(actual == type, fmt::format("attribute '{}' has type {}", name, type_text(actual)),
          type_text(type));
  return found->second;
}

std::int64_t OnnxNode::int_or(const std::string& name, std::int64_t otherwise) {
  const Attribute* found = find(name, Attribute::INT);
  return found != nullptr ? found->i() : otherwise;
}

std::string OnnxNode::string_or(const std::string& name, const std::string& otherwise) {
  const Attribute* found = find(name, Attribute::STRING);
  return found != nullptr ? found->s() : otherwise;
}

float OnnxNode::float_or(const std::string& name, float otherwise) {
  const Attribute* found = find(name, Attribute::FLOAT);
  if (found == nullptr) return otherwise;
  require(std::isfinite(found->f()), fmt::format("attribute '{}' is {}", name, found->f()),
          "a finite number");
  return found->f();
}

std::vector<std::int64_t> OnnxNode::ints(const std::string& name) {
  const Attribute* found = find(name, Attribute::INTS);
  if (found == nullptr) return {};
  return {found->ints().begin(), found->ints().end()};
}

std::vector<std::string> OnnxNode::strings(const std::string& name) {
  const Attribute* found = find(name, Attribute::STRINGS);
  if (found == nullptr) return {};
  return {found->strings().begin(), found->strings().end()};
}

std::vector<float> OnnxNode::floats(const std::string& name) {
  const Attribute* found = find(name, Attribute::FLOATS);
  if (found == nullptr) return {};
  return {found->floats().begin(), found->floats().end()};
}

Tensor OnnxNode::tensor(const std::string& name) {
  const Attribute* found = find(name, Attribute::TENSOR);
  require(found != nullptr, fmt::format("attribute '{}' is absent", name), "a tensor");
  return read_tensor(import_.file, found->t());
}

const onnx::GraphProto& OnnxNode::graph(const std::string& name) {
  const Attribute* found = find(name, Attribute::GRAPH);
  require(found != nullptr, fmt::format("attribute '{}' is absent", name), "a graph");
  return found->g();
}

bool OnnxNode::flag(const std::string& name) {
  const std::int64_t value = int_or(name, 0);
  require(value == 0 || value == 1, fmt::format("attribute '{}' is {}", name, value), "0 or 1");
  return value == 1;
}

std::int64_t OnnxNode::axis(std::int64_t found, std::size_t rank, bool past_end) const {
  const auto end = static_cast<std::int64_t>(rank);
  const bool inside = found >= -end && (found < end || (past_end && found == end));
  require(inside, fmt::format("axis {} of a tensor of {} dimensions", found, rank),
          fmt::format("{} to {}", -end, past_end ? end : end - 1));
  return found < 0 ? found + end : found;
}

void OnnxNode::result(ValueId id, int output) {
  const std::string& name = proto_.output(output);
  if (name.empty()) return;
  builder().name_result(id, name);
  import_.values[name] = id;
}

std::optional<Shape> OnnxNode::declared_shape(int output) const {
  const auto& graph = import_.file.model.graph();
  for (const auto* list : {&graph.output(), &graph.value_info()}) {
    for (const onnx::ValueInfoProto& info : *list) {
      const onnx::TypeProto_Tensor& type = info.type().tensor_type();
      if (info.name() != proto_.output(output) || !type.has_shape()) continue;
      Shape shape;
      for (const auto& dim : type.shape().dim()) shape.push_back(dim.dim_value());
      if (std::ranges::all_of(shape, [](std::int64_t n) { return n > 0; })) return shape;
    }
  }
  return std::nullopt;
}

void OnnxNode::note(const std::string& what) {
  import_.notes.push_back(fmt::format("{}: {}: {}", import_.file.path, name(), what));
}

void OnnxNode::check_attributes() const {
  for (const auto& [name, attribute] : attributes_) {
    require(asked_.contains(name),
            fmt::format("attribute '{}' is not known in opset {}", name, opset()),
            asked_.empty() ? "no attributes" : fmt::format("{}", fmt::join(asked_, ", ")));
  }
}

}  // namespace systole::compiler
