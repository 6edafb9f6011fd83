// Code hash: what tells whether two programs execute the same instructions.
#pragma once

#include <string>

#include "isa/program.h"

namespace systole::isa {

// Hex, of the encoded instructions alone.
[[nodiscard]] std::string code_hash(const Program& program);

}  // namespace systole::isa
