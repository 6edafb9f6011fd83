// The command line as subcommands see it. A thin layer over CLI11, whose header takes seconds to
// compile wherever it is included: only command_line.cc and help.cc do.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace systole::cli {

// What is wrong with an option's text; nothing if it is right.
using Check = std::function<std::string(const std::string& text)>;

// An option or argument that was just added. Each function returns the option itself.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& check(const Check& check);
  Option& type_name(const std::string& name);  // what help calls the value

 private:
  CLI::Option* option_;
};

// The program or a subcommand; a copy stands for the same one.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  Command add_subcommand(const std::string& name, const std::string& text);
  void require_subcommand();
  [[nodiscard]] bool has_subcommand() const;  // on the command line that was read

  // `names` is "-o,--output", or of an argument without a name "MODEL". `value` is written when the
  // command line has been read, before the callback, and keeps what it holds if nothing is given.
  Option add_option(const std::string& names, std::string& value, const std::string& text);
  Option add_option(const std::string& names, int& value, const std::string& text);
  Option add_option(const std::string& names, std::int64_t& value, const std::string& text);
  Option add_option(const std::string& names, double& value, const std::string& text);
  Option add_option(const std::string& names, std::optional<std::int64_t>& value,
                    const std::string& text);
  // May be given several times, one value each.
  Option add_option(const std::string& names, std::vector<std::string>& values,
                    const std::string& text);
  Option add_option(const std::string& names, std::vector<int>& values, const std::string& text);
  void add_flag(const std::string& names, bool& value, const std::string& text);

  void footer(const std::string& text);  // below the options in help
  void callback(const std::function<void()>& run);

 private:
  CLI::App* app_;
};

// For callbacks, of what the command line lacks: a wrong usage, as a missing option is.
[[noreturn]] void throw_missing(const std::string& what);

// The whole command line.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& version, const std::string& text);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  [[nodiscard]] Command program();

  // Reads the words behind the program's name and runs the callback of the subcommand they name,
  // or prints help or the version. False if the usage is wrong, which has been said.
  [[nodiscard]] bool run(std::vector<std::string> words);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace systole::cli
