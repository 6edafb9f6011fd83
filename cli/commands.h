// Subcommands: one file each, registered in the one list below.
//
// Each function adds its subcommand to `app`, with its options, help, example and callback. A
// callback throws InputError for what the user got wrong; main() turns that into exit code 1.
#pragma once

#include <array>
#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace systole::cli {

// `command_line` is the whole line the user typed, for hints and measurement files.
using AddCommand = void (*)(CLI::App& app, const std::string& command_line);

void add_run(CLI::App& app, const std::string& command_line);
void add_compile(CLI::App& app, const std::string& command_line);
void add_quantize(CLI::App& app, const std::string& command_line);
void add_compare(CLI::App& app, const std::string& command_line);
void add_measure(CLI::App& app, const std::string& command_line);
void add_asm(CLI::App& app, const std::string& command_line);
void add_disasm(CLI::App& app, const std::string& command_line);
void add_check(CLI::App& app, const std::string& command_line);
void add_machines(CLI::App& app, const std::string& command_line);
void add_validate(CLI::App& app, const std::string& command_line);
void add_models(CLI::App& app, const std::string& command_line);
void add_counters(CLI::App& app, const std::string& command_line);
void add_isa(CLI::App& app, const std::string& command_line);
void add_ops(CLI::App& app, const std::string& command_line);

// In the order of `systole --help`.
inline constexpr auto kCommands = std::to_array<AddCommand>({
    add_run,
    add_compile,
    add_quantize,
    add_compare,
    add_measure,
    add_asm,
    add_disasm,
    add_check,
    add_validate,
    add_machines,
    add_models,
    add_counters,
    add_isa,
    add_ops,
});

}  // namespace systole::cli
