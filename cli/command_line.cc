// See command_line.h.
#include "cli/command_line.h"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string_view>
#include <utility>

#include "base/diag.h"
#include "cli/help.h"
#include "isa/suggest.h"

namespace systole::cli {
namespace {

std::vector<CLI::App*> subcommands(CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// No option or argument of any subcommand means something when it is empty.
void refuse_empty_values(CLI::App& app) {
  for (CLI::App* command : subcommands(app)) {
    for (CLI::Option* option : command->get_options()) {
      option->check([](const std::string& text) { return text.empty() ? "is empty" : ""; });
    }
  }
}

// Throws CLI::ParseError naming the first argument if it should be a subcommand and is none; the
// parser itself only says that one is missing.
void check_subcommand(CLI::App& app, std::string_view word) {
  std::vector<std::string> known;
  for (const CLI::App* command : subcommands(app)) {
    if (word == command->get_name()) return;
    known.push_back(command->get_name());
  }
  throw CLI::ParseError(fmt::format("'{}' is no command{}; expected one of {}", word,
                                    isa::did_you_mean(word, known), fmt::join(known, ", ")),
                        CLI::ExitCodes::ExtrasError);
}

}  // namespace

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::check(const Check& check) {
  option_->check(check);
  return *this;
}

Option& Option::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Command Command::add_subcommand(const std::string& name, const std::string& text) {
  return Command(app_->add_subcommand(name, text));
}

void Command::require_subcommand() { app_->require_subcommand(1); }

bool Command::has_subcommand() const { return !app_->get_subcommands().empty(); }

Option Command::add_option(const std::string& names, std::string& value, const std::string& text) {
  return Option(app_->add_option(names, value, text));
}

Option Command::add_option(const std::string& names, int& value, const std::string& text) {
  return Option(app_->add_option(names, value, text));
}

Option Command::add_option(const std::string& names, std::int64_t& value, const std::string& text) {
  return Option(app_->add_option(names, value, text));
}

Option Command::add_option(const std::string& names, double& value, const std::string& text) {
  return Option(app_->add_option(names, value, text));
}

Option Command::add_option(const std::string& names, std::optional<std::int64_t>& value,
                           const std::string& text) {
  return Option(app_->add_option(names, value, text));
}

Option Command::add_option(const std::string& names, std::vector<std::string>& values,
                           const std::string& text) {
  return Option(app_->add_option(names, values, text)->allow_extra_args(false));
}

Option Command::add_option(const std::string& names, std::vector<int>& values,
                           const std::string& text) {
  return Option(app_->add_option(names, values, text)->allow_extra_args(false));
}

void Command::add_flag(const std::string& names, bool& value, const std::string& text) {
  app_->add_flag(names, value, text);
}

void Command::footer(const std::string& text) { app_->footer(text); }

void Command::callback(const std::function<void()>& run) { app_->callback(run); }

void throw_missing(const std::string& what) { throw CLI::RequiredError(what); }

CommandLine::CommandLine(const std::string& name, const std::string& version,
                         const std::string& text)
    : app_(std::make_unique<CLI::App>(text, name)) {
  app_->set_version_flag("--version", version);
  explain_usage(*app_);
}

CommandLine::~CommandLine() = default;

Command CommandLine::program() { return Command(app_.get()); }

bool CommandLine::run(std::vector<std::string> words) {
  refuse_empty_values(*app_);
  if (!words.empty() && words.front() == "help") {  // `help run` as people type `run --help`
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  try {
    if (!words.empty() && !words.front().starts_with('-')) check_subcommand(*app_, words.front());
    std::ranges::reverse(words);  // as CLI11 takes them
    app_->parse(words);
  } catch (const CLI::ParseError& error) {
    if (auto wrong = bad_value(*app_, error)) throw InputError("", std::move(*wrong));
    return app_->exit(error) == 0;
  }
  return true;
}

}  // namespace systole::cli
