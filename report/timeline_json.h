// A timeline as JSON: lanes of columns, each a number a piece.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/timeline.h"

namespace systole::report {

// {slices, grain, names[], layers[], lanes[] {track, and a column for each of: gap, length, name,
// layer, insn, rows, bytes, slices, busy, waited, cause}}. `gap` is what lies between a piece and
// the one before; insn counts from 1, and 0 stands for none; rows, bytes and cause are -1 where
// there are none.
[[nodiscard]] nlohmann::ordered_json timeline_json(const Timeline& timeline);

}  // namespace systole::report
