// See numbers.h.
#include "cli/numbers.h"

#include <fmt/core.h>

#include <charconv>

#include "base/clean.h"

namespace systole::cli {
namespace {

// A comparison that NaN fails.
template <typename Number>
std::optional<Number> parse(std::string_view text, Number low, Number high) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool whole = error == std::errc() && stop == end;
  return whole && value >= low && value <= high ? std::optional(value) : std::nullopt;
}

std::string refusal(const std::string& text, const std::string& expected) {
  return fmt::format("'{}'; expected {}", clean_message(text), expected);
}

}  // namespace

std::optional<std::int64_t> parse_whole(std::string_view text, std::int64_t low,
                                        std::int64_t high) {
  return parse(text, low, high);
}

std::optional<double> parse_real(std::string_view text, double low, double high) {
  return parse(text, low, high);
}

Check whole_within(std::int64_t low, std::int64_t high) {
  return [=](const std::string& text) {
    return parse_whole(text, low, high)
               ? ""
               : refusal(text, fmt::format("a whole number from {} to {}", low, high));
  };
}

Check real_within(double low, double high) {
  return [=](const std::string& text) {
    return parse_real(text, low, high)
               ? ""
               : refusal(text, fmt::format("a number from {:g} to {:g}", low, high));
  };
}

}  // namespace systole::cli
