// The JSON statistics of a run: stable keys, documented in docs/cli.md.
#pragma once

#include <string>

#include "report/record.h"

namespace systole::report {

// The record as indented JSON with a final line break. Figures of time are null where the engine
// keeps no time.
[[nodiscard]] std::string stats_json(const Record& record);

}  // namespace systole::report
