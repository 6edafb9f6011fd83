// Subcommands: one file each, registered in the one list below.
//
// Each function adds its subcommand to `app`, with its options, help, example and callback. A
// callback throws InputError for what the user got wrong; main() turns that into exit code 1.
#pragma once

#include <array>
#include <string>

#include "cli/command_line.h"

namespace systole::cli {

// `command_line` is the whole line the user typed, for hints and measurement files.
using AddCommand = void (*)(Command app, const std::string& command_line);

void add_run(Command app, const std::string& command_line);
void add_explain(Command app, const std::string& command_line);
void add_trace(Command app, const std::string& command_line);
void add_diff(Command app, const std::string& command_line);
void add_compile(Command app, const std::string& command_line);
void add_quantize(Command app, const std::string& command_line);
void add_compare(Command app, const std::string& command_line);
void add_measure(Command app, const std::string& command_line);
void add_asm(Command app, const std::string& command_line);
void add_disasm(Command app, const std::string& command_line);
void add_check(Command app, const std::string& command_line);
void add_machines(Command app, const std::string& command_line);
void add_validate(Command app, const std::string& command_line);
void add_models(Command app, const std::string& command_line);
void add_counters(Command app, const std::string& command_line);
void add_isa(Command app, const std::string& command_line);
void add_ops(Command app, const std::string& command_line);

// In the order of `systole --help`.
inline constexpr auto kCommands = std::to_array<AddCommand>({
    add_run,
    add_explain,
    add_trace,
    add_diff,
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
