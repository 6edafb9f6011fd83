// Profile: a run as `diff` compares it, of a record or of the statistics that one was written to.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "report/record.h"
#include "traces/diff.h"

namespace systole::report {

// Needs record.why.
[[nodiscard]] traces::Profile profile_of(const Record& record);

// Of a file of `run --stats`. Throws InputError naming `where` and the key: no such statistics, of
// a run without time, or of a version that did not write the key.
[[nodiscard]] traces::Profile profile_from_stats(const nlohmann::ordered_json& stats,
                                                 const std::string& where);

}  // namespace systole::report
