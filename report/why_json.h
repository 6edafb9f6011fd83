// What bounds a run and its critical path, as keys that several JSON documents have.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/record.h"

namespace systole::report {

// What bounds a run as every machine-readable form tells it.
struct BoundKeys {
  std::vector<std::string> by, device_by;  // names of resources, or the host; none: balanced
  std::vector<std::string> parameters;     // that relieve it, as --set takes them
  std::optional<double> share;             // of the time; nothing of a room
  std::string text;
};
// Needs record.why.
[[nodiscard]] BoundKeys bound_keys(const Record& record);

// bound_by[], device_bound_by[], bound_parameter[], share, bound_text; null where it is not known.
[[nodiscard]] nlohmann::ordered_json bound_json(const Record& record);
// path[] {resource, cycles}, in the order of the table of resources.
[[nodiscard]] nlohmann::ordered_json path_json(const traces::ByResource& cycles);
// A name as a key: "weight stall" -> "weight_stall".
[[nodiscard]] std::string key_of(std::string_view name);

}  // namespace systole::report
