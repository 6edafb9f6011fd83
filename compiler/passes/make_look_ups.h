// Pass: functions of 16-bit integers become tables, and tables go into the products before them.
#pragma once

#include "compiler/ir/graph.h"

namespace systole::compiler {

// A quantised map from int16 to int16 becomes a table of 257 points between which the machine
// interpolates, so its results may differ from the map's (docs/quantisation.md); relu and clip
// stay. A table that alone reads a requantised product becomes that product's look-up, exactly.
[[nodiscard]] Graph make_look_ups(Graph graph);

}  // namespace systole::compiler
