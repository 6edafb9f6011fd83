// Help and usage errors: how the command line explains itself.
#pragma once

#include <string>

namespace CLI {
class App;
class Error;
}  // namespace CLI

namespace systole::cli {

inline constexpr std::size_t kPageWidth = 80;

// `text` broken at blanks into lines of at most kPageWidth columns, the first behind `first`
// columns that are there already, the others behind `indent` blanks. What is longer stays whole.
[[nodiscard]] std::string wrapped(const std::string& text, std::size_t first, std::size_t indent);

// Makes --help of `app`, and of the subcommands added from here on, fit a page, and each usage
// error one line: "systole: error: ...", with the nearest right word.
void explain_usage(CLI::App& app);

}  // namespace systole::cli
