// Two runs, or two machines, side by side, as text and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "traces/diff.h"

namespace systole::report {

struct DiffView {
  const traces::Profile &a, &b;
  const traces::Diff& diff;
};

// Within 80 columns; of each table the largest changes, and the others in one row, or all.
[[nodiscard]] std::string diff_text(const DiffView& view, bool all);
[[nodiscard]] nlohmann::ordered_json diff_json(const DiffView& view);

// Machines alone: the parameters that differ.
struct MachineNames {
  std::string a, b;
};
[[nodiscard]] std::string parameters_text(const MachineNames& machines,
                                          const std::vector<traces::ParameterChange>& parameters);
[[nodiscard]] nlohmann::ordered_json parameters_json(
    const std::vector<traces::ParameterChange>& parameters);

// Where the cycles differ in a line: "33,204 -> 29,108 cycles (-12.3 %): layers fc1 -3,000, ...;
// path memory -2,900, ...; matrix unit weight stall -2,500, ...".
[[nodiscard]] std::string diff_line(const DiffView& view);

}  // namespace systole::report
