// Operators of a model that nothing here computes, all in one error.
#pragma once

#include "compiler/frontend/onnx_file.h"

namespace systole::compiler {

// Throws InputError naming every operator that neither onnx_ops.def has nor, where its inputs are
// constants, onnx_constants.def: how many nodes have it and the first of them. Each node comes
// behind those it reads from.
void check_operators(const OnnxFile& file);

}  // namespace systole::compiler
