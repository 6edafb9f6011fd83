// The example of a small array as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/array_example.h"

namespace systole::report {

// {rows, columns, code[], x[][], w[][], y[][], planes[] {name, meaning}, passes[], shifted[],
// frames[] {cycle, planes[][]}, writes[] [cycle, row, column, value]}
[[nodiscard]] nlohmann::ordered_json array_example_json(const ArrayExample& example);

}  // namespace systole::report
