// The instruction set's documentation, generated from opcodes.def, operands.def and choices.def.
#pragma once

#include <string>

namespace systole::isa {

// docs/isa.md, Markdown: units, instructions by unit with operands and sizes, named values.
[[nodiscard]] std::string isa_markdown();

}  // namespace systole::isa
