// What `systole trace` prints of a whole trace: the summary, its waits with their roots, its
// layers.
#pragma once

#include <string>
#include <vector>

#include "traces/read/roots.h"
#include "traces/read/summary.h"

namespace systole::report {

// `roots` are those of summary.longest. Layers are listed if the summary has them.
[[nodiscard]] std::string trace_text(const traces::TraceSummary& summary,
                                     const std::vector<std::vector<traces::RootLink>>& roots,
                                     bool layers);
// Keys as those of the statistics (docs/cli.md).
[[nodiscard]] std::string trace_json(const traces::TraceSummary& summary,
                                     const std::vector<std::vector<traces::RootLink>>& roots);

}  // namespace systole::report
