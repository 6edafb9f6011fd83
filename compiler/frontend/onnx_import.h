// ONNX model -> Graph: inputs and batch, order of nodes, one rewrite per node.
#pragma once

#include <map>
#include <string>

#include "compiler/frontend/load_options.h"
#include "compiler/frontend/onnx_file.h"
#include "compiler/ir/graph.h"

namespace systole::compiler {

// Throws InputError for whatever the model or the options ask that is not known or does not fit.
// `names`, if given, becomes ONNX tensor name -> value, for those that are still in the graph.
[[nodiscard]] Graph import_onnx(OnnxFile& file, const LoadOptions& options,
                                std::map<std::string, ValueId>* names = nullptr);

struct OnnxImport;
// A node becomes constants where it can, else ops of the graph. Its inputs are known.
void import_node(OnnxImport& import, const onnx::NodeProto& proto);

}  // namespace systole::compiler
