// Graph builder: what frontends use to write a Graph, one source layer at a time.
//
// It folds ops of constants (those that cost little), keeps a dequantised constant a constant
// behind its dequantise node (the quantisation pass needs both), names values and drops what no
// output needs.
#pragma once

#include <string>
#include <vector>

#include "compiler/ir/graph.h"

namespace systole::compiler {

class GraphBuilder {
 public:
  // Nodes emitted from now on come from this layer; `origin` is its operator.
  void begin_layer(std::string name, std::string origin);

  ValueId add_input(const std::string& name, DType type, Shape shape);
  ValueId add_constant(const std::string& name, Tensor t);

  // A node of the current layer. Throws InputError if the result has 2^40 elements or more. The
  // result is a constant where all inputs are, the op is cheap and all such results together are
  // not far larger than the constants given.
  ValueId emit(OpKind kind, std::vector<ValueId> inputs, DType type, Shape shape, Attrs attrs);
  // A constant computed elsewhere from other constants; it counts as folded.
  ValueId add_folded(const std::string& name, Tensor t);
  // Elements that folded constants may still have: a file of a few bytes can ask for any number.
  [[nodiscard]] std::int64_t room() const;
  // The constant with this value's value: itself, or what a dequantise node makes of one; else
  // kNoValue.
  ValueId known(ValueId id);
  ValueId reshape(ValueId x, const Shape& shape);
  ValueId transpose(ValueId x, const std::vector<std::int64_t>& permutation);

  // Names a value made by the current layer; other values (of an Identity, say) keep their names.
  void name_result(ValueId id, const std::string& name);

  [[nodiscard]] const Value& value(ValueId id) const { return graph_.value(id); }
  [[nodiscard]] const Tensor* constant(ValueId id) const;
  // The node that makes the value, or null.
  [[nodiscard]] const Node* producer(ValueId id) const;

  // The graph with these outputs, without the nodes and constants they do not need. `map`, if
  // given, becomes old value id -> new value id (kNoValue where dropped).
  [[nodiscard]] Graph finish(const std::vector<std::pair<std::string, ValueId>>& outputs,
                             std::vector<ValueId>* map = nullptr);

 private:
  // The dequantise node of a dequantised constant, or null.
  [[nodiscard]] const Node* dequantised_constant(ValueId id) const;
  ValueId move_dequantised(const Node& dequantise, const MoveAttrs& move, const Shape& shape);
  [[nodiscard]] bool may_fold(const Node& node, const Shape& shape) const;
  ValueId store_constant(const std::string& name, Tensor t);
  ValueId output_value(const std::string& name, ValueId id);

  Graph graph_;
  std::vector<std::ptrdiff_t> producer_;  // by value: index of its node, or -1
  std::string layer_ = "model", origin_;
  ValueId first_of_layer_ = 0;
  std::int64_t given_ = 0, folded_ = 0;  // elements of constants given and of folded results
};

}  // namespace systole::compiler
