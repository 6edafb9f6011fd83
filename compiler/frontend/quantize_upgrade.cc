// Opset 13 from older ones. Of the operators that are read, two changed meaning: Softmax worked on
// all dimensions from its axis on, and Dropout had its ratio as an attribute (before 12).
#include "compiler/frontend/quantize_upgrade.h"

#include <algorithm>
#include <array>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {
namespace {

constexpr std::int64_t kQdqOpset = 13, kQdqIr = 7, kFreeInitialiserIr = 4;

constexpr std::array<std::string_view, 5> kQuantisedOperators = {
    "QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger",
    "QLinearMatMul"};

// A Dropout of a model for inference is an Identity.
void upgrade_dropout(onnx::NodeProto& node) {
  node.set_op_type("Identity");
  node.clear_attribute();
  while (node.output_size() > 1) node.mutable_output()->RemoveLast();
}

void upgrade_softmax(onnx::NodeProto& node, const FloatModel& model) {
  std::int64_t axis = 1;
  for (const onnx::AttributeProto& attribute : node.attribute()) axis = attribute.i();
  const auto found = model.ranks.find(node.input(0));
  if (found == model.ranks.end()) return;  // no output needs it
  const auto rank = static_cast<std::int64_t>(found->second);
  if (axis != rank - 1 && axis != -1) {
    throw InputError(
        fmt::format("node '{}' (Softmax)", node_name(node)),
        fmt::format("axis {} of {} dimensions has no counterpart in opset 13", axis, rank),
        "the last axis");
  }
  node.clear_attribute();
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name("axis");
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(-1);
}

}  // namespace

void check_float_model(const OnnxFile& file) {
  for (const onnx::NodeProto& node : file.model.graph().node()) {
    const bool quantised = std::find(kQuantisedOperators.begin(), kQuantisedOperators.end(),
                                     node.op_type()) != kQuantisedOperators.end();
    if (quantised) {
      throw InputError(
          file.path,
          fmt::format("is quantised already (node '{}', {})", node_name(node), node.op_type()),
          "a float model");
    }
  }
  const auto is_other_float = [](int type) {
    return type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16 ||
           type == onnx::TensorProto::DOUBLE;
  };
  for (const onnx::ValueInfoProto& input : file.model.graph().input()) {
    if (is_other_float(input.type().tensor_type().elem_type())) {
      throw InputError(file.path, "input '" + input.name() + "' is not float32", "a float32 model");
    }
  }
  for (const onnx::TensorProto& tensor : file.model.graph().initializer()) {
    if (is_other_float(tensor.data_type())) {
      throw InputError(file.path, "tensor '" + tensor.name() + "' is not float32",
                       "a float32 model");
    }
  }
}

void upgrade_opset(OnnxFile& file, const FloatModel& model) {
  if (file.model.ir_version() < kFreeInitialiserIr) file.model.set_ir_version(kQdqIr);
  if (file.opset >= kQdqOpset) return;
  for (onnx::NodeProto& node : *file.model.mutable_graph()->mutable_node()) {
    if (node.op_type() == "Dropout" && file.opset < 12) upgrade_dropout(node);
    if (node.op_type() == "Softmax") upgrade_softmax(node, model);
  }
  for (onnx::OperatorSetIdProto& set : *file.model.mutable_opset_import()) {
    if (set.domain().empty() || set.domain() == "ai.onnx") set.set_version(kQdqOpset);
  }
  if (file.model.ir_version() < kQdqIr) file.model.set_ir_version(kQdqIr);
  file.opset = kQdqOpset;
}

}  // namespace systole::compiler
