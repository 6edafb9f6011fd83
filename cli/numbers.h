// Numbers on a command line: the whole text, decimal, finite and within bounds, or nothing.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command_line.h"

namespace systole::cli {

// Counts of rows, batches and samples: the product of two fits 64 bits.
inline constexpr std::int64_t kMostCount = std::numeric_limits<std::int32_t>::max();
// Rows of a batch: of as many bytes host memory can still be addressed.
inline constexpr std::int64_t kMostBatch = std::int64_t{1} << 30;
// Of one that is compared, whose values are computed.
inline constexpr std::int64_t kMostComparedBatch = std::int64_t{1} << 24;

// Nothing if the text is no such number or it is not within [low, high].
[[nodiscard]] std::optional<std::int64_t> parse_whole(std::string_view text, std::int64_t low,
                                                      std::int64_t high);
[[nodiscard]] std::optional<double> parse_real(std::string_view text, double low, double high);

// CLI11's own checks keep "nan" out of no range.
[[nodiscard]] Check whole_within(std::int64_t low, std::int64_t high);
[[nodiscard]] Check real_within(double low, double high);

}  // namespace systole::cli
