// TOML's depth, bounded before it is parsed: the parser and its tables recurse once a level.
#pragma once

#include <string>
#include <string_view>

namespace systole::isa {

// Throws InputError naming `where` and the line if brackets are nested or names joined by dots more
// than 16 deep. What is malformed otherwise is left to the parser.
void check_toml_depth(std::string_view text, const std::string& where);

}  // namespace systole::isa
