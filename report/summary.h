// The dozen lines that `run` prints: what ran, how fast, what bounds it, where the cycles went.
#pragma once

#include <string>

#include "report/record.h"

namespace systole::report {

// The summary as text of at most 100 columns; every layer with `all_layers`, else the three with
// the most cycles.
[[nodiscard]] std::string summary(const Record& record, bool all_layers);

// Its first lines: what ran, how fast, what bounds it.
[[nodiscard]] std::string heading(const Record& record);
// A figure with three or four digits and a prefix: 0.00123 -> "1.23 m".
[[nodiscard]] std::string with_prefix(double value);
// 1234567 -> "1,234,567"
[[nodiscard]] std::string grouped(std::int64_t value);

}  // namespace systole::report
