// The model's inputs: types, and shapes with every open dimension filled in from the options.
#pragma once

#include "compiler/frontend/load_options.h"
#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// Adds the graph's inputs to the import and notes a changed batch. Throws InputError listing what
// to give if a dimension stays open, and for options that name or change what they cannot.
void add_inputs(OnnxImport& import, const LoadOptions& options);
// The error of a node that does not allow another batch than the model's.
[[nodiscard]] InputError forbidden_batch(const OnnxImport& import, const std::string& node,
                                         const std::string& what);
// Throws it if a changed batch makes a node mix the batch's rows.
void check_batch(const OnnxImport& import, const Graph& graph);

}  // namespace systole::compiler
