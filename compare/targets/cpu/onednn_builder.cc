// Values, memories and layouts; what each op becomes is in onednn_products.cc, onednn_layers.cc and
// onednn_moves.cc.
#include "compare/targets/cpu/onednn_builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

namespace systole::compare {

using compiler::OpKind;
using dnnl::memory;

OnednnBuilder::OnednnBuilder(const compiler::Graph& graph, CpuOptions options)
    : graph_(graph),
      options_(options),
      pool_(make_thread_pool(options.xnnpack ? options.threads : 1)) {}

void OnednnBuilder::build() {
  if (graph_.structure_only) {
    throw InputError(graph_.name, "a model without weights", "weights for the CPU comparison");
  }
  add_inputs();
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    try {
      add(i);
    } catch (const dnnl::error& error) {
      refuse(node, fmt::format("oneDNN cannot build it ({})", error.what()),
             "another shape or type");
    }
  }
  add_outputs();
}

void OnednnBuilder::add(std::size_t index) {
  const Node& node = graph_.nodes[index];
  if (node.outputs.size() != 1) refuse(node, "several results", "one");
  if (fused_.contains(node.outputs[0])) return;
  switch (node.kind) {
    case OpKind::kMatmul:
      return add_matmul(node, fusable_map(index));
    case OpKind::kConv:
      return add_conv(node, fusable_map(index));
    case OpKind::kMap:
      return add_map(node);
    case OpKind::kZip:
      return add_zip(node);
    case OpKind::kTable:
      return add_table(node);
    case OpKind::kReduce:
      return add_reduce(node);
    case OpKind::kPool:
      return add_pool(node);
    case OpKind::kMove:
      return add_move(node);
    case OpKind::kQuantise:
      return add_quantise(node);
    case OpKind::kDequantise:
      return add_dequantise(node);
    case OpKind::kSelect:
    case OpKind::kCast:
      refuse(node, "a choice or a change of types", "arithmetic");
    case OpKind::kHost:
      break;
  }
  refuse(node, "an unknown operator", "one of compiler/ir/ops.def");
}

// The map that alone reads what the product at `index` computes, in floats; else null.
const compiler::Node* OnednnBuilder::fusable_map(std::size_t index) const {
  const ValueId result = graph_.nodes[index].outputs[0];
  if (graph_.value(result).type != DType::kFloat32) return nullptr;
  const Node* reader = nullptr;
  for (const Node& node : graph_.nodes) {
    const auto times = std::ranges::count(node.inputs, result);
    if (times == 0) continue;
    if (reader != nullptr || times > 1) return nullptr;
    reader = &node;
  }
  const bool leaves = std::ranges::count(graph_.outputs, result) > 0;
  return reader != nullptr && !leaves && reader->kind == OpKind::kMap ? reader : nullptr;
}

// --- what values are ---

memory::dims OnednnBuilder::dims(ValueId id) const {
  const compiler::Value& v = graph_.value(id);
  if (element_count(v.shape, v.name) == 0) {
    throw InputError(v.name, "an empty tensor", "elements for the CPU comparison");
  }
  return v.shape.empty() ? memory::dims{1} : memory::dims(v.shape.begin(), v.shape.end());
}

memory::data_type OnednnBuilder::type(ValueId id) const {
  const compiler::Value& v = graph_.value(id);
  const memory::data_type type = dnnl_type(v.type, v.name);
  return options_.bf16 && type == memory::data_type::f32 ? memory::data_type::bf16 : type;
}

memory::desc OnednnBuilder::plain_desc(ValueId id) const {
  return row_major_desc(dims(id), type(id));
}

memory::desc OnednnBuilder::any_desc(ValueId id) const {
  return {dims(id), type(id), memory::format_tag::any};
}

const Tensor& OnednnBuilder::constant(const Node& node, std::size_t input) const {
  const compiler::Value& v = graph_.value(node.inputs[input]);
  if (!v.constant) refuse(node, fmt::format("'{}' is computed", v.name), "constant weights");
  return *v.constant;
}

// The tensor's elements, row-major, as `wanted`.
memory OnednnBuilder::constant_memory(const Tensor& tensor, memory::data_type wanted) {
  const memory::dims shape = tensor.shape.empty()
                                 ? memory::dims{1}
                                 : memory::dims(tensor.shape.begin(), tensor.shape.end());
  const memory::data_type given = dnnl_type(tensor.type, "a constant");
  memory result(row_major_desc(shape, given), engine_);
  std::memcpy(result.get_data_handle(), tensor.data.data(), tensor.data.size());
  return given == wanted ? result : packed(result, row_major_desc(shape, wanted));
}

// --- memories ---

void OnednnBuilder::add_inputs() {
  input_views.resize(graph_.inputs.size());
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    const ValueId id = graph_.inputs[i];
    const compiler::Value& v = graph_.value(id);
    const memory::desc given = row_major_desc(dims(id), dnnl_type(v.type, v.name));
    const memory bytes(given, engine_, nullptr);
    input_of_[bytes.get()] = i;
    input_views[i] = {bytes};
    const compiler::Node arrival{OpKind::kQuantise, v.name, "", {id}, {id}, {}};
    const bool narrowed = given.data_type() != type(id);
    set_value(id, narrowed ? converted(arrival, bytes, plain_desc(id), {}, false) : bytes);
  }
}

void OnednnBuilder::add_outputs() {
  for (const ValueId id : graph_.outputs) {
    const compiler::Value& v = graph_.value(id);
    const compiler::Node departure{OpKind::kDequantise, v.name, "", {id}, {id}, {}};
    const memory::desc wanted = row_major_desc(dims(id), dnnl_type(v.type, v.name));
    const memory last = value(id);
    outputs.push_back(last.get_desc() == wanted ? last
                                                : converted(departure, last, wanted, {}, false));
  }
}

memory OnednnBuilder::value(ValueId id) {
  const auto found = values_.find(id);
  if (found != values_.end()) return found->second;
  const compiler::Value& v = graph_.value(id);
  SYSTOLE_CHECK(v.constant.has_value(), "value {} is used before it is made", v.name);
  return values_[id] = constant_memory(*v.constant, type(id));
}

memory OnednnBuilder::plain(const Node& node, ValueId id) {
  const memory as_is = value(id);
  if (as_is.get_desc() == plain_desc(id)) return as_is;
  const auto found = plain_values_.find(id);
  if (found != plain_values_.end()) return found->second;
  return plain_values_[id] = converted(node, as_is, plain_desc(id), {}, true);
}

memory OnednnBuilder::view(const memory& base, const memory::desc& desc) {
  const auto input = input_of_.find(base.get());
  if (input == input_of_.end()) {
    viewed_.push_back(base);
    return {desc, engine_, base.get_data_handle()};
  }
  const std::size_t index = input->second;
  memory result(desc, engine_, nullptr);
  input_of_[result.get()] = index;
  input_views[index].push_back(result);
  return result;
}

memory OnednnBuilder::in_layout(const Node& node, const memory& given, const memory::desc& wanted) {
  return given.get_desc() == wanted ? given : converted(node, given, wanted, {}, true);
}

void OnednnBuilder::run(std::size_t i) const {
  steps[i].run(stream_);
  dnnl::stream stream = stream_;
  stream.wait();
}

memory OnednnBuilder::packed(const memory& given, const memory::desc& wanted) {
  memory result(wanted, engine_);
  memory from = given;
  dnnl::reorder(from, result).execute(stream_, from, result);
  stream_.wait();
  return result;
}

memory OnednnBuilder::converted(const Node& node, const memory& from, const memory::desc& to,
                                const dnnl::primitive_attr& attributes, bool device) {
  const memory result(to, engine_);
  const dnnl::reorder::primitive_desc chosen(from, result, attributes);
  push(node, chosen.impl_info_str(), dnnl::reorder(chosen),
       {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, result}}, device);
  return result;
}

void OnednnBuilder::push(const Node& node, const char* kernel, dnnl::primitive primitive, Args args,
                         bool device) {
  libraries.insert(onednn_text());
  steps.push_back({node.name, std::string(compiler::op_name(node.kind)), kernel, device,
                   [primitive = std::move(primitive), args = std::move(args)](
                       const dnnl::stream& stream) { primitive.execute(stream, args); }});
}

}  // namespace systole::compare
