// The sentences under the table: who wins which scenario, by how much and why, or that nobody does.
#pragma once

#include <string>
#include <vector>

#include "compare/comparison.h"

namespace systole::compare {

// One sentence for each of single-stream, offline and server that has rows. It follows from the
// rows alone, so from a report's JSON as well. Only rows with a ratio take part, best settings
// first; a row whose error nobody knows is named but not judged. No winner is named when the two
// fastest rows' ranges overlap.
[[nodiscard]] std::vector<std::string> summarise(const std::vector<Row>& rows);

// "52.10 us", "1.340 ms": four significant digits.
[[nodiscard]] std::string time_text(double seconds);
// "1.23 M", "45.6 k"
[[nodiscard]] std::string rate_text(double per_second);

}  // namespace systole::compare
