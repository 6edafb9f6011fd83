// systole measure cpu.
#pragma once

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace systole::cli {

// Adds the subcommand to `measure`.
void add_measure_cpu(CLI::App& measure, const std::string& command_line);

}  // namespace systole::cli
