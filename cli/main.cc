// systole: the only main(). Parses the command line, lets the subcommand run, and turns what went
// wrong into one line and an exit code: 0 done, 1 the input is wrong, 2 usage, 70 our bug.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "base/clean.h"
#include "base/diag.h"
#include "base/source.h"
#include "base/temporary_name.h"
#include "cli/command_line.h"
#include "cli/commands.h"

namespace systole::cli {
namespace {

enum ExitCode : int { kDone = 0, kBadInput = 1, kUsage = 2, kOurBug = 70 };

// The program, by its path if it was called by one, and its arguments as one line to paste.
std::string command_line(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    const bool by_path = i > 0 || std::string_view(argv[0]).find('/') != std::string_view::npos;
    const std::string argument = by_path ? argv[i] : "systole";
    line += (i == 0 ? "" : " ") + shell_word(argument);
  }
  return line;
}

ExitCode parse_and_run(int argc, char** argv) {
  CommandLine line("systole", fmt::format("systole {}", program_version()),
                   "Compiles a model for a TPU-style machine, runs it cycle by cycle and shows "
                   "where the cycles go.");
  Command program = line.program();
  program.require_subcommand();
  program.footer(
      "Example:\n  systole run mlp:784,512,10 --batch 200 --machine tpu_v1\n"
      "  systole run --help");
  const std::string typed = command_line(argc, argv);
  for (const AddCommand add : kCommands) add(program, typed);
  return line.run({argv + 1, argv + argc}) ? kDone : kUsage;
}

InputError output_error(const std::string& why) {
  return {"standard output", "cannot be written: " + why,
          "a file or pipe with room for the results"};
}

// Results that never reached standard output (a full disk behind it, say) are not a success.
void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw output_error(std::strerror(errno));
  }
}

// A descriptor that is closed would be that of the next file opened, and results, notes and errors
// would land in it. Standard output stays one that cannot be written.
bool open_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    const int how = descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", how) != descriptor) return false;
  }
  return true;
}

// Never throws: an error that standard error does not take is still an error.
ExitCode fail(ExitCode code, const std::string& text) {
  const std::string line = "systole: " + text + "\n";
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
  static_cast<void>(std::fflush(stderr));
  return code;
}

// The request was too large for this computer.
int not_enough_memory() {
  return fail(kBadInput,
              "error: not enough memory; expected fewer rows (--batch) or batches (--batches), or "
              "--timing-only, which computes no values");
}

int run_main(int argc, char** argv) {
  try {
    const int code = parse_and_run(argc, argv);
    flush_output();
    return code;
  } catch (const InputError& error) {
    return fail(kBadInput, fmt::format("error: {}", error.what()));
  } catch (const std::bad_alloc&) {
    return not_enough_memory();
  } catch (const std::length_error&) {  // more elements than a container can ever hold
    return not_enough_memory();
  } catch (const std::system_error& error) {  // the computer refused: a full disk, say
    if (std::ferror(stdout) != 0) {
      return fail(kBadInput, fmt::format("error: {}", output_error(error.code().message()).what()));
    }
    return fail(kBadInput, fmt::format("error: {}", clean_message(error.what())));
  } catch (const std::exception& error) {
    return fail(kOurBug, fmt::format("internal error: {}; please report it with the command line",
                                     clean_message(error.what())));
  }
}

}  // namespace
}  // namespace systole::cli

int main(int argc, char** argv) {
  if (!systole::cli::open_standard_descriptors()) return systole::cli::kBadInput;
  systole::remove_temporaries_on_signals();
  return systole::cli::run_main(argc, argv);
}
