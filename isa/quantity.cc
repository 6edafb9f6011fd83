// Quantity: number, prefix, unit, each taken off the text's front.
#include "isa/quantity.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace systole::isa {
namespace {

struct Scale {
  std::string_view text;
  double factor;
};
// Those of two letters first, as one of them begins with another.
constexpr auto kPrefixes = std::to_array<Scale>({{"Ki", 0x1p10},
                                                 {"Mi", 0x1p20},
                                                 {"Gi", 0x1p30},
                                                 {"Ti", 0x1p40},
                                                 {"k", 1e3},
                                                 {"K", 1e3},
                                                 {"M", 1e6},
                                                 {"G", 1e9},
                                                 {"T", 1e12},
                                                 {"P", 1e15}});
constexpr auto kTimes =
    std::to_array<Scale>({{"ps", 1e-12}, {"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}});

// Frequencies are typed in any case, but for a lone "m": who leaves the unit out may mean milli.
std::string spelled(std::string_view text, std::string_view unit) {
  std::string result(text);
  if (unit != "Hz" || text == "m") return result;
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (result.ends_with("HZ")) result.back() = 'z';
  return result;
}

// What one of `text`, which stands behind the number, is worth in `unit`; nothing if it is no such
// unit.
std::optional<double> factor_of(std::string_view text, std::string_view unit) {
  if (text.empty() || text == unit) return 1.0;
  const auto* const wanted = std::ranges::find(kTimes, unit, &Scale::text);
  if (wanted != kTimes.end()) {
    const auto* const found = std::ranges::find(kTimes, text, &Scale::text);
    if (found == kTimes.end()) return std::nullopt;
    return std::round(found->factor / wanted->factor * 1e6) / 1e6;
  }
  for (const Scale& prefix : kPrefixes) {
    if (!text.starts_with(prefix.text)) continue;
    const std::string_view rest = text.substr(prefix.text.size());
    if (rest.empty() || rest == unit) return prefix.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_quantity(std::string_view text, std::string_view unit) {
  std::int64_t whole = 0;
  double number = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  if (const auto [stop, error] = std::from_chars(begin, end, whole);
      error == std::errc() && stop == end) {
    return whole;
  }
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  const auto factor = factor_of(spelled(rest, unit), unit);
  if (!factor) return std::nullopt;
  constexpr double kRounding = 4 * std::numeric_limits<double>::epsilon();
  constexpr double kLargest = 9.0e18;
  const double value = number * *factor, nearest = std::round(value);
  const bool is_whole = std::abs(value - nearest) <= kRounding * std::abs(value);
  if (!is_whole || std::abs(nearest) > kLargest) return std::nullopt;
  return static_cast<std::int64_t>(nearest);
}

}  // namespace systole::isa
