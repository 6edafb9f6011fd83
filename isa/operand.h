// Operand values: which are legal for a kind, and how they are written.
//
// Derived from operands.def and choices.def: a kind with choices holds the position of its choice,
// a Unit the position of its kind, any other kind a number of its row's width.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "isa/insn.h"

namespace systole::isa {

struct OperandRange {
  std::int64_t low = 0;
  std::int64_t high = 0;  // inclusive
};

constexpr std::int64_t choice_count(Operand kind) {
  if (kind == Operand::Unit) return static_cast<std::int64_t>(kUnitKinds);
  std::int64_t count = 0;
  for (const ChoiceInfo& choice : kChoices) count += choice.kind == kind ? 1 : 0;
  return count;
}

constexpr OperandRange make_operand_range(Operand kind) {
  if (choice_count(kind) > 0) return {0, choice_count(kind) - 1};
  const std::int64_t span = std::int64_t{1} << (info(kind).bits - (info(kind).is_signed ? 1 : 0));
  return {info(kind).is_signed ? -span : 0, span - 1};
}

inline constexpr auto kOperandRanges = std::to_array<OperandRange>({
#define SYSTOLE_OPERAND(kind, bits, is_signed, space, presence, text) \
  make_operand_range(Operand::kind),
#include "isa/operands.def"
});
constexpr const OperandRange& operand_range(Operand kind) {
  return kOperandRanges.at(static_cast<std::size_t>(kind));
}

// Kinds that may be left out in the text form and are then 0; the disassembler leaves them out when
// they are. All other operands are always written.
constexpr bool may_be_left_out(Operand kind) { return info(kind).presence != Presence::kAlways; }

// The value as the text form has it: a choice's name, a unit's name or a decimal number.
[[nodiscard]] std::string operand_text(Operand kind, std::int64_t value);
// The reverse; empty if the text is none of the kind's names or no number within its range.
[[nodiscard]] std::optional<std::int64_t> parse_operand(Operand kind, std::string_view text);
// "1 to 6", or "255" where both are the same; for kinds of named values "one of a, b".
[[nodiscard]] std::string range_text(std::int64_t low, std::int64_t high);
[[nodiscard]] std::string range_text(Operand kind, std::int64_t low, std::int64_t high);
// What parse_operand accepts: "one of u8, s8, s16, s32" or "0 to 255".
[[nodiscard]] std::string operand_expected(Operand kind);

}  // namespace systole::isa
