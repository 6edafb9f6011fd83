// What bounds a run and its critical path, as keys that several JSON documents have.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/record.h"

namespace systole::report {

// bound_by[], device_bound_by[], bound_parameter[], share, bound_text; null where it is not known.
[[nodiscard]] nlohmann::ordered_json bound_json(const Record& record);
// path[] {resource, cycles}, in the order of the table of resources.
[[nodiscard]] nlohmann::ordered_json path_json(const traces::CriticalPath& path);

}  // namespace systole::report
