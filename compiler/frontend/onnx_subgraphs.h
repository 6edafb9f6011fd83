// The graphs inside nodes (If, Loop, Scan): what they read of the graph around them, and their
// nodes written out in that graph.
#pragma once

#include <onnx/onnx_pb.h>

#include <functional>
#include <string>
#include <vector>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

using Visit = std::function<void(const std::string&)>;
// Calls visit(name) for every name of the graph around it that the node or a node inside it reads.
void each_read(const onnx::NodeProto& node, const Visit& visit);
// The same with the names of values inside it.
void each_read_within(const onnx::NodeProto& node, const Visit& visit);

// Writes the body out, its inputs being these values. Returns its outputs; its other names are
// forgotten. `step` tells this copy's layers from others.
[[nodiscard]] std::vector<ValueId> import_body(OnnxNode& node, const onnx::GraphProto& body,
                                               const std::vector<ValueId>& inputs,
                                               const std::string& step);

}  // namespace systole::compiler
