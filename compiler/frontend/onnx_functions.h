// Local functions of an ONNX model, written out where they are called.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace systole::compiler {

// Replaces every call of one of the model's functions by the function's nodes, named "call/node",
// and removes the functions. Throws InputError: a function that is given twice, calls itself or is
// for another opset than the model, a call that does not fit, more than a million nodes.
void inline_functions(const std::string& path, onnx::ModelProto& model);

}  // namespace systole::compiler
