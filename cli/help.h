// Help and usage errors: how the command line explains itself.
#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
class Error;
}  // namespace CLI

namespace systole::cli {

// Makes --help of `app`, and of the subcommands added from here on, fit a page, and each usage
// error one line: "systole: error: ...", with the nearest right word.
void explain_usage(CLI::App& app);

// What is wrong with an option's value, if that is what is wrong: bad input, not wrong usage.
[[nodiscard]] std::optional<std::string> bad_value(const CLI::App& app, const CLI::Error& error);

}  // namespace systole::cli
