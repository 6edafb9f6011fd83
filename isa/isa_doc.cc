// The instruction set as Markdown, one table per instruction.
#include "isa/isa_doc.h"

#include <fmt/format.h>

#include <vector>

#include "isa/operand.h"
#include "isa/program.h"

namespace systole::isa {
namespace {

constexpr std::string_view kHead =
    "# Instruction set\n\n"
    "Generated from `isa/*.def` by `systole isa`; a test keeps it up to date.\n\n"
    "An instruction is an opcode byte followed by its operands, packed least significant bit first "
    "in the order listed and padded with zero bits to whole bytes. In text, operands of the kinds "
    "{} may be left out and are then 0; all others are always given (`docs/formats.md`, which also "
    "has "
    "the names that hand-written text may use). [isa-examples](isa-examples/README.md) has "
    "commented "
    "programs: double buffering, a race and its mend, a convolution, pools, a repeat.\n";

std::string kinds_left_out() {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kOperands.size(); ++i) {
    if (may_be_left_out(static_cast<Operand>(i))) names.push_back(kOperands[i].name);
  }
  const std::string_view last = names.back();
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

constexpr auto kUnitMeanings = std::to_array<std::string_view>({
#define SYSTOLE_UNIT(name, text, count, meaning) meaning,
#include "isa/units.def"
});

template <typename T>
std::string operand_rows() {
  std::string out;
  T{}.for_each([&out](std::string_view name, Operand kind, std::int64_t) {
    const OperandInfo& row = info(kind);
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", name, row.name, row.bits,
                       operand_expected(kind), row.text);
  });
  return out;
}

template <typename T>
std::string instruction(std::string_view meaning) {
  std::string out = fmt::format("\n### `{}` (0x{:02x}, {} bytes)\n\n{}.\n", T::kMnemonic,
                                T::kOpcode, encoded_bytes(T{}), meaning);
  const std::string rows = operand_rows<T>();
  if (rows.empty()) return out;
  return out + "\n| operand | kind | bits | value | meaning |\n|---|---|---|---|---|\n" + rows;
}

std::string unit_section(Unit unit) {
  std::string out =
      fmt::format("\n## Unit `{}`\n\n{}.\n", unit_name(unit), kUnitMeanings[index(unit)]);
#define SYSTOLE_INSN(Struct, mnemonic, opcode, of_unit, fields, meaning) \
  if (Unit::of_unit == unit) out += instruction<Struct>(meaning);
#include "isa/opcodes.def"
  return out;
}

std::string choices_section() {
  std::string out = "\n## Named values\n\n| kind | value | name | meaning |\n|---|---|---|---|\n";
  for (const ChoiceInfo& choice : kChoices) {
    out += fmt::format("| {} | {} | `{}` | {} |\n", info(choice.kind).name,
                       choice_value(choice.kind, choice.text), choice.text, choice.meaning);
  }
  return out;
}

}  // namespace

std::string isa_markdown() {
  std::string out = fmt::format(kHead, kinds_left_out());
  for (std::size_t u = 0; u < kUnitKinds; ++u) out += unit_section(unit_at(u));
  return out + choices_section();
}

}  // namespace systole::isa
