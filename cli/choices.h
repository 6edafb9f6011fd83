// Choices: options whose value is one of a few words.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace systole::cli {

// For CLI::Option::check: what is wrong with an option's text that is none of the words, with the
// nearest that is; else nothing.
[[nodiscard]] std::function<std::string(const std::string&)> one_of(std::vector<std::string> words);

}  // namespace systole::cli
