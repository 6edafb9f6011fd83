// The model's inputs: types, and shapes with every open dimension filled in from the options.
#pragma once

#include "compiler/frontend/load.h"
#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// Adds the graph's inputs to the import and notes a changed batch. Throws InputError listing what
// to give if a dimension stays open, and for options that name or change what they cannot.
void add_inputs(OnnxImport& import, const LoadOptions& options);

}  // namespace systole::compiler
