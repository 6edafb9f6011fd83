// ONNX's names of the functions that a graph computes.
#pragma once

#include <string>

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The ONNX operator of a function; a pool over the whole map is "Global" and this.
[[nodiscard]] std::string onnx_operator(MapFn fn);
// The first opset that has it.
[[nodiscard]] std::int64_t first_opset(MapFn fn);
[[nodiscard]] std::string onnx_operator(ZipFn fn);
[[nodiscard]] std::string onnx_operator(ReduceFn fn);
[[nodiscard]] std::string onnx_operator(PoolFn fn);

}  // namespace systole::compiler
