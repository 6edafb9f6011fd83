// Functions of one number, as quantised maps and tables have them.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// The map's function in float32; sigmoid and tanh in float64, rounded once.
[[nodiscard]] float map_exact(const MapAttrs& a, float x);

}  // namespace systole::compiler
