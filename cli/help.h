// Help and usage errors: how the command line explains itself.
#pragma once

namespace CLI {
class App;
class Error;
}  // namespace CLI

namespace systole::cli {

// Makes --help of `app`, and of the subcommands added from here on, fit a page, and each usage
// error one line: "systole: error: ...", with the nearest right word.
void explain_usage(CLI::App& app);

}  // namespace systole::cli
