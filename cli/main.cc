// systole: the only main(). Parses the command line, lets the subcommand run, and turns what went
// wrong into one line and an exit code: 0 done, 1 the input is wrong, 2 usage, 70 our bug.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "base/diag.h"
#include "cli/commands.h"

namespace systole::cli {
namespace {

enum ExitCode : int { kDone = 0, kBadInput = 1, kUsage = 2, kOurBug = 70 };

// The arguments as one line; those with blanks or shell characters are put in single quotes.
std::string command_line(int argc, char** argv) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  std::string line = "systole";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool plain = !argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos;
    line += plain ? " " + argument : " '" + argument + "'";
  }
  return line;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app(
      "Compiles a model for a TPU-style machine, runs it cycle by cycle and shows where "
      "the cycles go.",
      "systole");
  app.set_version_flag("--version", std::string("systole ") + SYSTOLE_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Example:\n  systole run mlp:784,512,10 --batch 200 --machine tpu_v1\n"
      "  systole run --help");
  const std::string line = command_line(argc, argv);
  for (const AddCommand add : kCommands) add(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return kDone;
}

// Results that never reached standard output (a full disk behind it, say) are not a success.
void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw InputError("standard output", std::string("cannot be written: ") + std::strerror(errno));
  }
}

int run_main(int argc, char** argv) {
  try {
    const int code = parse_and_run(argc, argv);
    flush_output();
    return code;
  } catch (const InputError& error) {
    fmt::print(stderr, "systole: error: {}\n", error.what());
    return kBadInput;
  } catch (const std::bad_alloc&) {  // the request was too large for this computer
    fmt::print(stderr, "systole: error: not enough memory; expected fewer rows or batches\n");
    return kBadInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "systole: internal error: {}; please report it with the command line\n",
               error.what());
    return kOurBug;
  }
}

}  // namespace
}  // namespace systole::cli

int main(int argc, char** argv) { return systole::cli::run_main(argc, argv); }
