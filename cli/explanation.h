// The compiler's explanation of a program, as `systole compile --explain` prints it.
#pragma once

#include <string>

#include "compiler/compile.h"

namespace systole::cli {

// A line per device layer: mapping, weight bytes read, predicted cycles, what limits it; then how
// the segments share the unified buffer.
[[nodiscard]] std::string explanation_text(const compiler::Compiled& compiled);

}  // namespace systole::cli
