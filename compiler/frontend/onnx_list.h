// Lists of numbers that an operator has as an attribute in older opsets and as an input in newer
// ones.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/frontend/onnx_node.h"

namespace systole::compiler {

// The list of int64 called `name`: the attribute before opset `input_since`, else the constant
// input; nothing if it is absent.
[[nodiscard]] std::optional<std::vector<std::int64_t>> list_of(OnnxNode& node,
                                                               const std::string& name, int input,
                                                               std::int64_t input_since);
// Which dimensions of a tensor of this rank the list names, each once.
[[nodiscard]] std::vector<bool> named_axes(const OnnxNode& node,
                                           const std::vector<std::int64_t>& axes, std::size_t rank);

}  // namespace systole::compiler
