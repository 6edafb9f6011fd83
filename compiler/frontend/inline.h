// Inline shapes: models written on the command line, gemm:M,K,N, mlp:D0,D1,...,Dn,
// conv:N,C,H,W,K,R,S,stride,pad and vadd:N.
#pragma once

#include <string>

#include "compiler/frontend/load.h"

namespace systole::compiler {

[[nodiscard]] bool is_inline_shape(const std::string& model);

// Throws InputError that shows the form if the text is malformed or the weights pass 2^31 bytes.
[[nodiscard]] Graph load_inline_shape(const std::string& model, const LoadOptions& options);

}  // namespace systole::compiler
