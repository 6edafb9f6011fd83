// The sentences under the table: who wins which scenario, by how much and why, or that nobody does.
#pragma once

#include <string>
#include <vector>

#include "compare/comparison/comparison.h"

namespace systole::compare {

// One sentence for each of single-stream, offline and server that has two rows or more, and one
// more where two or more of them are simulated machines. They follow from the rows alone, so from a
// report's JSON as well. Rows with a ratio, and what they are compared with, are judged, best
// settings alone. A row whose error nobody knows, one measured while the computer was busy, one
// that rule 6 keeps from a ratio and a published one are named but not judged. No winner is named
// when the two fastest rows' ranges overlap. Simulated machines are always judged among each other
// (rule 13); beside other kinds the fastest stands for all.
[[nodiscard]] std::vector<std::string> summarise(const std::vector<Row>& rows);

// The same in a line or two each, for the first screen: the winner, by how much within which
// interval, and what bounds it; or that there is none.
[[nodiscard]] std::vector<std::string> headlines(const std::vector<Row>& rows);

// The first few of Row::differs, and how many more there are.
[[nodiscard]] std::string short_differences(const std::string& differs);

// "int8", or with threads "int8/2".
[[nodiscard]] std::string setting_text(const std::string& precision, int threads);
// "52.10 us", "1.340 ms": four significant digits.
[[nodiscard]] std::string time_text(double seconds);
// " (quick)", " (busy)" or both, where rules 5 and 15 say so of a measurement.
[[nodiscard]] std::string remarks(const Measurement& measurement);
// "1.23 M", "45.6 k"
[[nodiscard]] std::string rate_text(double per_second);

}  // namespace systole::compare
