// Inline shapes: models written on the command line, gemm:M,K,N, mlp:D0,D1,...,Dn,
// conv:N,C,H,W,K,R,S,stride,pad and vadd:N.
#pragma once

#include <string>
#include <vector>

#include "compiler/frontend/load_options.h"
#include "compiler/ir/graph.h"

namespace systole::compiler {

// The inline forms, each as it is written: "gemm:M,K,N".
[[nodiscard]] std::vector<std::string> inline_forms();

[[nodiscard]] bool is_inline_shape(const std::string& model);

// Throws InputError that shows the form if the text is malformed or the weights pass 2^31 bytes.
[[nodiscard]] Graph load_inline_shape(const std::string& model, const LoadOptions& options);

}  // namespace systole::compiler
