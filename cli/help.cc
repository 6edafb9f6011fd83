// Help: CLI11's formatter with two columns that fit a page; footers are written to fit.
#include "cli/help.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "base/clean.h"
#include "base/page.h"
#include "isa/suggest.h"

namespace systole::cli {
namespace {

constexpr std::size_t kNames = 24;  // columns of the left side

// One option or command: its name, and beside or below it what it is for.
std::string entry(const std::string& name, const std::string& text) {
  std::string line = "  " + name;
  if (line.size() + 2 > kNames) {
    line = wrapped(line, 0, kNames) + "\n" + std::string(kNames, ' ');
  } else {
    line.resize(kNames, ' ');
  }
  return line + wrapped(text, kNames, kNames) + "\n";
}

class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    const std::string name = make_option_name(option, is_positional) + make_option_opts(option);
    return entry(name, make_option_desc(option));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return entry(command->get_name(), command->get_description());
  }
  std::string make_description(const CLI::App* app) const override {
    return wrapped(app->get_description(), 0, 0) + "\n";
  }
};

// The command that was being read: the last subcommand named.
const CLI::App* innermost(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::string full_name(const CLI::App* command) {
  const CLI::App* parent = command->get_parent();
  return parent == nullptr ? command->get_name() : full_name(parent) + " " + command->get_name();
}

std::vector<std::string> flags_of(const CLI::App* command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command->get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<std::string> commands_of(const CLI::App* command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : command->get_subcommands({})) names.push_back(sub->get_name());
  return names;
}

// What was not expected: a flag, a subcommand or one argument too many.
std::string unexpected(const CLI::App* command, const std::string& word) {
  if (word.starts_with('-')) {
    const std::string flag = word.substr(0, word.find('='));
    return fmt::format("unknown option '{}'{}", flag, isa::did_you_mean(flag, flags_of(command)));
  }
  const std::vector<std::string> commands = commands_of(command);
  if (commands.empty()) return fmt::format("unexpected argument '{}'", word);
  return fmt::format("unknown command '{}'{}", word, isa::did_you_mean(word, commands));
}

bool is(const CLI::Error& error, CLI::ExitCodes code) {
  return error.get_exit_code() == static_cast<int>(code);
}

// "; see `systole run --help`" behind what is wrong.
std::string with_help(const std::string& text, const CLI::App* command) {
  return fmt::format("{}; see `{} --help`", clean_message(text), full_name(command));
}

// The option that has more values than it takes; null if none has.
const CLI::Option* given_twice(const CLI::App* command) {
  for (const CLI::Option* option : command->get_options()) {
    const bool is_flag = option->get_expected_max() == 0;
    if (!is_flag && std::ssize(option->results()) > option->get_items_expected_max()) return option;
  }
  return nullptr;
}

// An option at the end of the line whose value is missing, in our words.
std::string without_value(const std::string& text) {
  const std::size_t colon = text.find(": ");
  constexpr std::string_view kRequired = " required ", kMissing = " missing";
  const std::size_t required = text.find(kRequired);
  if (colon == std::string::npos || required == std::string::npos || !text.ends_with(kMissing)) {
    return text;
  }
  const std::size_t begin = required + kRequired.size();
  return fmt::format("{} has no value; expected {}", text.substr(0, colon),
                     text.substr(begin, text.size() - kMissing.size() - begin));
}

std::string usage_error(const CLI::App* app, const CLI::Error& error) {
  const CLI::App* command = innermost(app);
  const std::vector<std::string> extras = app->remaining(true);
  // What is missing is missing because of a wrong word, if there is one.
  const bool wrong_word =
      is(error, CLI::ExitCodes::ExtrasError) || is(error, CLI::ExitCodes::RequiredError);
  const std::string text = wrong_word && !extras.empty() ? unexpected(command, extras.front())
                                                         : without_value(error.what());
  return "systole: error: " + with_help(text, command) + "\n";
}

}  // namespace

void explain_usage(CLI::App& app) {
  app.formatter(std::make_shared<HelpFormatter>());
  app.failure_message(usage_error);
  app.get_formatter()->column_width(kNames);
}

std::optional<std::string> bad_value(const CLI::App& app, const CLI::Error& error) {
  const CLI::App* command = innermost(&app);
  if (is(error, CLI::ExitCodes::ValidationError) || is(error, CLI::ExitCodes::ConversionError)) {
    return with_help(error.what(), command);
  }
  const CLI::Option* twice =
      is(error, CLI::ExitCodes::ArgumentMismatch) ? given_twice(command) : nullptr;
  if (twice == nullptr) return std::nullopt;
  return with_help(twice->get_name() + ": is given twice; expected one value", command);
}

}  // namespace systole::cli
