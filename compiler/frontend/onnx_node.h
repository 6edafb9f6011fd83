// One ONNX node while it is rewritten: its inputs as graph values, its attributes by type, and
// errors that name it. An attribute that no accessor asked for is an error.
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/frontend/onnx_file.h"
#include "compiler/ir/graph_builder.h"

namespace systole::compiler {

// --batch on a model whose leading dimension is fixed: shapes that the model gives follow, those
// computed from shapes do so by themselves.
struct BatchChange {
  std::int64_t from = 1, to = 1;
};

// What all nodes of one model share.
struct OnnxImport {
  OnnxFile& file;
  GraphBuilder builder = {};
  std::map<std::string, ValueId> values = {};  // by ONNX name, those defined so far
  std::map<std::string, const onnx::TensorProto*> initialisers = {};  // not yet read
  std::map<std::string, int> uses = {};  // by ONNX name, the graph's outputs included
  std::optional<BatchChange> batch = {};
  std::set<std::string> from_shapes = {};  // ONNX names of constants computed from shapes
  std::vector<std::string> notes = {};     // of the graph
  int written_out = 0;                     // nodes of subgraphs
};

class OnnxNode {
 public:
  OnnxNode(OnnxImport& import, const onnx::NodeProto& proto);

  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::int64_t opset() const { return import_.file.opset; }
  // Whether the operator is ONNX's own, so that the opset says which attributes it has.
  [[nodiscard]] bool is_standard() const {
    return proto_.domain().empty() || proto_.domain() == "ai.onnx";
  }
  [[nodiscard]] GraphBuilder& builder() { return import_.builder; }
  [[nodiscard]] OnnxImport& import() { return import_; }
  [[nodiscard]] const std::optional<BatchChange>& batch() const { return import_.batch; }

  // Throws InputError that names the node and its operator.
  [[noreturn]] void fail(const std::string& what, const std::string& expected) const;
  void require(bool holds, const std::string& what, const std::string& expected) const;
  void require_arity(int low, int high) const;
  void require_type(const std::string& what, ValueId id, DType type) const;
  // Outputs from `first` on may be declared but not used.
  void require_unused_outputs(int first) const;

  [[nodiscard]] bool has(int i) const {
    return i < proto_.input_size() && !proto_.input(i).empty();
  }
  [[nodiscard]] const std::string& input_name(int i) const { return proto_.input(i); }
  [[nodiscard]] ValueId input(int i);
  // Whether the input is a constant that was computed from the shape of something.
  [[nodiscard]] bool is_from_shapes(int i) const {
    return import_.from_shapes.contains(proto_.input(i));
  }
  // Whether nothing else reads the input's tensor.
  [[nodiscard]] bool is_sole_use(int i) const;
  // Whether all inputs are constants, perhaps dequantised ones; then input(i) is their value.
  [[nodiscard]] bool use_known_inputs();
  [[nodiscard]] int input_count() const { return proto_.input_size(); }
  [[nodiscard]] Shape shape(int i) { return builder().value(input(i)).shape; }
  // The value of an input that has to be constant.
  [[nodiscard]] const Tensor& constant(int i, const std::string& what);

  [[nodiscard]] bool has_attribute(const std::string& name) const;
  [[nodiscard]] std::int64_t int_or(const std::string& name, std::int64_t otherwise);
  [[nodiscard]] std::string string_or(const std::string& name, const std::string& otherwise);
  [[nodiscard]] float float_or(const std::string& name, float otherwise);
  [[nodiscard]] std::vector<std::int64_t> ints(const std::string& name);
  [[nodiscard]] std::vector<float> floats(const std::string& name);
  [[nodiscard]] std::vector<std::string> strings(const std::string& name);
  [[nodiscard]] Tensor tensor(const std::string& name);
  [[nodiscard]] const onnx::GraphProto& graph(const std::string& name);
  // int_or for a flag, 0 or 1.
  [[nodiscard]] bool flag(const std::string& name);
  // An axis in [-rank, rank) (or up to rank if `past_end`) as a non-negative number.
  [[nodiscard]] std::int64_t axis(std::int64_t found, std::size_t rank,
                                  bool past_end = false) const;

  // The node's first output, or another one, is this value.
  void result(ValueId id, int output = 0);
  // Whether something reads that output.
  [[nodiscard]] bool is_used(int output) const;
  // The shape that the model says an output has, if it is known in all dimensions.
  [[nodiscard]] std::optional<Shape> declared_shape(int output) const;
  // Something that a user should hear of the node.
  void note(const std::string& what);
  // Outputs that are listed, named or not.
  [[nodiscard]] int output_slots() const { return proto_.output_size(); }
  // Outputs that have a name.
  [[nodiscard]] int output_count() const;
  // Throws InputError if an attribute was not asked for.
  void check_attributes() const;

 private:
  const onnx::AttributeProto* find(const std::string& name, int type);

  OnnxImport& import_;
  const onnx::NodeProto& proto_;
  std::map<std::string, const onnx::AttributeProto*> attributes_;
  std::set<std::string> asked_;
  std::vector<ValueId> known_;  // by input, after use_known_inputs
};

// How messages and layers call a node: its name, or its first output's if it has none.
[[nodiscard]] std::string node_name(const onnx::NodeProto& proto);

}  // namespace systole::compiler
