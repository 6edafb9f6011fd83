// Operand values as text.
#include "isa/operand.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace systole::isa {
namespace {

// The names of a kind's values, in order; empty for numbers.
std::vector<std::string_view> names_of(Operand kind) {
  if (kind == Operand::Unit) return {kUnitKindNames.begin(), kUnitKindNames.end()};
  std::vector<std::string_view> names;
  for (const ChoiceInfo& choice : kChoices) {
    if (choice.kind == kind) names.push_back(choice.text);
  }
  return names;
}

const std::vector<std::string_view>& names(Operand kind) {
  static const auto table = [] {
    std::vector<std::vector<std::string_view>> all;
    for (std::size_t k = 0; k < kOperands.size(); ++k) {
      all.push_back(names_of(static_cast<Operand>(k)));
    }
    return all;
  }();
  return table.at(static_cast<std::size_t>(kind));
}

}  // namespace

std::string operand_text(Operand kind, std::int64_t value) {
  const auto& words = names(kind);
  const bool named = value >= 0 && value < std::ssize(words);
  return named ? std::string(words[static_cast<std::size_t>(value)]) : std::to_string(value);
}

std::optional<std::int64_t> parse_operand(Operand kind, std::string_view text) {
  const auto& words = names(kind);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return static_cast<std::int64_t>(i);
  }
  if (!words.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const OperandRange& range = operand_range(kind);
  return value >= range.low && value <= range.high ? std::optional(value) : std::nullopt;
}

std::string range_text(std::int64_t low, std::int64_t high) {
  return low == high ? std::to_string(low) : fmt::format("{} to {}", low, high);
}

std::string range_text(Operand kind, std::int64_t low, std::int64_t high) {
  const auto& words = names(kind);
  if (words.empty()) return range_text(low, high);
  const auto last = std::min<std::int64_t>(high + 1, std::ssize(words));
  return fmt::format("one of {}", fmt::join(words.begin() + low, words.begin() + last, ", "));
}

std::string operand_expected(Operand kind) {
  return range_text(kind, operand_range(kind).low, operand_range(kind).high);
}

}  // namespace systole::isa
