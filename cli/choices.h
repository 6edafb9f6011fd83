// Choices: options whose value is one of a few words.
#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"

namespace systole::cli {

// Refuses a text that is none of the words, and names the nearest that is.
[[nodiscard]] Check one_of(std::vector<std::string> words);

}  // namespace systole::cli
